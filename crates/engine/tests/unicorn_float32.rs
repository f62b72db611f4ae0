//! Floating point and AdvSIMD of AArch32 compared with Unicorn: every row of the tables, as A32 and as T32, by all
//! controls of FPSCR, with its flags.

#[path = "../../fp/tests/common/mod.rs"]
mod common;
mod oracle;
mod oracle32;

use armlet_arm::aarch32::simd::{Insn, decode, memory, mnemonic, neon, vfp};
use armlet_arm::feature::FeatureSet;
use armlet_fp::FLAGS;
use oracle::{MEM, Rng};
use oracle32::{Case, Fp, Oracle, Program};

/// Cases per row, and how many of a row's differences are shown.
const CASES: usize = 200;
const SHOWN: usize = 2;

const RMODE: u32 = 3 << 22;
const FZ: u32 = 1 << 24;
const DN: u32 = 1 << 25;
const AHP: u32 = 1 << 26;
const QC: u32 = 1 << 27;
const NZCV: u32 = 15 << 28;

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

fn lanes<F: armlet_fp::Float>(rng: &mut common::Rng) -> u128 {
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
fn to_t32(word: u32) -> u32 {
    let first = match word >> 24 {
        0xf2 => 0xef,
        0xf3 => 0xff,
        0xf4 => 0xf9,
        first => first,
    };
    word & 0x00ff_ffff | first << 24
}

/// A case of a word.
fn case(rng: &mut Rng, word: u32) -> Case {
    let t32 = rng.below(2) == 0 && word >> 28 >= 14 && std::env::var_os("T32").is_some();
    let program = if t32 { Program::t32(&[to_t32(word)]) } else { Program::a32(&[word]) };
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
fn word(rng: &mut Rng, (mask, value): (u32, u32)) -> Option<u32> {
    let mut word = value | rng.next() as u32 & !mask;
    if word >> 28 != 15 {
        let cond = if rng.below(8) == 0 { rng.below(14) as u32 } else { 14 };
        word = word & 0x0fff_ffff | cond << 28;
    }
    (word & mask == value && decode(word, FeatureSet::ALL).is_some()).then_some(word)
}

/// How many cases a test has.
fn cases() -> usize {
    std::env::var("ARMLET_CASES").map_or(CASES, |n| n.parse().expect("ARMLET_CASES is a number"))
}

/// A text about a case that differs.
fn report(what: &str, case: &Case, text: &str) -> String {
    let fp = case.fp.as_ref().unwrap();
    let mut report = format!("{what} {:x?} fpscr {:#x} r {:x?}\n{text}", case.program, fp.fpscr, case.r);
    for (n, q) in fp.q.iter().enumerate() {
        report += &format!("    q{n} {q:#034x}\n");
    }
    report
}

/// Compares words of rows. `adapt` may change the case, or refuse it.
fn rows(rows: Vec<(u32, u32)>, seed: u64, mut adapt: impl FnMut(&mut Rng, u32, &mut Case) -> Option<()>) {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(seed);
    let mut failures = String::new();
    let mut raised = 0;
    for row in rows {
        let mut wrong = 0;
        for _ in 0..cases() {
            let Some(word) = word(&mut rng, row) else { continue };
            let mut case = case(&mut rng, word);
            if is_unknown(word) || adapt(&mut rng, word, &mut case).is_none() {
                continue;
            }
            match oracle.compare(&case) {
                Ok(outcome) => raised += u32::from(outcome.raised),
                Err(text) => {
                    wrong += 1;
                    if wrong <= SHOWN {
                        let insn = decode(word, FeatureSet::ALL).unwrap();
                        failures += &report(&format!("{insn:?} {} {word:08x}", mnemonic(insn)), &case, &text);
                    }
                }
            }
        }
        if wrong != 0 {
            failures += &format!("{:08x}: {wrong} differ\n", row.1);
        }
    }
    eprintln!("{} cases, {raised} of them raised", oracle.compared);
    assert!(failures.is_empty(), "{failures}");
}

/// True for instructions of which the architecture says nothing.
fn is_unknown(word: u32) -> bool {
    // Both results in one register.
    use neon::NeonOp::{Vtrn, Vuzp, Vzip};
    let same = word >> 12 & 15 == word & 15 && word >> 22 & 1 == word >> 5 & 1;
    same && matches!(decode(word, FeatureSet::ALL), Some(Insn::Neon(Vtrn | Vuzp | Vzip)))
}

macro_rules! masks {
    ($table:ident) => {
        $table::TABLE.rows().iter().map(|row| (row.mask, row.value)).collect()
    };
}

/// Makes a case of something that Unicorn does as the architecture says.
fn where_unicorn_is_right(word: u32, case: &mut Case) -> Option<()> {
    let fp = case.fp.as_mut().unwrap();
    match decode(word, FeatureSet::ALL)? {
        // EL1's registers are UNDEFINED here, but not in Unicorn, and FPSCR.Len and Stride are not there.
        Insn::Vfp(vfp::VfpOp::Vmrs | vfp::VfpOp::Vmsr) if word >> 16 & 15 != 1 => return None,
        Insn::Vfp(vfp::VfpOp::Vmsr) => case.r.iter_mut().for_each(|r| *r &= !0x0037_0000),
        // QEMU 5, which Unicorn is, rounds as FPSCR says; QEMU 10 and the architecture to nearest.
        Insn::Vfp(vfp::VfpOp::VcvtFromFixed) => fp.fpscr &= !RMODE,
        // Of a denormal that is flushed it says that it is an integer.
        Insn::Vfp(vfp::VfpOp::Vjcvt) => fp.fpscr &= !FZ,
        // It writes a Q register whatever the instruction says.
        Insn::Neon(neon::NeonOp::VcmlaElem) if word >> 6 & 1 == 0 => return None,
        _ => {}
    }
    Some(())
}

#[test]
fn vfp_rows() {
    rows(masks!(vfp), 1, |_, word, case| where_unicorn_is_right(word, case));
}

#[test]
fn neon_rows() {
    rows(masks!(neon), 2, |_, word, case| where_unicorn_is_right(word, case));
}

/// Instructions that use each other's results.
#[test]
fn streams() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(4);
    let (vfp, neon): (Vec<_>, Vec<_>) = (masks!(vfp), masks!(neon));
    let memory: Vec<_> = masks!(memory);
    let mut failures = String::new();
    for _ in 0..10 * cases() {
        let mut case = case(&mut rng, 0xee30_0a00);
        // Few registers, so that they meet; R12 is a base that stays.
        case.r[12] = MEM as u32 + 0x200;
        let mut words = Vec::new();
        let scalars = rng.below(3) != 0;
        while words.len() < 16 {
            let (rows, fixed) = match (rng.below(8), scalars) {
                (0, _) => (&memory, 0x000f_000f),
                (1..=6, true) | (1, false) => (&vfp, 0),
                _ => (&neon, 0),
            };
            let row = rows[rng.below(rows.len() as u64) as usize];
            let Some(mut word) = word(&mut rng, row) else { continue };
            let (mask, value) = row;
            // Registers below 8, mostly.
            if rng.below(4) != 0 {
                word = word & (!0x0008_8028 | mask);
            }
            if fixed != 0 {
                // [R12] without writeback.
                word = word & !(0x000f_0000 | if value >> 28 == 15 { 15 } else { 1 << 21 })
                    | 12 << 16
                    | if value >> 28 == 15 { 15 } else { 0 };
            }
            let sensible = word & mask == value && !is_unknown(word);
            if sensible && where_unicorn_is_right(word, &mut case).is_some() && keeps_base(word) {
                words.push(word);
            }
        }
        case.program = Program::a32(&words);
        if let Err(text) = oracle.compare(&case) {
            let names: Vec<_> =
                words.iter().filter_map(|&w| Some((w, mnemonic(decode(w, FeatureSet::ALL)?)))).collect();
            failures += &report(&format!("{names:x?}"), &case, &text);
            break;
        }
    }
    eprintln!("{} cases", oracle.compared);
    assert!(failures.is_empty(), "{failures}");
}

/// The word leaves R12 and FPSCR's controls alone.
fn keeps_base(word: u32) -> bool {
    match decode(word, FeatureSet::ALL) {
        Some(Insn::Vfp(vfp::VfpOp::Vmsr)) => false,
        Some(Insn::Vfp(_)) => word >> 12 & 15 != 12 && word >> 16 & 15 != 12,
        insn => insn.is_some(),
    }
}

#[test]
fn memory_rows() {
    rows(masks!(memory), 3, |rng, word, case| {
        let n = (word >> 16 & 15) as usize;
        let structure = word >> 28 == 15;
        let at = MEM as u32 + 0x100 + 4 * rng.below(0x40) as u32;
        // Alignment faults are compared elsewhere: Unicorn has none.
        let at = if structure { at & !31 } else { at };
        if n != 15 {
            case.r[n] = at;
        }
        let m = (word & 15) as usize;
        (!structure || m != n).then_some(())
    });
}
