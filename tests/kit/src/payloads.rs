//! Real guests: Debian kernels and a static busybox, fetched once into `target/payloads`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The fetched files.
pub struct Payloads {
    /// Debian's arm64 kernel.
    pub kernel: PathBuf,
    /// Debian's arm64 cloud kernel.
    pub cloud_kernel: PathBuf,
    /// A static arm64 busybox.
    pub busybox: Vec<u8>,
}

/// Fetches the payloads if they aren't there. The error says what is missing.
pub fn get() -> Result<&'static Payloads, String> {
    static PAYLOADS: OnceLock<Result<Payloads, String>> = OnceLock::new();
    PAYLOADS.get_or_init(fetch).as_ref().map_err(Clone::clone)
}

fn fetch() -> Result<Payloads, String> {
    let dir = fetched("payloads")?;
    let busybox = std::fs::read(dir.join("busybox")).map_err(|e| format!("busybox: {e}"))?;
    Ok(Payloads { kernel: dir.join("vmlinuz"), cloud_kernel: dir.join("vmlinuz-cloud"), busybox })
}

/// Has `tests/NAME.sh` fill `target/NAME`, one process at a time; the directory.
pub(crate) fn fetched(name: &str) -> Result<PathBuf, String> {
    let dir = crate::root().join("target").join(name);
    let lock_path = crate::root().join("target").join(format!("{name}.lock"));
    std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let lock = std::fs::File::create(&lock_path).map_err(|e| format!("{}: {e}", lock_path.display()))?;
    lock.lock().map_err(|e| format!("{}: {e}", lock_path.display()))?;
    let output = Command::new("sh")
        .arg(crate::root().join(format!("tests/{name}.sh")))
        .arg(&dir)
        .output()
        .map_err(|e| format!("tests/{name}.sh does not start: {e}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("tests/{name}.sh could not fetch Debian's packages: {}", text.trim()));
    }
    Ok(dir)
}
