//! Random instruction words, row by row of the decode tables.
//!
//! Left out: branches, exception generation, hints, barriers, system registers but NZCV, FPCR and FPSR; exclusives
//! (whether a store succeeds is open); LDTR and STTR (our side is EL1); and what the architecture leaves open:
//! loads of a pair to one register, writeback of a base that is loaded or stored as well. Fields that should be
//! ones are, since QEMU refuses others. FPCR and FPSR get only bits that exist without AArch32 and FP16.

use std::collections::HashSet;

use armlet_arm::a64::{IntegerOp, Row, decode, float, integer, simd};

use super::asm::{Reg, movk, movz, mrs, msr};
use super::{memory, state};
use crate::oracle::{Rng, random_word};

/// `fjcvtzs w0, d0`
pub const FJCVTZS: u32 = 0x1e7e_0000;
/// The bits that make it FCVTZS.
const PLAIN: u32 = 3 << 17;

/// Replaces FJCVTZS.
pub fn without_fjcvtzs(words: &mut [u32]) {
    for word in words.iter_mut().filter(|word| **word & !0x3ff == FJCVTZS) {
        *word ^= PLAIN;
    }
}

/// How often a stream takes from which table, in relation to each other.
#[derive(Clone, Copy)]
pub struct Mix {
    /// Data processing of general registers.
    pub integer: u64,
    /// AdvSIMD and cryptography.
    pub simd: u64,
    /// Floating point.
    pub float: u64,
    /// Loads, stores, atomics.
    pub memory: u64,
    /// Moves from and to NZCV, FPCR and FPSR, and instructions on flags.
    pub system: u64,
}

/// A word of a row that decodes to it on a CPU with every feature. With `few`, register fields are below 8.
pub fn word_of<T: Copy>(rng: &mut Rng, row: &Row<T>, few: bool) -> u32 {
    let features = armlet_arm::cpu::model("max").unwrap().features;
    loop {
        let mut word = random_word(rng, row.mask, row.value);
        if few {
            word = word & !(3 << 3 | 3 << 8 | 3 << 19) | row.value;
        }
        if row.valid.is_none_or(|valid| valid(word)) && decode(word, features).is_some() {
            return word;
        }
    }
}

/// Any row.
pub fn pick<'a, T>(rng: &mut Rng, rows: &'a [Row<T>]) -> &'a Row<T> {
    &rows[rng.below(rows.len() as u64) as usize]
}

/// A word of the integer table.
fn integer(rng: &mut Rng, few: bool) -> u32 {
    let row = pick(rng, integer::TABLE.rows());
    let word = word_of(rng, row, few);
    if matches!(row.op, IntegerOp::Smulh | IntegerOp::Umulh) { word | 31 << 10 } else { word }
}

/// Words on flags and controls.
fn system(rng: &mut Rng, words: &mut Vec<u32>) {
    let t = rng.below(31) as u32;
    match rng.below(7) {
        // CFINV, XAFLAG, AXFLAG.
        n @ 0..3 => words.push(0xd500_401f + 0x20 * n as u32),
        3 => words.push(mrs(t, [Reg::Nzcv, Reg::Fpcr, Reg::Fpsr][rng.below(3) as usize])),
        4 => words.push(msr(Reg::Nzcv, t)),
        5 => words.extend([movz(t, (rng.next() as u32 & state::FPCR) >> 16, 1), msr(Reg::Fpcr, t)]),
        _ => {
            let fpsr = rng.next() as u32 & state::FPSR;
            words.extend([movz(t, fpsr, 0), movk(t, fpsr >> 16, 1), msr(Reg::Fpsr, t)]);
        }
    }
}

/// A stream of `len` words or a few more.
pub fn stream(rng: &mut Rng, mix: Mix, len: usize) -> Vec<u32> {
    let mut words = vec![];
    let few = rng.below(2) == 0;
    let total = mix.integer + mix.simd + mix.float + mix.memory + mix.system;
    while words.len() < len {
        let mut at = rng.below(total);
        let mut chosen = |share: u64| {
            let is = at < share;
            at = at.wrapping_sub(share);
            is
        };
        if chosen(mix.integer) {
            words.push(integer(rng, few));
        } else if chosen(mix.simd) {
            let row = pick(rng, simd::TABLE.rows());
            words.push(word_of(rng, row, few));
        } else if chosen(mix.float) {
            let row = pick(rng, float::TABLE.rows());
            words.push(word_of(rng, row, few));
        } else if chosen(mix.memory) {
            memory::access(rng, few, &mut words);
        } else {
            system(rng, &mut words);
        }
    }
    words
}

#[test]
fn every_instruction_is_drawn() {
    use armlet_arm::a64::{Insn, MemoryOp, memory::TABLE};
    let mut rng = Rng::new(6);
    let mix = Mix { integer: 2, simd: 6, float: 6, memory: 3, system: 1 };
    let features = armlet_arm::cpu::model("max").unwrap().features;
    let words: Vec<u32> = (0..3000).flat_map(|_| stream(&mut rng, mix, 64)).collect();
    let drawn: HashSet<_> = words.iter().map(|&word| decode(word, features).unwrap()).collect();
    let left_out = |op: MemoryOp| memory::LEFT_OUT.contains(&op);
    let all = (integer::TABLE.rows().iter().map(|row| Insn::Integer(row.op)))
        .chain(simd::TABLE.rows().iter().map(|row| Insn::Simd(row.op)))
        .chain(float::TABLE.rows().iter().map(|row| Insn::Float(row.op)))
        .chain(TABLE.rows().iter().filter(|row| !left_out(row.op)).map(|row| Insn::Memory(row.op)));
    let missing: Vec<_> = all.filter(|insn| !drawn.contains(insn)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
