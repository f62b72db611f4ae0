//! The program for arm64, built by `scripts/cross.sh`.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::root;

/// Says what is missing on this host to build for arm64.
///
/// # Errors
/// There is no cross compiler.
pub fn check() -> Result<(), String> {
    run(&["--check"]).map(|_| ())
}

/// Builds the program if it isn't up to date; where it is.
///
/// # Errors
/// Something is missing, or it doesn't build.
pub fn program() -> Result<PathBuf, String> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = || {
        let text = run(&[])?;
        let last = text.lines().last().and_then(|line| line.rsplit_once(": "));
        last.map(|(path, _)| path.into()).ok_or_else(|| format!("scripts/cross.sh names no program: {text}"))
    };
    PROGRAM.get_or_init(built).clone()
}

/// Builds the program that measures others; where it is.
///
/// # Errors
/// As for [`program`].
pub fn meter() -> Result<PathBuf, String> {
    run(&["build", "--release", "--package", "armlet-testkit", "--bin", "meter"])?;
    Ok(program()?.with_file_name("meter"))
}

/// Compiles the program at both ends of a guest's sockets.
///
/// # Errors
/// There is no compiler, or it refuses.
pub fn sockets() -> Result<Vec<u8>, String> {
    let compiler = format!("{}gcc", std::env::var("CROSS").unwrap_or_else(|_| "aarch64-linux-gnu-".into()));
    let (source, out) = (root().join("tests/kit/src/rig/sockets.c"), root().join("target/rig-sockets"));
    let output = Command::new(&compiler)
        .args(["-O1", "-Wall", "-Werror", "-static", "-s", "-o"])
        .args([&out, &source])
        .output()
        .map_err(|e| format!("{compiler} does not start: {e}"))?;
    match output.status.success() {
        true => std::fs::read(&out).map_err(|e| format!("{}: {e}", out.display())),
        false => Err(format!("{}: {}", source.display(), String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// The script, to be given arguments of cargo's.
pub fn command() -> Command {
    crate::builder("scripts/cross.sh")
}

/// Runs it; what it printed.
fn run(args: &[&str]) -> Result<String, String> {
    let output = command()
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("scripts/cross.sh does not start: {e}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.code() {
        Some(0) => Ok(text(&output.stdout)),
        Some(3) => Err(text(&output.stderr)),
        _ => Err(format!("armlet does not build for arm64: {}", text(&output.stderr))),
    }
}
