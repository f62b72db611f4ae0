//! Treaddir.

use std::mem::MaybeUninit;

use rustix::fs::{FileType, RawDir, SeekFrom, seek};
use rustix::io::Errno;

use crate::attributes::qid_kind;
use crate::server::Server;
use crate::wire::{HEADER, Input, Output, Qid, Result};

/// Bytes of an entry besides its name: qid, offset, type, length of the name.
const ENTRY: usize = 13 + 8 + 1 + 2;
/// Bytes of entries that the host is asked for at a time.
const BATCH: usize = 32 << 10;

/// Types of entries as `getdents64` has them.
fn entry_kind(kind: FileType) -> u8 {
    match kind {
        FileType::Fifo => 1,
        FileType::CharacterDevice => 2,
        FileType::Directory => 4,
        FileType::BlockDevice => 6,
        FileType::RegularFile => 8,
        FileType::Symlink => 10,
        FileType::Socket => 12,
        _ => 0,
    }
}

impl Server {
    /// Entries from an offset on, as many as fit. Offsets are the host's: they stay good when the folder changes.
    pub(crate) fn readdir(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let (fid, offset, count) = (self.fid(input.u32()?)?, input.u64()?, input.u32()? as usize);
        // The folder's position is shared, so one reader at a time.
        let _turn = self.listing();
        let folder = fid.opened()?;
        let stat = fid.node.stat()?;
        let device = u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor);
        seek(&folder, SeekFrom::Start(offset))?;
        let limit = count.min(out.room().checked_sub(4).ok_or(Errno::MSGSIZE)?);
        let mut batch = vec![MaybeUninit::uninit(); BATCH];
        let mut entries = RawDir::new(&*folder, &mut batch);
        let mut bytes = vec![0; HEADER + limit];
        let mut list = Output::new(&mut bytes);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if ENTRY + name.len() > list.room() {
                // An empty answer would say that this is the end.
                if list.len() == HEADER {
                    return Err(Errno::INVAL);
                }
                break;
            }
            let kind = match entry.file_type() {
                FileType::RegularFile => self.options.owners.listed(&fid.node, name),
                kind => kind,
            };
            let path = self.path_number(device, entry.ino());
            list.qid(Qid { kind: qid_kind(kind), version: 0, path })?;
            list.u64(entry.next_entry_cookie())?;
            list.u8(entry_kind(kind))?;
            list.string(name)?;
        }
        let len = list.len();
        out.u32((len - HEADER) as u32)?;
        out.bytes(&bytes[HEADER..len])
    }
}
