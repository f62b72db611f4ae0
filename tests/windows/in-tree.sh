#!/usr/bin/env bash
# Runs a program for Windows on Arm by the wine of a tree: in-tree.sh TREE SHIMS FOLDER PROGRAM ARGUMENTS..., FOLDER being the
# current one. binfmt_misc is registered in a namespace of its own; the source tree and /tmp are where they are outside.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
exec unshare --kill-child=SIGKILL -Urmpf --propagation private bash -c '
    root=$1 tree=$2 shims=$3 folder=$4
    shift 4
    mount -t proc proc /proc && mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 90
    cat /usr/lib/binfmt.d/qemu-aarch64.conf > /proc/sys/fs/binfmt_misc/register
    mkdir -p "$tree$root" "$tree/mnt"
    mount --rbind /dev "$tree/dev"
    mount -t proc proc "$tree/proc"
    mount --rbind "$root" "$tree$root"
    mount --rbind "$shims" "$tree/mnt"
    mount --rbind /tmp "$tree/tmp"
    # A wine server of its own for each run: one of another namespace would be asked about processes it can not see.
    mkdir -p -m 700 "$tree/tmp/.wine-0"
    mount -t tmpfs -o mode=700 tmpfs "$tree/tmp/.wine-0"
    exec /usr/sbin/chroot "$tree" /bin/busybox env -i HOME=/root PATH=/usr/bin:/bin RUST_BACKTRACE="${RUST_BACKTRACE:-}" WINEPREFIX=/root/p \
        WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml= "WINEPATH=Z:\\mnt" \
        /bin/busybox sh -c "cd \"\$1\" 2>/dev/null || cd /; shift; exec /usr/lib/wine/wine64 \"\$@\"" sh "$folder" "$@"
' sh "$root" "$1" "$2" "$3" "${@:4}"
