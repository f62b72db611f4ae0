//! Loads, stores and atomics whose addresses lie in [`MEM`], with the words before that set them up.

use armlet_arm::a64::MemoryOp;
use armlet_arm::a64::fields::{bit, bits, ra, rd, rm, rn};
use armlet_arm::a64::memory::TABLE;

use super::asm::{add, ldp, ldp_w, ldr, movk, movn, movz, set};
use super::words::{pick, word_of};
use crate::oracle::{MEM, Rng};

/// The addressing mode of a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// An unsigned offset in `[21:10]`.
    Unsigned,
    /// A signed one in `[20:12]`, added before, after or without writeback.
    Signed,
    /// A register.
    Index,
    /// A scaled signed one in `[21:15]`.
    Pair,
    /// PC and `[23:5]`.
    Literal,
    /// The base alone, as structures have it.
    Structure,
    /// The base alone, aligned; or with a multiple of 16 in `[20:12]`.
    Ordered,
}

fn form(word: u32) -> Form {
    match bits(word, 29, 27) {
        0b101 => Form::Pair,
        0b111 if bit(word, 24) => Form::Unsigned,
        0b111 if !bit(word, 21) => Form::Signed,
        0b111 if bits(word, 11, 10) == 2 => Form::Index,
        0b011 if !bit(word, 24) => Form::Literal,
        0b001 if bit(word, 26) => Form::Structure,
        _ => Form::Ordered,
    }
}

/// Unprivileged accesses and exclusives.
pub const LEFT_OUT: &[MemoryOp] = {
    use MemoryOp::*;
    &[
        Ldtr, Ldtrb, Ldtrh, Ldtrsb, Ldtrsh, Ldtrsw, Sttr, Sttrb, Sttrh, Stxr, Stlxr, Ldxr, Ldaxr, Stxp,
        Stlxp, Ldxp, Ldaxp,
    ]
};

/// Whether a word is left out.
fn left_out(op: MemoryOp, word: u32) -> bool {
    let (t, t2, n) = (rd(word), ra(word), rn(word));
    let general = !bit(word, 26) && n != 31;
    let open = match form(word) {
        Form::Pair => bit(word, 22) && t == t2 || bit(word, 23) && general && (n == t || n == t2),
        Form::Signed => bit(word, 10) && general && n == t,
        // The base would be the offset.
        Form::Index => n == rm(word),
        _ => false,
    };
    open || LEFT_OUT.contains(&op)
}

/// The word with its offset cut to what stays in memory, and the lowest and highest offset of a base in [`MEM`].
fn near(rng: &mut Rng, word: u32) -> (u32, u64, u64) {
    match form(word) {
        Form::Unsigned => (word & !(0xff0 << 10), 0, 0x300),
        Form::Signed => (word, 0x100, 0x2e0),
        Form::Index => (word, 0x100, 0x2e0),
        Form::Pair => {
            let imm7 = (rng.below(24) as i32 - 12) as u32 & 0x7f;
            (word & !(0x7f << 15) | imm7 << 15, 0xc0, 0x300)
        }
        Form::Structure => (word, 0, 0x3c0),
        Form::Ordered | Form::Literal => (word, 0x100, 0x2e0),
    }
}

/// Appends a literal load of words before it.
fn literal(rng: &mut Rng, word: u32, words: &mut Vec<u32>) {
    if words.len() >= 4 {
        let back = 4 + rng.below(words.len() as u64 - 3) as i32;
        words.push(word & !(0x7ffff << 5) | (-back as u32 & 0x7ffff) << 5);
    }
}

/// Appends what puts an offset into the index register.
fn index(rng: &mut Rng, word: u32, words: &mut Vec<u32>) {
    let (m, option, small) = (rm(word).into(), bits(word, 15, 13), rng.below(12) as u32);
    // Zero-extended from 32 bits it can't be negative.
    words.push(if option != 2 && rng.below(2) == 0 { movn(m, small) } else { movz(m, small, 0) });
    if option & 1 == 0 {
        words.push(movk(m, rng.next() as u32, 2 + rng.below(2) as u32));
    }
}

/// Appends a load of what a CAS or CASP compares with, so that it succeeds.
fn expect(op: MemoryOp, word: u32, words: &mut Vec<u32>) {
    let (n, s) = (rn(word).into(), rm(word).into());
    match op {
        MemoryOp::Cas if s != n => words.push(ldr(s, n, 0)),
        MemoryOp::Casp if s != n && s + 1 != n && bit(word, 30) => words.push(ldp(s, n, 0)),
        MemoryOp::Casp if s != n && s + 1 != n => words.push(ldp_w(s, n)),
        _ => {}
    }
}

/// Appends a random access and what it needs.
pub fn access(rng: &mut Rng, few: bool, words: &mut Vec<u32>) {
    let row = pick(rng, TABLE.rows());
    let word = word_of(rng, row, few);
    if left_out(row.op, word) {
        return;
    }
    if form(word) == Form::Literal {
        return literal(rng, word, words);
    }
    let (mut word, low, high) = near(rng, word);
    let mut at = low + rng.below(high - low);
    if form(word) == Form::Ordered {
        // Fields that should be ones; offsets that keep the alignment.
        match row.op {
            MemoryOp::Stlr | MemoryOp::Ldar => word |= 31 << 16 | 31 << 10,
            MemoryOp::Stlur | MemoryOp::Ldapur | MemoryOp::Ldapurs => word &= !(15 << 12),
            _ => {}
        }
        at &= !15;
        if !matches!(row.op, MemoryOp::Casp) {
            at += rng.below(16) >> bits(word, 31, 30) << bits(word, 31, 30);
        }
    }
    let n = rn(word).into();
    if form(word) == Form::Index && rm(word) != 31 {
        index(rng, word, words);
    }
    if n == 31 {
        let by = (0..31).find(|&by| by != u32::from(rm(word))).unwrap();
        words.extend(set(by, MEM + at & !15));
        words.push(add(31, by, 0));
    } else {
        words.extend(set(n, MEM + at));
    }
    if rng.below(2) == 0 {
        expect(row.op, word, words);
    }
    words.push(word);
}
