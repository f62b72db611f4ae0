//! Floating-point instructions, one or a few at a time: the JIT compared with the interpreter at each level of vector
//! instructions, on operands that reach the corners, by all controls of FPCR.
#![cfg(jit)]

#[path = "../../fp/tests/common/mod.rs"]
mod common;
mod oracle;

use armlet_arm::a64::fields::{bits, ra, rd, rm, rn};
use armlet_arm::a64::{FloatOp, float};
use armlet_engine::Level;
use armlet_fp::{FLAGS, Float};
use common::{nearly_tiny, pattern, special};
use oracle::{Case, Ours, Rng, random_word};

/// Cases per row and level; `ARMLET_CASES` is another number.
const CASES: usize = 1500;
/// How many of a row's differences are shown.
const SHOWN: usize = 2;

const RMODE: u32 = 3 << 22;
const FZ: u32 = 1 << 24;
const DN: u32 = 1 << 25;
const AHP: u32 = 1 << 26;
const QC: u32 = 1 << 27;

/// Writes lane `n` of `size` bits.
fn set_lane(v: &mut u128, n: u32, size: u32, value: u64) {
    let at = n * size;
    let mask = u128::from(u64::MAX >> (64 - size));
    *v = *v & !(mask << at) | u128::from(value) << at;
}

/// Fills the operands of `word` with related lanes of format `F`.
fn fill<F: Float, Narrow: Float>(case: &mut Case, rng: &mut common::Rng, word: u32) {
    for n in 0..128 / F::BITS {
        let mut lane = common::operands::<F>(rng);
        match rng.below(8) {
            0 | 1 => lane[0] = common::edge::<F, Narrow>(rng),
            2 => lane[rng.below(3) as usize] = special(rng),
            3 => lane = [special(rng), special(rng), special(rng)],
            4 => lane = nearly_tiny(rng),
            _ => {}
        }
        // Pairwise and complex instructions relate lanes of other registers.
        lane.rotate_left(if rng.one_in(3) { rng.below(3) as usize } else { 0 });
        for (reg, value) in
            [(rd(word), lane[2]), (ra(word), lane[2]), (rm(word), lane[1]), (rn(word), lane[0])]
        {
            set_lane(&mut case.state.v[reg as usize], n, F::BITS, value.bits());
        }
    }
}

/// Fills the operands of `word` with integers of all sizes.
fn fill_integers(case: &mut Case, rng: &mut common::Rng, word: u32) {
    let mut integer = |size: u32| {
        let width = 1 + rng.below(size.into()) as u32;
        let value = pattern(rng, width);
        let value = if rng.one_in(2) { value } else { value.wrapping_neg() };
        value & u64::MAX >> (64 - size)
    };
    let size = if bits(word, 22, 22) != 0 { 64 } else { 32 };
    for n in 0..128 / size {
        set_lane(&mut case.state.v[rn(word) as usize], n, size, integer(size));
    }
    if rn(word) != 31 {
        case.state.x[rn(word) as usize] = integer(64);
    }
}

/// A case of `op`, followed by instructions that use the flags or the result.
fn case(rng: &mut Rng, op: FloatOp, word: u32) -> Case {
    let mut case = Case::random(rng, vec![word]);
    let mut operands = common::Rng::new(rng.next());
    match (op, bits(word, 23, 22)) {
        (FloatOp::Fcvtl, 0) | (FloatOp::Fcvt, 3) => fill::<u16, u16>(&mut case, &mut operands, word),
        (FloatOp::Fcvtl, _) | (FloatOp::Fcvtn, 0) | (FloatOp::Fcvt, 0) => {
            fill::<u32, u16>(&mut case, &mut operands, word);
        }
        (FloatOp::Fcvt, _) if bits(word, 16, 15) == 3 => fill::<u64, u16>(&mut case, &mut operands, word),
        (_, 0 | 2) => fill::<u32, u32>(&mut case, &mut operands, word),
        _ => fill::<u64, u32>(&mut case, &mut operands, word),
    }
    use FloatOp::*;
    if matches!(op, Scvtf | Ucvtf | ScvtfX | UcvtfX | ScvtfFixed | UcvtfFixed | ScvtfFixedX | UcvtfFixedX)
        || (matches!(op, Urecpe | Ursqrte) && rng.below(2) == 0)
    {
        fill_integers(&mut case, &mut operands, word);
    }
    if rng.below(3) != 0 {
        case.state.fpcr = rng.next() as u32 & (RMODE | DN);
        if rng.below(8) == 0 {
            case.state.fpcr |= rng.next() as u32 & (FZ | AHP);
        }
    }
    case.state.fpsr = match rng.below(3) {
        0 => 0,
        1 => armlet_fp::IXC,
        _ => rng.next() as u32 & (FLAGS | QC),
    };
    follow(rng, op, &mut case.words);
    case
}

