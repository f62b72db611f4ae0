#!/bin/sh
# Builds the embedded guests, and the first program of a root directory, into guests/prebuilt, or with --check only compares them with what is there.
# Needs GNU toolchains for aarch64 and for 32-bit arm; CROSS and CROSS32 name their prefixes (default
# aarch64-linux-gnu- and arm-linux-gnueabihf-).
set -eu
cd "$(dirname "$0")"
cross=${CROSS:-aarch64-linux-gnu-}
cross32=${CROSS32:-arm-linux-gnueabihf-}
out=prebuilt
case "${1:-}" in
    '') ;;
    --check) out=$(mktemp -d) ;;
    *) echo "usage: $0 [--check]" >&2; exit 2 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"; [ "$out" = prebuilt ] || rm -rf "$out"' EXIT

flags='-nostdlib -static -ffreestanding -Wl,--build-id=none -Wl,--gc-sections -Wl,-z,max-page-size=4096'
status=0
compare() { # what was just built with what is there
    [ "$out" = prebuilt ] || cmp "$out/$1.bin" "prebuilt/$1.bin" || status=1
}
for name in hello timer data-abort insn-abort sysreg wfi el0; do
    # The GIC set-up is linked to all; --gc-sections drops it where nobody calls it.
    # shellcheck disable=SC2086
    "${cross}gcc" -march=armv8-a $flags -T guest.ld -o "$work/$name.elf" "$name.S" lib.S gic.S
    "${cross}objcopy" -O binary "$work/$name.elf" "$out/$name.bin"
    chmod 644 "$out/$name.bin"
    compare "$name"
done
for guest in hvio:arm hvio:thumb psci-off:arm psci-off:thumb; do
    source=${guest%:*} set=${guest#*:}
    name=$source
    [ "$set" = arm ] || name=$source-$set
    # Nothing is compiled here, so binutils will do.
    printf '.%s\n.include "%s.S"\n' "$set" "$source" | "${cross32}as" -o "$work/$name.o" -
    "${cross32}ld" --build-id=none -z max-page-size=4096 -T hvio.ld -o "$work/$name.elf" "$work/$name.o"
    "${cross32}objcopy" -O binary "$work/$name.elf" "$out/$name.bin"
    chmod 644 "$out/$name.bin"
    compare "$name"
done
for name in init init32; do
    # Programs for Linux, which any page size must suit.
    [ $name = init ] && tools=$cross || tools=$cross32
    "${tools}as" -o "$work/$name.o" "$name.S"
    "${tools}ld" -s --build-id=none -z max-page-size=65536 -z noexecstack -o "$out/$name.bin" "$work/$name.o"
    chmod 644 "$out/$name.bin"
    compare "$name"
done
[ "$status" = 0 ] || echo "guests/prebuilt is not what the sources give: run guests/build.sh" >&2
exit "$status"
