//! Disks: the same image behind virtio-mmio on every machine, read and written past the guest's page cache.

use std::fs::File;
use std::path::PathBuf;

use armlet_testkit::{cpio, root};

use super::arch::Arch;
use super::machine::{Machine, Runs};
use super::{INIT_REACHED, Options, write};

/// The class in the table, and its name for `--only`.
pub const CLASS: &str = "disk";
/// Length of the image; the guest program goes over 128 MiB.
const LENGTH: u64 = 160 << 20;

/// Measures if `options` asks for it. The image is in the host's page cache: what is compared is the machines.
pub fn run(options: &Options, arch: &Arch, machines: &[Machine], results: &mut Runs) -> Result<(), String> {
    if !options.wants(CLASS) {
        return Ok(());
    }
    let ramdisk = ramdisk(arch)?;
    let image = arch.path("disk.img");
    write(&image, &vec![0xa5; LENGTH as usize])?;
    File::open(&image).and_then(|file| file.sync_all()).map_err(|e| format!("{}: {e}", image.display()))?;
    for round in 0..options.runs.max(1) {
        for machine in machines {
            eprintln!("{}, disk, run {}: {}", arch.title, round + 1, machine.name);
            results.add(machine.boot_disk(&ramdisk, &image)?);
        }
    }
    Ok(())
}

fn ramdisk(arch: &Arch) -> Result<PathBuf, String> {
    let program = arch.compile("disk", &[root().join("guests/bench/disk.c")], &[])?;
    let files = arch.modules.iter().map(|(name, data)| (format!("tmp/{name}"), &data[..]));
    let files: Vec<_> = files.chain([("bin/disk".to_owned(), &program[..])]).collect();
    let files: Vec<_> = files.iter().map(|(name, data)| (name.as_str(), *data)).collect();
    let init = format!(
        "{}for module in /tmp/*.ko; do insmod $module; done\necho {INIT_REACHED}\n/bin/disk /dev/vda\necho @end\npoweroff -f\n",
        cpio::INIT_PROLOGUE
    );
    let path = arch.path("initrd-disk");
    write(&path, &cpio::busybox_ramdisk(arch.busybox, &init, &files))?;
    Ok(path)
}
