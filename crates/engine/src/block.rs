//! Lowered code: a run of guest instructions within one page, in one mode.

use crate::uop::Uop;

/// Most instructions of a block.
pub const MAX_INSNS: usize = 64;

/// Where the instructions of a block start: a bit for each of its halfwords, and one for where the next block may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Starts(pub u128);

impl Starts {
    /// Every instruction is a word.
    pub const WORDS: Self = Self(u128::MAX / 3);

    /// Distance in bytes of the instruction behind the one that starts at `delta`, from the block's start.
    pub fn next(self, delta: u8) -> u64 {
        let short = self.0.checked_shr(u32::from(delta) + 1).unwrap_or(0) & 1 != 0;
        u64::from(delta) * 2 + if short { 2 } else { 4 }
    }

    /// The number of instructions before the one that starts `delta` halfwords from the block's start.
    #[inline]
    pub fn before(self, delta: u8) -> u64 {
        let (low, high) = (self.0 as u64, (self.0 >> 64) as u64);
        let below = |bits: u64, count: u32| {
            u64::from((bits & !u64::MAX.checked_shl(count).unwrap_or(0)).count_ones())
        };
        below(low, u32::from(delta).min(64)) + below(high, u32::from(delta).saturating_sub(64))
    }
}

/// What lowering depends on besides the instruction words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mode(pub u16);

impl Mode {
    /// The code runs at EL1, else at EL0.
    pub const EL1: u16 = 1 << 0;
    /// FP and AdvSIMD instructions trap. In AArch32 state code finds out for itself ([`crate::uop::Op::CheckFp`]).
    pub const FP_TRAP: u16 = 1 << 1;
    /// SP-based accesses check the alignment of SP.
    pub const SP_CHECK: u16 = 1 << 2;
    /// One instruction to a block: single step, breakpoints in use, illegal execution state.
    pub const STEP: u16 = 1 << 3;
    /// The code runs at EL1 with SP_EL0.
    pub const SP0: u16 = 1 << 4;
    /// Every access must be aligned: the MMU is off or SCTLR_EL1.A set.
    pub const ALIGN: u16 = 1 << 5;
    /// AArch32 state.
    pub const AARCH32: u16 = 1 << 6;
    /// In AArch32 state: T32 instructions. A64 has the bit for [`Self::SP_CHECK`].
    pub const T32: u16 = Self::SP_CHECK;
    /// In AArch32 state: data are big-endian. A64 has the bit for [`Self::SP0`].
    pub const BE: u16 = Self::SP0;
    /// In AArch32 state: FPSCR.FZ is set.
    pub const FLUSH: u16 = 1 << 7;
    /// In T32 state: ITSTATE of the first instruction.
    pub const IT: u16 = 0xff << Self::IT_SHIFT;
    const IT_SHIFT: u32 = 8;

    /// True if all of `bits` are set.
    #[inline(always)]
    pub fn has(self, bits: u16) -> bool {
        self.0 & bits == bits
    }

    /// AArch32 state and T32 instructions.
    #[inline(always)]
    pub fn is_t32(self) -> bool {
        self.has(Self::AARCH32 | Self::T32)
    }

    /// Sets [`Self::T32`].
    #[inline]
    pub fn set_t32(&mut self, t32: bool) {
        self.0 = self.0 & !Self::T32 | if t32 { Self::T32 } else { 0 };
    }

    /// ITSTATE of the first instruction.
    pub fn itstate(self) -> u8 {
        (self.0 >> Self::IT_SHIFT) as u8
    }

    /// ITSTATE as bits of a mode.
    pub fn of_itstate(it: u8) -> u16 {
        u16::from(it) << Self::IT_SHIFT
    }

    /// What of the mode code shares that is reached by branches: those choose the instruction set, and leave
    /// no IT block.
    pub fn for_jumps(self) -> u16 {
        match self.has(Self::AARCH32) {
            true => self.0 & !(Self::T32 | Self::IT),
            false => self.0,
        }
    }
}

/// Names a block: guest physical address of its first instruction, and mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// The key of code at guest physical address `pa` (below 2^48) in `mode`.
    #[inline(always)]
    pub fn new(pa: u64, mode: Mode) -> Self {
        Self(pa << 16 | u64::from(mode.0))
    }

    /// A key from its raw form.
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Guest physical address of the first instruction.
    pub fn pa(self) -> u64 {
        self.0 >> 16
    }

    /// The mode.
    pub fn mode(self) -> Mode {
        Mode(self.0 as u16)
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

/// How long a run of instructions is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its instructions.
    pub insns: u16,
    /// Its bytes.
    pub bytes: u16,
    /// Where the instructions start.
    pub starts: Starts,
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
    pub insns: u16,
    /// Bytes of guest code.
    pub bytes: u16,
    /// Where the instructions start.
    pub starts: Starts,
    /// What to run. The last uop leaves the block.
    pub uops: Box<[Uop]>,
    /// Successors by direct branch within the page.
    pub links: [Link; 2],
}

impl Block {
    /// A block that is linked to nothing.
    pub fn new(key: Key, shape: Shape, uops: Vec<Uop>) -> Self {
        let Shape { insns, bytes, starts } = shape;
        Self { key, generation: 0, insns, bytes, starts, uops: uops.into(), links: [Link::default(); 2] }
    }
}

const _: () = assert!(size_of::<Block>() == 64);
