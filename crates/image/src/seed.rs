//! What a guest needs to build an image: a kernel, a ramdisk with the tools, and a disk with the packages.

use std::fs::OpenOptions;
use std::io::{Cursor, Write};
use std::path::Path;

use cpio::newc::{self, ModeFileType};
use fatfs::{FileSystem, FormatVolumeOptions, FsOptions};

use crate::archive::{self, Data, Deb, Entry};
use crate::{ImageError, Result};

/// The builder: the first process of that guest.
const INIT: &str = include_str!("build.sh");

/// Kernel modules for two disks, ext4 and FAT, in an order in which they load. What a kernel has built in is no file.
const MODULES: [&str; 18] = [
    "virtio_ring",
    "virtio",
    "virtio_mmio",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_blk",
    "crc32c_generic",
    "libcrc32c",
    "crc16",
    "mbcache",
    "jbd2",
    "ext4",
    "fat",
    "vfat",
    "nls_cp437",
    "nls_ascii",
    "nls_utf8",
];
/// Packages that mke2fs is made of.
const MKE2FS: [&str; 8] =
    ["e2fsprogs", "libc6", "libext2fs2", "libext2fs2t64", "libblkid1", "libuuid1", "libcom-err2", "libe2p2"];
/// Of the C library, what programs load.
const LIBC: [&str; 2] = ["ld-linux", "libc.so"];

/// A guest that builds an image.
pub struct Builder {
    /// Its kernel.
    pub kernel: Vec<u8>,
    /// Its ramdisk.
    pub ramdisk: Vec<u8>,
}

impl Builder {
    /// Makes one of the packages of the image: `package` gives the file of a package by name.
    ///
    /// # Errors
    /// A package is damaged or missing.
    pub fn new(kernel_package: &str, package: impl Fn(&str) -> Option<std::path::PathBuf>) -> Result<Self> {
        let open = |name: &str| {
            let missing =
                || ImageError::Asked(format!("the image has no package {name}, which is needed to make it"));
            package(name).ok_or_else(missing).and_then(|path| Deb::open(&path))
        };
        let mut ramdisk = Ramdisk::default();
        for dir in ["bin", "dev", "etc", "mnt", "modules", "proc", "seed", "sys"] {
            ramdisk.add(dir, ModeFileType::Directory, 0o755, &[])?;
        }
        ramdisk.add("init", ModeFileType::Regular, 0o755, INIT.as_bytes())?;
        for busybox in open("busybox-static")?.files(|path| path.ends_with("bin/busybox"))? {
            ramdisk.file("bin/busybox", busybox.data)?;
        }
        ramdisk.add("bin/sh", ModeFileType::Symlink, 0o777, b"busybox")?;
        for name in MKE2FS {
            // Names of libraries differ between releases.
            let Some(path) = package(name) else { continue };
            let libc = name == "libc6";
            let wanted = |path: &str| {
                let file = path.rsplit('/').next().unwrap_or_default();
                path.ends_with("sbin/mke2fs")
                    || path == "etc/mke2fs.conf"
                    || path.contains("lib/")
                        && match libc {
                            true => LIBC.iter().any(|start| file.starts_with(start)),
                            false => file.contains(".so."),
                        }
            };
            for entry in Deb::open(&path)?.files(wanted)? {
                ramdisk.entry(entry)?;
            }
        }
        let kernel = open(kernel_package)?;
        for (number, module) in MODULES.iter().enumerate() {
            let stem = format!("/{module}.ko");
            let file = |path: &str| path.contains(&stem) && path.contains("/modules/");
            for entry in kernel.files(file)? {
                if let Data::File(bytes) = entry.data {
                    let bytes = archive::unpacked(&entry.path, &bytes)?;
                    ramdisk.add(&format!("modules/{number:02}.ko"), ModeFileType::Regular, 0o644, &bytes)?;
                }
            }
        }
        let image = kernel
            .files(|path| path.starts_with("boot/vmlinuz-"))?
            .into_iter()
            .next()
            .map(|entry| entry.data);
        let Some(Data::File(kernel)) = image else {
            return Err(ImageError::damaged(format!("the package {kernel_package}"))("it has no kernel"));
        };
        Ok(Self { kernel, ramdisk: ramdisk.finish()? })
    }
}

