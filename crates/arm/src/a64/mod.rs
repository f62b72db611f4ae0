//! The A64 instruction set as tables: a line per instruction with its bit pattern.
//!
//! An instruction word belongs to one of a few groups (Arm ARM C4.1, bits `[28:25]`); each group has a
//! table of its own whose rows are tried in order, so a special case stands above the general one.
//! A word that no row matches, or whose row needs a feature the CPU lacks, is UNDEFINED. Rows match
//! only allocated encodings: every reserved field value is spelled out of the pattern or refused by
//! the row's predicate.

pub mod branch;
pub mod fields;
pub mod float;
pub mod integer;
pub mod memory;
pub mod simd;
pub mod system;
pub(crate) mod table;

pub use crate::table::{Row, Table};
pub use branch::BranchOp;
pub use float::FloatOp;
pub use integer::IntegerOp;
pub use memory::MemoryOp;
pub use simd::SimdOp;
pub use system::SystemOp;

use crate::feature::FeatureSet;

/// A decoded instruction: which one it is. Its operands stay in the word, see [`fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Insn {
    /// Data processing, immediate and register.
    Integer(IntegerOp),
    /// Branches.
    Branch(BranchOp),
    /// Exception generation, system instructions, hints, barriers.
    System(SystemOp),
    /// Loads, stores and atomics, of general and vector registers.
    Memory(MemoryOp),
    /// AdvSIMD data processing but for floating point.
    Simd(SimdOp),
    /// Floating-point data processing, scalar and AdvSIMD.
    Float(FloatOp),
}

/// Decodes one word for a CPU with `features`. `None` is UNDEFINED.
pub fn decode(word: u32, features: FeatureSet) -> Option<Insn> {
    match word >> 25 & 0xf {
        0b1000 | 0b1001 | 0b0101 | 0b1101 => integer::TABLE.find(word, features).map(Insn::Integer),
        0b1010 | 0b1011 => branch::TABLE
            .find(word, features)
            .map(Insn::Branch)
            .or_else(|| system::TABLE.find(word, features).map(Insn::System)),
        0b0100 | 0b0110 | 0b1100 | 0b1110 => memory::TABLE.find(word, features).map(Insn::Memory),
        0b0111 | 0b1111 => simd::TABLE
            .find(word, features)
            .map(Insn::Simd)
            .or_else(|| float::TABLE.find(word, features).map(Insn::Float)),
        _ => None,
    }
}

/// Mnemonic of the instruction before aliases, lower case (`orr`, `subs`, `ubfm`).
pub fn mnemonic(insn: Insn) -> &'static str {
    match insn {
        Insn::Integer(op) => integer::TABLE.mnemonic(op),
        Insn::Branch(op) => branch::TABLE.mnemonic(op),
        Insn::System(op) => system::TABLE.mnemonic(op),
        Insn::Memory(op) => memory::TABLE.mnemonic(op),
        Insn::Simd(op) => simd::TABLE.mnemonic(op),
        Insn::Float(op) => float::TABLE.mnemonic(op),
    }
}
