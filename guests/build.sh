#!/bin/sh
# Builds the embedded guests into guests/prebuilt, or with --check only compares them with what is there.
# Needs an aarch64 GNU toolchain; CROSS names its prefix (default aarch64-linux-gnu-).
set -eu
cd "$(dirname "$0")"
cross=${CROSS:-aarch64-linux-gnu-}
out=prebuilt
case "${1:-}" in
    '') ;;
    --check) out=$(mktemp -d) ;;
    *) echo "usage: $0 [--check]" >&2; exit 2 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"; [ "$out" = prebuilt ] || rm -rf "$out"' EXIT

flags='-march=armv8-a -nostdlib -static -ffreestanding -Wl,--build-id=none -Wl,--gc-sections -Wl,-z,max-page-size=4096'
status=0
for name in hello timer data-abort insn-abort sysreg wfi el0; do
    # The GIC set-up is linked to all; --gc-sections drops it where nobody calls it.
    # shellcheck disable=SC2086
    "${cross}gcc" $flags -T guest.ld -o "$work/$name.elf" "$name.S" lib.S gic.S
    "${cross}objcopy" -O binary "$work/$name.elf" "$out/$name.bin"
    chmod 644 "$out/$name.bin"
    if [ "$out" != prebuilt ] && ! cmp "$out/$name.bin" "prebuilt/$name.bin"; then
        status=1
    fi
done
[ "$status" = 0 ] || echo "guests/prebuilt is not what the sources give: run guests/build.sh" >&2
exit "$status"
