//! The program for Windows, which Debian's Wine runs here: that for x64 on this host, that for ARM64 by qemu-aarch64 or on the
//! [rig](crate::rig::wine).

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::root;

/// What `tests/windows/prepare.sh` makes.
pub struct Windows {
    /// The program for x64.
    pub x64: PathBuf,
    /// The program for ARM64.
    pub arm64: PathBuf,
    /// The stand-in for WinHvPlatform.dll, for ARM64.
    pub platform: PathBuf,
    /// A DLL that Wine lacks, for ARM64.
    pub shim: PathBuf,
    /// A Debian tree for arm64 with Wine.
    pub tree: PathBuf,
    /// The same as a file system.
    pub image: PathBuf,
}

impl Windows {
    /// The system's own folder in [`Self::tree`].
    pub fn system32(&self) -> PathBuf {
        self.tree.join("root/p/drive_c/windows/system32")
    }
}

/// Says what is missing on this host.
///
/// # Errors
/// The packages to install.
pub fn check() -> Result<(), String> {
    run(&["--check"]).map(drop)
}

/// Makes it, once.
///
/// # Errors
/// Something is missing, or does not build.
pub fn get() -> Result<&'static Windows, String> {
    static WINDOWS: OnceLock<Result<Windows, String>> = OnceLock::new();
    let make = || match <[PathBuf; 6]>::try_from(run(&[])?) {
        Ok([x64, arm64, platform, shim, tree, image]) => {
            Ok(Windows { x64, arm64, platform, shim, tree, image })
        }
        Err(paths) => Err(format!("tests/windows/prepare.sh names {paths:?}")),
    };
    WINDOWS.get_or_init(make).as_ref().map_err(Clone::clone)
}

/// Runs a program by Wine; `arch` is `x64` or `arm64`.
pub fn wine(arch: &str, program: &PathBuf) -> Command {
    let mut command = Command::new(root().join("tests/windows/wine.sh"));
    command.arg(arch).arg(program);
    command
}

/// Runs the script; the paths that it names.
fn run(args: &[&str]) -> Result<Vec<PathBuf>, String> {
    let output = crate::builder("tests/windows/prepare.sh")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("tests/windows/prepare.sh does not start: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).lines().map(PathBuf::from).collect());
    }
    Err(format!("tests/windows/prepare.sh: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
