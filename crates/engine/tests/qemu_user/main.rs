//! Streams of random A64 instructions compared with QEMU's user emulation, so that flags, NaNs, QC and rounding modes
//! flow from one instruction to the next. Unicorn is an older QEMU and knows fewer features.
#![cfg(target_os = "linux")]

#[path = "../emulator/mod.rs"]
mod emulator;
mod image;
#[path = "../oracle/mod.rs"]
mod oracle;
#[path = "../streams/mod.rs"]
mod streams;

use armlet_arm::a64::fields::{ra, rd, rm, rn};
use armlet_arm::a64::{decode, mnemonic};
use emulator::{Isa, Streams};
use oracle::{Case, Ours, Outcome, Rng};
use streams::{Mix, state, words};

const NONE: Mix = Mix { integer: 0, simd: 0, float: 0, memory: 0, system: 0 };
/// States that each stream is run from.
const STATES: usize = 4;
/// Streams of a test.
const STREAMS: usize = 3000;

/// A64.
struct A64(Ours);

impl Isa for A64 {
    type Case = Case;
    type Outcome = Outcome;
    const EMULATORS: [&'static str; 2] = ["qemu-aarch64-static", "qemu-aarch64"];
    const BATCH: usize = image::SLOTS;

    fn image(cases: &[Case]) -> Vec<u8> {
        image::image(cases)
    }

    fn outcomes(cases: &[Case], bytes: &[u8]) -> Option<Vec<Outcome>> {
        image::outcomes(cases, bytes)
    }

    fn run(&mut self, cases: &[Case]) -> Vec<Outcome> {
        self.0.forget();
        image::places(cases).into_iter().zip(cases).map(|(at, case)| self.0.run_at(at, case)).collect()
    }

    fn len(case: &Case) -> usize {
        case.words.len()
    }

    fn cut(case: &Case, len: usize) -> Case {
        Case { words: case.words[..len].to_vec(), ..case.clone() }
    }

    fn same_stream(one: &Case, other: &Case) -> bool {
        one.words == other.words
    }

    fn differences(case: &Case, ours: &Outcome, theirs: &Outcome) -> String {
        case.differences(ours, theirs, "QEMU")
    }

    /// With the registers that the last word's fields may name.
    fn describe(case: &Case, before: &Outcome, difference: &str) -> String {
        let (&word, before) = (case.words.last().expect("a word"), &before.state);
        let features = armlet_arm::cpu::model("max").unwrap().features;
        let name = decode(word, features).map_or("undefined", mnemonic);
        let (number, control) = (case.words.len() - 1, (before.nzcv, before.fpcr, before.fpsr));
        let mut text = format!(
            "{word:08x} {name}, word {number} of its stream; nzcv, fpcr, fpsr {control:x?}\n{difference}"
        );
        for (field, n) in [("d", rd(word)), ("n", rn(word)), ("m", rm(word)), ("a", ra(word))] {
            let x = if n == 31 { before.sp } else { before.x[n as usize] };
            text += &format!("    {field} x{n} {x:#x} v{n} {:#034x}\n", before.v[n as usize]);
        }
        let before = &case.words[case.words.len().saturating_sub(6)..];
        text + &format!("    words {before:08x?}\n")
    }
}

/// Whether FJCVTZS takes a denormal that is flushed for an inexact conversion, as FPToFixedJS says. QEMU 7.2 does
/// not.
fn knows_fjcvtzs(streams: &Streams<A64>) -> bool {
    let mut case = Case::random(&mut Rng::new(0), vec![words::FJCVTZS]);
    (case.state.v[0], case.state.fpcr) = (1, 1 << 24);
    streams.theirs(&[case], false).is_ok_and(|theirs| theirs[0].state.nzcv == 0)
}

fn run(name: &str, seed: u64, mix: Mix) {
    let Some(streams) = Streams::start(name, A64(Ours::new())) else { return };
    let fjcvtzs = knows_fjcvtzs(&streams);
    emulator::run(name, streams, seed, STREAMS, |rng, cases| {
        let len = 16 + rng.below(49) as usize;
        let mut words = words::stream(rng, mix, len);
        if !fjcvtzs {
            words::without_fjcvtzs(&mut words);
        }
        assert!(words.len() <= image::WORDS);
        cases.extend((0..STATES).map(|_| state::case(rng, &words)));
    });
}

#[test]
fn integer() {
    run("integer", 1, Mix { integer: 20, system: 1, ..NONE });
}

#[test]
fn simd() {
    run("simd", 2, Mix { simd: 20, memory: 2, system: 1, ..NONE });
}

#[test]
fn float() {
    run("float", 3, Mix { float: 20, memory: 2, system: 1, ..NONE });
}

#[test]
fn memory() {
    run("memory", 4, Mix { memory: 1, ..NONE });
}

#[test]
fn everything() {
    run("everything", 5, Mix { integer: 8, simd: 8, float: 8, memory: 4, system: 1 });
}
