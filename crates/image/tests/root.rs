//! Disks as stock images have them: which kernel and which root is found, and what is said where there is none.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use armlet_disk::{OpenOptions, open};
use armlet_image::root::{self, Boot};
use armlet_testkit::partitions::{self, BASIC, EFI, LINUX_FS, LINUX_ROOT_ARM_64};
use armlet_testkit::skip;

/// An ext4 file system with these files, each of which holds its own name; `None` without mke2fs.
fn ext4(dir: &Path, name: &str, files: &[&str]) -> Option<PathBuf> {
    let (tree, image) = (dir.join(format!("{name}.tree")), dir.join(name));
    fs::create_dir(&tree).unwrap();
    for file in files {
        let path = tree.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    let mut mke2fs = Command::new("/usr/sbin/mke2fs");
    mke2fs.args(["-q", "-F", "-t", "ext4", "-d"]).arg(&tree).arg(&image).arg("4M");
    mke2fs.status().is_ok_and(|status| status.success()).then_some(image)
}

/// A file with a word at an offset.
fn file(dir: &Path, name: &str, at: usize, word: &[u8]) -> PathBuf {
    let mut bytes = vec![0; 1 << 20];
    bytes[at..at + word.len()].copy_from_slice(word);
    fs::write(dir.join(name), bytes).unwrap();
    dir.join(name)
}

fn boot(disk: &Path) -> Result<Boot, String> {
    let opened = open(disk, &OpenOptions { read_only: true, ..OpenOptions::default() }).unwrap();
    assert!(root::is_disk(&fs::read(disk).unwrap()[..root::START]));
    root::boot(disk, opened).map_err(|error| error.to_string())
}

/// The partition's identity as it is in the table.
fn id(disk: &Path, number: usize) -> String {
    let table = &fs::read(disk).unwrap()[1024 + 128 * (number - 1)..][16..32];
    let hex = |order: &[usize]| order.iter().map(|at| format!("{:02x}", table[*at])).collect::<String>();
    let parts = [&[3, 2, 1, 0][..], &[5, 4], &[7, 6], &[8, 9], &[10, 11, 12, 13, 14, 15]].map(hex);
    format!("PARTUUID={}", parts.join("-"))
}

#[test]
fn the_kernel_and_the_root_of_stock_images_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let debian = [
        "etc/passwd",
        "usr/bin/sh",
        "boot/vmlinuz-6.1.0-9",
        "boot/vmlinuz-6.1.0-10",
        "boot/initrd.img-6.1.0-10",
    ];
    let (Some(debian), Some(bare), Some(boot_only)) = (
        ext4(dir, "debian", &debian),
        ext4(dir, "bare", &["etc/passwd", "usr/bin/sh"]),
        ext4(dir, "boot", &["vmlinuz-6.8.5-301.fc40", "initramfs-6.8.5-301.fc40.img", "vmlinuz-0-rescue"]),
    ) else {
        return skip("mke2fs (of e2fsprogs) is not installed");
    };
    let efi = file(dir, "efi", 0x36, b"FAT16");
    let btrfs = file(dir, "btrfs", 0x10040, b"_BHRfS_M");
    let disk = dir.join("disk");

    // Debian's and Ubuntu's layout: the root is partition 1, what comes before it has a higher number.
    partitions::gpt(&disk, &[(15, EFI, &efi), (1, LINUX_FS, &debian)]).unwrap();
    let found = boot(&disk).unwrap();
    assert_eq!(
        (found.kernel, found.ramdisk),
        (b"boot/vmlinuz-6.1.0-10".to_vec(), Some(b"boot/initrd.img-6.1.0-10".to_vec()))
    );
    assert_eq!(
        (found.path.as_str(), found.root),
        ("partition 1, /boot/vmlinuz-6.1.0-10", Some(id(&disk, 1)))
    );

    // Fedora's: /boot is a file system of its own, the root one that only its type tells.
    partitions::gpt(&disk, &[(1, EFI, &efi), (2, LINUX_FS, &boot_only), (3, LINUX_ROOT_ARM_64, &btrfs)])
        .unwrap();
    let found = boot(&disk).unwrap();
    assert_eq!(
        (found.path.as_str(), found.root),
        ("partition 2, /vmlinuz-6.8.5-301.fc40", Some(id(&disk, 3)))
    );
    assert_eq!(found.ramdisk.as_deref(), Some(&b"initramfs-6.8.5-301.fc40.img"[..]));

    // The type counts for more than the order.
    partitions::gpt(&disk, &[(1, LINUX_FS, &bare), (2, LINUX_ROOT_ARM_64, &debian)]).unwrap();
    assert_eq!(boot(&disk).unwrap().root, Some(id(&disk, 2)));

    for (parts, says) in [
        (
            vec![(1, EFI, &efi), (2, BASIC, &btrfs)],
            "partition 1 is FAT, partition 2 is btrfs; let firmware start it",
        ),
        (vec![(1, LINUX_FS, &bare)], "partition 1 is ext4 without one; "),
        (vec![(1, LINUX_FS, &boot_only)], "partition 1 is ext4, but no root; "),
        (vec![], "its partition table is empty; "),
    ] {
        let parts: Vec<_> =
            parts.iter().map(|(number, kind, path)| (*number, kind.clone(), path.as_path())).collect();
        partitions::gpt(&disk, &parts).unwrap();
        let error = boot(&disk).err().unwrap();
        assert!(error.contains(says) && error.contains("--firmware edk2"), "{error}");
    }

    // An MBR, as images for small boards have it.
    let mut bytes = vec![0; 1 << 20];
    bytes[440..444].copy_from_slice(&[0x78, 0x56, 0x34, 0x12]);
    bytes[446 + 16 + 4] = 0x83;
    bytes[446 + 16 + 8..446 + 32].copy_from_slice(&[0, 8, 0, 0, 0, 32, 0, 0]);
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    bytes.extend(fs::read(&debian).unwrap());
    fs::write(&disk, bytes).unwrap();
    assert_eq!(boot(&disk).unwrap().root.as_deref(), Some("PARTUUID=12345678-02"));
}

/// Whatever a byte of the table is, the disk boots or is refused in one line.
#[test]
fn any_damage_to_a_table_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let efi = file(dir.path(), "efi", 0x36, b"FAT16");
    let disk = dir.path().join("disk");
    partitions::gpt(&disk, &[(1, EFI, &efi), (2, LINUX_FS, &efi)]).unwrap();
    let whole = fs::read(&disk).unwrap()[..1024 + 128 * 128].to_vec();
    let crc = |bytes: &[u8]| {
        let step = |crc: u32, _| crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        !bytes.iter().fold(!0, |crc: u32, byte| (0..8).fold(crc ^ u32::from(*byte), step))
    };
    for at in (440..512).chain(512..512 + 92).chain(1024..1024 + 256) {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            // With sums that are right again, so that what they protect is looked at.
            let table = crc(&bytes[1024..1024 + 128 * 128]);
            bytes[512 + 88..512 + 92].copy_from_slice(&table.to_le_bytes());
            bytes[512 + 16..512 + 20].fill(0);
            let header = crc(&bytes[512..512 + 92]);
            bytes[512 + 16..512 + 20].copy_from_slice(&header.to_le_bytes());
            let file = fs::File::options().write(true).open(&disk);
            file.and_then(|mut file| file.write_all(&bytes)).unwrap();
            let opened = open(&disk, &OpenOptions { read_only: true, ..OpenOptions::default() }).unwrap();
            let error = root::boot(&disk, opened).err().unwrap().to_string();
            assert!(!error.contains('\n'), "{at}: {error}");
        }
    }
}
