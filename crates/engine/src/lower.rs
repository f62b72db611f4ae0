//! From guest memory to uops, by the front end of the mode.

use std::sync::atomic::Ordering;

use armlet_arm::aarch32::t32::is_wide;
use armlet_arm::feature::FeatureSet;
use armlet_base::GuestRam;

use crate::block::{Block, Key, Mode, Shape, Starts};
use crate::uop::Uop;
use crate::{a64, aarch32};

/// Guest code to lower.
#[derive(Clone, Copy)]
pub struct Stretch<'a> {
    /// Guest memory.
    pub ram: &'a GuestRam,
    /// Where in it the first instruction is.
    pub offset: usize,
    /// The mode in which it is to run.
    pub mode: Mode,
    /// Features of the CPU.
    pub features: FeatureSet,
    /// The second half of an instruction that begins at the end of the page.
    pub beyond: Option<u16>,
}

impl Stretch<'_> {
    /// The halfword `n` halfwords from the first instruction; `None` beyond the page.
    pub fn half(&self, n: usize) -> Option<u16> {
        match self.offset + n * 2 {
            at if (at ^ self.offset) >> 12 == 0 => Some(self.ram.load(at, Ordering::Relaxed)),
            at if at & 0xfff == 0 => self.beyond,
            _ => None,
        }
    }

    /// The word `n` words from the first instruction; `None` beyond the page.
    pub fn word(&self, n: usize) -> Option<u32> {
        let at = self.offset + n * 4;
        ((at ^ self.offset) >> 12 == 0).then(|| self.ram.load(at, Ordering::Relaxed))
    }

    /// Distance of the first instruction from the start of its page.
    pub fn place(&self) -> u16 {
        (self.offset & 0xfff) as u16
    }

    /// True if the first instruction goes on beyond the page: a block can't hold it.
    pub fn crosses(&self) -> bool {
        self.place() == 0xffe && self.mode.is_t32() && self.half(0).is_some_and(is_wide)
    }

    /// Appends the uops of the instructions up to the end of the block or the page, at most `limit` of them.
    pub fn lower_into(&self, uops: &mut Vec<Uop>, limit: usize) -> Shape {
        if self.mode.has(Mode::AARCH32) {
            return aarch32::lower_into(uops, self, limit);
        }
        let words = (0..limit).map_while(|n| self.word(n));
        let insns = a64::lower_into(uops, self.mode, self.features, words);
        Shape { insns, bytes: insns * 4, starts: Starts::WORDS }
    }

    /// The same as a block.
    pub fn lower(&self, key: Key, limit: usize) -> Block {
        let mut uops = Vec::with_capacity(96);
        let shape = self.lower_into(&mut uops, limit);
        Block::new(key, shape, uops)
    }
}
