//! The A64 decode tables against LLVM's disassembler: which words are instructions, and which ones.
//!
//! Words come from every row of every table with its free bits at random, from rows with one fixed bit
//! flipped, and from nowhere in particular.

mod llvm;

use std::collections::HashMap;

use armlet_arm::FeatureSet;
use armlet_arm::a64::{self, branch, float, integer, memory, simd, system};
use llvm::{Answer, Rng};

/// What LLVM must accept beside Armv8.0: the features whose instructions the tables hold.
const ATTRIBUTES: &str = "+neon,+fp-armv8,+crc,+aes,+sha2,+sha3,+lse,+rdm,+dotprod,+rcpc,+rcpc-immo,+flagm,\
    +altnzcv,+jsconv,+complxnum,+fptoint,+ccpp,+ccdp,+sb,+ssbs,+predres,+pan,+pan-rwv,+uaops,+dit,+rand,+tlb-rmi,\
    +perfmon,+specrestrict,+el3";

fn rows() -> Vec<(u32, u32)> {
    let mut rows = Vec::new();
    macro_rules! add {
        ($($table:ident),*) => {$( rows.extend($table::TABLE.rows().iter().map(|r| (r.mask, r.value))); )*};
    }
    add!(integer, branch, system, memory, simd, float);
    rows
}

/// True for words that LLVM names although they are UNDEFINED.
fn is_undefined_by_name(word: u32) -> bool {
    // UDF is permanently UNDEFINED, and DRPS is outside Debug state: LLVM has names for both.
    word >> 16 == 0 || word == 0xd6bf_03e0
}

#[test]
fn tables_agree_with_llvm() {
    if !llvm::is_there() {
        return;
    }
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
    words.extend((0..60_000).map(|_| rng.next()));
    let bytes: Vec<[u8; 4]> = words.iter().map(|w| w.to_le_bytes()).collect();
    let theirs = llvm::disassemble("aarch64", ATTRIBUTES, bytes.iter().map(|b| &b[..]));
    let theirs = theirs.expect("llvm-mc answers for every word");
    let mut wrong: HashMap<String, (u32, usize, String)> = HashMap::new();
    for (&word, answer) in words.iter().zip(&theirs) {
        let text = match answer {
            Answer::Invalid => None,
            Answer::Doubtful(text) | Answer::Valid(text) => Some(text),
        };
        let ours = a64::decode(word, FeatureSet::ALL).map(a64::mnemonic);
        let agree = match (ours, text) {
            (None, None) => true,
            // LLVM takes MSR and MRS with op0=0, which are unallocated, for system registers.
            (None, Some(text)) if text.contains("S0_") => true,
            (Some(ours), Some(text)) => same_mnemonic(ours, text),
            _ => false,
        };
        if !agree && !is_undefined_by_name(word) {
            let key = format!("{} / {}", ours.unwrap_or("-"), text.map_or("-", |text| first_word(text)));
            let entry = wrong.entry(key).or_insert((word, 0, text.cloned().unwrap_or_default()));
            entry.1 += 1;
        }
    }
    let mut list: Vec<_> = wrong.into_iter().collect();
    list.sort();
    for (key, (word, count, text)) in &list {
        eprintln!("ours / LLVM: {key}: {count} words, first {word:08x} ({text})");
    }
    assert!(list.is_empty(), "{} kinds of words decode differently, of {} words", list.len(), words.len());
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or("")
}

/// LLVM prints aliases; this says which instructions each may stand for.
fn same_mnemonic(ours: &str, text: &str) -> bool {
    let theirs = first_word(text);
    let theirs = if theirs.starts_with("b.") { "b." } else { theirs };
    let alias_of: &[&str] = match theirs {
        "mov" => &["orr", "movz", "movn", "add", "ins", "umov", "dup"],
        "cmp" => &["subs"],
        "cmn" => &["adds"],
        "neg" => &["sub", "neg"],
        "negs" => &["subs"],
        "mvn" => &["orn", "not"],
        "tst" => &["ands"],
        "ngc" => &["sbc"],
        "ngcs" => &["sbcs"],
        "lsl" => &["ubfm", "lslv"],
        "lsr" => &["ubfm", "lsrv"],
        "asr" => &["sbfm", "asrv"],
        "ror" => &["extr", "rorv"],
        "sxtb" | "sxth" | "sxtw" | "sbfx" | "sbfiz" => &["sbfm"],
        "uxtb" | "uxth" | "uxtw" | "ubfx" | "ubfiz" => &["ubfm"],
        "bfi" | "bfxil" | "bfc" => &["bfm"],
        "cset" | "cinc" => &["csinc"],
        "csetm" | "cinv" => &["csinv"],
        "cneg" => &["csneg"],
        "mul" => &["madd", "mul"],
        "mneg" => &["msub"],
        "smull" => &["smaddl", "smull"],
        "smnegl" => &["smsubl"],
        "umull" => &["umaddl", "umull"],
        "umnegl" => &["umsubl"],
        "sxtl" => &["sshll"],
        "sxtl2" => &["sshll"],
        "uxtl" => &["ushll"],
        "uxtl2" => &["ushll"],
        "fmov" => &["fmov", "movi"],
        "ic" | "dc" | "at" | "tlbi" | "cfp" | "dvp" | "cpp" => &["sys"],
        "nop" | "yield" | "wfe" | "wfi" | "sev" | "sevl" | "hint" | "dgh" | "esb" | "csdb" | "bti"
        | "tsb" | "psb" | "xpaclri" | "pacia1716" | "pacib1716" | "autia1716" | "autib1716" | "paciaz"
        | "paciasp" | "pacibz" | "pacibsp" | "autiaz" | "autiasp" | "autibz" | "autibsp" => &["hint"],
        "ssbb" | "pssbb" | "dfb" => &["dsb"],
        "eretaa" => &["eret"],
        _ => &[],
    };
    // Second halves (`saddl2`), and LSE's store and ordering forms (`staddl`), are the same row to us.
    ours == theirs || alias_of.contains(&ours) || stem(theirs) == stem(ours)
}

/// Rows whose mnemonic stands for every order and size of the instruction.
const STEMS: &[&str] = &[
    "ldadd", "ldclr", "ldeor", "ldset", "ldsmax", "ldsmin", "ldumax", "ldumin", "swp", "casp", "cas", "stxr",
    "stlxr", "ldxr", "ldaxr", "stlr", "ldar", "ldapr", "stlur", "ldapur",
];

fn stem(name: &str) -> String {
    let name = name.strip_suffix('2').unwrap_or(name);
    // STADD is LDADD to the zero register.
    let load = name.strip_prefix("st").map(|rest| format!("ld{rest}")).unwrap_or_default();
    for stem in STEMS {
        for name in [name, &load] {
            let Some(suffix) = name.strip_prefix(stem) else { continue };
            let size = suffix.trim_start_matches(['a', 'l']);
            if ["", "b", "h"].contains(&size) && suffix.len() - size.len() <= 2 {
                return stem.to_string();
            }
            if *stem == "ldapur" && ["sb", "sh", "sw"].contains(&suffix) {
                return "ldapurs".to_string();
            }
        }
    }
    name.to_string()
}
