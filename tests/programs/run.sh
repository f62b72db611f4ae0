#!/bin/sh
# Runs one case in the current directory, which is empty: run.sh NAME. The same script runs in the guest, where the programs
# are at home, and on the host, where ROOT is the tree they lie in and EMULATOR what executes them. ARCH is Debian's name
# of what they are made for.
# A case, NAME.sh, defines `prepare` (not timed) and `work`, and starts programs with `run`. What it prints must be the same
# everywhere. With CLOCK, a command that prints nanoseconds, the time of `work` is left in the file TIME.
set -eu
export LC_ALL=C TZ=UTC HOME=/tmp
here=${0%/*}
ROOT=${ROOT:-}
ARCH=${ARCH:-arm64}
case $ARCH in
    arm64) triple=aarch64-linux-gnu ;;
    armhf) triple=arm-linux-gnueabihf ;;
esac
libs=$ROOT/usr/lib/$triple
libc=$ROOT/lib/$triple/libc.so.6
run() {
    program=$1
    shift
    ${EMULATOR:-} "$ROOT$program" "$@"
}
prepare() { :; }
. "$here/$1.sh"
prepare
[ -z "${CLOCK:-}" ] || start=$($CLOCK)
work
[ -z "${CLOCK:-}" ] || echo $(($($CLOCK) - start)) >"$TIME"
