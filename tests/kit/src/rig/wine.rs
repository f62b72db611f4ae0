//! The program for Windows on Arm in the rig: Debian's Wine for arm64 runs it, and `tests/windows/platform`, over the rig's
//! KVM, is the platform that its backend `whp` finds.

use super::contents::{self, KERNEL, SHELL};
use super::{Host, Rig};
use crate::{payloads, windows};

/// Where the file system with Wine is mounted.
const ROOT: &str = "/wine";

/// The program's name: within Wine's file system, whose `/tmp` and `/payloads` are the rig's own.
const ARMLET: &str = r#"#!/bin/sh
exec chroot /wine /bin/busybox env -i HOME=/root PATH=/usr/bin:/bin WINEPREFIX=/root/p WINEDEBUG=-all \
    WINEDLLOVERRIDES=mscoree,mshtml= 'WINEPATH=Z:\mnt' ARMLET_WINHV=kvm /bin/busybox sh -c \
    'cd "$0" && exec /usr/lib/wine/wine64 /mnt/armlet.exe "$@"' "$PWD" "$@"
"#;

/// Done before the first scenario: what the two file systems share, and the stand-in in the system's own folder.
const PREPARE: &str = "
for directory in dev proc sys tmp payloads; do mount --rbind /$directory /wine/$directory; done
cp /windows/*.exe /windows/bcryptprimitives.dll /wine/mnt/
cp /windows/WinHvPlatform.dll /wine/root/p/drive_c/windows/system32/
";

/// Such a host, with `armlet` in the path and guests for it in `/payloads`.
///
/// # Errors
/// Something is missing, or does not build.
pub fn with_armlet(host: Host) -> Result<Rig, String> {
    let (windows, payloads) = (windows::get()?, payloads::get()?);
    let mut rig = Rig::new(host)?;
    rig.mount(&windows.image, ROOT)?.prepare(PREPARE);
    for file in [&windows.arm64, &windows.platform, &windows.shim] {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        rig.copy(&format!("/windows/{name}"), file)?;
    }
    rig.file("/bin/armlet", ARMLET.as_bytes());
    rig.copy(KERNEL, &payloads.cloud_kernel)?;
    rig.file(
        SHELL,
        &contents::shell(&payloads.busybox, [&payloads.cloud_modules, &payloads.cloud_pci_modules]),
    );
    Ok(rig)
}
