//! Unix hosts; holes on Linux only.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, FileTypeExt};

use vm_memory::VolatileSlice;

/// True for a block device.
pub(crate) fn is_block_device(metadata: &Metadata) -> bool {
    metadata.file_type().is_block_device()
}

/// The most pieces of memory of one call; every Unix takes that many.
const MOST_PIECES: usize = 1024;

/// Reads into `into` until it is full or the file ends; returns the number of bytes.
pub(crate) fn read_at(file: &File, into: &[VolatileSlice], offset: u64) -> io::Result<usize> {
    transfer(into, offset, |pieces, offset| {
        // SAFETY: the pieces are guest memory, mapped as long as `into` is borrowed; the kernel writes to it as a
        // device would, and nothing in Rust assumes it to be unchanged.
        unsafe { libc::preadv(file.as_raw_fd(), pieces.as_ptr(), pieces.len() as i32, offset) }
    })
}

/// Writes all of `from`.
pub(crate) fn write_at(file: &File, from: &[VolatileSlice], offset: u64) -> io::Result<()> {
    let wanted: usize = from.iter().map(VolatileSlice::len).sum();
    let done = transfer(from, offset, |pieces, offset| {
        // SAFETY: as above, and the kernel only reads it.
        unsafe { libc::pwritev(file.as_raw_fd(), pieces.as_ptr(), pieces.len() as i32, offset) }
    })?;
    if done == wanted { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Calls `call` until it has dealt with all pieces or makes no progress.
fn transfer(
    pieces: &[VolatileSlice],
    offset: u64,
    call: impl Fn(&[libc::iovec], libc::off_t) -> libc::ssize_t,
) -> io::Result<usize> {
    let mut vector: Vec<_> = pieces
        .iter()
        .map(|piece| libc::iovec { iov_base: piece.ptr_guard_mut().as_ptr().cast(), iov_len: piece.len() })
        .collect();
    let (mut first, mut done) = (0, 0);
    while first < vector.len() {
        let some = &vector[first..vector.len().min(first + MOST_PIECES)];
        let at = offset.checked_add(done as u64).and_then(|at| libc::off_t::try_from(at).ok());
        let at = at.ok_or(io::ErrorKind::InvalidInput)?;
        let mut count = match usize::try_from(call(some, at)) {
            Ok(0) => break,
            Ok(count) => count,
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => continue,
                error => return Err(error),
            },
        };
        done += count;
        while count > 0 {
            let piece = &mut vector[first];
            let step = count.min(piece.iov_len);
            piece.iov_base = piece.iov_base.wrapping_byte_add(step);
            piece.iov_len -= step;
            count -= step;
            first += usize::from(piece.iov_len == 0);
        }
    }
    Ok(done)
}

/// Writes all of `bytes`.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Has a file read and written past the page cache.
pub(crate) fn set_direct(file: &File) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        Ok(fcntl_setfl(file, fcntl_getfl(file)? | OFlags::DIRECT)?)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Gives the storage of a range back; it reads as zeros then.
pub(crate) fn punch_hole(file: &File, offset: u64, len: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::FallocateFlags as Flags;
        allocate(file, Flags::PUNCH_HOLE | Flags::KEEP_SIZE, offset, len)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, offset, len);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Makes a range read as zeros and keeps its storage.
pub(crate) fn zero_range(file: &File, offset: u64, len: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        allocate(file, rustix::fs::FallocateFlags::ZERO_RANGE, offset, len)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, offset, len);
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, flags: rustix::fs::FallocateFlags, offset: u64, len: u64) -> io::Result<()> {
    use rustix::io::Errno;
    match rustix::fs::fallocate(file, flags, offset, len) {
        // File systems and devices without the ability say so in different ways.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::NODEV | Errno::INVAL) => {
            Err(io::ErrorKind::Unsupported.into())
        }
        done => Ok(done?),
    }
}
