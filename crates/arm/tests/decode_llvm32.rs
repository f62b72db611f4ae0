//! The A32 and T32 decode tables against LLVM's disassembler: which words are instructions, which ones, and what
//! their operands are.
//!
//! Words come from every row of every table with its free bits at random, from rows with one fixed bit
//! flipped, and from nowhere in particular.

mod llvm;
mod llvm32;

use std::collections::HashMap;

use armlet_arm::FeatureSet;
use armlet_arm::aarch32::{Insn, Rows, a32, t32};
use llvm::{Answer, Rng};
use llvm32::{Accepted, normal};
use llvm32::{a32_added, a32_refused, t16_refused, t32_added, t32_refused};

/// What LLVM is asked for: everything the tables hold, and nothing of VFP and AdvSIMD, which have tables of their own.
struct Architecture {
    a32: &'static str,
    t32: &'static str,
    attributes: &'static str,
    features: FeatureSet,
}

const ARMV8: Architecture = Architecture {
    a32: "armv8a",
    t32: "thumbv8a",
    attributes: "+v8.1a,+sb,+ras,+crc,-fpregs,-vfp2sp,-neon",
    features: FeatureSet::ALL,
};

/// Cortex-A7 and Cortex-A15.
const ARMV7: Architecture = Architecture {
    a32: "armv7ve",
    t32: "thumbv7ve",
    attributes: "+virtualization,+trustzone,+mp,-fpregs,-vfp2sp,-neon",
    features: FeatureSet::EMPTY,
};

