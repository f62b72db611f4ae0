//! The A32 and T32 decode tables against LLVM's disassembler: which words are instructions, which ones, and what
//! their operands are.
//!
//! Words come from every row of every table with its free bits at random, from rows with one fixed bit
//! flipped, and from nowhere in particular.

mod llvm;

use std::collections::HashMap;

use armlet_arm::FeatureSet;
use armlet_arm::aarch32::{Insn, Op, Rows, a32};
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

/// The differences that are as they should be.
struct Accepted {
    /// LLVM, whose text this is, knows the word and warns of nothing; the table refuses it.
    refused: fn(u32, &str) -> bool,
    /// The table knows the word; LLVM does not.
    added: fn(u32, Insn) -> bool,
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
            ("-", Some(mnemonic)) => format!("- / {}", stem(word, mnemonic)),
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

/// The mnemonic of an A32 word without its condition.
fn stem(word: u32, mnemonic: &str) -> &str {
    if word >> 28 < 14 { &mnemonic[..mnemonic.len() - 2] } else { mnemonic }
}

/// Should-be-zero and should-be-one bits that LLVM overlooks: where (mask, value), and what should be (mask, value).
const A32_SHOULD_BE: &[(u32, u32, u32, u32)] = &[
    // MOV and MVN have no Rn, TST, TEQ, CMP and CMN no Rd.
    (0x0da0_0000, 0x01a0_0000, 0x000f_0000, 0),
    (0x0d90_0000, 0x0110_0000, 0x0000_f000, 0),
    // LDRH, STRH, LDRSB, LDRSH, LDRD and STRD with a register.
    (0x0e40_0090, 0x0000_0090, 0x0000_0f00, 0),
    // SMUL<x><y> and SMULW<y> have no Ra.
    (0x0ff0_0090, 0x0160_0080, 0x0000_f000, 0),
    (0x0ff0_00b0, 0x0120_00a0, 0x0000_f000, 0),
    // CPS; RFE.
    (0xfff1_0020, 0xf100_0000, 0x0000_fe00, 0),
    (0xfe50_0000, 0xf810_0000, 0x0000_ffff, 0x0a00),
];

/// True for words that LLVM knows without a warning and the table refuses, because they are UNPREDICTABLE, or
/// instructions of coprocessors that Armv8 has no more.
fn a32_refused(word: u32, text: &str) -> bool {
    let mnemonic = stem(word, text.split(' ').next().unwrap_or(""));
    if (["pc,", "pc]", "pc!"].iter().any(|pc| text.contains(pc)) || text.ends_with("pc"))
        && !pc_is_fine(mnemonic, text)
    {
        return true;
    }
    for &(mask, value, should, be) in A32_SHOULD_BE {
        if word & mask == value && word & should != be {
            return true;
        }
    }
    match mnemonic {
        // The bit field ends outside the register.
        "sbfx" | "ubfx" => (word >> 7 & 31) + (word >> 16 & 31) > 31,
        // There is no writeback with the registers of User mode.
        _ if mnemonic.starts_with("ldm") || mnemonic.starts_with("stm") => {
            text.ends_with('^') && text.contains('!') && (mnemonic.starts_with('s') || word & 1 << 15 == 0)
        }
        // No field is written.
        "msr" => word & 0xf_0000 == 0,
        // CPS that changes masks without naming one.
        "cpsie" | "cpsid" => word & 0x1c0 == 0,
        // All but LDC and STC of p14, c5.
        "ldc" | "stc" => word & 0xf000 != 0x5000,
        "ldcl" | "stcl" => true,
        _ => false,
    }
}

/// True if an A32 instruction that mentions PC may do so.
fn pc_is_fine(mnemonic: &str, text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let shifted_by_register =
        matches!(words[words.len() - 2], "lsl" | "lsr" | "asr" | "ror") && !text.contains('#');
    let writeback = text.contains('!') || text.contains("],");
    let is_index = text.contains(", pc") || text.contains("-pc");
    match mnemonic.trim_end_matches('s') {
        "and" | "eor" | "sub" | "rsb" | "add" | "adc" | "sbc" | "rsc" | "tst" | "teq" | "cmp" | "cmn"
        | "orr" | "mov" | "bic" | "mvn" | "t" => !shifted_by_register,
        "lsl" | "lsr" | "asr" | "ror" | "rrx" => text.contains('#') || mnemonic.starts_with("rrx"),
        "ldr" | "str" => !(text.contains("[pc") && writeback) && !is_index,
        "ldrb" | "ldrh" | "ldrsb" | "ldrsh" | "strb" | "strh" | "ldrd" | "strd" | "pld" | "pli" | "ldc"
        | "stc" => text.contains("[pc") && !writeback && !is_index && !text.contains(" pc"),
        "ldm" | "ldmib" | "ldmda" | "ldmdb" | "stm" | "stmib" | "stmda" | "stmdb" | "push" | "pop" => {
            !text.contains(" pc,") && !text.contains(" pc!")
        }
        "bx" => true,
        _ => false,
    }
}

/// True for words that the table knows and LLVM does not.
fn a32_added(word: u32, insn: Insn) -> bool {
    // Unallocated hints about memory.
    word >> 28 == 15 && insn.op == Op::Nop
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
    // The option of an unindexed LDC or STC.
    let is_option = |word: &mut String| word.starts_with('{') && word[1..].starts_with(char::is_numeric);
    if words.pop_if(is_option).is_some() {
        words.last_mut().and_then(String::pop);
    }
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
    let accepted = Accepted { refused: a32_refused, added: a32_added };
    let mut differences = Differences::default();
    for (&word, answer) in words.iter().zip(&theirs) {
        // LLVM keeps some of VFP even without it.
        let vfp = word >> 26 & 3 == 3 && word >> 9 & 7 == 5;
        if !vfp {
            differences.compare(word, a32::decode(word, FeatureSet::ALL), answer, &accepted);
        }
    }
    differences.report(words.len());
}
