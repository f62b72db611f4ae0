//! The A32 instruction set (Arm ARM F4.1).

mod data;
mod media;
mod memory;
pub(super) mod operands;
mod system;

use super::insn::Insn;
use super::rows::{self, Form, Rows};
use crate::feature::FeatureSet;
use crate::table::{Buckets, Table};

/// A32 keeps its opcodes in bits `[27:20]` and `[7:4]`.
const BUCKETS: Buckets = Buckets { high: [27, 20], low: [7, 4] };

static DATA: Table<Form> = Table::new(data::ROWS, BUCKETS);
static MEDIA: Table<Form> = Table::new(media::ROWS, BUCKETS);
static MEMORY: Table<Form> = Table::new(memory::ROWS, BUCKETS);
static SYSTEM: Table<Form> = Table::new(system::ROWS, BUCKETS);
static UNCONDITIONAL: Table<Form> = Table::new(system::UNCONDITIONAL, BUCKETS);

/// The rows of all tables, for tests and documentation.
pub const ROWS: [Rows; 5] = [data::ROWS, media::ROWS, memory::ROWS, system::ROWS, system::UNCONDITIONAL];

/// Decodes one word for a CPU with `features`. `None` is UNDEFINED, or VFP or AdvSIMD, which the caller asks for
/// first.
pub fn decode(word: u32, features: FeatureSet) -> Option<Insn> {
    let look = |table| rows::find(table, word, features);
    let cond = (word >> 28) as u8;
    if cond == 15 {
        return look(&UNCONDITIONAL);
    }
    let insn = match word >> 25 & 7 {
        // Multiplies, extra loads and stores, exclusives.
        0 if word & 0x90 == 0x90 => look(if word & 0x0100_0060 == 0 { &DATA } else { &MEMORY }),
        0 | 1 => look(&DATA).or_else(|| look(&SYSTEM)),
        2 => look(&MEMORY),
        3 if word & 0x10 == 0 => look(&MEMORY),
        3 => look(&MEDIA),
        4 => look(&MEMORY),
        _ => look(&SYSTEM),
    };
    insn.map(|insn| Insn { cond, ..insn })
}
