//! Floating point and AdvSIMD of AArch32: the JIT compared with the interpreter at each level of vector instructions, one
//! instruction at a time and in streams, on operands that reach the corners, by all controls of FPSCR.
#![cfg(jit)]

#[path = "../../fp/tests/common/mod.rs"]
mod common;
mod oracle;
mod oracle32;
mod simd32;

use armlet_engine::{Code, Level};
use oracle::{MEM, Rng};
use oracle32::{Case, Ours, Program};
use simd32::*;

/// Cases per row and level; `ARMLET_CASES` is another number.
const CASES: usize = 150;
/// How many of a row's differences are shown.
const SHOWN: usize = 2;

fn cases() -> usize {
    std::env::var("ARMLET_CASES").map_or(CASES, |n| n.parse().expect("ARMLET_CASES is a number"))
}

fn rows(table: Rows, seed: u64, addresses: bool) {
    let mut failures = String::new();
    for most in [Level::Avx512, Level::Avx2, Level::Sse] {
        // Both write the same memory beyond what a case sets.
        let mut interpreter = Ours::with(Code::interpreter());
        let mut jit = Ours::with(Code::jit_at_level(1 << 20, most).expect("code memory"));
        let mut rng = Rng::new(seed);
        for &row in &table {
            let mut wrong = 0;
            for _ in 0..cases() {
                let Some(word) = word(&mut rng, row) else { continue };
                let mut case = case(&mut rng, word);
                relate(&mut rng, case.fp.as_mut().unwrap(), word);
                // Addresses are anything, aligned or not, and often near the middle, where pages meet.
                let near = rng.below(2) as u32 * 0x180;
                let n = (word >> 16 & 15) as usize % 15;
                if addresses {
                    case.r[n] = MEM as u32 + near + rng.below(0x300 - u64::from(near)) as u32 % 0x180;
                    case.r[n] &= [!0, !0, !3, !31][rng.below(4) as usize];
                }
                let text = jit.run(&case).differences(&case, &interpreter.run(&case));
                if !text.is_empty() {
                    wrong += 1;
                    if wrong <= SHOWN {
                        failures += &report(&format!("{most:?} {}", names(&[word])), &case, &text);
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn vfp_rows() {
    rows(vfp_table(), 1, false);
}

#[test]
fn neon_rows() {
    rows(neon_table(), 2, false);
}

#[test]
fn memory_rows() {
    rows(memory_table(), 4, true);
}

/// The fewest words of a case that still differ; they are made a program by `wrap`.
fn shrink(
    jit: &mut Ours,
    interpreter: &mut Ours,
    case: &Case,
    words: &[u32],
    wrap: impl Fn(&[u32]) -> Program,
) -> String {
    // VMOV of a register to itself stands for nothing.
    const NOTHING: u32 = 0xf224_4154;
    let mut words = words.to_vec();
    let mut differs = |words: &[u32]| {
        let case = Case { program: wrap(words), ..case.clone() };
        let text = jit.run(&case).differences(&case, &interpreter.run(&case));
        (!text.is_empty()).then(|| report(&names(words), &case, &text))
    };
    let mut text = differs(&words);
    for n in 0..words.len() {
        let mut fewer = words.clone();
        fewer[n] = NOTHING;
        if let Some(difference) = differs(&fewer) {
            (words, text) = (fewer, Some(difference));
        }
    }
    text.unwrap_or_else(|| "it differs no more".into())
}

fn compare_streams(seed: u64, loops: bool) {
    for most in [Level::Avx512, Level::Avx2, Level::Sse] {
        let mut rng = Rng::new(seed);
        let mut jit = Ours::with(Code::jit_at_level(1 << 20, most).expect("code memory"));
        let mut interpreter = Ours::with(Code::interpreter());
        for _ in 0..10 * cases() {
            let (mut case, mut words) = stream(&mut rng);
            let t32 = case.program.t32;
            if loops && t32 {
                continue;
            }
            words.truncate(if loops { 4 + rng.below(8) as usize } else { 16 });
            let wrap = |words: &[u32]| if loops { in_loop(words) } else { program(t32, words) };
            case = Case { program: wrap(&words), ..case };
            let text = jit.run(&case).differences(&case, &interpreter.run(&case));
            assert!(text.is_empty(), "{most:?} {}", shrink(&mut jit, &mut interpreter, &case, &words, wrap));
        }
    }
}

#[test]
fn streams() {
    compare_streams(3, false);
}

#[test]
fn loops() {
    compare_streams(5, true);
}

/// What must be aligned and is not raises an exception; structures without a demand of theirs need not be.
#[test]
fn alignment() {
    let mut rng = Rng::new(9);
    let raised = |ours: &mut Ours, rng: &mut Rng, word: u32, at: u32| {
        let mut case = case(rng, word);
        case.r[1] = MEM as u32 + at;
        ours.run(&case).raised
    };
    for code in [Code::interpreter(), Code::jit(1 << 20).expect("code memory")] {
        let mut ours = Ours::with(code);
        // vldr d0, [r1]; vldr s0, [r1]; vstm r1, {d0-d3}; vld1.8 {d0}, [r1]; the same with @64; vst2.16 {d0, d1}, [r1@128];
        // vld1.32 {d0[]}, [r1]; the same with @32
        for (word, good, bad) in [
            (0xed91_0b00, 4, Some(2)),
            (0xed91_0a00, 4, Some(1)),
            (0xec81_0b08, 0x1f4, Some(0x102)),
            (0xf421_070f, 3, None),
            (0xf421_071f, 8, Some(4)),
            (0xf401_086f, 16, Some(8)),
            (0xf4a1_0c8f, 1, None),
            (0xf4a1_0c9f, 4, Some(2)),
        ] {
            assert!(!raised(&mut ours, &mut rng, word, good), "{word:08x}");
            assert!(bad.is_none_or(|bad| raised(&mut ours, &mut rng, word, bad)), "{word:08x}");
        }
    }
}
