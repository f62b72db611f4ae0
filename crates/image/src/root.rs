//! The kernel on a disk: what boots a file system, alone on the disk or in one of its partitions, without firmware.

use std::path::Path;
use std::sync::Arc;

use armlet_disk::Disk;

use crate::partitions::{self, Partition};
use crate::volume::{self, Content, Volume};
use crate::{ImageError, Result};

/// The start of a qcow2 image (docs/interop/qcow2 of QEMU).
const QCOW2: [u8; 4] = *b"QFI\xfb";
/// Bytes that tell a disk.
pub const START: usize = 2048;

/// Where kernels are looked for; the second is where they lie in a partition of their own, or Debian's links to the newest.
const FOLDERS: [&str; 2] = ["/boot", ""];
/// The names of a system's kernel where it has only one.
const KERNELS: [&str; 4] = ["vmlinuz", "Image", "Image.gz", "vmlinuz.efi"];
/// How names of kernels with versions begin.
const PREFIXES: [&str; 2] = ["vmlinuz-", "Image-"];
/// The names of ramdisks: what comes before and after the version.
const RAMDISKS: [(&str, &str); 4] =
    [("initrd.img-", ""), ("initramfs-", ".img"), ("initrd-", ""), ("initramfs-", "")];
/// The names of a ramdisk for a kernel without one.
const PLAIN_RAMDISKS: [&str; 4] = ["initrd.img", "initrd", "initramfs.img", "initramfs-linux.img"];
/// What a root file system has.
const ROOT: [&str; 2] = ["/etc", "/usr"];

/// What a disk boots with.
pub struct Boot {
    /// The kernel.
    pub kernel: Vec<u8>,
    /// Where it was found.
    pub path: String,
    /// Its ramdisk, if there is one.
    pub ramdisk: Option<Vec<u8>>,
    /// The partition with the root file system, as Linux knows it; `None` if that is the whole disk.
    pub root: Option<String>,
}

/// True if `start`, the first [`START`] bytes of a file, are those of a qcow2 image, of a disk with partitions, or of an
/// ext4 file system. What comes before a superblock is empty, which no program is.
pub fn is_disk(start: &[u8]) -> bool {
    let ext4 = volume::is_ext4(start) && start[..512].iter().all(|byte| *byte == 0);
    ext4 || start.starts_with(&QCOW2) || partitions::has_table(start)
}

/// Finds the kernel on a disk, and what is to be its root.
///
/// # Errors
/// There is none, or it can't be read.
pub fn boot(path: &Path, disk: Box<dyn Disk>) -> Result<Boot> {
    let disk: Arc<dyn Disk> = Arc::from(disk);
    let damaged = |why: String| ImageError::damaged(format!("the disk {}", path.display()))(why);
    let mut start = vec![0; disk.size().min(START as u64) as usize];
    volume::read(disk.as_ref(), 0, &mut start).map_err(|error| damaged(error.to_string()))?;
    if partitions::has_table(&start) && !volume::is_ext4(&start) {
        let table = partitions::table(disk.as_ref()).map_err(damaged)?;
        return partitioned(path, &disk, table);
    }
    match volume::content(&disk, 0..disk.size()).map_err(damaged)? {
        Content::Ext4(volume) => load(&volume).map_err(damaged)?.ok_or_else(|| {
            let path = path.display();
            ImageError::Asked(format!(
                "the disk {path} has no kernel in / or /boot; name a kernel, and the disk with --disk"
            ))
        }),
        Content::Other(what) => Err(no_kernel(path, &format!("it is {what}"))),
    }
}

/// The same for a disk with partitions: the root is what its type says, else the first that looks like one; the kernel may
/// be in another.
fn partitioned(path: &Path, disk: &Arc<dyn Disk>, table: Vec<Partition>) -> Result<Boot> {
    let (mut volumes, mut others) = (Vec::new(), Vec::new());
    for partition in &table {
        match volume::content(disk, partition.range.clone()) {
            Ok(Content::Ext4(volume)) => volumes.push((partition, volume)),
            Ok(Content::Other(what)) => others.push(format!("partition {} is {what}", partition.number)),
            Err(why) => others.push(format!("partition {} is damaged: {why}", partition.number)),
        }
    }
    let is_root = |(_, volume): &&(&Partition, Volume)| ROOT.iter().all(|dir| volume.has(dir));
    let typed = table.iter().find(|partition| partition.is_root);
    let root = typed.or_else(|| volumes.iter().find(is_root).map(|(partition, _)| *partition));
    let Some(root) = root else {
        others.extend(
            volumes
                .iter()
                .map(|(partition, _)| format!("partition {} is ext4, but no root", partition.number)),
        );
        return Err(no_kernel(path, &others.join(", ")));
    };
    // Its own kernel comes first.
    volumes.sort_by_key(|(partition, _)| *partition != root);
    for (partition, volume) in &volumes {
        let what = || format!("partition {} of the disk {}", partition.number, path.display());
        if let Some(found) = load(volume).map_err(|why| ImageError::damaged(what())(why))? {
            let path = format!("partition {}, {}", partition.number, found.path);
            return Ok(Boot { path, root: Some(format!("PARTUUID={}", root.id)), ..found });
        }
    }
    others.extend(
        volumes.iter().map(|(partition, _)| format!("partition {} is ext4 without one", partition.number)),
    );
    Err(no_kernel(path, &others.join(", ")))
}

fn no_kernel(path: &Path, found: &str) -> ImageError {
    let found = if found.is_empty() { "its partition table is empty" } else { found };
    ImageError::Asked(format!(
        "no kernel can be read from the disk {}: {found}; let firmware start it, with --firmware edk2",
        path.display()
    ))
}

/// The kernel of a file system and its ramdisk.
fn load(volume: &Volume) -> std::result::Result<Option<Boot>, String> {
    let Some((path, ramdisks)) =
        FOLDERS.iter().rev().find_map(|folder| linked(volume, folder)).or_else(|| newest(volume))
    else {
        return Ok(None);
    };
    let ramdisk = ramdisks.iter().find(|path| volume.has(path)).map(|path| volume.read(path)).transpose()?;
    Ok(Some(Boot { kernel: volume.read(&path)?, path, ramdisk, root: None }))
}

/// The kernel without a version in a folder, and where its ramdisk may be.
fn linked(volume: &Volume, folder: &str) -> Option<(String, Vec<String>)> {
    let path = KERNELS.iter().map(|name| format!("{folder}/{name}")).find(|path| volume.has(path))?;
    Some((path, PLAIN_RAMDISKS.iter().map(|name| format!("{folder}/{name}")).collect()))
}

/// The newest kernel with a version.
fn newest(volume: &Volume) -> Option<(String, Vec<String>)> {
    FOLDERS.iter().find_map(|folder| {
        let names = volume.names(if folder.is_empty() { "/" } else { folder });
        let version =
            |name: &str| PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).map(str::to_owned);
        let kernels = names.iter().filter_map(|name| Some((name, version(name)?)));
        let (name, version) = kernels.max_by(|one, other| deb_version::compare_versions(&one.1, &other.1))?;
        let ramdisks = RAMDISKS.map(|(before, after)| format!("{folder}/{before}{version}{after}"));
        Some((format!("{folder}/{name}"), ramdisks.to_vec()))
    })
}
