//! A Linux program that tries everything a kernel and its programs ask of the machine at once:
//! `guests/stress`, compiled here and run under Debian's kernel.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use armlet_testkit::session::Session;
use armlet_testkit::{cpio, payloads, root, skip};

const COMPILER: &str = "aarch64-linux-gnu-gcc";
/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(300);

/// Compiles the program for `march`. The error says what is missing.
fn compile(march: &str, out: &Path) -> Result<Vec<u8>, String> {
    let sources = ["main.c", "memory.c", "process.c", "debug.c", "machine.c"];
    let output = Command::new(COMPILER)
        .args(["-std=gnu2x", "-O1", "-static", "-pthread", "-mno-outline-atomics"])
        .arg(format!("-march={march}"))
        .args(sources.map(|source| root().join("guests/stress").join(source)))
        .arg("-o")
        .arg(out)
        .output()
        .map_err(|e| format!("{COMPILER} does not start: {e}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "guests/stress does not compile:\n{text}");
    std::fs::read(out).map_err(|e| format!("{}: {e}", out.display()))
}

/// A ramdisk that runs the program at `percent` and powers off, in `dir`.
fn ramdisk(dir: &Path, march: &str, percent: u32) -> Result<(PathBuf, PathBuf), String> {
    let payloads = payloads::get()?;
    let program = compile(march, &dir.join("stress"))?;
    let init = format!("{}/stress {percent}\npoweroff -f\n", cpio::INIT_PROLOGUE);
    let path = dir.join("stress.cpio");
    let image = cpio::busybox_ramdisk(&payloads.busybox, &init, &[("stress", &program)]);
    std::fs::write(&path, image).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok((payloads.kernel.clone(), path))
}

fn stress(march: &str, percent: u32, options: &[&str]) {
    let dir = tempfile::tempdir().expect("a directory for the ramdisk");
    let (kernel, ramdisk) = match ramdisk(dir.path(), march, percent) {
        Ok(files) => files,
        Err(why) => return skip(&why),
    };
    let mut command = armlet_testkit::program(env!("CARGO_BIN_EXE_armlet"));
    command.arg("run").arg(kernel).arg("--initrd").arg(ramdisk).args(["--append", "quiet"]).args(options);
    let (status, text) = Session::start(&mut command).expect("armlet starts").finish(LIMIT);
    assert!(status.success() && text.contains(" passed, 0 failed"), "{status}:\n{text}");
}

#[test]
fn stress_with_four_cpus_and_exclusives() {
    stress("armv8-a+nolse", 10, &["--cpus", "4"]);
}

#[test]
fn stress_with_one_cpu_and_atomics() {
    stress("armv8-a+lse", 10, &["--cpus", "1"]);
}

#[test]
fn stress_of_an_armv8_0_cpu() {
    stress("armv8-a+nolse", 5, &["--cpus", "2", "--cpu", "cortex-a53", "--gic", "2"]);
}
