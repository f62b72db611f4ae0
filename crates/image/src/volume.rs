//! File systems: what one is by its first bytes, and reading ext4.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use armlet_disk::{Disk, VolatileSlice};
use ext4_view::{Ext4, Ext4Read};

/// Where ext4 has its magic number: the superblock is at 1024, `s_magic` at 0x38 in it.
const EXT4_AT: usize = 1024 + 0x38;
const EXT4: &[u8] = &[0x53, 0xef];
/// What tells other contents of a partition: an offset, what is there, and what to call it.
const OTHERS: [(usize, &[u8], &str); 10] = [
    (0x10040, b"_BHRfS_M", "btrfs"),
    (0, b"XFSB", "XFS"),
    (0x400, &[0x10, 0x20, 0xf5, 0xf2], "F2FS"),
    (0x400, &[0xe2, 0xe1, 0xf5, 0xe0], "EROFS"),
    (0, b"hsqs", "squashfs"),
    (0x200, b"LABELONE", "LVM"),
    (0, b"LUKS\xba\xbe", "LUKS"),
    (0xff6, b"SWAPSPACE2", "swap"),
    (0x36, b"FAT", "FAT"),
    (0x52, b"FAT", "FAT"),
];
/// Bytes that tell all of them.
const START: u64 = 0x10048;
/// No kernel or ramdisk is larger: a damaged file system may say anything.
const LARGEST: u64 = 1 << 30;

/// True if `start`, the first bytes of a volume, are those of an ext4 file system.
pub fn is_ext4(start: &[u8]) -> bool {
    has(start, EXT4_AT, EXT4)
}

fn has(start: &[u8], at: usize, magic: &[u8]) -> bool {
    start.get(at..).is_some_and(|rest| rest.starts_with(magic))
}

/// What a part of a disk holds.
pub enum Content {
    /// A file system that can be read.
    Ext4(Volume),
    /// What can't, by name.
    Other(&'static str),
}

/// Finds out what is in a part of a disk.
///
/// # Errors
/// It can't be read, or what begins as ext4 is damaged.
pub fn content(disk: &Arc<dyn Disk>, range: Range<u64>) -> Result<Content, String> {
    let mut start = vec![0; (range.end - range.start).min(START) as usize];
    read(disk.as_ref(), range.start, &mut start).map_err(|error| error.to_string())?;
    if is_ext4(&start) {
        let reader = Reader { disk: disk.clone(), range };
        return Ext4::load(Box::new(reader))
            .map(|ext4| Content::Ext4(Volume(ext4)))
            .map_err(|e| e.to_string());
    }
    let other = OTHERS.iter().find(|(at, magic, _)| has(&start, *at, magic));
    Ok(Content::Other(other.map_or("unknown", |other| other.2)))
}

/// An ext4 file system.
pub struct Volume(Ext4);

impl Volume {
    /// True if there is something with this absolute path. What can't be read is not there.
    pub fn has(&self, path: &str) -> bool {
        self.0.exists(path).unwrap_or(false)
    }

    /// The names in a directory, none if it is not there.
    pub fn names(&self, dir: &str) -> Vec<String> {
        let entries = self.0.read_dir(dir).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().as_str().ok().map(str::to_owned)).collect()
    }

    /// All of a file.
    ///
    /// # Errors
    /// It can't be read, or is larger than anything that is to be read.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let len = self.0.metadata(path).map_err(|error| error.to_string())?.len();
        if len > LARGEST {
            return Err(format!("{path} has {len} bytes, more than any kernel or ramdisk"));
        }
        self.0.read(path).map_err(|error| format!("{path}: {error}"))
    }
}

/// Reads at any offset and length what the disk has.
pub(crate) fn read(disk: &dyn Disk, from: u64, into: &mut [u8]) -> io::Result<()> {
    if from.checked_add(into.len() as u64).is_none_or(|end| end > disk.size()) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    disk.read(from, &[VolatileSlice::from(into)])
}

struct Reader {
    disk: Arc<dyn Disk>,
    range: Range<u64>,
}

impl Ext4Read for Reader {
    fn read(
        &mut self,
        from: u64,
        into: &mut [u8],
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let from = self.range.start.saturating_add(from);
        if from.saturating_add(into.len() as u64) > self.range.end {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        read(self.disk.as_ref(), from, into).map_err(Into::into)
    }
}
