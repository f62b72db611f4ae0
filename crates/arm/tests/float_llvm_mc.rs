//! The floating-point table against the disassembler of LLVM: what is allocated, and its mnemonic.

use std::io::Write;
use std::process::{Command, Stdio};

use armlet_arm::a64::{float, mnemonic};
use armlet_arm::{FeatureSet, a64::Insn};

/// Mnemonics by LLVM, or `None` for what it rejects.
fn disassemble(words: &[u32]) -> Option<Vec<Option<String>>> {
    let child = Command::new("llvm-mc")
        .args(["--disassemble", "--triple=aarch64", "--mattr=+v8.5a,-fullfp16,-bf16"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            let message = format!("llvm-mc: {error}: no comparison with it");
            assert!(std::env::var_os("ARMLET_REQUIRE_ORACLES").is_none(), "{message}");
            eprintln!("skipped: {message}");
            return None;
        }
    };
    let mut input = child.stdin.take().unwrap();
    let text: String = words
        .iter()
        .map(|w| {
            let [a, b, c, d] = w.to_le_bytes();
            format!("{a:#04x} {b:#04x} {c:#04x} {d:#04x}\n")
        })
        .collect();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    // Rejected lines are on standard error by number, the others on standard output in order.
    let errors = String::from_utf8(output.stderr).unwrap();
    let mut rejected = vec![false; words.len()];
    for line in errors.lines().filter(|line| line.contains("invalid instruction encoding")) {
        let number: usize = line.split(':').nth(1).unwrap().parse().unwrap();
        rejected[number - 1] = true;
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('.'));
    let mut next = || lines.next().unwrap().split_whitespace().next().unwrap().to_owned();
    let result = rejected.iter().map(|&rejected| (!rejected).then(&mut next)).collect();
    assert_eq!(lines.next(), None);
    Some(result)
}

/// Whether an instruction of this mnemonic is of our table, given the word.
fn is_float(name: &str, word: u32) -> bool {
    // FMOV (vector, immediate) is a modified immediate of AdvSIMD; FMLAL and its like belong to FEAT_FHM.
    let modified_immediate = word & 0x9ff8_0c00 == 0x0f00_0400;
    let others = ["fmlal", "fmlal2", "fmlsl", "fmlsl2"];
    let integer_names = ["scvtf", "ucvtf", "urecpe", "ursqrte"];
    let float = (name.starts_with('f') && !others.contains(&name)) || integer_names.contains(&name);
    float && !modified_immediate
}

#[test]
fn allocated_as_llvm_has_it() {
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    };
    let rows = float::TABLE.rows();
    let mut words: Vec<u32> = Vec::new();
    for _ in 0..1000 {
        for row in rows {
            words.push(row.value | random() & !row.mask);
            // Next to a row: one of its fixed bits flipped.
            words.push((row.value | random() & !row.mask) ^ 1 << (random() % 32));
        }
    }
    // The group as a whole.
    words.extend((0..500_000).map(|_| random() & 0xf1ff_ffff | 0x0e00_0000));
    words.retain(|w| w >> 25 & 7 == 7);
    let Some(theirs) = disassemble(&words) else { return };
    let mut differences = Vec::new();
    for (&word, theirs) in words.iter().zip(&theirs) {
        let ours = float::TABLE.find(word, FeatureSet::ALL).map(|op| mnemonic(Insn::Float(op)));
        let expected = theirs.as_deref().filter(|name| is_float(name, word));
        // A "2" that names the upper half is not part of ours.
        let same = match (ours, expected) {
            (Some(ours), Some(name)) => ours == name || ours == name.trim_end_matches('2'),
            (ours, expected) => ours.is_none() && expected.is_none(),
        };
        if !same {
            differences.push(format!("{word:08x}: ours {ours:?}, LLVM {theirs:?}"));
        }
    }
    eprintln!("{} words", words.len());
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences[..differences.len().min(60)].join("\n"));
}
