//! The A32 and T32 decode tables against LLVM's disassembler: which words are instructions, which ones, and what
//! their operands are.
//!
//! Words come from every row of every table with its free bits at random, from rows with one fixed bit
//! flipped, and from nowhere in particular.

mod llvm;

use std::collections::HashMap;

use armlet_arm::FeatureSet;
use armlet_arm::aarch32::{Insn, Rows, a32};
use llvm::{Answer, Rng};

/// Everything the tables hold beside Armv8.0, and nothing of VFP and AdvSIMD, which have tables of their own.
const ATTRIBUTES: &str = "+v8.1a,+sb,+ras,+crc,-fpregs,-vfp2sp,-neon";

/// Words made from `tables`, of `width` bits.
fn words(rng: &mut Rng, tables: &[Rows], width: u32, rounds: usize, random: usize) -> Vec<u32> {
    let all = u32::MAX >> (32 - width);
    let mut words = Vec::new();
    for row in tables.iter().copied().flatten() {
        for _ in 0..rounds {
            words.push(row.value | rng.next() & !row.mask & all);
        }
        for bit in (0..width).filter(|bit| row.mask >> bit & 1 != 0) {
            words.push((row.value | rng.next() & !row.mask & all) ^ 1 << bit);
        }
    }
    words.extend((0..random).map(|_| rng.next() & all));
    words
}

/// Kinds of differences, each with its first word, a count and both texts.
#[derive(Default)]
struct Differences(HashMap<String, (u32, usize, String)>);

impl Differences {
    fn compare(&mut self, word: u32, ours: Option<Insn>, theirs: &Answer) {
        let op = ours.map_or("-".to_string(), |insn| format!("{:?}", insn.op));
        let ours = ours.map(|insn| normal(&insn.to_string()));
        let agree = match (&ours, theirs) {
            (None, Answer::Invalid | Answer::Doubtful(_)) => true,
            (Some(ours), Answer::Valid(text) | Answer::Doubtful(text)) => *ours == normal(text),
            _ => false,
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

/// Text in a form that ours and LLVM's share: numbers as 32 bits without a sign, one blank between words.
fn normal(text: &str) -> String {
    let text = text.split('@').next().unwrap_or("").to_lowercase().replace(".w", "");
    let words = text.split_whitespace().map(|word| {
        let Some(start) = word.find('#') else { return word.to_string() };
        let digits = &word[start + 1..];
        let end = digits.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(digits.len());
        match digits[..end].parse::<i64>() {
            // A negative zero is an offset to subtract.
            Ok(0) => word.to_string(),
            Ok(value) => format!("{}#{}{}", &word[..start], value as u32, &digits[end..]),
            Err(_) => word.to_string(),
        }
    });
    let mut words: Vec<String> = words.collect();
    join_rotation(&mut words);
    words.join(" ")
}

/// LLVM writes a constant that is not rotated by the least amount as `#bits, #rotation`.
fn join_rotation(words: &mut Vec<String>) {
    const ROTATED: [&str; 17] = [
        "and", "eor", "sub", "rsb", "add", "adc", "sbc", "rsc", "tst", "teq", "cmp", "cmn", "orr", "mov",
        "bic", "mvn", "msr",
    ];
    let [mnemonic, .., bits, rotation] = &words[..] else { return };
    let (Some(bits), Some(rotation)) = (bits.strip_prefix('#'), rotation.strip_prefix('#')) else { return };
    if !ROTATED.iter().any(|name| mnemonic.starts_with(name)) {
        return;
    }
    let (Ok(bits), Ok(rotation)) = (bits.trim_end_matches(',').parse::<u32>(), rotation.parse()) else {
        return;
    };
    words.truncate(words.len() - 2);
    words.push(format!("#{}", bits.rotate_right(rotation)));
}

#[test]
fn a32_agrees_with_llvm() {
    if !llvm::is_there() {
        return;
    }
    let words = words(&mut Rng::new(), &a32::ROWS, 32, 40, 40_000);
    let bytes: Vec<[u8; 4]> = words.iter().map(|w| w.to_le_bytes()).collect();
    let theirs = llvm::disassemble("armv8a", ATTRIBUTES, bytes.iter().map(|b| &b[..]));
    let theirs = theirs.expect("llvm-mc answers for every word");
    let mut differences = Differences::default();
    for (&word, answer) in words.iter().zip(&theirs) {
        differences.compare(word, a32::decode(word, FeatureSet::ALL), answer);
    }
    differences.report(words.len());
}
