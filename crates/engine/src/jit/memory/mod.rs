//! Memory for generated code, mapped twice: one mapping is written, the other one executed.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix::{map_twice, unmap};
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows::{map_twice, unmap};

/// A mapping of its own.
struct Mapping {
    at: *mut c_void,
    len: usize,
}

// SAFETY: the memory belongs to the process, and this is the only handle on the mapping.
unsafe impl Send for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing borrows from a mapping that is dropped, and generated code runs only while its
        // owner is borrowed.
        unsafe { unmap(self) };
    }
}

/// Code memory. Offsets count from its start.
pub struct CodeMemory {
    write: Mapping,
    exec: Mapping,
}

impl CodeMemory {
    /// `len` bytes, a multiple of the page size. The host gives pages as they are written.
    pub fn new(len: usize) -> io::Result<Self> {
        let [write, exec] = map_twice(len)?;
        Ok(Self { write, exec })
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.exec.len
    }

    /// Address at which the byte at `offset` runs.
    pub fn address(&self, offset: usize) -> u64 {
        self.exec.at as u64 + offset as u64
    }

    /// Offset of an address.
    pub fn offset(&self, address: u64) -> usize {
        (address - self.exec.at as u64) as usize
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is readable, as long as this, and written through `bytes_mut` alone.
        unsafe { std::slice::from_raw_parts(self.write.at.cast(), self.write.len) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the mapping is writable, and `self` is the only way to it. The CPU that executes the other
        // mapping sees what is written, for no code runs while `self` is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.write.at.cast(), self.write.len) }
    }

    /// The code from `offset` on.
    pub fn code(&self, offset: usize, len: usize) -> &[u8] {
        &self.bytes()[offset..offset + len]
    }

    /// Writes code.
    pub fn put(&mut self, offset: usize, code: &[u8]) {
        self.bytes_mut()[offset..offset + code.len()].copy_from_slice(code);
    }

    /// Makes the 32-bit distance at `offset`, the end of a jump, lead to `to`.
    pub fn retarget(&mut self, offset: usize, to: usize) {
        let distance = (to as i64 - (offset as i64 + 4)) as i32;
        self.bytes_mut()[offset..offset + 4].copy_from_slice(&distance.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_executed() {
        let mut memory = CodeMemory::new(8192).unwrap();
        memory.put(4096, &[0x12, 0x34, 0x56, 0x78]);
        assert_eq!(memory.offset(memory.address(4096)), 4096);
        // SAFETY: the address is in the executable mapping, which is readable as well.
        let there = unsafe { *(memory.address(4096) as *const [u8; 4]) };
        assert_eq!((there, memory.code(4096, 4)), ([0x12, 0x34, 0x56, 0x78], &there[..]));
    }
}
