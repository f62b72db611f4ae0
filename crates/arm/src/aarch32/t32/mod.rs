//! The T32 instruction set (Arm ARM F3.1 to F3.3).

mod data;
mod memory;
mod narrow;
mod narrow_operands;
mod operands;
mod system;

use super::insn::Insn;
use super::rows::{self, Form, Rows};
use crate::feature::FeatureSet;
use crate::table::{Buckets, Table};

/// 16-bit words keep their opcodes at the top.
const NARROW_BUCKETS: Buckets = Buckets { high: [15, 8], low: [7, 6] };
/// 32-bit ones in `[28:20]` and `[7:4]`.
const BUCKETS: Buckets = Buckets { high: [28, 20], low: [7, 4] };

static NARROW: Table<Form> = Table::new(narrow::ROWS, NARROW_BUCKETS);
static DATA: Table<Form> = Table::new(data::ROWS, BUCKETS);
static MEMORY: Table<Form> = Table::new(memory::ROWS, BUCKETS);
static SYSTEM: Table<Form> = Table::new(system::ROWS, BUCKETS);

/// The rows of 16-bit instructions, for tests and documentation.
pub const NARROW_ROWS: Rows = narrow::ROWS;
/// The rows of 32-bit instructions.
pub const WIDE_ROWS: [Rows; 3] = [data::ROWS, memory::ROWS, system::ROWS];

/// True if a halfword is the first of a 32-bit instruction.
#[inline(always)]
pub const fn is_wide(first: u16) -> bool {
    first >> 11 >= 0b11101
}

/// Decodes an instruction of one halfword. `None` is UNDEFINED.
pub fn decode16(half: u16, features: FeatureSet) -> Option<Insn> {
    rows::find(&NARROW, half as u32, features)
}

/// Decodes an instruction of two halfwords, the first of which is in bits `[31:16]`. `None` is UNDEFINED, or VFP or
/// AdvSIMD, which the caller asks for first.
pub fn decode32(word: u32, features: FeatureSet) -> Option<Insn> {
    let table = match (word >> 27, word >> 25 & 3) {
        (0b11101 | 0b11111, 0) => &MEMORY,
        (0b11101 | 0b11111, 1) => &DATA,
        (0b11101, _) => &SYSTEM,
        (0b11110, _) if word & 1 << 15 == 0 => &DATA,
        (0b11110, _) => &SYSTEM,
        _ => return None,
    };
    rows::find(table, word, features)
}
