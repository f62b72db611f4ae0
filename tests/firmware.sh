#!/bin/sh
# Fetches the firmware that tests boot, as Debian packages, with a private apt state: nothing on the host changes and no
# root is needed. Usage: firmware.sh DIR [firmware|installer]
# Leaves in DIR what the packages have, unpacked: U-Boot and EDK2 with GRUB, or Debian's installer for booting from a network.
set -eu
usage="usage: firmware.sh DIR [firmware|installer]"
out=${1:?$usage}
what=${2:-firmware}
case $what in
    firmware) packages="u-boot-qemu qemu-efi-aarch64 qemu-efi-arm grub-efi-arm64-bin" ;;
    installer) packages="debian-installer-12-netboot-arm64" ;;
    *) echo "$usage" >&2; exit 2 ;;
esac
mkdir -p "$out"
out=$(cd "$out" && pwd)
[ -f "$out/complete" ] && exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "needs apt-get and dpkg-deb (a Debian host)" >&2; exit 3; }
work=$out/work
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
: > "$work/status"
apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$work/state" \
        -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o Debug::NoLocking=1 \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}
# One list that a mirror is just renewing must not be the end: without any, the downloads below fail.
apt update || echo "some package lists could not be fetched; going on without them" >&2
cd "$work"
for package in $packages; do apt download "$package" >&2; done
for deb in ./*.deb; do dpkg-deb -x "$deb" "$out"; done
rm -rf "$work" "$out/usr/share/doc"
touch "$out/complete"
