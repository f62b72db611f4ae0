#!/bin/sh
# From an empty disk to a login by GRUB: a guest under EDK2 partitions a disk, copies its own Debian there, has GRUB installed with
# an entry among EDK2's variables, and turns itself off; then EDK2, with those variables, boots that disk. By hand, for it takes
# minutes: installed.sh ARMLET DIR, with EDK2 (qemu-efi-aarch64) and e2fsprogs on the host.
set -eu
usage="usage: installed.sh ARMLET DIR"
armlet=${1:?$usage}
mkdir -p "${2:?$usage}"
cd "$2"
export XDG_DATA_HOME="$PWD/data" PATH="$PATH:/usr/sbin:/sbin"
image=$XDG_DATA_HOME/armlet/images/installed/disk.raw
[ -f "$image" ] || "$armlet" image pull debian-12-arm64 --name installed --size 3G \
    --include grub-efi-arm64,efibootmgr,dosfstools,fdisk,dmidecode
cat > install <<'EOF'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc 2>/dev/null; mount -t sysfs sys /sys 2>/dev/null
mount -o remount,rw /
modprobe efivarfs && mount -t efivarfs efivarfs /sys/firmware/efi/efivars
printf 'label: gpt\nsize=100M, type=uefi\ntype=linux\n' | sfdisk -q /dev/vdb
sleep 1
mkfs.vfat /dev/vdb1 && mkfs.ext4 -q -F /dev/vdb2 && mount /dev/vdb2 /mnt && cp -ax /. /mnt/ && rm /mnt/install
mkdir -p /mnt/boot/efi
mount /dev/vdb1 /mnt/boot/efi
for dir in proc sys dev; do mount --rbind /$dir /mnt/$dir; done
root=$(blkid -s UUID -o value /dev/vdb2)
# What udev would have made, so that GRUB names the file system and no device.
mkdir -p /dev/disk/by-uuid && ln -sf /dev/vdb2 /dev/disk/by-uuid/$root
printf 'UUID=%s / ext4 defaults 0 1\nUUID=%s /boot/efi vfat umask=0077 0 1\n' \
    $root $(blkid -s UUID -o value /dev/vdb1) > /mnt/etc/fstab
printf 'GRUB_CMDLINE_LINUX=console=ttyAMA0\nGRUB_TIMEOUT=1\n' >> /mnt/etc/default/grub
chroot /mnt grub-install --target=arm64-efi && chroot /mnt update-grub && efibootmgr && echo INSTALLED
umount -R /mnt
sync
mount -o remount,ro /
echo o > /proc/sysrq-trigger
sleep 60
EOF
cp --sparse=always "$image" base.img
release=$(debugfs -R "ls /boot" base.img 2>/dev/null | grep -o 'vmlinuz-[a-z0-9.+-]*' | head -n 1 | cut -d- -f2-)
for file in vmlinuz initrd.img; do debugfs -R "dump /boot/$file-$release $file" base.img 2>/dev/null; done
debugfs -w -R "write install install" base.img 2>/dev/null
debugfs -w -R "set_inode_field install mode 0100755" base.img 2>/dev/null
rm -f installed.img vars
truncate -s 3G installed.img
firmware=${FIRMWARE:-edk2},vars=vars
"$armlet" run vmlinuz --initrd initrd.img --firmware "$firmware" --cpus 2 --disk base.img --disk installed.img \
    --append "root=/dev/vda rw console=ttyAMA0 quiet init=/install" < /dev/null | tee install.log
grep -q INSTALLED install.log
# The program that waits for a name is the proof. Killing the machine then harms nobody.
"$armlet" run --firmware "$firmware" --cpus 2 --disk installed.img,overlay < /dev/null > boot.log &
machine=$!
for _ in $(seq 600); do
    ! grep -q "login:" boot.log || { kill $machine; echo "the installed disk boots to a login"; exit; }
    sleep 1
done
kill $machine
echo "no login within ten minutes: see boot.log" >&2
exit 1
