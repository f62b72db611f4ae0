#!/bin/sh
# Fetches the real guests that tests and benchmarks boot, as Debian packages, with a private apt state:
# nothing on the host changes and no root is needed. Usage: payloads.sh DIR [arm64|armhf]
# Leaves in DIR, for arm64: vmlinuz (linux-image-arm64), vmlinuz-cloud (linux-image-cloud-arm64), busybox (static);
# for armhf: vmlinuz (linux-image-armmp), vmlinuz-lpae (linux-image-armmp-lpae), busybox (static). And for each kernel the
# modules that a virtio disk with ext4 takes, numbered in the order in which they load: modules, modules-cloud, modules-lpae.
# What a network card takes beside those is in modules-net, modules-cloud-net and modules-lpae-net.
# What else the kernels have for virtio devices is in modules-more and modules-lpae-more; the cloud kernel has no 9p.
# What virtio over PCI takes beside those is in modules-pci, modules-cloud-pci and modules-lpae-pci.
set -eu
usage="usage: payloads.sh DIR [arm64|armhf]"
out=${1:?$usage}
arch=${2:-arm64}
case $arch in
    arm64) metas="linux-image-arm64 linux-image-cloud-arm64" ;;
    armhf) metas="linux-image-armmp linux-image-armmp-lpae" ;;
    *) echo "$usage" >&2; exit 2 ;;
esac
mkdir -p "$out"
out=$(cd "$out" && pwd)
have() { # all of these folders of modules
    for what in "$@"; do [ -d "$out/$what" ] || return 1; done
}
[ -f "$out/complete" ] && have modules modules-more modules-pci modules-net && exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "needs apt-get and dpkg-deb (a Debian host)" >&2; exit 3; }
work=$out/work
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/x"
: > "$work/status"
apt() {
    apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State="$work/state" \
        -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o Debug::NoLocking=1 \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}
newest() { # the versioned package that a meta package depends on
    apt-cache -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State="$work/state" \
        -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" depends "$1" | sed -n 's/^ *Depends: \(linux-image[^:]*\).*/\1/p' | head -n 1
}
# One list that a mirror is just renewing must not be the end: without any, the downloads below fail.
apt update || echo "some package lists could not be fetched; going on without them" >&2
cd "$work"
for meta in $metas; do apt download "$(newest "$meta")" >&2; done
apt download busybox-static >&2
for deb in ./*.deb; do dpkg-deb -x "$deb" x; done
for image in x/boot/vmlinuz-*; do
    case $image in
        *-cloud-arm64) cp "$image" "$out/vmlinuz-cloud" ;;
        *-armmp-lpae) cp "$image" "$out/vmlinuz-lpae" ;;
        *) cp "$image" "$out/vmlinuz" ;;
    esac
done
take() { # a folder, and the modules that go there; what a kernel has built in is no file
    to=$1
    shift
    mkdir -p "$to"
    number=10
    for name in "$@"; do
        find "$kernel" -name "$name.ko" -exec cp {} "$to/$number-$name.ko" \;
        number=$((number + 1))
    done
}
for kernel in x/lib/modules/*/kernel; do
    case $kernel in
        *-cloud-arm64/*) modules=$out/modules-cloud ;;
        *-armmp-lpae/*) modules=$out/modules-lpae ;;
        *) modules=$out/modules ;;
    esac
    take "$modules" virtio_ring virtio virtio_mmio virtio_blk virtio-rng crc32c_generic mbcache crc16 jbd2 ext4
    take "$modules-net" failover net_failover virtio_net
    take "$modules-more" netfs fscache 9pnet 9pnet_virtio 9p vsock vmw_vsock_virtio_transport_common \
        vmw_vsock_virtio_transport virtio_balloon virtio_console
    take "$modules-pci" virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci
done
cp x/bin/busybox "$out/busybox"
rm -rf "$work"
touch "$out/complete"
