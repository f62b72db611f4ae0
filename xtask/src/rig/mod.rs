//! `cargo xtask rig`: the program for arm64 on an emulated arm64 host with `/dev/kvm`.

mod bench;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use armlet_testkit::payloads;
use armlet_testkit::rig::scenarios::{self, Setting};
use armlet_testkit::rig::{Host, Rig, contents, cross, quoted};

use crate::bench::build_armlet;

/// The kernel that Debian 12 has for machines in clouds.
const CLOUD: &str = "cloud";

/// Which host, and what to run there.
#[derive(clap::Args)]
pub struct Options {
    /// QEMU's name of the processor; cortex-a57 has AArch32 at EL1, neoverse-n1 has not.
    #[arg(long, default_value = "cortex-a57")]
    cpu: String,
    /// Version of the interrupt controller, 2 or 3.
    #[arg(long, default_value_t = 3)]
    gic: u32,
    /// The host's kernel: cloud or full (Debian 12's), backports (6.4 or newer), bullseye (5.10), or a
    /// file.
    #[arg(long, default_value = CLOUD)]
    kernel: PathBuf,
    /// Number of processors.
    #[arg(long, default_value_t = 2)]
    cpus: u32,
    /// Memory in MiB.
    #[arg(long, default_value_t = 2048)]
    memory: u32,
    /// The backend that scenarios ask for.
    #[arg(long, default_value = "kvm")]
    backend: String,
    /// An arm64 build of the program, instead of one made now.
    #[arg(long)]
    program: Option<PathBuf>,
    /// A build for this host that scenarios are compared with, instead of one made now.
    #[arg(long)]
    reference: Option<PathBuf>,
    /// Of the scenarios, those whose names begin so.
    #[arg(long)]
    only: Option<String>,
    /// Compare armlet with QEMU's KVM mode; writes docs/bench/kvm.md.
    #[arg(long)]
    bench: bool,
    /// Rounds of that.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Print the table of that, write no file.
    #[arg(long)]
    dry: bool,
    /// Give what follows to `cargo test`, and run the test programs in the rig.
    #[arg(long)]
    test: bool,
    /// A command for the rig's shell, or a program of this host's with its arguments; armlet is in the path, guests are in
    /// /payloads. Such as: sh. None: all scenarios, each with what it should do.
    #[arg(last = true)]
    command: Vec<String>,
}

impl Options {
    fn program(&self) -> Result<PathBuf, String> {
        self.program.clone().map_or_else(cross::program, Ok)
    }

    fn host(&self) -> Result<Host, String> {
        let kernel = match self.kernel.to_str() {
            Some(CLOUD) => payloads::get()?.cloud_kernel.clone(),
            Some("full") => payloads::get()?.kernel.clone(),
            Some(suite @ ("backports" | "bullseye")) => payloads::other_kernel(suite)?,
            _ => self.kernel.clone(),
        };
        let host = Host::new(&self.cpu, self.gic)?;
        Ok(Host { kernel, cpus: self.cpus, memory_mib: self.memory, ..host })
    }
}

/// Runs it; the command's status.
pub fn run(options: &Options) -> Result<i32, String> {
    if options.test {
        return test(options);
    }
    if options.bench {
        return bench::run(
            options.host()?,
            &options.program()?,
            &options.backend,
            options.rounds,
            options.dry,
        )
        .map(|()| 0);
    }
    if options.command.is_empty() {
        return scenarios(options);
    }
    let host = options.host()?;
    let program = options.command.first().map(Path::new).filter(|path| is_program(path));
    let rig = match program {
        Some(program) => with_program(host, program)?,
        None => contents::with_armlet(host, &options.program()?)?,
    };
    let words: Vec<String> = match program {
        Some(_) => options.command.iter().map(|word| quoted(word)).collect(),
        None => options.command.clone(),
    };
    rig.command(&words.join(" "))
}

/// All scenarios; 0 if all went well.
fn scenarios(options: &Options) -> Result<i32, String> {
    let setting = Setting {
        backend: options.backend.clone(),
        gic: options.gic,
        aarch32: options.backend == "soft" || !options.cpu.starts_with("neoverse"),
        reference: options.reference.clone().map_or_else(build_armlet, Ok)?,
    };
    let mut rig = contents::with_armlet(options.host()?, &options.program()?)?;
    contents::full(&mut rig)?;
    contents::uefi(&mut rig)?;
    let mut cases = scenarios::all(&setting)?;
    // There are drivers for the host's disk for this kernel only.
    if options.kernel.as_os_str() == CLOUD {
        cases.push(scenarios::login(&setting));
    }
    cases.retain(|case| options.only.as_ref().is_none_or(|start| case.name().starts_with(start)));
    if cases.is_empty() {
        let start = options.only.as_deref().unwrap_or_default();
        return Err(format!("no scenario for this host has a name that begins with {start:?}"));
    }
    if cases.iter().any(|case| case.name() == scenarios::LOGIN) {
        rig.disk(&scenarios::disk(&setting.reference)?)?;
    }
    let failures = scenarios::run(rig, &cases, |outcome| {
        println!("{:<16} status {} after {:.1} s", outcome.name, outcome.status, outcome.seconds);
    })?;
    failures.iter().for_each(|failure| println!("\nFAILED: {failure}"));
    Ok(i32::from(!failures.is_empty()))
}

/// A program of this host's, not a command of the rig's.
fn is_program(path: &Path) -> bool {
    path.components().count() > 1 && path.is_file()
}

/// A rig with a program at its place on this host, and next to a test program what it tests.
fn with_program(host: Host, program: &Path) -> Result<Rig, String> {
    let name = |path: &Path| path.to_string_lossy().into_owned();
    let beside = program.ancestors().skip(1).find_map(|dir| {
        let armlet = dir.join("armlet");
        (dir.file_name() != Some(OsStr::new("deps")) && armlet.is_file()).then_some(armlet)
    });
    let armlet = beside.map_or_else(cross::program, Ok)?;
    let mut rig = contents::with_armlet(host, &armlet)?;
    contents::as_built(&mut rig)?;
    rig.copy(&name(program), program)?;
    if armlet != program {
        rig.link(&name(&armlet), "/bin/armlet");
    }
    rig.directory(&name(&std::env::current_dir().map_err(|e| e.to_string())?));
    for (variable, value) in std::env::vars() {
        if ["ARMLET_", "RUST_BACKTRACE", "RUST_TEST_"].iter().any(|start| variable.starts_with(start)) {
            rig.variable(&variable, &value);
        }
    }
    Ok(rig)
}

/// `cargo test` for arm64 with this very program as the runner.
fn test(options: &Options) -> Result<i32, String> {
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let runner = format!(
        "{} rig --cpu {} --gic {} --kernel {} --cpus {} --memory {} --",
        this.display(),
        options.cpu,
        options.gic,
        options.kernel.display(),
        options.cpus,
        options.memory
    );
    let status = cross::command()
        .arg("test")
        .args(&options.command)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner)
        .status()
        .map_err(|e| format!("scripts/cross.sh does not start: {e}"))?;
    Ok(status.code().unwrap_or(1))
}
