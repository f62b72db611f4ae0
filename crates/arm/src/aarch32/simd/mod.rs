//! Floating point and AdvSIMD of AArch32 as tables: a line per instruction with its bit pattern.
//!
//! Patterns are of A32 words. A T32 word has the same fields behind another first byte: [`from_t32`] gives
//! the A32 word that does the same. Operands stay in the word, see [`fields`].
//!
//! CONSTRAINED UNPREDICTABLE words are UNDEFINED: fields that should be zero or one and are not, lists of registers
//! that are empty, too long or go beyond D31, negative numbers of fraction bits, PC as a transferred register, as the
//! base of structures and as a base with writeback, and one core register for both halves of a doubleword.

pub mod fields;
pub mod memory;
pub mod neon;
pub mod vfp;

pub use memory::MemoryOp;
pub use neon::NeonOp;
pub use vfp::VfpOp;

use crate::feature::FeatureSet;

/// A decoded instruction: which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Insn {
    /// Floating-point data processing, and transfers between core and extension registers.
    Vfp(VfpOp),
    /// AdvSIMD data processing, always executed.
    Neon(NeonOp),
    /// Loads and stores of extension registers.
    Memory(MemoryOp),
}

/// Decodes an A32 word for a CPU with `features`. `None`: this is no allocated floating-point or AdvSIMD instruction.
pub fn decode(word: u32, features: FeatureSet) -> Option<Insn> {
    let neon = |word| neon::TABLE.find(word, features).map(Insn::Neon);
    let memory = |word| memory::TABLE.find(word, features).map(Insn::Memory);
    let vfp = |word| vfp::TABLE.find(word, features).map(Insn::Vfp);
    match (word >> 28, word >> 24 & 15) {
        (15, 2 | 3) => neon(word),
        (15, 4) => memory(word),
        // What came later shares the coprocessors' space.
        (15, 12..=14) => vfp(word).or_else(|| neon(word)),
        (0..=14, 12 | 13) => memory(word).or_else(|| vfp(word)),
        (0..=14, 14) => vfp(word),
        _ => None,
    }
}

/// The A32 word of the instruction that a T32 word (first halfword in the upper half) is, if it may be one of these.
pub fn from_t32(word: u32) -> Option<u32> {
    let with = |first: u32| Some(word & 0x00ff_ffff | first << 24);
    match word >> 24 {
        0xef => with(0xf2),
        0xff => with(0xf3),
        0xf9 if word >> 20 & 1 == 0 => with(0xf4),
        0xec..=0xee | 0xfc..=0xfe => Some(word),
        _ => None,
    }
}

/// Mnemonic without data types, lower case (`vadd`, `vld4`).
pub fn mnemonic(insn: Insn) -> &'static str {
    match insn {
        Insn::Vfp(op) => vfp::TABLE.mnemonic(op),
        Insn::Neon(op) => neon::TABLE.mnemonic(op),
        Insn::Memory(op) => memory::TABLE.mnemonic(op),
    }
}
