//! `cargo xtask bench`: the same guest, the same workloads, on armlet and on QEMU, in one run.

mod arch;
mod debian;
mod disk;
mod kernels;
mod machine;
mod net;
mod programs;
mod report;
mod storage;
mod svg;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use armlet_testkit::root;

use arch::Arch;
use machine::{Machine, Runs};
use report::{Report, Section};

/// What to measure.
#[derive(clap::Args)]
pub struct Options {
    /// Work per kernel, as a multiple of the default.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Runs of each machine; the best of each figure counts.
    #[arg(long, default_value_t = 2)]
    runs: usize,
    /// Only these kernels, programs or classes (integer, calls, fp, neon-fp, neon-int, memory, system, disk, net,
    /// login, fio, files, programs),
    /// and only 32-bit or 64-bit guests (32, 64); programs run in 64-bit guests alone.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Runs of each machine with real programs, which take longer; 0 leaves them out.
    #[arg(long, default_value_t = 1)]
    program_runs: usize,
    /// A directory with the sources of CoreMark, to build and run it too.
    #[arg(long)]
    coremark: Option<PathBuf>,
    /// Leave QEMU out.
    #[arg(long)]
    no_qemu: bool,
    /// Print the table, write no files.
    #[arg(long)]
    dry: bool,
}

impl Options {
    /// The guests' architectures to measure.
    fn archs(&self) -> Result<Vec<Arch>, String> {
        let named = |bits: &str| self.only.iter().any(|name| name == bits);
        let both = !named("64") && !named("32");
        let mut archs = Vec::new();
        if both || named("64") {
            archs.push(Arch::arm64()?);
        }
        if both || named("32") {
            archs.push(Arch::armhf()?);
        }
        Ok(archs)
    }

    /// What of the workloads `--only` names; everything if nothing.
    fn names(&self) -> Vec<&str> {
        self.only.iter().map(String::as_str).filter(|name| !["64", "32"].contains(name)).collect()
    }

    /// True if `class` is to be measured.
    fn wants(&self, class: &str) -> bool {
        let names = self.names();
        names.is_empty() || names.contains(&class)
    }
}

/// What `init` prints when the kernel has handed over.
const INIT_REACHED: &str = "@init";

/// Measures and reports.
pub fn run(options: &Options) -> Result<(), String> {
    let archs = options.archs()?;
    // What is missing is told now, not after minutes.
    archs.iter().try_for_each(|arch| arch.check(!options.no_qemu))?;
    let armlet = build_armlet()?;
    let mut sections = Vec::new();
    for arch in &archs {
        sections.push(section(options, arch, &armlet)?);
    }
    let hello = best_of(20, || time_hello(&armlet))?;
    let mips = [mips("jit")?, mips("interp")?];
    let report = Report { host: host(), sections, hello, mips };
    let table = report.markdown();
    println!("{table}");
    if !options.dry {
        let dir = root().join("docs/bench");
        write(&dir.join("README.md"), table.as_bytes())?;
        write(&dir.join("bench.svg"), svg::chart(&report).as_bytes())?;
        eprintln!("wrote {}", dir.display());
    }
    Ok(())
}

/// Measures the guests of one architecture.
fn section(options: &Options, arch: &Arch, armlet: &Path) -> Result<Section, String> {
    let mut machines = vec![Machine::armlet(arch, armlet, "soft")];
    if !options.no_qemu {
        machines.extend(Machine::qemu_best(arch));
    }
    let mut results = Runs::default();
    kernels::run(options, arch, &machines, &mut results)?;
    disk::run(options, arch, &machines, &mut results)?;
    net::run(options, arch, &machines, &mut results)?;
    debian(options, arch, armlet, &machines, &mut results)?;
    if arch.bits == "64" {
        programs::run(options, arch, &machines, &mut results)?;
    }
    let idle = machine::idle_share(arch, &machines[0])?;
    let machines = machines.into_iter().map(|machine| machine.name).collect();
    Ok(Section { title: arch.title, machines, results, idle })
}

/// Measures what takes an image of Debian.
fn debian(
    options: &Options,
    arch: &Arch,
    armlet: &Path,
    machines: &[Machine],
    results: &mut Runs,
) -> Result<(), String> {
    let storage = arch.bits == "64" && (options.wants(storage::FIO) || options.wants(storage::FILES));
    if !storage && !options.wants(debian::CLASS) {
        return Ok(());
    }
    let image = debian::Image::get(arch, armlet)?;
    debian::run(options, arch, machines, &image, results)?;
    if storage { storage::run(options, arch, machines, &image, results) } else { Ok(()) }
}

/// Builds the program for this host.
pub fn build_armlet() -> Result<PathBuf, String> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--package", "armlet"])
        .current_dir(root())
        .status()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    if !built.success() {
        return Err("armlet does not build".into());
    }
    Ok(root().join("target/release/armlet"))
}

fn write(path: &Path, data: &[u8]) -> Result<(), String> {
    let dir = path.parent().expect("a file has a directory");
    std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(path, data))
        .map_err(|e| format!("{}: {e}", path.display()))
}

fn best_of(count: usize, mut one: impl FnMut() -> Result<Duration, String>) -> Result<Duration, String> {
    let mut best = Duration::MAX;
    for _ in 0..count {
        best = best.min(one()?);
    }
    Ok(best)
}

/// The host's processor and QEMU's version, as they call themselves.
fn host() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let qemu = Command::new("qemu-system-aarch64").arg("--version").output().ok();
    let qemu = qemu.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let qemu = qemu.lines().next().unwrap_or("no QEMU");
    format!("{}, {cpus} CPUs; {qemu}", model.unwrap_or("unknown processor"))
}

/// What the engine's own loop of integer, memory and branch instructions reaches: the best of three runs.
fn mips(engine: &str) -> Result<f64, String> {
    let mut best: f64 = 0.0;
    for _ in 0..3 {
        let output = Command::new("cargo")
            .args([
                "run",
                "--quiet",
                "--release",
                "--package",
                "armlet-engine",
                "--example",
                "mips",
                "20000",
                engine,
            ])
            .current_dir(root())
            .output()
            .map_err(|e| format!("cargo does not start: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let figure = text.lines().find_map(|line| line.strip_suffix(" MIPS")?.parse().ok());
        best = best.max(figure.ok_or_else(|| format!("the example mips printed no figure: {text}"))?);
    }
    Ok(best)
}

/// `hello` from process start to exit.
fn time_hello(armlet: &Path) -> Result<Duration, String> {
    let start = Instant::now();
    let output = Command::new(armlet)
        .args(["run", "hello"])
        .output()
        .map_err(|e| format!("{}: {e}", armlet.display()))?;
    let took = start.elapsed();
    output.status.success().then_some(took).ok_or_else(|| format!("hello ended with {}", output.status))
}
