//! What lies on the rig: the program, and guests for it.

use std::path::Path;

use super::{Host, Rig, cross, scenarios};
use crate::payloads::{self, Kernel, Modules};
use crate::{cpio, firmware, root};

/// Debian's arm64 cloud kernel, as guests boot it.
pub const KERNEL: &str = "/payloads/vmlinuz-cloud";
/// Debian's armhf kernel with long descriptors.
pub const KERNEL32: &str = "/payloads/vmlinuz-lpae";
/// A ramdisk with an arm64 shell on the console.
pub const SHELL: &str = "/payloads/shell.cpio";
/// One with an armhf shell.
pub const SHELL32: &str = "/payloads/shell32.cpio";

/// Debian's full arm64 kernel, which has 9P.
pub const FULL_KERNEL: &str = "/payloads/vmlinuz";
/// A ramdisk for it, which tries all devices.
pub const DEVICES: &str = "/payloads/devices.cpio";
/// Debian's U-Boot for arm64.
pub const U_BOOT: &str = "/payloads/u-boot.bin";
/// Debian's EDK2 for arm64.
pub const EDK2: &str = "/payloads/edk2.fd";
/// A disk with an EFI system partition: GRUB, which boots the cloud kernel with a ramdisk that says what it finds.
pub const ESP: &str = "/payloads/esp.img";
/// The program at both ends of its sockets.
pub const SOCKETS: &str = "/payloads/sockets";

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

/// Adds what it takes to try all virtio devices.
///
/// # Errors
/// The payloads can't be had, or a program does not compile.
pub fn full(rig: &mut Rig) -> Result<(), String> {
    let (payloads, sockets) = (payloads::get()?, cross::sockets()?);
    let kernel = Kernel {
        image: &payloads.kernel,
        modules: [&payloads.modules, &payloads.net_modules, &payloads.more_modules, &payloads.pci_modules],
        busybox: &payloads.busybox,
    };
    // What only ext4 takes is of no use here, and takes time to load.
    let for_ext4 = ["ext4", "jbd2", "mbcache", "crc"];
    let mut files = kernel.modules();
    files.retain(|(name, _)| !for_ext4.iter().any(|module| name.contains(module)));
    files.push(("sockets".into(), sockets.clone()));
    rig.copy(FULL_KERNEL, kernel.image)?.copy(U_BOOT, &firmware::get()?.u_boot[0])?.file(SOCKETS, &sockets);
    rig.file(DEVICES, &cpio::module_ramdisk(kernel.busybox, &files, scenarios::INIT));
    Ok(())
}

/// Adds EDK2, and what it boots.
///
/// # Errors
/// The payloads can't be had, or mtools are missing.
pub fn uefi(rig: &mut Rig) -> Result<(), String> {
    let (payloads, firmware) = (payloads::get()?, firmware::get()?);
    let dir = tempfile::tempdir().map_err(|e| format!("a temporary directory: {e}"))?;
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok::<_, String>(path)
    };
    let init = format!("{}{}", cpio::INIT_PROLOGUE, scenarios::UEFI_INIT);
    let ramdisk = file("initrd", &cpio::busybox_ramdisk(&payloads.busybox, &init, &[]))?;
    let menu = file("grub.cfg", scenarios::GRUB_MENU.as_bytes())?;
    let files = [
        ("EFI/BOOT/BOOTAA64.EFI", &*firmware.grub),
        ("EFI/debian/grub.cfg", &*menu),
        ("vmlinuz", &*payloads.cloud_kernel),
        ("initrd", &*ramdisk),
    ];
    let fat = firmware::fat(dir.path(), 40, &files)?;
    rig.copy(EDK2, &firmware.edk2_short)?.file(ESP, &firmware::gpt(firmware::ESP, &fat));
    Ok(())
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
