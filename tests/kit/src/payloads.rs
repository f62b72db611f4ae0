//! Real guests: Debian kernels and static busyboxes, fetched once into `target/payloads` and, 32-bit ones, into
//! `target/payloads-armhf`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Kernel modules by file name, in the order in which they load: all that a virtio disk with ext4 takes.
pub type Modules = Vec<(String, Vec<u8>)>;

/// The fetched files.
pub struct Payloads {
    /// Debian's arm64 kernel.
    pub kernel: PathBuf,
    /// Its modules.
    pub modules: Modules,
    /// What a network card takes beside them.
    pub net_modules: Modules,
    /// Those of its other virtio devices: 9P, vsock, balloon, console.
    pub more_modules: Modules,
    /// What virtio over PCI takes beside them.
    pub pci_modules: Modules,
    /// Debian's arm64 cloud kernel.
    pub cloud_kernel: PathBuf,
    /// Its modules.
    pub cloud_modules: Modules,
    /// What virtio over PCI takes beside them.
    pub cloud_pci_modules: Modules,
    /// What a network card takes beside them.
    pub cloud_net_modules: Modules,
    /// A static arm64 busybox.
    pub busybox: Vec<u8>,
}

/// The fetched 32-bit files.
pub struct Payloads32 {
    /// Debian's armhf kernel with short descriptors in its translation tables.
    pub armmp: PathBuf,
    /// Its modules.
    pub armmp_modules: Modules,
    /// What a network card takes beside them.
    pub armmp_net_modules: Modules,
    /// What virtio over PCI takes beside them.
    pub armmp_pci_modules: Modules,
    /// The one with long descriptors (LPAE).
    pub armmp_lpae: PathBuf,
    /// Its modules.
    pub armmp_lpae_modules: Modules,
    /// What a network card takes beside them.
    pub armmp_lpae_net_modules: Modules,
    /// Those of its other virtio devices.
    pub armmp_lpae_more_modules: Modules,
    /// What virtio over PCI takes beside them.
    pub armmp_lpae_pci_modules: Modules,
    /// A static armhf busybox.
    pub busybox: Vec<u8>,
}

/// Fetches the payloads if they aren't there. The error says what is missing.
pub fn get() -> Result<&'static Payloads, String> {
    static PAYLOADS: OnceLock<Result<Payloads, String>> = OnceLock::new();
    PAYLOADS.get_or_init(fetch).as_ref().map_err(Clone::clone)
}

/// The same for 32-bit ones.
pub fn get32() -> Result<&'static Payloads32, String> {
    static PAYLOADS: OnceLock<Result<Payloads32, String>> = OnceLock::new();
    PAYLOADS.get_or_init(fetch32).as_ref().map_err(Clone::clone)
}

/// The cloud kernel of another suite, for the rig: `backports` has 6.4 or newer, `bullseye` 5.10.
///
/// # Errors
/// It can't be fetched.
pub fn other_kernel(suite: &str) -> Result<PathBuf, String> {
    Ok(fetched_with("rig", &format!("rig/{suite}"), &[suite])?.join("vmlinuz"))
}

/// A root tree with QEMU for arm64 hosts.
///
/// # Errors
/// It can't be fetched.
pub fn qemu_arm64() -> Result<PathBuf, String> {
    Ok(fetched_with("rig", "rig/qemu", &["qemu"])?.join("tree"))
}

fn fetch32() -> Result<Payloads32, String> {
    let dir = fetched_with("payloads", "payloads-armhf", &["armhf"])?;
    let busybox = std::fs::read(dir.join("busybox")).map_err(|e| format!("busybox: {e}"))?;
    Ok(Payloads32 {
        armmp: dir.join("vmlinuz"),
        armmp_modules: modules(&dir.join("modules"))?,
        armmp_net_modules: modules(&dir.join("modules-net"))?,
        armmp_pci_modules: modules(&dir.join("modules-pci"))?,
        armmp_lpae: dir.join("vmlinuz-lpae"),
        armmp_lpae_modules: modules(&dir.join("modules-lpae"))?,
        armmp_lpae_net_modules: modules(&dir.join("modules-lpae-net"))?,
        armmp_lpae_more_modules: modules(&dir.join("modules-lpae-more"))?,
        armmp_lpae_pci_modules: modules(&dir.join("modules-lpae-pci"))?,
        busybox,
    })
}

fn fetch() -> Result<Payloads, String> {
    let dir = fetched("payloads")?;
    let busybox = std::fs::read(dir.join("busybox")).map_err(|e| format!("busybox: {e}"))?;
    Ok(Payloads {
        kernel: dir.join("vmlinuz"),
        modules: modules(&dir.join("modules"))?,
        net_modules: modules(&dir.join("modules-net"))?,
        more_modules: modules(&dir.join("modules-more"))?,
        pci_modules: modules(&dir.join("modules-pci"))?,
        cloud_kernel: dir.join("vmlinuz-cloud"),
        cloud_modules: modules(&dir.join("modules-cloud"))?,
        cloud_pci_modules: modules(&dir.join("modules-cloud-pci"))?,
        cloud_net_modules: modules(&dir.join("modules-cloud-net"))?,
        busybox,
    })
}

/// The files of a directory of modules; their names begin with numbers.
fn modules(dir: &Path) -> Result<Modules, String> {
    let fail = |e: std::io::Error| format!("{}: {e}", dir.display());
    let mut modules = Modules::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let bytes = std::fs::read(entry.path()).map_err(fail)?;
        modules.push((entry.file_name().to_string_lossy().into_owned(), bytes));
    }
    modules.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(modules)
}

/// Has `tests/NAME.sh` fill `target/NAME`, one process at a time; the directory.
pub(crate) fn fetched(name: &str) -> Result<PathBuf, String> {
    fetched_with(name, name, &[])
}

/// Has `tests/SCRIPT.sh` with these options after its directory fill `target/NAME`.
pub(crate) fn fetched_with(script: &str, name: &str, options: &[&str]) -> Result<PathBuf, String> {
    let dir = crate::root().join("target").join(name);
    let lock_path = crate::root().join("target").join(format!("{name}.lock"));
    std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let lock = std::fs::File::create(&lock_path).map_err(|e| format!("{}: {e}", lock_path.display()))?;
    lock.lock().map_err(|e| format!("{}: {e}", lock_path.display()))?;
    let output = Command::new("sh")
        .arg(crate::root().join(format!("tests/{script}.sh")))
        .arg(&dir)
        .args(options)
        .output()
        .map_err(|e| format!("tests/{script}.sh does not start: {e}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("tests/{script}.sh could not fetch Debian's packages: {}", text.trim()));
    }
    Ok(dir)
}

/// A kernel, with what goes into a ramdisk for it.
pub struct Kernel<const LISTS: usize = 2> {
    /// Its file.
    pub image: &'static Path,
    /// Lists of modules, the first of which loads first.
    pub modules: [&'static Modules; LISTS],
    /// A static busybox.
    pub busybox: &'static [u8],
}

impl<const LISTS: usize> Kernel<LISTS> {
    /// The modules of all lists, under names in whose order they load.
    pub fn modules(&self) -> Modules {
        let lists = self.modules.iter().enumerate();
        let named = lists.flat_map(|(index, list)| {
            list.iter().map(move |(name, bytes)| (format!("{index}-{name}"), bytes.clone()))
        });
        named.collect()
    }
}
