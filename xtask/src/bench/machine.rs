//! The machines that are compared, and how one run of them is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use armlet_testkit::cpio;
use armlet_testkit::session::Session;

use super::arch::Arch;

/// A way to run guests of one architecture.
pub struct Machine {
    /// Name for the table.
    pub name: String,
    program: PathBuf,
    args: Vec<String>,
    kernel: PathBuf,
    append: &'static str,
}

/// A disk of a guest.
pub struct Drive<'a> {
    /// The image, qcow2 if it is named so, else raw.
    pub image: &'a Path,
    /// What the guest writes is forgotten.
    pub overlay: bool,
}

/// A guest with disks and the like.
pub struct Guest<'a> {
    /// Its kernel.
    pub kernel: &'a Path,
    /// Its ramdisk.
    pub ramdisk: &'a Path,
    /// The kernel's command line.
    pub append: &'a str,
    /// Number of CPUs.
    pub cpus: u32,
    /// Its disks in order.
    pub disks: &'a [Drive<'a>],
    /// A directory that it can mount by the tag `share`.
    pub share: Option<&'a Path>,
}

/// Figures of one boot.
pub struct Run {
    machine: String,
    figures: Vec<(String, String, f64)>,
}

/// The best figure of each kernel on each machine: `(class, name) -> machine -> value`.
#[derive(Default)]
pub struct Runs {
    /// In the order the kernels ran.
    pub order: Vec<(String, String)>,
    /// Best values by kernel name and machine.
    pub best: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Runs {
    /// Takes a run in.
    pub fn add(&mut self, run: Run) {
        for (name, class, value) in run.figures {
            self.figure(&run.machine, &class, &name, value);
        }
    }

    /// Takes one figure in; the smallest of each name and machine counts.
    pub fn figure(&mut self, machine: &str, class: &str, name: &str, value: f64) {
        if !self.order.iter().any(|(_, n)| n == name) {
            self.order.push((class.into(), name.into()));
        }
        let best = self.best.entry(name.into()).or_default().entry(machine.into()).or_insert(value);
        *best = best.min(value);
    }
}

/// How QEMU reaches images fastest, by measurement: through the page cache, by a thread of its own for each disk.
const QEMU_DRIVE: &str = "cache=writeback,aio=io_uring";
/// How long a guest may take.
pub const LIMIT: Duration = Duration::from_secs(900);
/// Guest memory for the kernels; programs have more.
const MEMORY_MIB: u32 = 1024;

impl Machine {
    /// armlet with a backend.
    pub fn armlet(arch: &Arch, program: &Path, backend: &str) -> Self {
        Self::new(arch, format!("armlet {backend}"), program.into(), &["run", "--backend", backend, "-q"])
    }

    /// QEMU's best configurations for full-system emulation on a foreign host, where it is installed.
    pub fn qemu_best(arch: &Arch) -> Vec<Self> {
        if Command::new(arch.qemu).arg("--version").output().is_err() {
            eprintln!("{} is not installed: measuring armlet alone", arch.qemu);
            return Vec::new();
        }
        let machine = |cpu: &&str| {
            let args = ["-M", arch.qemu_machine, "-cpu", cpu];
            let console = ["-nographic", "-nodefaults", "-serial", "stdio", "-no-reboot"];
            Self::new(arch, format!("QEMU {cpu}"), arch.qemu.into(), &[&args[..], &console].concat())
        };
        arch.qemu_cpus.iter().map(machine).collect()
    }

    fn new(arch: &Arch, name: String, program: PathBuf, args: &[&str]) -> Self {
        let args = args.iter().map(ToString::to_string).collect();
        Self { name, program, args, kernel: arch.kernel.clone(), append: arch.append }
    }

    fn command(&self, ramdisk: &Path, memory_mib: u32) -> Command {
        let qemu = self.name.starts_with("QEMU");
        let mut command = Command::new(&self.program);
        command.args(&self.args).args(["-m", &format!("{memory_mib}M")]);
        if qemu {
            command.arg("-kernel");
        }
        command.arg(&self.kernel);
        command.arg(if qemu { "-initrd" } else { "--initrd" }).arg(ramdisk);
        command.arg(if qemu { "-append" } else { "--append" }).arg(self.append);
        command
    }

    /// Boots a ramdisk that ends by itself; what the console showed.
    pub fn console(&self, ramdisk: &Path, memory_mib: u32) -> Result<String, String> {
        self.console_of(&mut self.command(ramdisk, memory_mib))
    }

    /// Starts a guest with disks; QEMU's are the fastest that it has.
    pub fn start(&self, guest: &Guest) -> Result<Session, String> {
        let qemu = self.name.starts_with("QEMU");
        let mut command = Command::new(&self.program);
        command.args(&self.args).args(["-m", &format!("{MEMORY_MIB}M")]);
        if qemu {
            qemu_options(&mut command, guest);
        } else {
            armlet_options(&mut command, guest);
        }
        Session::start(&mut command).map_err(|e| format!("{}: {e}", self.program.display()))
    }

    /// Runs such a guest to its end and reads what its workload prints.
    pub fn measure(&self, guest: &Guest) -> Result<Run, String> {
        let text = self.start(guest)?.finish(LIMIT).1;
        Ok(Run { machine: self.name.clone(), figures: figures(&text, "")? })
    }

    /// Boots the ramdisk with the raw image `disk` as its virtio disk and reads what its workload prints.
    pub fn boot_disk(&self, ramdisk: &Path, disk: &Path) -> Result<Run, String> {
        let mut command = self.command(ramdisk, MEMORY_MIB);
        if self.name.starts_with("QEMU") {
            let drive = format!("if=none,id=disk,format=raw,file={}", disk.display());
            command.args(["-global", "virtio-mmio.force-legacy=false", "-drive", &drive]);
            command.args(["-device", "virtio-blk-device,drive=disk"]);
        } else {
            command.arg("--disk").arg(disk);
        }
        let figures = figures(&self.console_of(&mut command)?, "")?;
        Ok(Run { machine: self.name.clone(), figures })
    }

