//! Hosts without vectored input and output at an offset: through a buffer.

use std::fs::{File, Metadata};
use std::io;
use std::os::windows::fs::FileExt;

use vm_memory::VolatileSlice;

/// Disks of the host are not files here.
pub(crate) fn is_block_device(_metadata: &Metadata) -> bool {
    false
}

/// Reads into `into` until it is full or the file ends; returns the number of bytes.
pub(crate) fn read_at(file: &File, into: &[VolatileSlice], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    for piece in into {
        let mut buffer = vec![0; piece.len()];
        let mut filled = 0;
        while filled < buffer.len() {
            match file.seek_read(&mut buffer[filled..], offset + (done + filled) as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        piece.copy_from(&buffer[..filled]);
        done += filled;
        if filled < buffer.len() {
            break;
        }
    }
    Ok(done)
}

/// Writes all of `from`.
pub(crate) fn write_at(file: &File, from: &[VolatileSlice], mut offset: u64) -> io::Result<()> {
    for piece in from {
        let mut buffer = vec![0; piece.len()];
        piece.copy_to(&mut buffer);
        write_all_at(file, &buffer, offset)?;
        offset += buffer.len() as u64;
    }
    Ok(())
}

/// Writes all of `bytes`.
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => (bytes, offset) = (&bytes[count..], offset + count as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Not here.
pub(crate) fn set_direct(_file: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not here.
pub(crate) fn punch_hole(_file: &File, _offset: u64, _len: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not here.
pub(crate) fn zero_range(_file: &File, _offset: u64, _len: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
