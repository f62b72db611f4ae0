//! Real firmware and what it starts: Debian's U-Boot, EDK2 and GRUB, fetched once into `target/firmware`, the installer in
//! `target/installer`; and disks as they look for them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::payloads::fetched_with;

/// The fetched files.
pub struct Firmware {
    /// U-Boot for a start in AArch64 state, and in AArch32 state.
    pub u_boot: [PathBuf; 2],
    /// EDK2 for a start in AArch64 state, and in AArch32 state, with its variables beside it.
    pub edk2: [PathBuf; 2],
    /// EDK2 for a start in AArch64 state, as short as it is.
    pub edk2_short: PathBuf,
    /// GRUB as an EFI program, with all its modules; it reads `/EFI/debian/grub.cfg` beside it.
    pub grub: PathBuf,
}

/// Fetches firmware if it isn't there. The error says what is missing.
pub fn get() -> Result<&'static Firmware, String> {
    static FIRMWARE: OnceLock<Result<Firmware, String>> = OnceLock::new();
    FIRMWARE.get_or_init(fetch).as_ref().map_err(Clone::clone)
}

fn fetch() -> Result<Firmware, String> {
    let dir = fetched_with("firmware", "firmware", &["firmware"])?;
    let at = |file: &str| dir.join("usr").join(file);
    Ok(Firmware {
        u_boot: ["arm64", "arm"].map(|arch| at(&format!("lib/u-boot/qemu_{arch}/u-boot.bin"))),
        edk2: ["AAVMF", "AAVMF32"].map(|name| at(&format!("share/AAVMF/{name}_CODE.fd"))),
        edk2_short: at("share/qemu-efi-aarch64/QEMU_EFI.fd"),
        grub: at("lib/grub/arm64-efi/monolithic/grubaa64.efi"),
    })
}

/// Kernel and ramdisk of Debian's installer for arm64, as a machine would boot them from a network.
///
/// # Errors
/// They can't be fetched.
pub fn installer() -> Result<[PathBuf; 2], String> {
    let dir = fetched_with("firmware", "installer", &["installer"])?;
    let images = dir.join("usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64");
    Ok(["linux", "initrd.gz"].map(|name| images.join(name)))
}

/// A program for the first bank of flash memory: prints the first byte of the second bank, the manufacturer's code as a
/// character (less 0x39), and the fifth byte of the second bank once its chips show their contents again; then it turns the
/// machine off.
pub const FLASH_PROGRAM: [u32; 21] = [
    0xd2a0_8001, // mov x1, #0x4000000
    0xd2a1_2002, // mov x2, #0x9000000
    0x5280_6024, // mov w4, #0x301
    0xb900_3044, // str w4, [x2, #0x30]
    0xb940_0023, // ldr w3, [x1]
    0xb900_0043, // str w3, [x2]
    0x5280_1204, // mov w4, #0x90
    0x72a0_1204, // movk w4, #0x90, lsl #16
    0xb900_0024, // str w4, [x1]
    0xb940_0025, // ldr w5, [x1]
    0x5100_e4a5, // sub w5, w5, #0x39
    0xb900_0045, // str w5, [x2]
    0x5280_1fe4, // mov w4, #0xff
    0x72a0_1fe4, // movk w4, #0xff, lsl #16
    0xb900_0024, // str w4, [x1]
    0xb940_0426, // ldr w6, [x1, #4]
    0xb900_0046, // str w6, [x2]
    0x5280_0100, // mov w0, #8
    0x72b0_8000, // movk w0, #0x8400, lsl #16: SYSTEM_OFF
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];
/// What is in the second bank then, and what is printed.
pub const FLASH_VARIABLES: &str = "ABCDEFGH";
/// What [`FLASH_PROGRAM`] prints.
pub const FLASH_SAYS: &str = "APE";

const SECTOR: usize = 512;
/// First sector of the partition: at 1 MiB, as everybody has it.
const FIRST: u64 = 2048;
/// Sectors of the table of partitions.
const TABLE: u64 = 32;

/// Type of an EFI system partition.
pub const ESP: [u8; 16] = *b"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b";
/// Type of a partition with Linux's file systems.
pub const LINUX: [u8; 16] = *b"\xaf\x3d\xc6\x0f\x83\x84\x72\x47\x8e\x79\x3d\x69\xd8\x47\x7d\xe4";

