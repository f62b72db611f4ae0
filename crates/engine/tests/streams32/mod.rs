//! Random A32 and T32 instructions, row by row of the decode tables, that end in time and mostly hit memory.
#![allow(dead_code)]

mod predictable;

use armlet_arm::aarch32::{Insn, Op, a32};
use armlet_arm::feature::FeatureSet;

use crate::oracle::{MEM, Rng, random_word};
use crate::oracle32::Program;

/// Which instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    A32,
}

/// What a stream is made of.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Of how many instructions one is of data processing, for each that accesses memory.
    pub data: u64,
    /// How many access memory.
    pub memory: u64,
    /// Conditional branches forward.
    pub branches: bool,
    /// Only what other implementations do the same way: nothing UNPREDICTABLE, and no access relative to PC or with a
    /// monitor.
    pub predictable: bool,
}

impl Shape {
    /// For a comparison with another implementation.
    pub fn for_emulator() -> Self {
        Self { predictable: true, ..Self::default() }
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self { data: 6, memory: 0, branches: false, predictable: false }
    }
}

fn features() -> FeatureSet {
    armlet_arm::cpu::model("max").unwrap().features
}

impl Set {
    pub fn program(self, words: &[u32]) -> Program {
        Program::a32(words)
    }

    pub fn nop_like(self, _: u32) -> u32 {
        0xe320_f000
    }

    fn decode(self, word: u32) -> Option<Insn> {
        a32::decode(word, features())
    }

    pub fn describe(self, word: u32) -> String {
        self.decode(word).map_or("undefined".into(), |insn| insn.to_string())
    }
}

/// What leaves the stream, waits, or depends on more than registers and memory.
fn left_out(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        B | Bl
            | Blx
            | BlxReg
            | Bx
            | Bxj
            | Cbz
            | Cbnz
            | Tbb
            | Tbh
            | It
            | Svc
            | Hvc
            | Smc
            | Bkpt
            | Udf
            | Hlt
            | Wfe
            | Wfi
            | Yield
            | Mcr
            | Mrc
            | Mcrr
            | Mrrc
            | Ldc
            | Stc
            | Rfe
            | Srs
            | Eret
            | LdmExcept
            | Setend
    )
}

fn is_memory(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        Ldr | Ldrb
            | Ldrh
            | Ldrsb
            | Ldrsh
            | Str
            | Strb
            | Strh
            | Ldrd
            | Strd
            | Ldrt
            | Ldrbt
            | Ldrht
            | Ldrsbt
            | Ldrsht
            | Strt
            | Strbt
            | Strht
            | Ldm
            | Stm
            | Ldrex
            | Ldrexb
            | Ldrexh
            | Ldrexd
            | Ldaex
            | Ldaexb
            | Ldaexh
            | Ldaexd
            | Strex
            | Strexb
            | Strexh
            | Strexd
            | Stlex
            | Stlexb
            | Stlexh
            | Stlexd
            | Lda
            | Ldab
            | Ldah
            | Stl
            | Stlb
            | Stlh
            | Swp
            | Swpb
    )
}

/// True if a program can't well go on after it.
fn leaves(insn: &Insn) -> bool {
    let writes_pc = insn.d == 15 && !matches!(insn.op, Op::Tst | Op::Teq | Op::Cmp | Op::Cmn);
    left_out(insn.op) || writes_pc || matches!(insn.op, Op::Ldm) && insn.list >> 15 != 0
}

/// A word of the tables, of memory or not.
fn word(rng: &mut Rng, set: Set, memory: bool) -> (u32, Insn) {
    loop {
        let rows = a32::ROWS[rng.below(a32::ROWS.len() as u64) as usize];
        let row = &rows[rng.below(rows.len() as u64) as usize];
        let mut word = random_word(rng, row.mask, row.value);
        if word >> 28 != 15 && rng.below(2) == 0 {
            word = word & 0x0fff_ffff | 0xe000_0000;
        }
        match set.decode(word) {
            Some(insn) if insn.op == row.op.op && is_memory(insn.op) == memory && !leaves(&insn) => {
                return (word, insn);
            }
            _ => {}
        }
    }
}

/// `movw` and `movt` of a constant.
fn constant(d: u8, value: u32, words: &mut Vec<u32>) {
    let d = u32::from(d) << 12;
    let half = |value: u32| (value >> 12 & 15) << 16 | value & 0xfff;
    words.push(0xe300_0000 | d | half(value & 0xffff));
    words.push(0xe340_0000 | d | half(value >> 16));
}

pub fn stream(rng: &mut Rng, set: Set, shape: Shape) -> Vec<u32> {
    let len = 3 + rng.below(24) as usize;
    let mut words = vec![];
    while words.len() < len {
        let memory = rng.below(shape.data + shape.memory) < shape.memory;
        let (word, insn) = word(rng, set, memory);
        if shape.predictable && !predictable::is(&insn) {
            continue;
        }
        if memory && insn.n != 15 && rng.below(8) != 0 {
            let base = MEM as u32 + 0x100 + (rng.below(64) as u32) * if rng.below(8) == 0 { 1 } else { 4 };
            constant(insn.n, base, &mut words);
            if insn.m != 15 && insn.m != insn.n {
                words.push(0xe3a0_0000 | u32::from(insn.m) << 12 | rng.below(16) as u32);
            }
        }
        words.push(word);
        if shape.branches && rng.below(5) == 0 {
            // Over the next few words.
            let condition = rng.below(15) as u32;
            words.push(condition << 28 | 0x0a00_0000 | rng.below(4) as u32);
        }
    }
    if shape.branches {
        words.extend([set.nop_like(0); 5]);
    }
    words.truncate(32);
    if shape.branches {
        let end = 27.min(words.len() - 5);
        words[end..].fill(set.nop_like(0));
    }
    words
}
