//! The JIT compared with the interpreter, on streams of random instructions of all classes, with branches.
#![cfg(jit)]

mod oracle;
mod streams;

use armlet_arm::a64::{decode, mnemonic};
use armlet_engine::Level;
use oracle::{Case, Ours, Rng};
use streams::{Mix, state, words};

const NONE: Mix = Mix { integer: 0, simd: 0, float: 0, memory: 0, system: 0 };
/// Streams of a test; `ARMLET_CASES` is another number.
const STREAMS: usize = 1500;
/// Words of a stream at most, so that it fits its slot.
const WORDS: usize = 62;

/// A branch forward to one of the next words, conditional more often than not.
fn branch(rng: &mut Rng, room: usize) -> u32 {
    let offset = 1 + rng.below(room.clamp(1, 8) as u64) as u32;
    let reg = rng.below(32) as u32;
    match rng.below(6) {
        0 => 0x1400_0000 | offset,
        1 => 0x3400_0000 | (rng.below(4) as u32) << 31 | (rng.below(2) as u32) << 24 | offset << 5 | reg,
        2 => {
            0x3600_0000 | (rng.next() as u32 & 0x81f8_0000) | (rng.below(2) as u32) << 24 | offset << 5 | reg
        }
        _ => 0x5400_0000 | offset << 5 | rng.below(16) as u32,
    }
}

/// Sprinkles branches over a stream. They replace words, so that what sets up an address may be skipped: then
/// the access faults, or hits something else, on both sides alike.
fn with_branches(rng: &mut Rng, words: &mut [u32]) {
    let len = words.len();
    for (n, word) in words[..len - 1].iter_mut().enumerate() {
        if rng.below(9) == 0 {
            *word = branch(rng, len - n - 1);
        }
    }
}

/// Makes a loop of a stream: X28 counts down from 3, X27 is 0, and neither is named by any other word. The flags
/// that end it are those of different comparisons, and come with different distances from the branch.
fn looped(rng: &mut Rng, words: &mut Vec<u32>) {
    const NOP: u32 = 0xd503_201f;
    for word in words.iter_mut() {
        if [0, 5, 10, 16].iter().any(|low| matches!(*word >> low & 31, 26..29)) {
            *word = NOP;
        }
    }
    words.truncate(40);
    let at = rng.below(words.len() as u64 + 1) as usize;
    let (count, compare): (u32, &[u32]) = match rng.below(6) {
        // subs x28, x28, #1
        0 => (0, &[0xf100_079c]),
        1 => (0, &[0x7100_079c]),
        // cmp x28, #0; cmp x28, x27; tst x28, #7; cmp w28, #0
        2 => (0xd100_079c, &[0xf100_039f]),
        3 => (0xd100_079c, &[0xeb1b_039f]),
        4 => (0xd100_079c, &[0xf240_0b9f]),
        _ => (0x5100_079c, &[0x7100_039f]),
    };
    if count != 0 {
        words.insert(at, count);
    }
    words.extend(compare);
    let plain = |word: u32| word >> 24 & 0x1f == 0x11 || word == NOP;
    // Whatever stands between the comparison and the branch must leave the flags alone.
    if rng.below(3) == 0 {
        let after = 0x9100_0421 | rng.below(8) as u32;
        debug_assert!(plain(after));
        words.push(after);
    }
    let back = words.len() as u32;
    let condition = if rng.below(2) == 0 { 1 } else { 12 };
    words.push(0x5400_0000 | (back.wrapping_neg() & 0x7ffff) << 5 | condition);
    words.splice(0..0, [0xd280_007c, 0xd280_001b]);
}

fn report(case: &Case, difference: &str) -> String {
    let features = armlet_arm::cpu::model("max").unwrap().features;
    let mut text = format!(
        "nzcv {:#x} fpcr {:#x} fpsr {:#x} x {:x?}\n",
        case.state.nzcv, case.state.fpcr, case.state.fpsr, case.state.x
    );
    for word in &case.words {
        text += &format!("  {word:08x} {}\n", decode(*word, features).map_or("undefined", mnemonic));
    }
    text + difference
}

