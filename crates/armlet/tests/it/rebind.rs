//! Drivers of Linux that leave their devices and come back while these are at work: resets at any moment.

use std::process::Command;
use std::time::Duration;

use armlet_testkit::payloads::{self, Kernel};
use armlet_testkit::session::Session;
use armlet_testkit::{cpio, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);

/// Keeps disk, network and entropy busy, takes each driver away from its device five times, then uses all of them once more.
const REBIND: &str = "
up() { ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; }
read_disk() { dd if=/dev/$(ls /sys/block | grep vd) of=/dev/null bs=64k count=64 iflag=direct; }
(while :; do read_disk || usleep 1000; done) 2>/dev/null &
(while :; do dd if=/dev/hwrng of=/dev/null bs=512 count=4 || usleep 1000; done) 2>/dev/null &
(while :; do up; ping -c 5 -W 1 -s 1000 10.0.2.2; done) >/dev/null 2>&1 &
for round in 1 2 3 4 5; do
  for device in /sys/bus/virtio/devices/*; do
    driver=$(readlink -f $device/driver); [ -d $driver ] || continue
    echo ${device##*/} >$driver/unbind && usleep $((RANDOM % 3000)) &&
      echo ${device##*/} >$driver/bind && usleep $((RANDOM % 30000)) && count=$((count + 1))
  done
done
echo \"$count times\"
kill $(jobs -p); wait
up 2>/dev/null; ping -c 1 10.0.2.2 | grep -o '1 packets received'
read_disk 2>&1 | grep -o '64+0 records in'
dd if=/dev/hwrng of=/dev/null bs=64 count=1 2>&1 | grep -o '1+0 records in'
poweroff -f
";

fn rebinds(transport: &str) {
    let Ok(p) = payloads::get().map_err(|why| skip(&why)) else { return };
    let modules = [&p.cloud_modules, &p.cloud_net_modules, &p.cloud_pci_modules];
    let kernel = Kernel { image: &p.cloud_kernel, modules, busybox: &p.busybox };
    let dir = tempfile::tempdir().unwrap();
    let (ramdisk, disk) = (dir.path().join("ramdisk"), dir.path().join("disk"));
    let mut files = kernel.modules();
    files.retain(|(name, _)| name.contains("virtio") || name.contains("failover"));
    std::fs::write(&ramdisk, cpio::module_ramdisk(&p.busybox, &files, REBIND)).unwrap();
    std::fs::File::create(&disk).unwrap().set_len(16 << 20).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").arg(kernel.image).arg("--initrd").arg(&ramdisk).arg("--disk").arg(&disk);
    command.args(["--net", "user", "--virtio", transport, "--cpus", "2", "-m", "256M", "-q"]);
    command.args(["--append", "console=ttyAMA0 quiet"]);
    let (status, text) = Session::start(&mut command).unwrap().finish(LIMIT);
    assert!(status.success(), "{status}: {text}");
    // Three devices have drivers here.
    for works in ["15 times", "1 packets received", "64+0 records in", "1+0 records in"] {
        assert!(text.contains(works), "no {works}: {text}");
    }
}

#[test]
fn drivers_come_and_go_by_mmio() {
    rebinds("mmio");
}

#[test]
fn drivers_come_and_go_by_pci() {
    rebinds("pci");
}
