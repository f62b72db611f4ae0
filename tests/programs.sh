#!/bin/sh
# Fetches Debian 12's arm64 or armhf programs that tests and benchmarks run in a guest, each group of them with all that
# it depends on, as a root tree of its own. Private apt state: nothing on the host changes and no root is needed.
# Usage: programs.sh DIR [arm64|armhf]
# Leaves in DIR: a directory for each group, and GROUP.packages, the packages in it with their versions.
set -eu
usage="usage: programs.sh DIR [arm64|armhf]"
out=${1:?$usage}
arch=${2:-arm64}
case $arch in
    arm64) triple=aarch64-linux-gnu ;;
    armhf) triple=arm-linux-gnueabihf ;;
    *) echo "$usage" >&2; exit 2 ;;
esac
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "needs apt-get and dpkg-deb (a Debian host)" >&2; exit 3; }

groups='shell tools python perl gcc povray node java'
packages_of() {
    case $1 in
        shell) echo bash busybox ;;
        tools) echo 7zip zstd xz-utils openssl sqlite3 lame flac x265 vpx-tools luajit ;;
        python) echo python3 libpython3.11-testsuite ;;
        perl) echo perl ;;
        gcc) echo gcc-12 libc6-dev ;;
        povray) echo povray ;;
        node) echo nodejs ;;
        java) echo openjdk-17-jre-headless ;;
    esac
}
# Packages that only the installation of others needs: no program here starts or loads them.
unneeded='^(debconf|dpkg|tar|perl-base|perl-modules-5.36|libperl5.36|util-linux.*|coreutils|ca-certificates.*|sensible-utils|media-types|tzdata|ucf|fonts-.*|java-common|gcc-12-base|libgdbm.*|mount|passwd|login|.*-dbg|libpam.*|libsystemd-shared|init-system-helpers)_'

mkdir -p "$out"
out=$(cd "$out" && pwd)
stamp=$(cksum <"$0")
[ "$(cat "$out/complete" 2>/dev/null)" = "$stamp" ] && exit 0
work=$out/work
rm -rf "$work" "$out/complete"
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
: >"$work/status"
apt() {
    apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State="$work/state" \
        -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o Debug::NoLocking=1 \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 -o Acquire::Languages=none \
        -o APT::Install-Recommends=false "$@"
}
unpack() { # group: its packages into a tree
    tree=$out/$1
    rm -rf "$tree"
    mkdir -p "$tree"
    skip=$unneeded
    [ "$1" = perl ] && skip='^(dpkg|tar)_'
    awk '{ print $2 }' "$work/$1.uris" | grep -Ev "$skip" | sort >"$out/$1.packages"
    while read -r deb; do dpkg-deb -x "$work/cache/archives/$deb" "$tree"; done <"$out/$1.packages"
    prune "$tree"
}
prune() { # tree: what no program here reads
    (
        cd "$1"
        rm -rf usr/share/doc usr/share/man usr/share/info usr/share/locale usr/share/lintian usr/share/bug usr/share/icons \
            usr/share/i18n usr/share/X11 usr/share/common-licenses usr/share/zoneinfo usr/lib/systemd lib/systemd \
            usr/lib/$triple/gconv usr/lib/$triple/perl-base usr/lib/gcc/$triple/12/lto* \
            usr/lib/gcc/$triple/12/*san* usr/lib/$triple/lib*san.so* \
            usr/lib/jvm/*/lib/server/classes*.jsa usr/lib/jvm/*/lib/ct.sym usr/share/povray*/scenes var \
            usr/bin/$triple-lto-dump-12 usr/bin/$triple-dwp usr/bin/$triple-ld.gold \
            usr/lib/$triple/perl/*/CORE usr/bin/perl5.36.0 usr/lib/$triple/perl/*/auto/Encode/??
        find . -name '*.a' ! -name 'libc*.a' ! -name 'libm*.a' ! -name 'libgcc*.a' -delete
        find . -name __pycache__ -prune -exec rm -rf {} +
        # A link must stay within the tree: the emulator of programs would follow it into the host's.
        find . -lname '/*' | while read -r link; do ln -sfnr ".$(readlink "$link")" "$link"; done
        # Of Python's tests, those that are run and what they import.
        tests=usr/lib/python3.11/test
        [ ! -d $tests ] || find $tests -mindepth 1 -maxdepth 1 ! -name 'support' ! -name 'libregrtest' ! -name '__*' \
            ! -name 'regrtest.py' ! -name 'math_testcases.txt' ! -name 'mathdata' ! -name 're_tests.py' ! -name 'lock_tests.py' \
            ! -name 'cmath_testcases.txt' ! -name 'ieee754.txt' ! -name 'test_math.py' ! -name 'test_struct.py' ! -name 'test_re.py' \
            ! -name 'test_threading.py' ! -name 'test_float.py' ! -name 'formatfloat_testcases.txt' ! -name 'floating_points.txt' \
            ! -name 'test_grammar.py' ! -name 'ann_module*' ! -name 'typinganndata' ! -name 'test_cmath.py' ! -name 'test_long.py' ! -name 'test_decimal.py' ! -name 'decimaltestdata' \
            -exec rm -rf {} +
    )
}

# One list that a mirror is just renewing must not be the end: without any, the installations below fail.
apt update || echo "some package lists could not be fetched; going on without them" >&2
all=
for group in $groups; do
    apt install --print-uris $(packages_of "$group") >"$work/$group.uris"
    all="$all $(packages_of "$group")"
done
apt install --download-only -y $all >&2
for group in $groups; do unpack "$group"; done
rm -rf "$work"
echo "$stamp" >"$out/complete"
