//! Names and encodings of the tables against LLVM's assembler, where it is installed.

use std::io::Write;
use std::process::{Command, Stdio};

use armlet_arm::sysreg::Encoding;
use armlet_engine::sys::instructions;
use armlet_engine::sys::regs::{self, Read};

/// LLVM's text of each word.
fn disassemble(words: &[u32]) -> Option<Vec<String>> {
    let mut child = Command::new("llvm-mc")
        .args([
            "--disassemble",
            "-triple=aarch64",
            "-mattr=+pan,+pan-rwv,+uaops,+dit,+ssbs,+ccpp,+ccdp,+tlb-rmi,+specrestrict,+predres,+perfmon",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    for word in words {
        let [a, b, c, d] = word.to_le_bytes();
        writeln!(stdin, "{a:#04x} {b:#04x} {c:#04x} {d:#04x}").ok()?;
    }
    drop(stdin);
    let output = child.wait_with_output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
    Some(text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
}

fn word(base: u32, reg: Encoding) -> u32 {
    base | u32::from(reg.bits()) << 5
}

#[test]
fn names_are_those_of_llvm() {
    let mut cases = Vec::new();
    for row in regs::rows() {
        let name = row.name.to_lowercase();
        cases.push(match row.read {
            Read::None => (word(0xd510_0000, row.reg), format!("msr {name}, x0")),
            _ => (word(0xd530_0000, row.reg), format!("mrs x0, {name}")),
        });
    }
    for row in instructions::ROWS {
        cases.push((word(0xd500_0000, row.reg), row.name.to_string()));
    }
    let words: Vec<u32> = cases.iter().map(|&(word, _)| word).collect();
    let Some(texts) = disassemble(&words) else {
        assert!(std::env::var_os("ARMLET_REQUIRE_ORACLES").is_none(), "llvm-mc is not installed");
        eprintln!("skipped: llvm-mc is not installed (package llvm)");
        return;
    };
    let texts: Vec<_> = texts.iter().filter(|t| !t.is_empty() && !t.starts_with('.')).collect();
    assert_eq!(texts.len(), cases.len());
    let wrong: Vec<_> = cases
        .iter()
        .zip(texts)
        // Those without an argument name no register, the others end in one.
        .filter(|((_, ours), theirs)| !(*theirs == ours || theirs.strip_suffix(", x0") == Some(ours)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
