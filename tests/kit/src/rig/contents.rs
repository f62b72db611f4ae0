//! What lies on the rig: the program, and guests for it.

use std::path::Path;

use super::{Host, Rig};
use crate::{cpio, payloads, root};

/// Debian's arm64 cloud kernel, as guests boot it.
pub const KERNEL: &str = "/payloads/vmlinuz-cloud";
/// Debian's armhf kernel with long descriptors.
pub const KERNEL32: &str = "/payloads/vmlinuz-lpae";
/// A ramdisk with an arm64 shell on the console.
pub const SHELL: &str = "/payloads/shell.cpio";
/// One with an armhf shell.
pub const SHELL32: &str = "/payloads/shell32.cpio";

/// A ramdisk with a shell on the console.
pub fn shell(busybox: &[u8]) -> Vec<u8> {
    let init = format!("{}exec setsid cttyhack sh\n", cpio::INIT_PROLOGUE);
    cpio::busybox_ramdisk(busybox, &init, &[])
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
    rig.file(SHELL, &shell(&payloads.busybox)).file(SHELL32, &shell(&payloads32.busybox));
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
    for (directory, link, target) in
        [("target/payloads", "vmlinuz-cloud", KERNEL), ("target/payloads-armhf", "vmlinuz-lpae", KERNEL32)]
    {
        rig.link(&at(&format!("{directory}/{link}")), target)
            .file(&at(&format!("{directory}/complete")), b"");
    }
    rig.file(&at("target/payloads/busybox"), &payloads.busybox);
    rig.file(&at("target/payloads-armhf/busybox"), &payloads32.busybox);
    Ok(())
}
