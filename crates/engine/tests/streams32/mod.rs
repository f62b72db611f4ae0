//! Random A32 and T32 instructions, row by row of the decode tables, that end in time and mostly hit memory.
#![allow(dead_code)]

mod predictable;

use armlet_arm::aarch32::{Insn, Op, Rows, a32, t32};
use armlet_arm::feature::FeatureSet;

use crate::oracle::{MEM, Rng, random_word};
use crate::oracle32::Program;

/// Which instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    A32,
    /// A word above 0xffff is an instruction of two halfwords, the first one on top.
    T32,
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
        match self {
            Self::A32 => Program::a32(words),
            Self::T32 => Program::t32(words),
        }
    }

    /// An instruction of the same length that does nothing.
    pub fn nop_like(self, word: u32) -> u32 {
        match self {
            Self::A32 => 0xe320_f000,
            Self::T32 if word > 0xffff => 0xf3af_8000,
            Self::T32 => 0xbf00,
        }
    }

    fn decode(self, word: u32) -> Option<Insn> {
        match self {
            Self::A32 => a32::decode(word, features()),
            Self::T32 if word > 0xffff => t32::decode32(word, features()),
            Self::T32 => t32::decode16(word as u16, features()),
        }
    }

    fn rows(self) -> &'static [Rows] {
        const T32: [Rows; 5] =
            [t32::NARROW_ROWS, t32::NARROW_ROWS, t32::WIDE_ROWS[0], t32::WIDE_ROWS[1], t32::WIDE_ROWS[2]];
        match self {
            Self::A32 => &a32::ROWS,
            Self::T32 => &T32,
        }
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

/// True if a program can't well go on after it, or it changes code.
fn leaves(insn: &Insn) -> bool {
    use Op::{Str, Strb, Strd, Strh};
    if insn.n == 15 && matches!(insn.op, Str | Strb | Strd | Strh) {
        return true;
    }
    let writes_pc = insn.d == 15 && !matches!(insn.op, Op::Tst | Op::Teq | Op::Cmp | Op::Cmn);
    left_out(insn.op) || writes_pc || matches!(insn.op, Op::Ldm) && insn.list >> 15 != 0
}

/// A word of the tables, of memory or not.
fn word(rng: &mut Rng, set: Set, memory: bool) -> (u32, Insn) {
    loop {
        let tables = set.rows();
        let table = tables[rng.below(tables.len() as u64) as usize];
        let row = &table[rng.below(table.len() as u64) as usize];
        let mut word = random_word(rng, row.mask, row.value);
        if set == Set::T32 && row.mask >> 16 == 0 {
            word &= 0xffff;
        }
        if set == Set::A32 && word >> 28 != 15 && rng.below(2) == 0 {
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
fn constant(set: Set, d: u8, value: u32, words: &mut Vec<u32>) {
    let (d, low, high) = (u32::from(d), value & 0xffff, value >> 16);
    match set {
        Set::A32 => {
            let half = |value: u32| (value >> 12 & 15) << 16 | value & 0xfff | d << 12;
            words.extend([0xe300_0000 | half(low), 0xe340_0000 | half(high)]);
        }
        Set::T32 => {
            let half = |value: u32| {
                (value >> 12) << 16 | (value >> 11 & 1) << 26 | (value >> 8 & 7) << 12 | value & 0xff | d << 8
            };
            words.extend([0xf240_0000 | half(low), 0xf2c0_0000 | half(high)]);
        }
    }
}

/// A branch over the `words` behind it, of which there is one at least, on a condition below 14.
fn branch(set: Set, condition: u32, words: &[u32]) -> u32 {
    let bytes = set.program(words).bytes.len() as u32;
    match set {
        Set::A32 => condition << 28 | 0x0a00_0000 | bytes / 4 - 1,
        Set::T32 => 0xd000 | condition << 8 | bytes / 2 - 1,
    }
}

/// Bytes of a program at most.
const ROOM: usize = 116;

pub fn stream(rng: &mut Rng, set: Set, shape: Shape) -> Vec<u32> {
    let len = 3 + rng.below(24) as usize;
    let mut words = vec![];
    let (mut branches, mut starts) = (vec![], vec![]);
    // Instructions that an IT block still waits for.
    let mut conditional = 0;
    while words.len() < len {
        // An access and what sets it up stay together.
        if shape.predictable && set.program(&words).bytes.len() > ROOM - 56 {
            break;
        }
        let memory = rng.below(shape.data + shape.memory) < shape.memory;
        let (word, insn) = word(rng, set, memory);
        if shape.predictable && !(predictable::is(&insn) && (conditional == 0 || !memory)) {
            continue;
        }
        starts.push(words.len());
        if shape.predictable && memory {
            for (n, value) in predictable::aim(rng, &insn) {
                constant(set, n, value, &mut words);
            }
        } else if conditional == 0 && memory && insn.n != 15 && rng.below(8) != 0 {
            let base = MEM as u32 + 0x100 + (rng.below(64) as u32) * if rng.below(8) == 0 { 1 } else { 4 };
            constant(set, insn.n, base, &mut words);
            if insn.m != 15 && insn.m != insn.n {
                constant(set, insn.m, rng.below(16) as u32, &mut words);
            }
        }
        words.push(word);
        if conditional > 0 {
            conditional -= 1;
        } else if shape.branches && rng.below(5) == 0 {
            branches.push(words.len());
            words.push(set.nop_like(0));
        } else if set == Set::T32 && rng.below(5) == 0 {
            let (condition, mask) = (rng.below(15) as u32, 1 + rng.below(15) as u32);
            // AL has no else.
            let mask = if condition == 14 { 1 << mask.trailing_zeros() } else { mask };
            words.push(0xbf00 | condition << 4 | mask);
            conditional = 4 - mask.trailing_zeros();
        }
    }
    let end = words.len();
    words.extend([set.nop_like(0); 6]);
    for at in branches {
        let mut over = 1 + rng.below(4) as usize;
        while shape.predictable && at + 1 + over < end && !starts.contains(&(at + 1 + over)) {
            over += 1;
        }
        words[at] = branch(set, rng.below(14) as u32, &words[at + 1..at + 1 + over]);
    }
    while set.program(&words).bytes.len() > ROOM {
        words.remove(0);
    }
    words
}