/// A disk with a partition table (GPT; UEFI specification, 5.3) and one partition of this type, with this content.
pub fn gpt(kind: [u8; 16], content: &[u8]) -> Vec<u8> {
    let sectors = (content.len().div_ceil(SECTOR)) as u64;
    let last = FIRST + sectors - 1;
    let end = last + 1 + TABLE;
    let mut entry = [kind, [0x11; 16]].concat();
    entry.extend([FIRST, last, 0].iter().flat_map(|field| field.to_le_bytes()));
    entry.extend("test".encode_utf16().flat_map(u16::to_le_bytes));
    let mut table = vec![0; TABLE as usize * SECTOR];
    table[..entry.len()].copy_from_slice(&entry);
    let header = |here: u64, other: u64, table_at: u64| {
        let mut header = b"EFI PART\0\0\x01\0\x5c\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        let fields = [here, other, FIRST, last];
        header.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
        header.extend([0x22; 16]);
        header.extend(table_at.to_le_bytes());
        header.extend([128, 128, crc32(&table)].iter().flat_map(|field: &u32| field.to_le_bytes()));
        let crc = crc32(&header);
        header[16..20].copy_from_slice(&crc.to_le_bytes());
        header
    };
    let mut disk = vec![0; (end as usize + 1) * SECTOR];
    let mut put = |sector: u64, bytes: &[u8]| {
        let at = sector as usize * SECTOR;
        disk[at..at + bytes.len()].copy_from_slice(bytes);
    };
    let mut protective = vec![0; SECTOR];
    protective[446..462].copy_from_slice(b"\0\0\x02\0\xee\xff\xff\xff\x01\0\0\0\xff\xff\xff\xff");
    protective[510..].copy_from_slice(b"\x55\xaa");
    put(0, &protective);
    put(1, &header(1, end, 2));
    put(2, &table);
    put(FIRST, content);
    put(last + 1, &table);
    put(end, &header(end, 1, last + 1));
    disk
}

/// A script for U-Boot (`boot.scr`).
pub fn script(text: &str) -> Vec<u8> {
    let mut body = (text.len() as u32).to_be_bytes().to_vec();
    body.extend([0; 4]);
    body.extend(text.bytes());
    // Magic number; checksum of the header; time; length; no addresses; checksum; Linux, arm64, script, not packed.
    let mut header = 0x2705_1956_u32.to_be_bytes().to_vec();
    header.extend([0; 8]);
    header.extend((body.len() as u32).to_be_bytes());
    header.extend([0; 8]);
    header.extend(crc32(&body).to_be_bytes());
    header.extend([5, 22, 6, 0]);
    header.extend([0; 32]);
    let crc = crc32(&header);
    header[4..8].copy_from_slice(&crc.to_be_bytes());
    header.extend(body);
    header
}

/// CRC-32 as in IEEE 802.3, bit by bit: tables and headers are short.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 != 0 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// A FAT file system of `mib` MiB with these files, folders made as needed, in `dir`.
///
/// # Errors
/// mtools are missing, or refuse.
pub fn fat(dir: &Path, mib: u32, files: &[(&str, &Path)]) -> Result<Vec<u8>, String> {
    let image = dir.join("fat.img");
    let disk = std::fs::File::create(&image).and_then(|file| file.set_len(u64::from(mib) << 20));
    disk.map_err(|e| format!("{}: {e}", image.display()))?;
    let run = |name: &str, args: &[&std::ffi::OsStr]| {
        let output = Command::new(name).arg("-i").arg(&image).args(args).output();
        let output = output.map_err(|e| format!("{name} (of mtools) does not start: {e}"))?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{name}: {text}")) }
    };
    run("mformat", &["-F".as_ref(), "::".as_ref()])?;
    let mut made = std::collections::BTreeSet::new();
    for (name, from) in files {
        let folders: Vec<_> = name.match_indices('/').map(|(at, _)| format!("::{}", &name[..at])).collect();
        for folder in folders.into_iter().filter(|folder| made.insert(folder.clone())) {
            run("mmd", &[folder.as_ref()])?;
        }
        run("mcopy", &[from.as_os_str(), format!("::{name}").as_ref()])?;
    }
    std::fs::read(&image).map_err(|e| format!("{}: {e}", image.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_usual_ones() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let disk = gpt(LINUX, &[7; 1000]);
        assert_eq!((&disk[512..520], &disk[1 << 20..][..3]), (&b"EFI PART"[..], &[7; 3][..]));
        assert_eq!(script("boot").len(), 64 + 8 + 4);
    }
}
