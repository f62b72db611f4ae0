//! `cargo xtask bench`: the same guest, the same workloads, on armlet and on QEMU, in one run.

mod machine;
mod programs;
mod report;
mod svg;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use armlet_testkit::{cpio, payloads, root};

use machine::{Machine, Runs};

/// What to measure.
#[derive(clap::Args)]
pub struct Options {
    /// Work per kernel, as a multiple of the default.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Runs of each machine; the best of each figure counts.
    #[arg(long, default_value_t = 2)]
    runs: usize,
    /// Only these kernels, programs or classes (integer, calls, fp, neon-fp, neon-int, memory, system, programs).
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

/// What `init` prints when the kernel has handed over.
const INIT_REACHED: &str = "@init";

/// Measures and reports.
pub fn run(options: &Options) -> Result<(), String> {
    let armlet = build_armlet()?;
    let payloads = payloads::get()?;
    let mut machines = vec![Machine::armlet(&armlet, "soft")];
    if !options.no_qemu {
        machines.extend(Machine::qemu_best());
    }
    let mut results = Runs::default();
    run_kernels(options, &machines, &mut results)?;
    programs::run(options, &machines, &mut results)?;
    let hello = best_of(20, || time_hello(&armlet))?;
    let mips = [mips("jit")?, mips("interp")?];
    let idle = machine::idle_share(&machines[0], &payloads.cloud_kernel, &payloads.busybox)?;
    let report = report::Report {
        host: host(),
        machines: machines.iter().map(|m| m.name.clone()).collect(),
        results,
        hello,
        idle,
        mips,
    };
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

/// The workloads of `guests/bench`.
fn run_kernels(options: &Options, machines: &[Machine], results: &mut Runs) -> Result<(), String> {
    let only: Vec<&str> = options.only.iter().map(String::as_str).collect();
    let only_kernels: Vec<&str> = only.iter().copied().filter(|name| !programs::is_program(name)).collect();
    if only_kernels.is_empty() && !only.is_empty() {
        return Ok(());
    }
    let payloads = payloads::get()?;
    let program = compile("bench", &[root().join("guests/bench/bench.c")], &["-lm", "-lpthread"])?;
    let ramdisk = |name: &str, kernels: &str| {
        let init = format!(
            "{}echo {INIT_REACHED}\n/bin/bench {} {kernels}\necho @end\npoweroff -f\n",
            cpio::INIT_PROLOGUE,
            options.scale,
        );
        let path = root().join("target/bench").join(name);
        write(&path, &cpio::busybox_ramdisk(&payloads.busybox, &init, &[("bin/bench", &program)]))?;
        Ok::<_, String>(path)
    };
    let one = ramdisk("initrd", &only_kernels.join(" "))?;
    // What depends on the other CPU: waking it.
    let two = ramdisk("initrd-2", "pipe-trip")?;
    let rounds = options.runs.max(1);
    for round in 0..rounds {
        for machine in machines {
            eprintln!("run {} of {rounds}: {}", round + 1, machine.name);
            results.add(machine.boot(&payloads.cloud_kernel, &one, 1)?);
            if only_kernels.is_empty() || only_kernels.contains(&"system") {
                results.add(machine.boot(&payloads.cloud_kernel, &two, 2)?);
            }
        }
    }
    Ok(())
}

fn build_armlet() -> Result<PathBuf, String> {
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

/// Compiles a static guest program to `target/bench/NAME`.
fn compile(name: &str, sources: &[PathBuf], options: &[&str]) -> Result<Vec<u8>, String> {
    let out = root().join("target/bench").join(name);
    write(&out, &[])?;
    let compiled = Command::new("aarch64-linux-gnu-gcc")
        .args(["-O2", "-w", "-static", "-o"])
        .arg(&out)
        .args(sources)
        .args(options)
        .status()
        .map_err(|e| format!("aarch64-linux-gnu-gcc does not start ({e}): install gcc-aarch64-linux-gnu and libc6-dev-arm64-cross"))?;
    if !compiled.success() {
        return Err(format!("the guest program {name} does not compile"));
    }
    std::fs::read(&out).map_err(|e| format!("{}: {e}", out.display()))
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
/// The speed of one of armlet's engines.
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