/// An initial ramdisk under construction.
#[derive(Default)]
struct Ramdisk {
    bytes: Vec<u8>,
    dirs: Vec<String>,
    inode: u32,
}

impl Ramdisk {
    fn add(&mut self, name: &str, kind: ModeFileType, mode: u32, data: &[u8]) -> Result<()> {
        self.inode += 1;
        let entry = newc::Builder::new(name).ino(self.inode).mode(mode).set_mode_file_type(kind);
        let mut writer = entry.write(&mut self.bytes, data.len() as u32);
        let written = writer.write_all(data).and_then(|()| writer.finish().map(drop));
        written.map_err(ImageError::damaged("the ramdisk"))
    }

    fn file(&mut self, path: &str, data: Data) -> Result<()> {
        match data {
            Data::File(bytes) => self.add(path, ModeFileType::Regular, 0o755, &bytes),
            Data::Link(target) => self.add(path, ModeFileType::Symlink, 0o777, target.as_bytes()),
        }
    }

    /// A file of a package. `usr` is left out of its path, for that is where releases differ.
    fn entry(&mut self, entry: Entry) -> Result<()> {
        let path = entry.path.strip_prefix("usr/").unwrap_or(&entry.path).to_owned();
        for (at, _) in path.match_indices('/') {
            if !self.dirs.iter().any(|dir| *dir == path[..at]) {
                self.dirs.push(path[..at].to_owned());
                self.add(&path[..at], ModeFileType::Directory, 0o755, &[])?;
            }
        }
        let data = match entry.data {
            Data::Link(target) => Data::Link(target.strip_prefix("/usr").unwrap_or(&target).to_owned()),
            file => file,
        };
        self.file(&path, data)
    }

    fn finish(self) -> Result<Vec<u8>> {
        newc::trailer(self.bytes).map_err(ImageError::damaged("the ramdisk"))
    }
}

/// Makes a disk with a FAT file system at `path` and fills it with the files as they come: paths with `/`, and contents.
///
/// # Errors
/// The host can't write it.
pub fn fat_disk(
    path: &Path,
    size: u64,
    label: &str,
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
) -> Result<()> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path);
    let mut file = file.map_err(ImageError::file(path))?;
    let written = file.set_len(size).and_then(|()| fill(&mut file, label, files));
    written.map_err(ImageError::file(path))
}

/// The same in memory, for small disks.
///
/// # Errors
/// It is too small.
pub fn fat_image(
    size: usize,
    label: &str,
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
) -> Result<Vec<u8>> {
    let mut disk = Cursor::new(vec![0; size]);
    fill(&mut disk, label, files).map_err(ImageError::damaged("the disk"))?;
    Ok(disk.into_inner())
}

fn fill<D: fatfs::ReadWriteSeek>(
    mut disk: D,
    label: &str,
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
) -> std::io::Result<()> {
    let mut name = [b' '; 11];
    name.iter_mut().zip(label.bytes()).for_each(|(to, from)| *to = from);
    // Always the same number: the same files make the same disk.
    fatfs::format_volume(&mut disk, FormatVolumeOptions::new().volume_label(name).volume_id(0x41524d00))?;
    let system = FileSystem::new(disk, FsOptions::new().update_accessed_date(false))?;
    for (path, bytes) in files {
        let mut dir = system.root_dir();
        let (parents, file) = path.rsplit_once('/').unwrap_or(("", &path));
        for parent in parents.split('/').filter(|parent| !parent.is_empty()) {
            dir = dir.create_dir(parent)?;
        }
        let mut file = dir.create_file(file)?;
        file.truncate()?;
        file.write_all(&bytes)?;
        file.flush()?;
    }
    system.unmount()
}
