//! Disk images as a guest's disk reads and writes them: raw files and block devices, qcow2, and overlays that leave
//! their base as it is.
//!
//! [`open`] finds out what an image is, locks it against double use and gives a [`Disk`]. Data goes between image
//! and guest memory without a copy where the format allows it.

mod check;
mod error;
mod image;
mod lock;
mod open;
mod raw;
mod sys;

use std::io;

pub use error::DiskError;
pub use open::{Format, OpenOptions, is_device, open};
pub use vm_memory::VolatileSlice;

/// A guest's disk. All methods may be called from several threads at once; offsets and lengths are in bytes.
///
/// An error is the host's (a full file system, a failing device): the guest hears of it, and the machine goes on.
pub trait Disk: Send + Sync {
    /// Length: a multiple of [`SECTOR`], not zero. See [`open`] for images of another length.
    fn size(&self) -> u64;
    /// True if it takes no writes.
    fn read_only(&self) -> bool;
    /// Fills `into` from `offset` on. The range is within the disk.
    fn read(&self, offset: u64, into: &[VolatileSlice]) -> io::Result<()>;
    /// Writes `from` to `offset` on. The range is within the disk; [`Disk::flush`] makes it last.
    fn write(&self, offset: u64, from: &[VolatileSlice]) -> io::Result<()>;
    /// Returns when all that was written so far is on stable storage.
    fn flush(&self) -> io::Result<()>;
    /// The range is not needed any more: it may read as anything. Where the host can't use that, nothing happens.
    fn discard(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Makes the range read as zeros; with `unmap` its storage may be given back.
    fn write_zeroes(&self, offset: u64, len: u64, unmap: bool) -> io::Result<()>;
}

/// The unit of a disk's length and of requests to it.
pub const SECTOR: u64 = 512;

/// Bytes written at a time where an image has no better way to zero a range.
const ZEROS: usize = 64 << 10;
