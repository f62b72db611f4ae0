//! Partitions of a disk: by a GPT (UEFI specification 2.10, 5.3) or by the four entries of an MBR.

use std::io::Cursor;
use std::ops::Range;

use armlet_disk::{Disk, SECTOR};
use gpt::disk::LogicalBlockSize;
use gpt::{header, partition, partition_types};

use crate::volume::read;

/// The part of a disk in which its table lies: partitions are aligned to so much.
const TABLE: u64 = 1 << 20;
/// What ends an MBR, and what begins the header of a GPT in the sector behind it.
const MBR_END: [u8; 2] = [0x55, 0xaa];
const GPT_START: &[u8] = b"EFI PART";
/// The one size of a GPT's entries that is in use.
const GPT_ENTRY: u32 = 128;
/// The entries of an MBR, and the disk's signature before them.
const MBR_ENTRIES: Range<usize> = 446..510;
const MBR_ENTRY: usize = 16;
const MBR_SIGNATURE: Range<usize> = 440..444;
/// What kernels for PCs have, which begin like an MBR: an EFI program's or their own.
const PC_KERNELS: [(usize, &[u8]); 2] = [(0, b"MZ"), (514, b"HdrS")];
/// Types of entries that hold further tables or protect a GPT, not files.
const MBR_NO_FILES: [u8; 5] = [0x00, 0x05, 0x0f, 0x85, 0xee];

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number, from 1.
    pub number: u32,
    /// Where it is on the disk, in bytes.
    pub range: Range<u64>,
    /// What Linux calls it in `root=PARTUUID=`.
    pub id: String,
    /// True if its type says that it is the root of an Arm system (Discoverable Partitions Specification).
    pub is_root: bool,
}

/// True if `start`, the first bytes of a file, are those of a disk with partitions.
pub fn has_table(start: &[u8]) -> bool {
    let ends = start.get(MBR_ENTRIES.end..MBR_ENTRIES.end + 2) == Some(&MBR_END);
    let is_kernel = |(at, magic): (usize, &[u8])| start.get(at..).is_some_and(|rest| rest.starts_with(magic));
    ends && !PC_KERNELS.into_iter().any(is_kernel)
        && (is_gpt(start) || {
            let mut entries = start[MBR_ENTRIES].chunks(MBR_ENTRY);
            let sane = |entry: &[u8]| matches!(entry[0], 0 | 0x80) && (entry[4] == 0 || word(entry, 8) > 0);
            entries.clone().all(sane) && entries.any(|entry| entry[4] != 0)
        })
}

/// The partitions of a disk that [`has_table`], in the table's order. Those that would reach beyond its end are left out.
///
/// # Errors
/// The table is damaged.
pub fn table(disk: &dyn Disk) -> Result<Vec<Partition>, String> {
    let mut start = vec![0; disk.size().min(TABLE) as usize];
    read(disk, 0, &mut start).map_err(|error| error.to_string())?;
    let mut found = if is_gpt(&start) { of_gpt(start)? } else { of_mbr(&start) };
    found.retain(|partition| !partition.range.is_empty() && partition.range.end <= disk.size());
    Ok(found)
}

fn is_gpt(start: &[u8]) -> bool {
    start.get(SECTOR as usize..).is_some_and(|header| header.starts_with(GPT_START))
}

fn of_gpt(start: Vec<u8>) -> Result<Vec<Partition>, String> {
    let mut start = Cursor::new(start);
    let header = header::read_header_from_arbitrary_device(&mut start, LogicalBlockSize::Lb512)
        .map_err(|error| format!("its GPT is damaged: {error}"))?;
    // The library takes another size for a mistake of its caller.
    if header.part_size != GPT_ENTRY {
        return Err(format!("its GPT has entries of {} bytes, not {GPT_ENTRY}", header.part_size));
    }
    let entries = partition::file_read_partitions(&mut start, &header, LogicalBlockSize::Lb512)
        .map_err(|error| format!("its GPT is damaged: {error}"))?;
    let roots = [partition_types::LINUX_ROOT_ARM_64, partition_types::LINUX_ROOT_ARM_32];
    let found = entries.into_iter().map(|(number, entry)| Partition {
        number,
        range: sectors(entry.first_lba, entry.last_lba.saturating_add(1)),
        id: entry.part_guid.as_hyphenated().to_string(),
        is_root: roots.contains(&entry.part_type_guid),
    });
    Ok(found.collect())
}

fn of_mbr(start: &[u8]) -> Vec<Partition> {
    let signature = word(&start[MBR_SIGNATURE], 0);
    let entries = (1..).zip(start[MBR_ENTRIES].chunks(MBR_ENTRY));
    let with_files = entries.filter(|(_, entry)| !MBR_NO_FILES.contains(&entry[4]));
    let partition = |(number, entry): (u32, &[u8])| {
        let first = u64::from(word(entry, 8));
        Partition {
            number,
            range: sectors(first, first + u64::from(word(entry, 12))),
            id: format!("{signature:08x}-{number:02x}"),
            is_root: false,
        }
    };
    with_files.map(partition).collect()
}

fn sectors(first: u64, end: u64) -> Range<u64> {
    first.saturating_mul(SECTOR)..end.saturating_mul(SECTOR)
}

/// The little-endian word at an offset that is there.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].iter().take(4).rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_ends_like_an_mbr_is_no_disk() {
        let mut start = vec![0; 1024];
        assert!(!has_table(&start) && !has_table(&[]));
        start[510..512].copy_from_slice(&MBR_END);
        assert!(!has_table(&start), "a FAT file system has no entries");
        start[446 + 4] = 0x83;
        assert!(!has_table(&start), "a partition does not begin at 0");
        start[446 + 8] = 1;
        assert!(has_table(&start));
        start[446] = 0x90;
        assert!(!has_table(&start), "code");
        start[446] = 0x80;
        start[514..518].copy_from_slice(b"HdrS");
        assert!(!has_table(&start), "a kernel for PCs");
    }
}