/// Words made from `tables`; `ARMLET_CASES` says how many of each row, a thousand times as many from nowhere.
fn words(tables: &[Rows]) -> Vec<u32> {
    let rounds = std::env::var("ARMLET_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let mut rng = Rng::new();
    let mut words = Vec::new();
    for row in tables.iter().copied().flatten() {
        for _ in 0..rounds {
            words.push(row.value | rng.next() & !row.mask);
        }
        for bit in (0..32).filter(|bit| row.mask >> bit & 1 != 0) {
            words.push((row.value | rng.next() & !row.mask) ^ 1 << bit);
        }
    }
    words.extend((0..rounds * 1000).map(|_| rng.next()));
    words
}

/// Kinds of differences, each with its first word, a count and both texts.
#[derive(Default)]
struct Differences(HashMap<String, (u32, usize, String)>);

impl Differences {
    fn compare(&mut self, word: u32, decoded: Option<Insn>, theirs: &Answer, accepted: &Accepted) {
        let op = decoded.map_or("-".to_string(), |insn| format!("{:?}", insn.op));
        let ours = decoded.map(|insn| normal(&insn.to_string()));
        let added = decoded.is_some_and(|insn| (accepted.added)(word, insn));
        let agree = match (&ours, theirs) {
            (None, Answer::Invalid | Answer::Doubtful(_)) => true,
            (None, Answer::Valid(text)) => (accepted.refused)(word, &normal(text)),
            (Some(ours), Answer::Valid(text) | Answer::Doubtful(text)) => *ours == normal(text),
            (Some(_), Answer::Invalid) => added,
        };
        if agree {
            return;
        }
        let (key, text) = match theirs {
            Answer::Invalid => ("-", "-".to_string()),
            Answer::Doubtful(text) => ("doubtful", normal(text)),
            Answer::Valid(text) => ("valid", normal(text)),
        };
        let ours = ours.unwrap_or("-".to_string());
        let key = match (&ours[..], text.split(' ').next()) {
            ("-", Some(mnemonic)) => format!("- / {mnemonic}"),
            _ => format!("{op} / {key}"),
        };
        let entry = self.0.entry(key).or_insert((word, 0, format!("{ours} / {text}")));
        entry.1 += 1;
    }

    fn report(self, count: usize) {
        let mut list: Vec<_> = self.0.into_iter().collect();
        list.sort();
        for (key, (word, count, text)) in &list {
            eprintln!("ours / LLVM: {key}: {count} words, first {word:08x} ({text})");
        }
        eprintln!("{count} words compared");
        assert!(list.is_empty(), "{} kinds of words decode differently, of {count} words", list.len());
    }
}

#[test]
fn a32_agrees_with_llvm() {
    if llvm::is_there() {
        compare_a32(&ARMV8);
        compare_a32(&ARMV7);
    }
}

fn compare_a32(architecture: &Architecture) {
    let words = words(&a32::ROWS);
    let bytes: Vec<[u8; 4]> = words.iter().map(|w| w.to_le_bytes()).collect();
    let theirs = llvm::disassemble(architecture.a32, architecture.attributes, bytes.iter().map(|b| &b[..]));
    let theirs = theirs.expect("llvm-mc answers for every word");
    let accepted = Accepted { refused: a32_refused, added: a32_added };
    let mut differences = Differences::default();
    for (&word, answer) in words.iter().zip(&theirs) {
        // LLVM keeps some of VFP even without it.
        let vfp = word >> 26 & 3 == 3 && word >> 9 & 7 == 5;
        if !vfp {
            differences.compare(word, a32::decode(word, architecture.features), answer, &accepted);
        }
    }
    differences.report(words.len());
}

#[test]
fn t32_of_16_bits_agrees_with_llvm() {
    if llvm::is_there() {
        compare_t32_of_16_bits(&ARMV8);
        compare_t32_of_16_bits(&ARMV7);
    }
}

fn compare_t32_of_16_bits(architecture: &Architecture) {
    // Every halfword that is no first half of a wide instruction, nor IT, which LLVM would apply to what follows.
    let is_it = |half: u16| half >> 8 == 0xbf && half & 15 != 0;
    let halves: Vec<u16> = (0..=u16::MAX).filter(|&half| !t32::is_wide(half) && !is_it(half)).collect();
    let bytes: Vec<[u8; 2]> = halves.iter().map(|h| h.to_le_bytes()).collect();
    let theirs = llvm::disassemble(architecture.t32, architecture.attributes, bytes.iter().map(|b| &b[..]));
    let theirs = theirs.expect("llvm-mc answers for every word");
    let accepted = Accepted { refused: t16_refused, added: |_, _| false };
    let mut differences = Differences::default();
    for (&half, answer) in halves.iter().zip(&theirs) {
        differences.compare(half as u32, t32::decode16(half, architecture.features), answer, &accepted);
    }
    differences.report(halves.len());
}

#[test]
fn it_agrees_with_llvm() {
    if !llvm::is_there() {
        return;
    }
    // Four instructions after each end its block.
    const NOP: u16 = 0xbf00;
    let halves: Vec<u16> = (0xbf01..=0xbfff).filter(|half| half & 15 != 0).collect();
    let bytes: Vec<[u8; 2]> =
        halves.iter().flat_map(|&half| [half, NOP, NOP, NOP, NOP]).map(u16::to_le_bytes).collect();
    let theirs = llvm::disassemble(ARMV8.t32, ARMV8.attributes, bytes.iter().map(|b| &b[..]));
    let theirs = theirs.expect("llvm-mc answers for every word");
    // An unconditional block with ELSE is UNPREDICTABLE.
    let accepted = Accepted { refused: |half, _| half >> 4 & 15 == 14, added: |_, _| false };
    let mut differences = Differences::default();
    for (&half, answers) in halves.iter().zip(theirs.chunks(5)) {
        let insn = t32::decode16(half, FeatureSet::ALL);
        assert!(insn.is_none_or(|insn| insn.imm == half as u32 & 0xff));
        differences.compare(half as u32, insn, &answers[0], &accepted);
    }
    differences.report(halves.len());
}

#[test]
fn t32_of_32_bits_agrees_with_llvm() {
    if llvm::is_there() {
        compare_t32_of_32_bits(&ARMV8);
        compare_t32_of_32_bits(&ARMV7);
    }
}

fn compare_t32_of_32_bits(architecture: &Architecture) {
    let mut words = words(&t32::WIDE_ROWS);
    words.iter_mut().for_each(|word| *word |= 0xe000_0000);
    words.retain(|word| t32::is_wide((word >> 16) as u16));
    let bytes = |word: &u32| {
        let [a, b, c, d] = word.to_be_bytes();
        [b, a, d, c]
    };
    let bytes: Vec<[u8; 4]> = words.iter().map(bytes).collect();
    let theirs = llvm::disassemble(architecture.t32, architecture.attributes, bytes.iter().map(|b| &b[..]));
    let theirs = theirs.expect("llvm-mc answers for every word");
    let accepted = Accepted { refused: t32_refused, added: t32_added };
    let mut differences = Differences::default();
    for (&word, answer) in words.iter().zip(&theirs) {
        let vfp = word >> 26 & 3 == 3 && word >> 9 & 7 == 5;
        if !vfp {
            differences.compare(word, t32::decode32(word, architecture.features), answer, &accepted);
        }
    }
    differences.report(words.len());
}