/// Users of the flags behind comparisons, sometimes one load before so that slots are known to be narrow.
fn follow(rng: &mut Rng, op: FloatOp, words: &mut Vec<u32>) {
    const FMOV_D: u32 = 0x1e60_4000;
    if rng.below(4) == 0 {
        // FMOV to itself clears the upper half.
        let (double, reg) = (bits(words[0], 22, 22), rn(words[0]) as u32);
        words.insert(0, FMOV_D & !(1 << 22) | double << 22 | reg << 5 | reg);
    }
    if !matches!(op, FloatOp::Fcmp | FloatOp::Fcmpe | FloatOp::Fccmp | FloatOp::Fccmpe) {
        return;
    }
    let cond = |rng: &mut Rng| rng.below(16) as u32;
    for _ in 0..1 + rng.below(3) {
        let word = match rng.below(7) {
            // CSET, FCSEL, CSEL, ADC, CCMP, B.cond over one word, FCCMP.
            0 => 0x9a9f_07e0 | cond(rng) << 12 | 5,
            1 => 0x1e60_0c00 | (rng.below(2) as u32) << 22 | 1 << 16 | cond(rng) << 12 | 2 << 5 | 3,
            2 => 0x9a81_0040 | cond(rng) << 12 | 6,
            3 => 0x9a01_0047,
            4 => 0xfa41_0040 | cond(rng) << 12 | (rng.below(16) as u32),
            5 => {
                words.push(0x5400_0040 | cond(rng));
                0x9100_0400 | 8 << 5 | 8
            }
            _ => 0x1e60_0400 | 1 << 16 | cond(rng) << 12 | 2 << 5 | rng.below(16) as u32,
        };
        words.push(word);
    }
}

/// Words at which the destination is an operand, or all are different, as often as not.
fn alias(rng: &mut Rng, word: u32) -> u32 {
    let with = |word: u32, reg: u32| word & !31 | reg;
    match rng.below(6) {
        0 => with(word, rn(word) as u32),
        1 => with(word, rm(word) as u32),
        2 => with(word, ra(word) as u32),
        _ => word,
    }
}

fn check(most: Level) {
    let (mut jit, mut interpreter) = (Ours::at_level(most), Ours::interpreted());
    let mut rng = Rng::new(7 + most as u64);
    let cases = std::env::var("ARMLET_CASES").map_or(CASES, |n| n.parse().expect("ARMLET_CASES is a number"));
    let mut failures = String::new();
    for row in float::TABLE.rows() {
        let mut wrong = 0;
        for _ in 0..cases {
            let word = random_word(&mut rng, row.mask, row.value);
            let word = alias(&mut rng, word) & !row.mask | row.value;
            if row.valid.is_some_and(|valid| !valid(word)) {
                continue;
            }
            let case = case(&mut rng, row.op, word);
            let (ours, theirs) = (jit.run(&case), interpreter.run(&case));
            let text = case.differences(&ours, &theirs, "interpreter");
            if !text.is_empty() {
                wrong += 1;
                if wrong <= SHOWN {
                    let s = &case.state;
                    failures += &format!(
                        "{most:?} {:?} {:08x?} fpcr {:#x} fpsr {:#x}\n{text}",
                        row.op, case.words, s.fpcr, s.fpsr
                    );
                    for (name, reg) in [("n", rn(word)), ("m", rm(word)), ("a", ra(word)), ("d", rd(word))] {
                        failures += &format!("    v{name} {:#034x}\n", s.v[reg as usize]);
                    }
                }
            }
        }
        if wrong != 0 {
            failures += &format!("{most:?} {:?} {:08x}: {wrong} of {cases} differ\n", row.op, row.value);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn avx512() {
    check(Level::Avx512);
}

#[test]
fn avx2() {
    check(Level::Avx2);
}

#[test]
fn sse() {
    check(Level::Sse);
}
