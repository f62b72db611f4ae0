//! Cases of AArch32's floating point and AdvSIMD.
#![allow(dead_code)]

use armlet_arm::aarch32::simd::fields::{dd, dm, dn, is_double, sd, sm, sn};
use armlet_arm::aarch32::simd::{Insn, decode, memory, mnemonic, neon, vfp};
use armlet_arm::feature::FeatureSet;
use armlet_fp::{FLAGS, Float};

use super::common::{self, nearly_tiny, special};
use super::oracle::{MEM, Rng};
use super::oracle32::{Case, Fp, Program};

pub const RMODE: u32 = 3 << 22;
pub const FZ: u32 = 1 << 24;
const DN: u32 = 1 << 25;
const AHP: u32 = 1 << 26;
const QC: u32 = 1 << 27;
pub const NZCV: u32 = 15 << 28;
/// `vjcvt.s32.f64 s0, d0`
pub const VJCVT: u32 = 0xeeb9_0bc0;

/// Bits that decide, and their values, of all rows of a table.
pub type Rows = Vec<(u32, u32)>;

macro_rules! masks {
    ($table:ident) => {
        $table::TABLE.rows().iter().map(|row| (row.mask, row.value)).collect()
    };
}

pub fn vfp_table() -> Rows {
    masks!(vfp)
}

pub fn neon_table() -> Rows {
    masks!(neon)
}

pub fn memory_table() -> Rows {
    masks!(memory)
}

/// True for VJCVT of any registers, under any condition.
pub fn is_vjcvt(word: u32) -> bool {
    word & 0x0fbf_0fd0 == VJCVT & 0x0fff_ffff
}

/// Related lanes in all registers, of a format that is often the one in use.
fn fill(rng: &mut Rng, fp: &mut Fp) {
    let mut operands = common::Rng::new(rng.next());
    let kind = rng.below(6);
    for n in 0..16 {
        fp.q[n] = match kind {
            0 => u128::from(rng.next()) << 64 | u128::from(rng.next()),
            1 => integers(rng),
            2 => lanes::<u64>(&mut operands),
            3 => lanes::<u16>(&mut operands),
            _ => lanes::<u32>(&mut operands),
        };
    }
    // Registers often hold the same, so that sums cancel and lists overlap.
    for _ in 0..rng.below(4) {
        let (to, from) = (rng.below(16) as usize, rng.below(16) as usize);
        fp.q[to] = fp.q[from];
    }
}

fn lanes<F: Float>(rng: &mut common::Rng) -> u128 {
    let mut value = 0;
    for n in 0..128 / F::BITS {
        let [a, b, c] = common::operands::<F>(rng);
        let lane = if rng.one_in(4) { common::edge::<F, u32>(rng) } else { [a, b, c][rng.below(3) as usize] };
        value |= u128::from(lane.bits()) << (n * F::BITS);
    }
    value
}

/// Integers at which arithmetic turns.
fn integers(rng: &mut Rng) -> u128 {
    let bits = 8 << rng.below(4);
    let max = u64::MAX >> (64 - bits);
    (0..128 / bits).fold(0, |vector, n| {
        let element = match rng.below(8) {
            0 => 0,
            1 => max,
            2 => max >> 1,
            3 => (max >> 1) + 1,
            4 => rng.below(2 * bits + 2).wrapping_sub(bits) & max,
            5 => 1 << rng.below(bits),
            _ => rng.next() & max,
        };
        vector | u128::from(element) << (n * bits)
    })
}

/// The T32 word of the same instruction.
pub fn to_t32(word: u32) -> u32 {
    let first = match word >> 24 {
        0xf2 => 0xef,
        0xf3 => 0xff,
        0xf4 => 0xf9,
        first => first,
    };
    word & 0x00ff_ffff | first << 24
}

/// A case of a word, as A32 or as T32.
pub fn case(rng: &mut Rng, word: u32) -> Case {
    let t32 = rng.below(2) == 0 && word >> 28 >= 14;
    case_of(rng, program(t32, &[word]))
}

/// Words as A32, or what does the same in T32.
pub fn program(t32: bool, words: &[u32]) -> Program {
    match t32 {
        true => Program::t32(&as_t32(words)),
        false => Program::a32(words),
    }
}

/// The T32 words that do the same.
pub fn as_t32(words: &[u32]) -> Vec<u32> {
    words.iter().map(|&word| to_t32(word)).collect()
}

/// A case of a program.
fn case_of(rng: &mut Rng, program: Program) -> Case {
    let mut case = Case::random(rng, program);
    let mut fp = Fp::default();
    fill(rng, &mut fp);
    if rng.below(3) != 0 {
        fp.fpscr = rng.next() as u32 & (RMODE | FZ | DN | AHP);
    }
    fp.fpscr |= rng.next() as u32 & NZCV;
    fp.fpscr |= match rng.below(3) {
        0 => 0,
        1 => armlet_fp::IXC,
        _ => rng.next() as u32 & (FLAGS | QC),
    };
    case.fp = Some(Box::new(fp));
    case
}

/// A random word of a row, with a condition now and then; `None` if it is no instruction.
pub fn word(rng: &mut Rng, (mask, value): (u32, u32)) -> Option<u32> {
    let mut word = value | rng.next() as u32 & !mask;
    if word >> 28 != 15 {
        let cond = if rng.below(8) == 0 { rng.below(14) as u32 } else { 14 };
        word = word & 0x0fff_ffff | cond << 28;
    }
    (word & mask == value && decode(word, FeatureSet::ALL).is_some()).then_some(word)
}

