//! Streams of random A32 and T32 instructions compared with QEMU's user emulation, which is newer than Unicorn's.
#![cfg(target_os = "linux")]

mod asm;
#[path = "../../../fp/tests/common/mod.rs"]
mod common;
#[path = "../emulator/mod.rs"]
mod emulator;
mod image;
#[path = "../oracle/mod.rs"]
mod oracle;
#[path = "../oracle32/mod.rs"]
mod oracle32;
#[path = "../simd32/mod.rs"]
mod simd32;
#[path = "../streams32/mod.rs"]
mod streams32;

use armlet_engine::Code;
use emulator::{Isa, Streams};
use oracle::Rng;
use oracle32::{Case, Fp, Ours, Outcome, Program};
use streams32::{Set, Shape};

/// States that each stream is run from.
const STATES: usize = 3;
/// Streams of a test.
const STREAMS: usize = 3000;

/// A stream and a state.
#[derive(Clone)]
struct Stream {
    set: Set,
    words: Vec<u32>,
    case: Case,
}

/// A32 and T32.
struct Aarch32(Ours);

impl Aarch32 {
    fn new() -> Self {
        let code = if Code::HAS_JIT { Code::jit(1 << 22).expect("code memory") } else { Code::interpreter() };
        Self(Ours::with(code))
    }
}

fn cases(streams: &[Stream]) -> Vec<Case> {
    streams.iter().map(|stream| stream.case.clone()).collect()
}

impl Isa for Aarch32 {
    type Case = Stream;
    type Outcome = Outcome;
    const EMULATORS: [&'static str; 2] = ["qemu-arm-static", "qemu-arm"];
    const BATCH: usize = image::SLOTS / STATES;

    fn image(streams: &[Stream]) -> Vec<u8> {
        image::image(&cases(streams))
    }

    fn outcomes(streams: &[Stream], bytes: &[u8]) -> Option<Vec<Outcome>> {
        image::outcomes(&cases(streams), bytes)
    }

    fn run(&mut self, streams: &[Stream]) -> Vec<Outcome> {
        streams.iter().enumerate().map(|(n, stream)| self.0.run_at(image::place(n), &stream.case)).collect()
    }

    fn len(stream: &Stream) -> usize {
        stream.words.len()
    }

    /// Branches still end where they did.
    fn cut(stream: &Stream, len: usize) -> Stream {
        let (kept, rest) = stream.words.split_at(len);
        let nops = rest.iter().map(|&word| stream.set.nop_like(word));
        let program = stream.set.program(&kept.iter().copied().chain(nops).collect::<Vec<_>>());
        Stream { words: kept.to_vec(), case: Case { program, ..stream.case.clone() }, ..*stream }
    }

    fn same_stream(one: &Stream, other: &Stream) -> bool {
        one.words == other.words
    }

    fn differences(stream: &Stream, ours: &Outcome, theirs: &Outcome) -> String {
        ours.differences(&stream.case, theirs)
    }

    fn describe(stream: &Stream, before: &Outcome, difference: &str) -> String {
        let (&word, number) = (stream.words.last().expect("a word"), stream.words.len() - 1);
        let text = stream.set.describe(word);
        let last = &stream.words[number.saturating_sub(5)..];
        format!(
            "{word:08x} {text}, number {number} of its stream\n{difference}    flags {:x} r {:x?}\n    words {last:08x?}\n",
            before.flags, before.r
        )
    }
}

/// Runs streams that raise no exception on our side: the emulator would end with one.
fn run(name: &str, seed: u64, set: Set, shape: Shape) {
    let Some(streams) = Streams::start(name, Aarch32::new()) else { return };
    let mut ours = Ours::with(Code::interpreter());
    emulator::run(name, streams, seed, STREAMS, |rng, cases| {
        loop {
            let words = streams32::stream(rng, set, shape);
            let program = set.program(&words);
            let drawn: Vec<Case> = (0..STATES).map(|_| Case::random(rng, program.clone())).collect();
            if drawn.iter().any(|case| ours.run(case).raised) {
                continue;
            }
            cases.extend(drawn.into_iter().map(|case| Stream { set, words: words.clone(), case }));
            return;
        }
    });
}

#[test]
fn a32() {
    run("a32", 1, Set::A32, Shape::for_emulator());
}

#[test]
fn a32_memory() {
    run("a32-memory", 2, Set::A32, Shape { memory: 3, ..Shape::for_emulator() });
}

#[test]
fn t32() {
    run("t32", 4, Set::T32, Shape::for_emulator());
}

#[test]
fn t32_memory() {
    run("t32-memory", 5, Set::T32, Shape { memory: 3, ..Shape::for_emulator() });
}

#[test]
fn t32_branches() {
    run("t32-branches", 6, Set::T32, Shape { branches: true, memory: 1, ..Shape::for_emulator() });
}

#[test]
fn loops() {
    let shape = Shape { branches: true, loops: true, memory: 1, ..Shape::for_emulator() };
    run("a32-loops", 7, Set::A32, shape);
    run("t32-loops", 8, Set::T32, shape);
}

#[test]
fn a32_branches() {
    run("a32-branches", 3, Set::A32, Shape { branches: true, memory: 1, ..Shape::for_emulator() });
}

/// Whether VJCVT takes a denormal that is flushed for an inexact conversion, as FPToFixedJS says. QEMU 7.2 does not.
fn knows_vjcvt(streams: &Streams<Aarch32>) -> bool {
    let words = vec![simd32::VJCVT];
    let mut fp = Fp { fpscr: simd32::FZ, ..Fp::default() };
    fp.q[0] = 1;
    let case = Case::random(&mut Rng::new(0), Program::a32(&words));
    let stream = Stream { set: Set::A32, words, case: Case { fp: Some(fp.into()), ..case } };
    let theirs = streams.theirs(&[stream], false).expect("it raises no exception");
    theirs[0].fp.as_ref().is_some_and(|fp| fp.fpscr & simd32::NZCV == 0)
}

/// Floating point and AdvSIMD, as A32 and as T32, a state for each stream.
#[test]
fn simd() {
    let Some(streams) = Streams::start("simd32", Aarch32::new()) else { return };
    let mut ours = Ours::with(Code::interpreter());
    let vjcvt = knows_vjcvt(&streams);
    emulator::run("simd32", streams, 7, 2 * STREAMS, |rng, cases| {
        loop {
            let (case, words) = simd32::stream(rng);
            if !vjcvt && words.iter().copied().any(simd32::is_vjcvt) {
                continue;
            }
            let set = if case.program.t32 { Set::T32 } else { Set::A32 };
            let words = if case.program.t32 { simd32::as_t32(&words) } else { words };
            if !ours.run(&case).raised {
                return cases.push(Stream { set, words, case });
            }
        }
    });
}
