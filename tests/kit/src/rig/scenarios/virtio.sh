# What a guest with a disk, a card, a shared directory, sockets and a source of entropy does with each of them; the host's half
# is in virtio.rs. Runs as the first process, behind what module_ramdisk puts before it.
cat >/tmp/lease <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
echo lease=$ip/$mask,$router
END
chmod +x /tmp/lease
ip link set lo up; ip link set eth0 up
udhcpc -q -n -t 10 -i eth0 -s /tmp/lease 2>&1 | grep lease=
ping -c 1 10.0.2.2 | grep -o '1 packets received'
mount -t 9p -o trans=virtio,msize=512000 share /mnt; cat /mnt/note
# From the disk to the share, from the share to the disk and, by the host, around.
dd if=/dev/vda of=/mnt/copy bs=64k 2>/dev/null
dd if=/mnt/fill of=/dev/vda bs=64k conv=fsync 2>/dev/null; echo wrote=$?
nc 10.0.2.2 8000 </mnt/fill | cmp - /mnt/fill && echo around=$?
dd if=/dev/hwrng bs=64 count=1 2>/dev/null | wc -c | sed s/^/random=/
/tmp/sockets; until [ -s /mnt/sockets ]; do usleep 10000; done; cat /mnt/sockets
echo processors=$(grep -c ^processor /proc/cpuinfo)
grep -q ' MSI .*virtio\|ITS-MSI .*virtio' /proc/interrupts && echo by=message || echo by=wire
poweroff -f
