//! Debian with systemd from its disk: the time from the start of the process to the login on the console.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use armlet_testkit::{images, root};

use super::arch::Arch;
use super::machine::{Drive, Guest, LIMIT, Machine, Runs};
use super::{Options, write};

/// The class in the table, and its name for `--only`.
pub const CLASS: &str = "login";
/// Packages beside those of every image, where storage is measured: a disk benchmark, and thousands of small files.
const PACKAGES: [&str; 2] = ["--include", "fio,golang-1.19-src"];

/// A busy host must not make systemd give up the console.
const DEVICES: &str = "systemd.default_device_timeout_sec=900";

/// An image as `armlet image pull` makes it, with the kernel and ramdisk that are in it.
pub struct Image {
    /// The disk.
    pub disk: PathBuf,
    kernel: PathBuf,
    ramdisk: PathBuf,
}

impl Image {
    /// The image for `arch` in `target/bench`, pulled if it isn't there.
    pub fn get(arch: &Arch, armlet: &Path) -> Result<Self, String> {
        let home = root().join("target/bench/images");
        let image = format!("debian-12-{}", arch.debian);
        let packages: &[_] = if arch.bits == "64" { &PACKAGES } else { &[] };
        let disk = images::pulled(armlet, &home, arch.debian, &image, packages)?;
        let file = |name: &str| {
            let path = arch.path(name);
            dump(&disk, name, &path).map(|()| path)
        };
        Ok(Self { kernel: file("vmlinuz")?, ramdisk: file("initrd.img")?, disk })
    }
}

/// Reads the file that the link `/NAME` on a disk with an ext4 file system leads to.
fn dump(disk: &Path, name: &str, to: &Path) -> Result<(), String> {
    let debugfs = |request: &str| {
        let output = Command::new("/usr/sbin/debugfs").args(["-R", request]).arg(disk).output();
        output.map_err(|e| format!("debugfs does not start ({e}): install e2fsprogs"))
    };
    let about = debugfs(&format!("stat /{name}"))?;
    let about = String::from_utf8_lossy(&about.stdout);
    let target = about.lines().find_map(|line| line.strip_prefix("Fast link dest: \"")?.strip_suffix('"'));
    let target = target.ok_or_else(|| format!("{} has no link /{name}", disk.display()))?;
    write(to, &[])?;
    debugfs(&format!("dump /{target} {}", to.display()))?;
    match std::fs::metadata(to) {
        Ok(file) if file.len() > 0 => Ok(()),
        _ => Err(format!("no {target} on {}", disk.display())),
    }
}

/// Measures if `options` asks for it, on one CPU and on four.
pub fn run(
    options: &Options,
    arch: &Arch,
    machines: &[Machine],
    image: &Image,
    results: &mut Runs,
) -> Result<(), String> {
    if !options.wants(CLASS) {
        return Ok(());
    }
    let disks = [Drive { image: &image.disk, overlay: true }];
    let append = format!("root=/dev/vda rw {DEVICES} {}", arch.append);
    for round in 0..options.runs.max(1) {
        for (cpus, name) in [(1, "systemd-login"), (4, "systemd-login-4-cpus")] {
            for machine in machines {
                eprintln!("{}, login, {cpus} CPUs, run {}: {}", arch.title, round + 1, machine.name);
                let (kernel, ramdisk) = (&image.kernel, &image.ramdisk);
                let guest = Guest { kernel, ramdisk, append: &append, cpus, disks: &disks, share: None };
                results.figure(&machine.name, CLASS, name, login(machine, &guest)?.as_nanos() as f64);
            }
        }
    }
    Ok(())
}

fn login(machine: &Machine, guest: &Guest) -> Result<Duration, String> {
    Ok(machine.start(guest)?.expect(" login: ", LIMIT))
}
