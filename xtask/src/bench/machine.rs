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

const LIMIT: Duration = Duration::from_secs(900);
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