/// The shortest run of words of the case that still differs.
fn shrink(jit: &mut Ours, interpreter: &mut Ours, case: &Case) -> (Case, String) {
    let mut least = case.clone();
    let mut difference = String::new();
    let mut differs = |case: &Case| {
        jit.forget();
        interpreter.forget();
        let (ours, theirs) = (jit.run(case), interpreter.run(case));
        case.differences(&ours, &theirs, "interpreter")
    };
    const NOP: u32 = 0xd503_201f;
    for _ in 0..3 {
        for n in 0..least.words.len() {
            let mut next = least.clone();
            next.words[n] = NOP;
            let text = differs(&next);
            if !text.is_empty() {
                (least, difference) = (next, text);
            }
        }
    }
    while least.words.last() == Some(&NOP)
        && !differs(&Case { words: least.words[..least.words.len() - 1].to_vec(), ..least.clone() })
            .is_empty()
    {
        least.words.pop();
    }
    (least, difference)
}

/// Runs streams of a mix with the vector instructions of each kind of host.
fn run(seed: u64, mix: Mix, branches: bool) {
    run_shaped(seed, mix, |rng, words| {
        if branches && words.len() > 2 {
            with_branches(rng, words);
        }
    });
}

/// The same, the streams having been given a shape.
fn run_shaped(seed: u64, mix: Mix, shape: impl Fn(&mut Rng, &mut Vec<u32>)) {
    for most in [Level::Avx512, Level::Avx2, Level::Sse] {
        run_at(most, seed, mix, &shape);
    }
}

fn run_at(most: Level, seed: u64, mix: Mix, shape: &impl Fn(&mut Rng, &mut Vec<u32>)) {
    let mut rng = Rng::new(seed + 100 * most as u64);
    let (mut jit, mut interpreter) = (Ours::at_level(most), Ours::interpreted());
    let cases = std::env::var("ARMLET_CASES");
    let streams = cases.map_or(STREAMS, |n| n.parse().expect("ARMLET_CASES is a number"));
    for _ in 0..streams {
        let len = 4 + rng.below(40) as usize;
        let mut words = words::stream(&mut rng, mix, len);
        words.truncate(WORDS);
        shape(&mut rng, &mut words);
        if words.is_empty() {
            continue;
        }
        for _ in 0..2 {
            let case = state::case(&mut rng, &words);
            let (ours, theirs) = (jit.run(&case), interpreter.run(&case));
            let text = case.differences(&ours, &theirs, "interpreter");
            if !text.is_empty() {
                let (least, difference) = shrink(&mut jit, &mut interpreter, &case);
                panic!("{most:?}\n{}\nwhole:\n{}", report(&least, &difference), report(&case, &text));
            }
        }
    }
}

#[test]
fn integer() {
    run(1, Mix { integer: 20, system: 1, ..NONE }, false);
}

#[test]
fn integer_with_branches() {
    run(2, Mix { integer: 20, system: 1, ..NONE }, true);
}

#[test]
fn loops() {
    run_shaped(7, Mix { integer: 6, memory: 2, ..NONE }, looped);
    run_shaped(8, Mix { integer: 4, simd: 2, float: 2, memory: 2, ..NONE }, looped);
}

#[test]
fn memory() {
    run(3, Mix { memory: 4, integer: 1, ..NONE }, true);
}

#[test]
fn simd() {
    run(4, Mix { simd: 20, memory: 2, system: 1, ..NONE }, false);
}

#[test]
fn float() {
    run(5, Mix { float: 20, memory: 2, system: 1, ..NONE }, false);
}

#[test]
fn everything() {
    run(6, Mix { integer: 8, simd: 8, float: 8, memory: 4, system: 1 }, true);
}