    /// Boots the ramdisk with a card on the user network and reads what its workload prints.
    pub fn boot_net(&self, ramdisk: &Path) -> Result<Run, String> {
        let mut command = self.command(ramdisk, MEMORY_MIB);
        if self.name.starts_with("QEMU") {
            command.args(["-global", "virtio-mmio.force-legacy=false", "-netdev", "user,id=net"]);
            command.args(["-device", "virtio-net-device,netdev=net"]);
        } else {
            command.args(["--net", "user"]);
        }
        let figures = figures(&self.console_of(&mut command)?, "")?;
        Ok(Run { machine: self.name.clone(), figures })
    }

    fn console_of(&self, command: &mut Command) -> Result<String, String> {
        let start = |e| format!("{}: {e}", self.program.display());
        Ok(Session::start(command).map_err(start)?.finish(LIMIT).1)
    }

    /// Boots the ramdisk with `cpus` CPUs and reads what its workloads print.
    pub fn boot(&self, ramdisk: &Path, cpus: u32) -> Result<Run, String> {
        let start = |e| format!("{}: {e}", self.program.display());
        let qemu = self.name.starts_with("QEMU");
        let mut command = self.command(ramdisk, MEMORY_MIB);
        command.arg(if qemu { "-smp" } else { "--cpus" }).arg(cpus.to_string());
        let mut session = Session::start(&mut command).map_err(start)?;
        let to_init = session.expect(super::INIT_REACHED, LIMIT);
        session.expect("@end", LIMIT);
        let (_, text) = session.finish(LIMIT);
        let suffix = if cpus == 1 { String::new() } else { format!("-{cpus}-cpus") };
        let boot = format!("boot-to-init{suffix}");
        let mut all = vec![(boot, "boot".into(), to_init.as_nanos() as f64)];
        all.extend(figures(&text, &suffix)?);
        Ok(Run { machine: self.name.clone(), figures: all })
    }
}

fn armlet_options(command: &mut Command, guest: &Guest) {
    command.arg(guest.kernel).arg("--initrd").arg(guest.ramdisk).args(["--append", guest.append]);
    command.args(["--cpus", &guest.cpus.to_string()]);
    for drive in guest.disks {
        let overlay = if drive.overlay { ",overlay" } else { "" };
        command.args(["--disk", &format!("{}{overlay}", drive.image.display())]);
    }
    if let Some(share) = guest.share {
        command.args(["--share", &format!("{},mapped,tag=share", share.display())]);
    }
}

fn qemu_options(command: &mut Command, guest: &Guest) {
    command
        .arg("-kernel")
        .arg(guest.kernel)
        .arg("-initrd")
        .arg(guest.ramdisk)
        .args(["-append", guest.append]);
    command.args(["-smp", &guest.cpus.to_string(), "-global", "virtio-mmio.force-legacy=false"]);
    for (index, drive) in guest.disks.iter().enumerate() {
        let format = if drive.image.extension().is_some_and(|e| e == "qcow2") { "qcow2" } else { "raw" };
        let snapshot = if drive.overlay { ",snapshot=on" } else { "" };
        let image = drive.image.display();
        let drive = format!("if=none,id=disk{index},format={format},file={image},{QEMU_DRIVE}{snapshot}");
        let iothread = format!("iothread,id=thread{index}");
        let device = format!("virtio-blk-device,drive=disk{index},iothread=thread{index}");
        command.args(["-drive", &drive, "-object", &iothread, "-device", &device]);
    }
    if let Some(share) = guest.share {
        let share = format!("local,id=share,path={},security_model=mapped-xattr", share.display());
        command.args(["-fsdev", &share, "-device", "virtio-9p-device,fsdev=share,mount_tag=share"]);
    }
}

/// Name, class and value of what workloads print.
fn figures(console: &str, suffix: &str) -> Result<Vec<(String, String, f64)>, String> {
    let mut figures = Vec::new();
    for line in console.lines() {
        let words: Vec<&str> = line.trim().split(' ').collect();
        if let ["@bench", name, class, value] = words[..] {
            let value = value.parse().map_err(|_| format!("not a number: {line}"))?;
            figures.push((format!("{name}{suffix}"), class.into(), value));
        }
    }
    Ok(figures)
}

/// Share of one host core that an idle guest takes: CPU time of the process over five seconds of `sleep`.
pub fn idle_share(arch: &Arch, machine: &Machine) -> Result<f64, String> {
    const IDLE: Duration = Duration::from_secs(5);
    let init =
        format!("{}echo {}\nsleep 1\necho @idle\nsleep 60\n", cpio::INIT_PROLOGUE, super::INIT_REACHED);
    let ramdisk = arch.path("idle");
    super::write(&ramdisk, &cpio::busybox_ramdisk(arch.busybox, &init, &[]))?;
    let mut command = machine.command(&ramdisk, MEMORY_MIB);
    let mut session = Session::start(&mut command).map_err(|e| e.to_string())?;
    session.expect("@idle", LIMIT);
    let before = cpu_time(session.id())?;
    std::thread::sleep(IDLE);
    Ok((cpu_time(session.id())? - before) / IDLE.as_secs_f64())
}

/// User and system time of a process in seconds, from `/proc/PID/stat` (100 ticks a second on Linux).
fn cpu_time(pid: u32) -> Result<f64, String> {
    let stat =
        std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|e| format!("/proc/{pid}/stat: {e}"))?;
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: f64 = after_name.split(' ').skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    Ok(ticks / 100.0)
}
