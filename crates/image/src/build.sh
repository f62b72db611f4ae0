#!/bin/sh
# The first process of the guest that builds an image: makes a file system on /dev/vda and installs the packages of
# /dev/vdb there. Lines that begin with @@ are for armlet; all else is for whoever asks why it failed.
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
# A module may need one that comes later.
for round in 1 2 3; do
    for module in /modules/*.ko; do insmod "$module" 2>/dev/null && rm "$module"; done
done

stage() {
    read -r uptime rest </proc/uptime
    echo "after $uptime s:"
    echo "@@ stage $1"
}
failed() {
    echo "@@ failed: $1"
    poweroff -f
    sleep 1000
}
# By its path: busybox would take a program of its own for a name.
inside() {
    chroot /mnt /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true SYSTEMD_OFFLINE=1 "$@"
}

[ -b /dev/vda ] && [ -b /dev/vdb ] || failed "the kernel finds no disks"
stage "a file system"
/sbin/mke2fs -q -F -t ext4 -L root -m 1 -J size=64 /dev/vda || failed "mke2fs"
# Until it is finished the image is worth nothing: no barriers.
mount -t ext4 -o nobarrier,noinit_itable /dev/vda /mnt || failed "mounting the new file system"
mount -t vfat -o ro,shortname=lower /dev/vdb /seed || failed "mounting the packages"

stage "essential packages"
for dir in bin lib sbin; do
    mkdir -p "/mnt/usr/$dir"
    ln -s "usr/$dir" "/mnt/$dir"
done
for package in /seed/ess/*.deb; do
    ar p "$package" data.tar | tar x -C /mnt || failed "unpacking $package"
done
mkdir -p /mnt/var/lib/dpkg/info /mnt/var/lib/dpkg/updates /mnt/dev /mnt/proc /mnt/sys /mnt/run /mnt/tmp /mnt/mnt
: >/mnt/var/lib/dpkg/status
cp /seed/etc/hostname /mnt/etc/hostname
printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\t\tlocalhost ip6-localhost ip6-loopback\n' "$(cat /seed/etc/hostname)" >/mnt/etc/hosts
printf 'LABEL=root\t/\text4\terrors=remount-ro\t0\t1\n' >/mnt/etc/fstab
mount -t devtmpfs dev /mnt/dev
mount -t proc proc /mnt/proc
mount -t sysfs sysfs /mnt/sys
mount -t tmpfs run /mnt/run
mount -t tmpfs tmp /mnt/tmp
mount -o bind /seed /mnt/mnt
# Nothing is started in there.
mkdir -p /mnt/usr/sbin
printf '#!/bin/sh\nexit 101\n' >/mnt/usr/sbin/policy-rc.d
chmod 755 /mnt/usr/sbin/policy-rc.d
dpkg="dpkg --force-depends --force-unsafe-io --force-confold --force-confdef"
inside sh -c "$dpkg --install /mnt/ess/*.deb" || inside $dpkg --configure -a || failed "installing the essential packages"
stage "packages"
inside sh -c "$dpkg --unpack /mnt/pkg/*.deb" || failed "unpacking the packages"
stage "configuration"
# The kernel's ramdisk is made once, when all that has a part in it is there.
inside env INITRD=No $dpkg --configure -a || failed "configuring the packages"

stage "a ramdisk for its kernel"
# Fast to make and to unpack counts for more than a few megabytes, and no other machine will ever start it.
printf 'COMPRESS=zstd\nCOMPRESSLEVEL=1\nMODULES=list\n' >/mnt/etc/initramfs-tools/conf.d/armlet
printf '%s\n' virtio_mmio virtio_pci virtio_blk crc32c_generic ext4 >>/mnt/etc/initramfs-tools/modules
inside update-initramfs -c -k all || failed "making the ramdisk"
[ -e /mnt/initrd.img ] || ln -s "$(cd /mnt && ls boot/initrd.img-* | tail -n 1)" /mnt/initrd.img
[ -e /mnt/vmlinuz ] || ln -s "$(cd /mnt && ls boot/vmlinuz-* | tail -n 1)" /mnt/vmlinuz

stage "finishing"
# On the console root needs no password. ssh takes none that is empty.
inside passwd -d root >/dev/null || failed "root's password"
if [ -s /seed/etc/authorized_keys ]; then
    mkdir -p -m 700 /mnt/root/.ssh
    cp /seed/etc/authorized_keys /mnt/root/.ssh/authorized_keys
    chmod 600 /mnt/root/.ssh/authorized_keys
fi
cp /seed/etc/sources.list /mnt/etc/apt/sources.list
if [ -e /mnt/lib/systemd/system/systemd-networkd.service ] && [ -e /mnt/lib/systemd/systemd-resolved ]; then
    printf '[Match]\nType=ether\n\n[Network]\nDHCP=yes\n' >/mnt/etc/systemd/network/80-ethernet.network
    inside systemctl enable systemd-networkd systemd-resolved || failed "enabling the network"
fi
cp /seed/etc/first-boot /mnt/usr/local/sbin/armlet-first-boot
chmod 755 /mnt/usr/local/sbin/armlet-first-boot
cp /seed/etc/first-boot.service /mnt/etc/systemd/system/armlet-first-boot.service
cp /seed/etc/power-button.service /mnt/etc/systemd/system/armlet-power-button.service
inside systemctl enable armlet-first-boot armlet-power-button || failed "enabling services"
# cloud-init would ask the network for its data, service by service, and wait for each.
if [ -d /mnt/etc/cloud/cloud.cfg.d ]; then
    echo 'datasource_list: [NoCloud, None]' >/mnt/etc/cloud/cloud.cfg.d/99-armlet.cfg
fi
echo 'LANG=C.UTF-8' >/mnt/etc/default/locale
chmod 644 /mnt/etc/hostname /mnt/etc/apt/sources.list /mnt/etc/systemd/system/armlet-*.service
# Each machine makes its own.
: >/mnt/etc/machine-id
rm -f /mnt/usr/sbin/policy-rc.d /mnt/var/lib/dbus/machine-id /mnt/etc/resolv.conf.dpkg-* /mnt/var/log/*.log
rm -rf /mnt/var/cache/debconf/*-old /mnt/var/lib/dpkg/*-old

sync
for dir in mnt tmp run sys proc dev; do umount "/mnt/$dir" || umount -l "/mnt/$dir"; done
umount /mnt || failed "unmounting the new file system"
echo "@@ done"
poweroff -f
