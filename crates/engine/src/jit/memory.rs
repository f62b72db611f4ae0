//! Memory for generated code, mapped twice: one mapping is written, the other one executed.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapMut, MmapOptions};

/// Code memory. Offsets count from its start.
pub struct CodeMemory {
    write: MmapMut,
    exec: Mmap,
}

impl CodeMemory {
    /// `len` bytes, a multiple of the page size. The host commits pages as they are written.
    pub fn new(len: usize) -> io::Result<Self> {
        let file = File::from(rustix::fs::memfd_create("armlet-code", rustix::fs::MemfdFlags::CLOEXEC)?);
        file.set_len(len as u64)?;
        // SAFETY: the file is anonymous and owned by nobody else, so that only this object changes it; the
        // executable mapping is read by the CPU alone.
        let (write, exec) = unsafe {
            (MmapOptions::new().len(len).map_mut(&file)?, MmapOptions::new().len(len).map_exec(&file)?)
        };
        Ok(Self { write, exec })
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.exec.len()
    }

    /// Address at which the byte at `offset` runs.
    pub fn address(&self, offset: usize) -> u64 {
        self.exec.as_ptr() as u64 + offset as u64
    }

    /// Offset of an address.
    pub fn offset(&self, address: u64) -> usize {
        (address - self.exec.as_ptr() as u64) as usize
    }

    /// The code from `offset` on.
    pub fn code(&self, offset: usize, len: usize) -> &[u8] {
        &self.write[offset..offset + len]
    }

    /// Writes code.
    pub fn put(&mut self, offset: usize, code: &[u8]) {
        self.write[offset..offset + code.len()].copy_from_slice(code);
    }

    /// Makes the 32-bit distance at `offset`, the end of a jump, lead to `to`.
    pub fn retarget(&mut self, offset: usize, to: usize) {
        let distance = (to as i64 - (offset as i64 + 4)) as i32;
        self.write[offset..offset + 4].copy_from_slice(&distance.to_le_bytes());
    }
}
