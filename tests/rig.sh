#!/bin/sh
# Fetches what the KVM rig can take beside the guests of payloads.sh, as Debian packages, with a private apt state:
# nothing on the host changes and no root is needed. Usage: rig.sh DIR backports|bullseye|qemu
# Leaves in DIR:
#   backports  vmlinuz: the arm64 cloud kernel of Debian 12's backports, 6.4 or newer (SMCCC filter)
#   bullseye   vmlinuz: that of Debian 11, 5.10, the oldest that armlet is for
#   qemu       a root tree with qemu-system-aarch64 for arm64 (backports), to compare with on the same host
set -eu
usage="usage: rig.sh DIR backports|bullseye|qemu"
out=${1:?$usage}
what=${2:?$usage}
case $what in backports | bullseye | qemu) ;; *) echo "$usage" >&2; exit 2 ;; esac
mkdir -p "$out"
out=$(cd "$out" && pwd)
[ -f "$out/complete" ] && exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "needs apt-get and dpkg-deb (a Debian host)" >&2; exit 3; }

# The mirror that this host takes Debian from.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | head -n 1)
mirror=${mirror:-http://deb.debian.org/debian}
work=$out/work
rm -rf "$work"
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/parts"
: >"$work/status"
case $what in
    bullseye) suites=bullseye release=bullseye ;;
    *) suites="bookworm bookworm-backports" release=bookworm-backports ;;
esac
for suite in $suites; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg check-valid-until=no] $mirror $suite main"
done >"$work/sources"
settings="-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State=$work/state -o Dir::State::status=$work/status
    -o Dir::Cache=$work/cache -o Dir::Etc::sourcelist=$work/sources -o Dir::Etc::sourceparts=$work/parts
    -o Dir::Etc::preferencesparts=$work/parts -o Debug::NoLocking=1 -o APT::Sandbox::User=$(id -un) -o Acquire::Retries=3
    -o Acquire::Languages=none -o APT::Install-Recommends=false -o APT::Default-Release=$release"
# shellcheck disable=SC2086
apt() { apt-get -qq $settings "$@"; }

apt update
cd "$work"
if [ "$what" = qemu ]; then
    apt install --print-uris qemu-system-arm >uris
    apt install --download-only -y qemu-system-arm >&2
    mkdir tree
    # Firmware, documents and what only the installation of others needs stay out.
    awk '{ print $2 }' uris | grep -Ev '^(qemu-system-data|ipxe-qemu|seabios|debconf|dpkg|tar|perl.*|adduser|passwd|tzdata|libpam.*)_' |
        while read -r deb; do dpkg-deb -x "cache/archives/$deb" tree; done
    (cd tree && rm -rf usr/share var etc lib/systemd usr/lib/systemd usr/lib/aarch64-linux-gnu/gconv usr/bin/qemu-system-arm)
    rm -rf "$out/tree"
    mv tree "$out/tree"
else
    # shellcheck disable=SC2086
    image=$(apt-cache $settings depends linux-image-cloud-arm64 | sed -n 's/^ *Depends: \(linux-image[^:]*\).*/\1/p' | head -n 1)
    apt download "$image" >&2
    dpkg-deb -x ./linux-image*.deb x
    cp x/boot/vmlinuz-* "$out/vmlinuz"
fi
cd "$out"
rm -rf "$work"
touch "$out/complete"
