//! Files people pass as a kernel by mistake, told apart by their first bytes.

use super::bytes::{has, u16, u32};
use super::fault::Fault;

/// Says what `bytes` are if they are certainly no kernel or program.
pub fn refuse(bytes: &[u8]) -> Result<(), Fault> {
    let not = |what, fix| Err(Fault::NotAKernel { what, fix });
    if has(bytes, 0x202, b"HdrS") && u16(bytes, 0x1fe) == Some(0xaa55) {
        return Err(Fault::Foreign { what: "an x86 bzImage".into() });
    }
    if is_cpio(bytes) {
        return not("a cpio archive", "pass it with --initrd beside a kernel");
    }
    if has(bytes, 0, b"MZ") {
        return pe(bytes);
    }
    for (magic, what, fix) in [
        (&b"\xd0\x0d\xfe\xed"[..], "a device tree blob or FIT image", "pass a device tree with --dtb"),
        (b"QFI\xfb", "a qcow2 disk image", "pass it with --disk"),
        (b"hsqs", "a squashfs file system", "pass it with --disk"),
        (b"\xfd7zXZ\0", "an xz archive", "unpack it, or pass it with --initrd"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it, or pass it with --initrd"),
        (b"\x04\x22\x4d\x18", "an lz4 archive", "unpack it, or pass it with --initrd"),
        (b"\x02\x21\x4c\x18", "an lz4 archive", "unpack it, or pass it with --initrd"),
        (b"BZh", "a bzip2 archive", "unpack it, or pass it with --initrd"),
        (b"PK\x03\x04", "a zip archive", "unpack it"),
        (b"!<arch>\n", "a Debian package or static library", "unpack it"),
        (b"\xcf\xfa\xed\xfe", "a macOS program", "build the program as ELF"),
        (b"#!", "a script", "pass a kernel or program"),
    ] {
        if has(bytes, 0, magic) {
            return not(what, fix);
        }
    }
    if has(bytes, 0x28, b"_FVH") {
        return not("UEFI firmware", "pass it with --firmware");
    }
    if has(bytes, 512, b"EFI PART") {
        return not("a disk image", "pass it with --disk");
    }
    if has(bytes, 0x8001, b"CD001") {
        return not("a CD image", "pass it with --disk");
    }
    Ok(())
}

/// True if `bytes` start like an initramfs (cpio "newc", "crc" or the old binary-free form).
pub fn is_cpio(bytes: &[u8]) -> bool {
    [b"070701", b"070702", b"070707"].iter().any(|magic| has(bytes, 0, *magic))
}

/// Windows and EFI programs that are not also Linux kernels. An `MZ` alone proves nothing.
fn pe(bytes: &[u8]) -> Result<(), Fault> {
    let Some(at) = u32(bytes, 60).map(|at| at as usize).filter(|at| has(bytes, *at, b"PE\0\0")) else {
        return Ok(());
    };
    Err(match at.checked_add(4).and_then(|at| u16(bytes, at)) {
        Some(0x8664) => Fault::Foreign { what: "an x86-64 EFI or Windows program".into() },
        Some(0x14c) => Fault::Foreign { what: "an i386 EFI or Windows program".into() },
        _ => Fault::NotAKernel { what: "an EFI program", fix: "start it from UEFI firmware" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(len: usize, at: usize, magic: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; len];
        bytes[at..at + magic.len()].copy_from_slice(magic);
        bytes
    }

    #[test]
    fn tells_common_mistakes_apart() {
        let mut bz = with(0x1000, 0x202, b"HdrS");
        bz[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        for (bytes, says) in [
            (bz, "x86 bzImage"),
            (with(200, 0, b"070701"), "cpio archive"),
            (with(200, 0, b"QFI\xfb"), "qcow2"),
            (with(600, 512, b"EFI PART"), "disk image"),
        ] {
            let error = refuse(&bytes).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(refuse(&[0x20, 0, 0x80, 0xd2]), Ok(()));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = refuse(&bytes);
            let _ = pe(&bytes);
        }
    }
}
