//! What a PE has lowered and compiled, for whichever engine runs it.

use std::io;

use armlet_x64::Level;

use crate::cache::Cache;
use crate::jit::{Jit, Stats};

/// One PE's code.
#[derive(Default)]
pub struct Code {
    /// For the interpreter.
    pub(crate) blocks: Cache,
    /// For the JIT, if that is to run.
    pub(crate) jit: Option<Box<Jit>>,
}

impl Code {
    /// True if there is a JIT for this host.
    pub const HAS_JIT: bool = cfg!(jit);

    /// For the interpreter alone.
    pub fn interpreter() -> Self {
        Self::default()
    }

    /// For the JIT, with `bytes` of code memory.
    pub fn jit(bytes: usize) -> io::Result<Self> {
        Ok(Self { blocks: Cache::default(), jit: Some(Box::new(Jit::new(bytes)?)) })
    }

    /// The same, with vector instructions of `most` at most: for tests of what lesser hosts do.
    pub fn jit_at_level(bytes: usize, most: Level) -> io::Result<Self> {
        Ok(Self { blocks: Cache::default(), jit: Some(Box::new(Jit::at_level(bytes, most)?)) })
    }

    /// What the JIT has done so far.
    pub fn jit_stats(&self) -> Option<&Stats> {
        self.jit.as_deref().map(Jit::stats)
    }

    /// The JIT, if that is to run.
    pub fn compiler(&self) -> Option<&Jit> {
        self.jit.as_deref()
    }

    /// The same, to change how it works.
    pub fn compiler_mut(&mut self) -> Option<&mut Jit> {
        self.jit.as_deref_mut()
    }

    /// Blocks lowered for the interpreter so far.
    pub fn blocks_lowered(&self) -> u64 {
        self.blocks.lowered()
    }

    /// Drops code that depends on `len` bytes of guest physical memory at `pa`; the range may not cross a page.
    pub fn invalidate(&mut self, pa: u64, len: u64) {
        self.blocks.invalidate(pa, len);
        if let Some(jit) = &mut self.jit {
            jit.invalidate(pa, len);
        }
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.blocks.clear();
        if let Some(jit) = &mut self.jit {
            jit.clear();
        }
    }
}
