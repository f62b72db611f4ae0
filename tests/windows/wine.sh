#!/usr/bin/env bash
# Runs a program for Windows: tests/windows/wine.sh x64|arm64 PROGRAM ARGUMENTS...
# x64 takes Debian's wine64. arm64 takes a Debian tree with wine for arm64, made here once, under qemu-aarch64 with
# a private registration of binfmt_misc (Linux 6.7 or later). Both of wine 8, which lacks the DLL that Rust's standard
# library takes random numbers from: a shim stands in.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd_from=$PWD
root=$(cd "$here/../.." && pwd)
tools=${ARMLET_WINDOWS:-$root/target/windows/tools}
arch=$1
shift

case $arch in
    x64)
        wine=/usr/lib/wine/wine64
        [ -x $wine ] || { echo "$0: no $wine; apt-get install wine64" >&2; exit 1; }
        shims=$("$here/shim.sh" x64)
        export WINEPREFIX=$tools/prefix-x64 WINEDEBUG=${WINEDEBUG:--all} WINEDLLOVERRIDES=mscoree,mshtml=
        (
            flock 9
            [ -d "$WINEPREFIX/drive_c/windows/system32" ] || $wine wineboot -i >/dev/null 2>&1
        ) 9>"$tools/prefix-x64.lock"
        WINEPATH=Z:$(echo "$shims" | tr / '\\')
        export WINEPATH
        exec $wine "$@"
        ;;
    arm64)
        shims=$("$here/shim.sh" arm64)
        "$here/arm64-tree.sh" "$tools/arm64" >&2
        exec "$here/in-tree.sh" "$tools/arm64" "$shims" "$cd_from" "$@"
        ;;
esac
