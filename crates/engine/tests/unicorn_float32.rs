//! Floating point and AdvSIMD of AArch32 compared with Unicorn: every row of the tables, as A32 and as T32, by all
//! controls of FPSCR, with its flags.

#[path = "../../fp/tests/common/mod.rs"]
mod common;
mod oracle;
mod oracle32;
mod simd32;

use armlet_arm::aarch32::simd::{Insn, decode, neon, vfp};
use armlet_arm::feature::FeatureSet;
use oracle::{MEM, Rng};
use oracle32::{Case, E, Oracle};
use simd32::*;

/// Cases per row, and how many of a row's differences are shown.
const CASES: usize = 200;
const SHOWN: usize = 2;

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
            if rng.below(2) == 0 {
                relate(&mut rng, case.fp.as_mut().unwrap(), word);
            }
            if is_unknown(word) || adapt(&mut rng, word, &mut case).is_none() {
                continue;
            }
            match oracle.compare(&case) {
                Ok(outcome) => raised += u32::from(outcome.raised),
                Err(text) => {
                    wrong += 1;
                    if wrong <= SHOWN {
                        failures += &report(&names(&[word]), &case, &text);
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

/// How many cases a test has.
fn cases() -> usize {
    std::env::var("ARMLET_CASES").map_or(CASES, |n| n.parse().expect("ARMLET_CASES is a number"))
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
    rows(vfp_table(), 1, |_, word, case| where_unicorn_is_right(word, case));
}

#[test]
fn neon_rows() {
    rows(neon_table(), 2, |_, word, case| where_unicorn_is_right(word, case));
}

/// Instructions that use each other's results.
#[test]
fn streams() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut rng = Rng::new(4);
    for _ in 0..10 * cases() {
        let (mut case, words) = stream(&mut rng);
        if words.iter().any(|&word| where_unicorn_is_right(word, &mut case).is_none()) {
            continue;
        }
        if let Err(text) = oracle.compare(&case) {
            panic!("{}", report(&names(&words), &case, &text));
        }
    }
    eprintln!("{} cases", oracle.compared);
}

#[test]
fn memory_rows() {
    rows(memory_table(), 3, |rng, word, case| {
        let n = (word >> 16 & 15) as usize;
        let structure = word >> 28 == 15;
        let at = MEM as u32 + 0x100 + 4 * rng.below(0x40) as u32;
        // Alignment faults are compared elsewhere: Unicorn has none.
        let at = if structure { at & !31 } else { at };
        if n != 15 {
            case.r[n] = at;
        }
        if rng.below(4) == 0 {
            case.flags |= E;
        }
        let m = (word & 15) as usize;
        (!structure || m != n).then_some(())
    });
}
