#!/bin/sh
# Fetches the real guests that tests and benchmarks boot, as Debian packages, with a private apt state:
# nothing on the host changes and no root is needed. Usage: payloads.sh DIR
# Leaves in DIR: vmlinuz (linux-image-arm64), vmlinuz-cloud (linux-image-cloud-arm64), busybox (static, arm64).
set -eu
out=${1:?usage: payloads.sh DIR}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "needs apt-get and dpkg-deb (a Debian host)" >&2; exit 3; }
mkdir -p "$out"
out=$(cd "$out" && pwd)
[ -f "$out/complete" ] && exit 0
work=$out/work
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/x"
: > "$work/status"
apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$work/state" \
        -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o Debug::NoLocking=1 \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}
newest() { # the versioned package that a meta package depends on
    apt-cache -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$work/state" \
        -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" depends "$1" | sed -n 's/^ *Depends: \(linux-image[^:]*\).*/\1/p' | head -n 1
}
apt update
cd "$work"
for package in "$(newest linux-image-arm64)" "$(newest linux-image-cloud-arm64)" busybox-static; do
    apt download "$package" >&2
done
for deb in ./*.deb; do dpkg-deb -x "$deb" x; done
cp x/boot/vmlinuz-*-cloud-arm64 "$out/vmlinuz-cloud"
for image in x/boot/vmlinuz-*-arm64; do
    case $image in *-cloud-arm64) ;; *) cp "$image" "$out/vmlinuz" ;; esac
done
cp x/bin/busybox "$out/busybox"
rm -rf "$work"
touch "$out/complete"
