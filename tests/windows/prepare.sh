#!/usr/bin/env bash
# Makes what tests of armlet on Windows need (tests/kit/src/windows.rs) and names it, a path a line: the programs for x64 and
# for ARM64, the stand-in for the platform, the shim that wine lacks, a tree with wine for arm64, and a file system of
# that. --check only says what is missing, with status 3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=$(cd "$here/../.." && pwd)/target/windows
tools=${ARMLET_WINDOWS:-$target/tools}

missing=()
needs() { [ -e "$1" ] || missing+=("$2"); }
needs /usr/bin/rustc rustc-web
needs /usr/bin/cargo cargo-web
needs /usr/lib/rustlib/src/rust/library rust-web-src
needs /usr/lib/wine/wine64 wine64
needs /usr/bin/mmdebstrap mmdebstrap
needs /usr/lib/binfmt.d/qemu-aarch64.conf qemu-user-static
command -v mke2fs >/dev/null || [ -x /sbin/mke2fs ] || missing+=(e2fsprogs)
if [ ${#missing[@]} -gt 0 ]; then
    echo "prepare.sh: no ${missing[*]}; apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 3
fi
[ "${1:-}" != --check ] || exit 0

# In one go, so that both are built of the same libraries.
"$here/cargo.sh" both build --quiet -p armlet -p armlet-winhv-dll
shim=$("$here/shim.sh" arm64)
"$here/arm64-tree.sh" "$tools/arm64" >&2
image=$tools/arm64.ext4
if ! [ "$image" -nt "$tools/arm64/complete" ]; then
    # Everything in it is root's, whoever made the tree: wine wants a prefix of its user's. Root itself may read more as it is.
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(unshare --map-root-user)
    PATH=$PATH:/sbin "${as_root[@]}" mke2fs -q -F -t ext4 -d "$tools/arm64" "$image.new" 700M >&2
    mv "$image.new" "$image"
fi
printf '%s\n' "$target/x86_64-pc-windows-gnullvm/debug/armlet.exe" \
    "$target/aarch64-pc-windows-gnullvm/debug/"{armlet.exe,WinHvPlatform.dll} \
    "$shim/bcryptprimitives.dll" "$tools/arm64" "$image"
