//! The A64 decode tables against LLVM's disassembler: which words are instructions, and which ones.
//!
//! Words come from every row of every table with its free bits at random, from rows with one fixed bit
//! flipped, and from nowhere in particular.

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};

use armlet_arm::FeatureSet;
use armlet_arm::a64::{self, branch, float, integer, memory, simd, system};

const SEED: u64 = 0x2545_f491_4f6c_dd1d;
/// What LLVM must accept beside Armv8.0: the features whose instructions the tables hold.
const ATTRIBUTES: &str = "-mattr=+neon,+fp-armv8,+crc,+aes,+sha2,+sha3,+lse,+rdm,+dotprod,+rcpc,+rcpc-immo,+flagm,\
    +altnzcv,+jsconv,+complxnum,+fptoint,+ccpp,+ccdp,+sb,+ssbs,+predres,+pan,+pan-rwv,+uaops,+dit,+rand,+tlb-rmi,\
    +perfmon,+specrestrict,+el3";

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }
}

/// LLVM's text of each word; `None` where it knows no instruction.
fn disassemble(words: &[u32]) -> Option<Vec<Option<String>>> {
    let mut child = Command::new("llvm-mc")
        .args(["--disassemble", "-triple=aarch64", ATTRIBUTES])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let input: String = words
        .iter()
        .map(|w| {
            let [a, b, c, d] = w.to_le_bytes();
            format!("0x{a:02x} 0x{b:02x} 0x{c:02x} 0x{d:02x}\n")
        })
        .collect();
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut bad = vec![false; words.len()];
    for line in errors.lines().filter(|l| l.contains("invalid instruction encoding")) {
        let number: usize = line.split(':').nth(1)?.parse().ok()?;
        bad[number - 1] = true;
    }
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = stdout.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('.'));
    bad.into_iter()
        .map(|bad| if bad { Some(None) } else { lines.next().map(|l| Some(l.to_string())) })
        .collect()
}

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
    if Command::new("llvm-mc").arg("--version").output().is_err() {
        assert!(
            std::env::var_os("ARMLET_REQUIRE_ORACLES").is_none(),
            "llvm-mc is not installed (package llvm)"
        );
        eprintln!("skipped: llvm-mc is not installed (package llvm)");
        return;
    }
    let mut rng = Rng(SEED);
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
    let theirs = disassemble(&words).expect("llvm-mc answers for every word");
    let mut wrong: HashMap<String, (u32, usize, String)> = HashMap::new();
    for (&word, text) in words.iter().zip(&theirs) {
        let ours = a64::decode(word, FeatureSet::ALL).map(a64::mnemonic);
        let agree = match (ours, text) {
            (None, None) => true,
            // LLVM takes MSR and MRS with op0=0, which are unallocated, for system registers.
            (None, Some(text)) if text.contains("S0_") => true,
            (Some(ours), Some(text)) => same_mnemonic(ours, text),
            _ => false,
        };
        if !agree && !is_undefined_by_name(word) {
            let key = format!("{} / {}", ours.unwrap_or("-"), text.as_deref().map_or("-", first_word));
            let entry = wrong.entry(key).or_insert((word, 0, text.clone().unwrap_or_default()));
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
