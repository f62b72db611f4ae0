//! What lies on the rig: the program, and guests for it.

use std::path::Path;

use super::{Host, Rig};
use crate::payloads::{self, Modules};
use crate::{cpio, root};

/// Debian's arm64 cloud kernel, as guests boot it.
pub const KERNEL: &str = "/payloads/vmlinuz-cloud";
/// Debian's armhf kernel with long descriptors.
pub const KERNEL32: &str = "/payloads/vmlinuz-lpae";
/// A ramdisk with an arm64 shell on the console.
pub const SHELL: &str = "/payloads/shell.cpio";
/// One with an armhf shell.
pub const SHELL32: &str = "/payloads/shell32.cpio";

/// A ramdisk with drivers for virtio disks, behind PCI too, and a shell on the console.
pub(super) fn shell(busybox: &[u8], modules: [&Modules; 2]) -> Vec<u8> {
    let modules: Modules = modules.into_iter().flatten().cloned().collect();
    cpio::module_ramdisk(busybox, &modules, "exec setsid cttyhack sh\n")
}

/// A host with `armlet` in the path and guests in `/payloads`.
///
/// # Errors
/// The payloads can't be had, or a file can't be read.
pub fn with_armlet(host: Host, program: &Path) -> Result<Rig, String> {
    let mut rig = Rig::new(host)?;
    let (payloads, payloads32) = (payloads::get()?, payloads::get32()?);
    rig.copy("/bin/armlet", program)?;
    rig.copy(KERNEL, &payloads.cloud_kernel)?.copy(KERNEL32, &payloads32.armmp_lpae)?;
    let (modules, pci) = (&payloads.cloud_modules, &payloads.cloud_pci_modules);
    rig.file(SHELL, &shell(&payloads.busybox, [modules, pci]));
    let (modules, pci) = (&payloads32.armmp_lpae_modules, &payloads32.armmp_lpae_pci_modules);
    rig.file(SHELL32, &shell(&payloads32.busybox, [modules, pci]));
    Ok(rig)
}

/// The same host for a test program: it finds the source tree where it was built, with the payloads that it asks for.
///
/// # Errors
/// A file can't be read.
pub fn as_built(rig: &mut Rig) -> Result<(), String> {
    let (root, payloads, payloads32) = (root(), payloads::get()?, payloads::get32()?);
    let at = |path: &str| root.join(path).to_string_lossy().into_owned();
    rig.copy(&at("tests/payloads.sh"), &root.join("tests/payloads.sh"))?;
    for (directory, kernel, target, modules, files, busybox) in [
        (
            "target/payloads",
            "vmlinuz-cloud",
            KERNEL,
            "modules-cloud",
            &payloads.cloud_modules,
            &payloads.busybox,
        ),
        (
            "target/payloads-armhf",
            "vmlinuz-lpae",
            KERNEL32,
            "modules-lpae",
            &payloads32.armmp_lpae_modules,
            &payloads32.busybox,
        ),
    ] {
        let at = |name: &str| at(&format!("{directory}/{name}"));
        rig.link(&at(kernel), target).file(&at("complete"), b"").file(&at("busybox"), busybox);
        // Of the other kernel, and of other drivers, there is nothing, but their directories are looked for.
        for other in ["modules", "modules-more", "modules-net", "modules-pci"] {
            rig.file(&at(&format!("{other}/none")), b"");
        }
        for other in ["more", "net", "pci"] {
            rig.file(&at(&format!("{modules}-{other}/none")), b"");
        }
        for (name, data) in files {
            rig.file(&at(&format!("{modules}/{name}")), data);
        }
    }
    Ok(())
}
