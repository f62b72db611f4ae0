//! Random instruction streams, and the comparison with QEMU's user emulation.
//!
//! Tests take what they need of it: those that compare the JIT with the interpreter use the streams alone.
#![allow(dead_code)]

mod asm;
mod image;
mod memory;
mod qemu;
pub mod state;
pub mod words;

use armlet_arm::a64::fields::{ra, rd, rm, rn};
use armlet_arm::a64::{decode, mnemonic};

use crate::oracle::{Case, Rng, State};
use qemu::Streams;
pub use words::Mix;

/// States that each stream is run from.
const STATES: usize = 4;
/// Streams of a test.
const STREAMS: usize = 3000;
/// Reports that are shown.
const SHOWN: usize = 8;

/// The last instruction of a case, the registers its fields may name, and how it differs.
fn describe(case: &Case, before: &State, difference: &str) -> String {
    let &word = case.words.last().expect("a word");
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

/// Runs streams of a mix on both sides and fails with what differs. `ARMLET_CASES` is their number.
pub fn run(name: &str, seed: u64, mix: Mix) {
    let Some(mut streams) = Streams::start(name) else { return };
    let fjcvtzs = streams.knows_fjcvtzs();
    let mut rng = Rng::new(seed);
    let cases = std::env::var("ARMLET_CASES");
    let mut left = cases.map_or(STREAMS, |n| n.parse().expect("ARMLET_CASES is a number"));
    let mut reports = vec![];
    while left != 0 && reports.len() < SHOWN {
        let batch = left.min(image::SLOTS);
        left -= batch;
        let mut cases = vec![];
        for _ in 0..batch {
            let len = 16 + rng.below(49) as usize;
            let mut words = words::stream(&mut rng, mix, len);
            if !fjcvtzs {
                words::without_fjcvtzs(&mut words);
            }
            assert!(words.len() <= image::WORDS);
            cases.extend((0..STATES).map(|_| state::case(&mut rng, &words)));
        }
        reports.extend(streams.compare(&cases));
    }
    eprintln!("{name}: {} instructions; {} cases settled one by one", streams.compared, streams.settled);
    reports.truncate(SHOWN);
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}
