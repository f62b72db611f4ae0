//! The program for arm64, built by `scripts/cross.sh`.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::root;

/// Builds the program if it isn't up to date; where it is. The error says what is missing.
///
/// # Errors
/// There is no cross compiler, or it doesn't build.
pub fn program() -> Result<PathBuf, String> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PROGRAM.get_or_init(|| cargo(&[])).clone()
}

/// Runs the script with these arguments; the path that begins its last line.
fn cargo(args: &[&str]) -> Result<PathBuf, String> {
    let output = command()
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("scripts/cross.sh does not start: {e}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the program for arm64 does not build: {}", text.trim()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().and_then(|line| line.rsplit_once(": "));
    last.map(|(path, _)| path.into()).ok_or_else(|| format!("scripts/cross.sh names no program: {text}"))
}

/// The script, to be given arguments of cargo's.
pub fn command() -> Command {
    let mut command = Command::new("sh");
    command.arg(root().join("scripts/cross.sh"));
    command
}
