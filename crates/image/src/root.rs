//! The kernel on a disk: what boots an ext4 file system without firmware.

use std::path::Path;

use armlet_disk::{Disk, VolatileSlice};
use ext4_view::{Ext4, Ext4Read};

use crate::{ImageError, Result};

/// Where the superblock's magic number is: ext4 has its superblock at 1024, `s_magic` at 0x38 in it.
const MAGIC_AT: usize = 1024 + 0x38;
const MAGIC: [u8; 2] = [0x53, 0xef];
/// The start of a qcow2 image (docs/interop/qcow2 of QEMU).
const QCOW2: [u8; 4] = *b"QFI\xfb";
/// Bytes that tell a disk.
pub const START: usize = 2048;

/// The names by which Debian's kernel and ramdisk are found: links to those of the newest.
const KERNELS: [&str; 2] = ["/vmlinuz", "/boot/vmlinuz"];
const RAMDISKS: [&str; 2] = ["/initrd.img", "/boot/initrd.img"];

/// What a disk boots with.
pub struct Boot {
    /// The kernel.
    pub kernel: Vec<u8>,
    /// Its ramdisk, if there is one.
    pub ramdisk: Option<Vec<u8>>,
}

/// True if `start`, the first [`START`] bytes of a file, are those of an ext4 file system or of a qcow2 image. What comes before a
/// superblock is empty, which no program is.
pub fn is_disk(start: &[u8]) -> bool {
    let ext4 =
        start.get(MAGIC_AT..MAGIC_AT + 2) == Some(&MAGIC) && start[..512].iter().all(|byte| *byte == 0);
    ext4 || start.starts_with(&QCOW2)
}

/// Finds the kernel in the ext4 file system on a disk.
///
/// # Errors
/// There is none, or the file system can't be read.
pub fn boot(path: &Path, disk: Box<dyn Disk>) -> Result<Boot> {
    let damaged = || ImageError::damaged(format!("the file system on {}", path.display()));
    let system = Ext4::load(Box::new(Reader(disk))).map_err(damaged())?;
    let find = |names: &[&str]| {
        let found = names.iter().find(|name| system.exists(**name).unwrap_or(false));
        found.map(|name| system.read(*name)).transpose().map_err(damaged())
    };
    let kernel = find(&KERNELS)?.ok_or_else(|| {
        let path = path.display();
        ImageError::Asked(format!(
            "the disk {path} has no {}; name a kernel, and the disk with --disk",
            KERNELS[0]
        ))
    })?;
    Ok(Boot { kernel, ramdisk: find(&RAMDISKS)? })
}

/// Reads at any offset and length what the disk has.
fn read(disk: &dyn Disk, from: u64, into: &mut [u8]) -> std::io::Result<()> {
    if from.checked_add(into.len() as u64).is_none_or(|end| end > disk.size()) {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    disk.read(from, &[VolatileSlice::from(into)])
}

struct Reader(Box<dyn Disk>);

impl Ext4Read for Reader {
    fn read(
        &mut self,
        from: u64,
        into: &mut [u8],
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        read(self.0.as_ref(), from, into).map_err(Into::into)
    }
}
