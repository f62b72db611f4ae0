//! The JIT compared with the interpreter on streams of random A32 and T32 instructions, with conditions and branches.
#![cfg(jit)]

mod oracle;
mod oracle32;
mod streams32;

use armlet_engine::{Code, Level};
use oracle::Rng;
use oracle32::{Case, Ours};
use streams32::Set;

/// Streams of a test; `ARMLET_CASES` is another number.
const STREAMS: usize = 1500;

/// The fewest instructions of the case that still differ, and how.
fn shrink(set: Set, jit: &mut Ours, interpreter: &mut Ours, case: &Case, words: &[u32]) -> String {
    let mut words = words.to_vec();
    let mut differs = |words: &[u32]| {
        let case = Case { program: set.program(words), ..case.clone() };
        let (ours, theirs) = (jit.run(&case), interpreter.run(&case));
        ours.differences(&case, &theirs)
    };
    let mut text = differs(&words);
    for _ in 0..3 {
        for n in 0..words.len() {
            let mut fewer = words.clone();
            fewer[n] = set.nop_like(words[n]);
            let difference = differs(&fewer);
            if !difference.is_empty() {
                (words, text) = (fewer, difference);
            }
        }
    }
    let listing: String =
        words.iter().map(|&word| format!("  {word:08x} {}\n", set.describe(word))).collect();
    format!("{listing}{text}flags before: {:x} r: {:x?}", case.flags, case.r)
}

fn run(seed: u64, set: Set, shape: streams32::Shape) {
    for most in [Level::Avx512, Level::Sse] {
        let mut rng = Rng::new(seed + 100 * most as u64);
        let mut jit = Ours::with(Code::jit_at_level(1 << 20, most).expect("code memory"));
        let mut interpreter = Ours::with(Code::interpreter());
        let cases = std::env::var("ARMLET_CASES");
        let streams = cases.map_or(STREAMS, |n| n.parse().expect("ARMLET_CASES is a number"));
        for _ in 0..streams {
            let words = streams32::stream(&mut rng, set, shape);
            let case = Case::random(&mut rng, set.program(&words));
            let (ours, theirs) = (jit.run(&case), interpreter.run(&case));
            if !theirs.changed && !ours.differences(&case, &theirs).is_empty() {
                panic!("{most:?} {set:?}\n{}", shrink(set, &mut jit, &mut interpreter, &case, &words));
            }
        }
    }
}

#[test]
fn a32() {
    run(1, Set::A32, streams32::Shape::default());
}

#[test]
fn a32_memory() {
    run(2, Set::A32, streams32::Shape { memory: 3, ..Default::default() });
}

#[test]
fn a32_branches() {
    run(3, Set::A32, streams32::Shape { branches: true, memory: 1, ..Default::default() });
}

#[test]
fn t32() {
    run(4, Set::T32, streams32::Shape::default());
}

#[test]
fn t32_memory() {
    run(5, Set::T32, streams32::Shape { memory: 3, ..Default::default() });
}

#[test]
fn t32_branches() {
    run(6, Set::T32, streams32::Shape { branches: true, memory: 1, ..Default::default() });
}

#[test]
fn a32_loops() {
    run(7, Set::A32, streams32::Shape { branches: true, loops: true, memory: 1, ..Default::default() });
}

#[test]
fn t32_loops() {
    run(8, Set::T32, streams32::Shape { branches: true, loops: true, memory: 1, ..Default::default() });
}
