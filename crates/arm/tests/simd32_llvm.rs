//! The decode tables of AArch32's floating point and AdvSIMD against LLVM's disassembler, as A32 and as T32.
//!
//! Words come from every row with its free bits at random, from rows with one fixed bit flipped, and from their
//! part of the encoding space at random.

mod llvm;

use std::collections::HashMap;

use armlet_arm::FeatureSet;
use armlet_arm::aarch32::simd::{self, memory, neon, vfp};
use llvm::{Answer, Rng, disassemble, is_there};

/// What LLVM must accept: the features whose instructions the tables hold.
const ATTRIBUTES: &str = "+neon,+fp-armv8,+vfp4,+d32,+aes,+sha2,+dotprod,+v8.3a";

fn rows() -> Vec<(u32, u32)> {
    let mut rows = Vec::new();
    macro_rules! add {
        ($($table:ident),*) => {$( rows.extend($table::TABLE.rows().iter().map(|r| (r.mask, r.value))); )*};
    }
    add!(vfp, neon, memory);
    rows
}

/// Words of all rows, always executed if they have a condition, and some with others.
fn words() -> Vec<u32> {
    let mut rng = Rng::new();
    let mut words = Vec::new();
    for (mask, value) in rows() {
        for _ in 0..60 {
            words.push(value | rng.next() & !mask);
        }
        for bit in (0..32).filter(|bit| mask >> bit & 1 != 0) {
            words.push((value | rng.next() & !mask) ^ 1 << bit);
        }
    }
    for word in &mut words {
        if *word >> 28 != 15 && rng.next() & 3 != 0 {
            *word = *word & 0x0fff_ffff | 0xe000_0000;
        }
    }
    for n in 0..60_000u32 {
        let first = [0xf2, 0xf3, 0xf4, 0xec, 0xed, 0xee, 0xfc, 0xfd, 0xfe][n as usize % 9];
        let word = rng.next() & 0x00ff_ffff | first << 24;
        // Of the coprocessors' space the parts of 8 to 11 and 13.
        let coprocessor = [8, 10, 11, 10, 11, 10, 11, 13][n as usize / 9 % 8];
        words.push(if !matches!(first, 0xf2..=0xf4) { word & !0xf00 | coprocessor << 8 } else { word });
    }
    words.retain(|&word| !is_other(word));
    words
}

/// Words of other instructions.
fn is_other(w: u32) -> bool {
    let (first, coprocessor) = (w >> 24, w >> 8 & 15);
    let neon = matches!(first, 0xf2 | 0xf3) || first == 0xf4 && w >> 20 & 1 == 0;
    let vfp = matches!(first & 15, 12..=14) && (coprocessor >> 1 == 5 || first >> 4 == 15);
    !neon && !vfp
}

/// True for UNPREDICTABLE words that LLVM has a text for, and for registers that only Armv6 has.
fn is_unpredictable(w: u32, text: &str) -> bool {
    let (n, t) = (w >> 16 & 15, w >> 12 & 15);
    let core_move = w >> 24 & 15 == 14 && w >> 4 & 1 == 1;
    match first_word(text).get(..4).unwrap_or("") {
        "vldm" | "vstm" | "vpop" | "vpus" | "fldm" | "fstm" => {
            let (imm8, d, vd) = (w & 0xff, w >> 22 & 1, t);
            let last = if w >> 8 & 1 != 0 { (d << 4 | vd) + imm8 / 2 } else { (vd << 1 | d) + imm8 };
            let most = if w & 0x101 == 0x101 { 16 } else { 32 };
            last > most || !(2..=32).contains(&imm8) || n == 15 && w >> 21 & 1 != 0
        }
        "vld1" | "vld2" | "vld3" | "vld4" | "vst1" | "vst2" | "vst3" | "vst4" => {
            n == 15 || (w >> 22 & 1 << 4 | t) > 24
        }
        "vtbl" | "vtbx" => (w >> 7 & 1) << 4 | n > 28,
        "vcvt" => w >> 7 & 1 == 0 && text.contains("#-"),
        "vmov" | "vdup" => text.contains("pc") || w >> 24 & 15 == 12 && (t == n || w & 0x2f == 0x2f),
        "vmrs" | "vmsr" => t == 15 || core_move && w & 0xef != 0 || n == 9 || n == 10,
        _ => false,
    }
}

