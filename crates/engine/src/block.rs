//! Lowered code: a run of guest instructions within one page, in one mode.

use crate::uop::Uop;

/// Most instructions of a block.
pub const MAX_INSNS: usize = 64;

/// What lowering depends on besides the instruction words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mode(pub u8);

impl Mode {
    /// The code runs at EL1, else at EL0.
    pub const EL1: u8 = 1 << 0;
    /// FP and AdvSIMD instructions trap.
    pub const FP_TRAP: u8 = 1 << 1;
    /// SP-based accesses check the alignment of SP.
    pub const SP_CHECK: u8 = 1 << 2;
    /// One instruction to a block: single step, breakpoints in use, illegal execution state.
    pub const STEP: u8 = 1 << 3;
    /// The code runs at EL1 with SP_EL0.
    pub const SP0: u8 = 1 << 4;
    /// Every access must be aligned: the MMU is off or SCTLR_EL1.A set.
    pub const ALIGN: u8 = 1 << 5;

    /// True if all of `bits` are set.
    pub fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }
}

/// Names a block: guest physical address of its first instruction, and mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// The key of code at guest physical address `pa` (below 2^56) in `mode`.
    pub fn new(pa: u64, mode: Mode) -> Self {
        Self(pa << 8 | u64::from(mode.0))
    }

    /// A key from its raw form.
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Guest physical address of the first instruction.
    pub fn pa(self) -> u64 {
        self.0 >> 8
    }

    /// A well-mixed small number, for direct-mapped tables.
    pub fn hash(self) -> usize {
        (self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
    }
}

/// A link to a successor, valid while the generation of its target is the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    /// Index of the target block plus one; 0 is none.
    pub target: u32,
    /// Generation of the target when the link was made.
    pub generation: u32,
}

/// A lowered block, in one line of the host's cache.
#[derive(Debug)]
#[repr(align(64))]
pub struct Block {
    /// What it was made of.
    pub key: Key,
    /// Counts the blocks that lived in this place of the cache.
    pub generation: u32,
    /// Number of guest instructions.
    pub insns: u32,
    /// Bytes of guest code.
    pub bytes: u32,
    /// What to run. The last uop leaves the block.
    pub uops: Box<[Uop]>,
    /// Successors by direct branch within the page.
    pub links: [Link; 2],
}
