//! Raw images: a file or a block device, byte for byte.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use vm_memory::VolatileSlice;

use crate::lock::Lock;
use crate::{Disk, SECTOR, ZEROS, sys};

pub(crate) struct Raw {
    file: File,
    /// Length of the file when it was opened; behind it are zeros up to the next sector.
    len: u64,
    read_only: bool,
    /// The host has said that it can't punch holes here, or can't zero ranges.
    no_holes: AtomicBool,
    no_zeroing: AtomicBool,
    _lock: Lock,
}

impl Raw {
    pub fn new(file: File, lock: Lock, len: u64, read_only: bool) -> Self {
        let (no_holes, no_zeroing) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { file, len, read_only, no_holes, no_zeroing, _lock: lock }
    }

    /// Does `how` unless it is known not to work here; false if it doesn't.
    fn attempt(&self, cant: &AtomicBool, how: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
        if cant.load(Ordering::Relaxed) {
            return Ok(false);
        }
        match how() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                cant.store(true, Ordering::Relaxed);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn write_zeros(&self, mut offset: u64, mut len: u64) -> io::Result<()> {
        let zeros = vec![0; ZEROS];
        while len > 0 {
            let count = usize::try_from(len).unwrap_or(ZEROS).min(ZEROS);
            sys::write_all_at(&self.file, &zeros[..count], offset)?;
            offset += count as u64;
            len -= count as u64;
        }
        Ok(())
    }
}

impl Disk for Raw {
    fn size(&self) -> u64 {
        self.len.next_multiple_of(SECTOR)
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn read(&self, offset: u64, into: &[VolatileSlice]) -> io::Result<()> {
        let wanted: usize = into.iter().map(VolatileSlice::len).sum();
        let done = sys::read_at(&self.file, into, offset)?;
        if done == wanted {
            return Ok(());
        }
        // Whoever made the file shorter meanwhile took data away; what was never there is zeros.
        if offset + (done as u64) < self.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut before = 0;
        for slice in into {
            let skip = done.saturating_sub(before).min(slice.len());
            before += slice.len();
            let rest = slice.offset(skip).map_err(io::Error::other)?;
            rest.copy_from(&vec![0u8; rest.len()]);
        }
        Ok(())
    }

    fn write(&self, offset: u64, from: &[VolatileSlice]) -> io::Result<()> {
        sys::write_at(&self.file, from, offset)
    }

    fn flush(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.attempt(&self.no_holes, || sys::punch_hole(&self.file, offset, len)).map(|_| ())
    }

    fn write_zeroes(&self, offset: u64, len: u64, unmap: bool) -> io::Result<()> {
        // A hole reads as zeros, but leaves the length of the file as it is.
        let done = unmap && self.attempt(&self.no_holes, || sys::punch_hole(&self.file, offset, len))?
            || self.attempt(&self.no_zeroing, || sys::zero_range(&self.file, offset, len))?;
        if done { Ok(()) } else { self.write_zeros(offset, len) }
    }
}