#[test]
fn a32_tables_agree_with_llvm() {
    if !is_there() {
        return;
    }
    let words = words();
    let bytes: Vec<_> = words.iter().map(|w| w.to_le_bytes().to_vec()).collect();
    compare("armv8a", &words, &words, &bytes);
}

#[test]
fn t32_words_agree_with_llvm() {
    if !is_there() {
        return;
    }
    let mut words = words();
    words.retain(|&w| w >> 28 >= 14);
    let shown: Vec<u32> = words.iter().map(|&w| to_t32(w)).collect();
    let bytes: Vec<_> =
        shown.iter().map(|w| [(w >> 16) as u8, (w >> 24) as u8, *w as u8, (w >> 8) as u8].to_vec()).collect();
    for (&word, &shown) in words.iter().zip(&shown) {
        assert_eq!(simd::from_t32(shown), Some(word), "{shown:08x}");
    }
    compare("thumbv8a", &words, &shown, &bytes);
}

fn to_t32(w: u32) -> u32 {
    let first = match w >> 24 {
        0xf2 => 0xef,
        0xf3 => 0xff,
        0xf4 => 0xf9,
        first => first,
    };
    first << 24 | w & 0x00ff_ffff
}

fn compare(triple: &str, words: &[u32], shown: &[u32], bytes: &[Vec<u8>]) {
    let pieces = bytes.iter().map(Vec::as_slice);
    let theirs = disassemble(triple, ATTRIBUTES, pieces).expect("llvm-mc answers for every word");
    let mut wrong: HashMap<String, (u32, usize, String)> = HashMap::new();
    let mut named = 0;
    for ((&word, &shown), answer) in words.iter().zip(shown).zip(&theirs) {
        let text = match answer {
            Answer::Invalid => None,
            Answer::Doubtful(text) | Answer::Valid(text) => Some(text),
        };
        let ours = simd::decode(word, FeatureSet::ALL).map(simd::mnemonic);
        named += usize::from(ours.is_some());
        let agree = match (ours, text) {
            (None, None) => true,
            (None, Some(text)) => is_unpredictable(word, text),
            (Some(ours), Some(text)) => same_mnemonic(ours, text, word),
            _ => false,
        };
        if !agree {
            let key = format!("{} / {}", ours.unwrap_or("-"), text.map_or("-", |text| first_word(text)));
            let entry = wrong.entry(key).or_insert((shown, 0, text.cloned().unwrap_or_default()));
            entry.1 += 1;
        }
    }
    eprintln!("{triple}: {} words, {named} of them instructions", words.len());
    let mut list: Vec<_> = wrong.into_iter().collect();
    list.sort();
    for (key, (word, count, text)) in &list {
        eprintln!("ours / LLVM: {key}: {count} words, first {word:08x} ({text})");
    }
    assert!(list.is_empty(), "{} kinds of words decode differently, of {} words", list.len(), words.len());
}

/// The mnemonic without data types and condition.
fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or("").split('.').next().unwrap_or("")
}

/// LLVM prints aliases.
fn same_mnemonic(ours: &str, text: &str, word: u32) -> bool {
    const CONDITIONS: [&str; 16] =
        ["eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "", ""];
    let theirs = first_word(text);
    let theirs = theirs.strip_suffix(CONDITIONS[(word >> 28) as usize]).unwrap_or(theirs);
    let same = match theirs {
        "vldmia" | "vldmdb" | "vpop" | "fldmiax" | "fldmdbx" => "vldm",
        "vstmia" | "vstmdb" | "vpush" | "fstmiax" | "fstmdbx" => "vstm",
        "vseleq" | "vselvs" | "vselge" | "vselgt" => "vsel",
        "vmovl" => "vshll",
        "vcvtt" => "vcvtb",
        theirs => theirs,
    };
    ours == same
}