/// A text about a case that differs.
pub fn report(what: &str, case: &Case, text: &str) -> String {
    let fp = case.fp.as_ref().unwrap();
    let mut report = format!("{what} {:x?} fpscr {:#x} r {:x?}\n{text}", case.program, fp.fpscr, case.r);
    for (n, q) in fp.q.iter().enumerate() {
        report += &format!("    q{n} {q:#034x}\n");
    }
    report
}

/// True for instructions of which the architecture says nothing.
pub fn is_unknown(word: u32) -> bool {
    // Both results in one register.
    use neon::NeonOp::{Vtrn, Vuzp, Vzip};
    let same = word >> 12 & 15 == word & 15 && word >> 22 & 1 == word >> 5 & 1;
    same && matches!(decode(word, FeatureSet::ALL), Some(Insn::Neon(Vtrn | Vuzp | Vzip)))
}

/// Words in a loop: R11 counts down.
pub fn in_loop(words: &[u32]) -> Program {
    let mut words = words.to_vec();
    // BNE counts from two words on.
    let back = (words.len() as u32 + 3).wrapping_neg() & 0x00ff_ffff;
    words.extend([0xe25b_b001, 0x1a00_0000 | back]);
    Program::a32(&words)
}

/// A case of instructions that use each other's results, and their words.
pub fn stream(rng: &mut Rng) -> (Case, Vec<u32>) {
    let (vfp, neon, memory) = (vfp_table(), neon_table(), memory_table());
    let (t32, scalars) = (rng.below(3) == 0, rng.below(3) != 0);
    let mut words = Vec::new();
    while words.len() < 16 {
        let (rows, accesses) = match (rng.below(8), scalars) {
            (0, _) => (&memory, true),
            (1..=6, true) | (1, false) => (&vfp, false),
            _ => (&neon, false),
        };
        let (mask, value) = rows[rng.below(rows.len() as u64) as usize];
        let Some(mut word) = word(rng, (mask, value)) else { continue };
        // Few registers, mostly, so that they meet.
        if rng.below(4) != 0 {
            word &= !0x0008_8028 | mask;
        }
        if accesses {
            // [R12] without writeback.
            let other = if value >> 28 == 15 { 15 } else { 1 << 21 };
            word = word & !(0x000f_0000 | other) | 12 << 16 | other & 15;
            // Registers one by one are within what is compared.
            if value >> 28 != 15 {
                word &= !0x82 | mask;
            }
        }
        if t32 && word >> 28 != 15 {
            word |= 0xe000_0000;
        }
        if word & mask == value && !is_unknown(word) && keeps_base(word) {
            words.push(word);
        }
    }
    let mut case = case_of(rng, program(t32, &words));
    // A base that stays, and a counter.
    case.r[12] = MEM as u32 + 0x200;
    case.r[11] = 2 + rng.below(6) as u32;
    (case, words)
}

/// The word leaves R11, R12 and FPSCR's controls alone.
fn keeps_base(word: u32) -> bool {
    match decode(word, FeatureSet::ALL) {
        Some(Insn::Vfp(vfp::VfpOp::Vmsr)) => false,
        Some(Insn::Vfp(_)) => [12, 16].iter().all(|at| !matches!(word >> at & 15, 11 | 12)),
        insn => insn.is_some(),
    }
}

/// What words are called.
pub fn names(words: &[u32]) -> String {
    let name = |&word: &u32| decode(word, FeatureSet::ALL).map_or("?", mnemonic);
    words.iter().map(|word| format!("{word:08x} {}\n", name(word))).collect()
}

/// Fills the operands of a word with lanes that are related as its numbers, singles or doubles, may be.
pub fn relate(rng: &mut Rng, fp: &mut Fp, word: u32) {
    let mut operands = common::Rng::new(rng.next());
    let vfp = matches!(decode(word, FeatureSet::ALL), Some(Insn::Vfp(_)));
    match vfp && is_double(word) {
        true => relate_lanes::<u64>(&mut operands, fp, [dn(word), dm(word), dd(word)].map(u32::from)),
        // Registers are related as D and as S registers.
        false => {
            relate_lanes::<u32>(&mut operands, fp, [dn(word), dm(word), dd(word)].map(|n| 2 * u32::from(n)));
            if vfp {
                relate_lanes::<u32>(&mut operands, fp, [sn(word), sm(word), sd(word)].map(u32::from));
            }
        }
    }
}

/// Related lanes in the 128 bits from each of three registers on, which are of the size of `F`.
fn relate_lanes<F: Float>(rng: &mut common::Rng, fp: &mut Fp, registers: [u32; 3]) {
    for n in 0..128 / F::BITS {
        let mut lane = common::operands::<F>(rng);
        match rng.below(8) {
            0 | 1 => lane[0] = common::edge::<F, u32>(rng),
            2 => lane[rng.below(3) as usize] = special(rng),
            3 => lane = [special(rng), special(rng), special(rng)],
            4 | 5 => lane = nearly_tiny(rng),
            _ => {}
        }
        lane.rotate_left(if rng.one_in(3) { rng.below(3) as usize } else { 0 });
        for (register, value) in registers.into_iter().zip(lane) {
            let at = (register + n) * F::BITS;
            let (q, shift) = ((at / 128) as usize % 16, at % 128);
            let mask = u128::from(u64::MAX >> (64 - F::BITS)) << shift;
            fp.q[q] = fp.q[q] & !mask | u128::from(value.bits()) << shift;
        }
    }
}
