//! Disks and shared directories as programs use them: fio on raw, qcow2 and overlaid images, and the small files of a source
//! tree on ext4 and over 9P.

use std::path::{Path, PathBuf};
use std::process::Command;

use armlet_testkit::{cpio, payloads};

use super::arch::Arch;
use super::debian::Image;
use super::machine::{Drive, Guest, Machine, Runs};
use super::{Options, write};

/// Requests of 4 KiB in the table, and the name of them and of [`BANDWIDTH`] for `--only`.
pub const FIO: &str = "fio";
/// Requests of 1 MiB.
pub const BANDWIDTH: &str = "fio-1m";
/// Work on small files.
pub const FILES: &str = "files";
/// Length of the disks that are written to.
const LENGTH: u64 = 512 << 20;

/// Measures what `options` asks for on armlet and the first of QEMU's configurations, in programs of the image on `/dev/vda`.
pub fn run(
    options: &Options,
    arch: &Arch,
    machines: &[Machine],
    image: &Image,
    results: &mut Runs,
) -> Result<(), String> {
    for (class, script) in [(FIO, include_str!("fio.sh")), (FILES, include_str!("files.sh"))] {
        if !options.wants(class) {
            continue;
        }
        let scratch = Scratch::new(arch)?;
        let ramdisk = ramdisk(arch, class, script)?;
        for machine in machines.iter().take(2) {
            eprintln!("{}, {class}: {}", arch.title, machine.name);
            results.add(scratch.run(machine, image, &ramdisk, arch.append)?);
        }
    }
    Ok(())
}

/// What guests write to.
struct Scratch {
    raw: PathBuf,
    qcow2: PathBuf,
    share: PathBuf,
}

impl Scratch {
    fn new(arch: &Arch) -> Result<Self, String> {
        let (raw, qcow2) = (arch.path("scratch"), arch.path("scratch").with_extension("qcow2"));
        write(&raw, &vec![0xa5; LENGTH as usize])?;
        let made = Command::new("qemu-img").args(["convert", "-O", "qcow2"]).arg(&raw).arg(&qcow2).status();
        made.map_err(|e| format!("qemu-img does not start ({e}): install qemu-utils"))?;
        Ok(Self { raw, qcow2, share: arch.path("share") })
    }

    fn run(
        &self,
        machine: &Machine,
        image: &Image,
        ramdisk: &Path,
        append: &str,
    ) -> Result<super::machine::Run, String> {
        let _ = std::fs::remove_dir_all(&self.share);
        std::fs::create_dir_all(&self.share).map_err(|e| format!("{}: {e}", self.share.display()))?;
        let drive = |image, overlay| Drive { image, overlay };
        let disks = [
            drive(&image.disk, true),
            drive(&self.raw, false),
            drive(&self.qcow2, false),
            drive(&image.disk, true),
        ];
        let kernel = &payloads::get()?.kernel;
        machine.measure(&Guest { kernel, ramdisk, append, cpus: 2, disks: &disks, share: Some(&self.share) })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.share);
        let _ = std::fs::remove_file(&self.raw);
        let _ = std::fs::remove_file(&self.qcow2);
    }
}

/// A ramdisk that runs `script` with the image as its root.
fn ramdisk(arch: &Arch, name: &str, script: &str) -> Result<PathBuf, String> {
    let payloads = payloads::get()?;
    let modules = [&payloads.modules, &payloads.more_modules].map(|modules| modules.to_vec()).concat();
    let init = format!(
        "mount -t ext4 /dev/vda /mnt; for dir in dev proc sys tmp; do mount --bind /$dir /mnt/$dir; done\n\
         cat >/tmp/script <<'END'\n{script}END\nchroot /mnt /bin/bash /tmp/script\npoweroff -f\n"
    );
    let path = arch.path(&format!("initrd-{name}"));
    write(&path, &cpio::module_ramdisk(arch.busybox, &modules, &init))?;
    Ok(path)
}
