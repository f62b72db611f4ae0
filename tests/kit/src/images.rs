//! Images of Debian, made once by the program from the packages of the host's mirror.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The disk of the image `name` with what is the program's own data in `home`: pulled as `image` (such as
/// `debian-12-arm64`) with these options if it isn't there. The program `armlet` tells how it gets on.
///
/// # Errors
/// It can't be pulled; the program has said why.
pub fn pulled(
    armlet: &Path,
    home: &Path,
    name: &str,
    image: &str,
    options: &[&str],
) -> Result<PathBuf, String> {
    let disk = home.join(format!("armlet/images/{name}/disk.raw"));
    if disk.exists() {
        return Ok(disk);
    }
    let status = Command::new(armlet)
        .args(["image", "pull", image, "--name", name])
        .args(options)
        .env("XDG_DATA_HOME", home)
        .env("XDG_CACHE_HOME", home.join("cache"))
        .status()
        .map_err(|e| format!("{}: {e}", armlet.display()))?;
    if status.success() { Ok(disk) } else { Err(format!("armlet image pull {image} fails")) }
}
