//! Disks with partitions, laid out as stock cloud images are.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use gpt::GptConfig;
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
pub use gpt::partition_types::{BASIC, EFI, LINUX_FS, LINUX_ROOT_ARM_64, Type};

const SECTOR: u64 = 512;
/// What partitions are aligned to, and what is copied at a time.
const STEP: u64 = 1 << 20;

/// A partition: its number, type, and the file that it has the content of.
pub type Part<'a> = (u32, Type, &'a Path);

/// Makes a disk with a GPT and these partitions, one after the other. What is empty takes no room.
///
/// # Errors
/// The host can't write it.
pub fn gpt(path: &Path, parts: &[Part]) -> io::Result<()> {
    let lengths = parts.iter().map(|part| Ok(part.2.metadata()?.len().next_multiple_of(STEP)));
    let lengths = lengths.collect::<io::Result<Vec<_>>>()?;
    let size = 2 * STEP + lengths.iter().sum::<u64>();
    let mut disk = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
    disk.set_len(size)?;
    let sectors = u32::try_from(size / SECTOR - 1).unwrap_or(u32::MAX);
    ProtectiveMBR::with_lb_size(sectors).overwrite_lba0(&mut disk).map_err(io::Error::other)?;
    let config = GptConfig::new().writable(true).logical_block_size(LogicalBlockSize::Lb512);
    let mut table = config.create_from_device(disk, None).map_err(io::Error::other)?;
    let mut starts = Vec::new();
    let mut start = STEP;
    for ((number, kind, _), len) in parts.iter().zip(&lengths) {
        let added = table.add_partition_at("", *number, start / SECTOR, len / SECTOR, kind.clone(), 0);
        added.map_err(io::Error::other)?;
        starts.push(start);
        start += len;
    }
    let mut disk = table.write().map_err(io::Error::other)?;
    parts.iter().zip(starts).try_for_each(|((_, _, content), start)| copy(content, &mut disk, start))
}

/// Copies what is not zero.
fn copy(from: &Path, to: &mut File, start: u64) -> io::Result<()> {
    let (mut from, mut chunk) = (File::open(from)?, Vec::new());
    for at in (start..).step_by(STEP as usize) {
        chunk.clear();
        if (&mut from).take(STEP).read_to_end(&mut chunk)? == 0 {
            break;
        }
        if chunk.iter().any(|byte| *byte != 0) {
            to.seek(SeekFrom::Start(at))?;
            to.write_all(&chunk)?;
        }
    }
    Ok(())
}
