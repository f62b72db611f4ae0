//! LLVM's disassembler, and random words.
#![allow(dead_code)]

use std::io::Write;
use std::process::{Command, Stdio};

/// A small reproducible generator.
pub struct Rng(pub u64);

impl Rng {
    /// Next 32 bits.
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }
}

/// True if `llvm-mc` is there; else says that it is not, and fails if oracles are required.
pub fn is_installed() -> bool {
    let installed = Command::new("llvm-mc").arg("--version").output().is_ok();
    if !installed {
        assert!(
            std::env::var_os("ARMLET_REQUIRE_ORACLES").is_none(),
            "llvm-mc is not installed (package llvm)"
        );
        eprintln!("skipped: llvm-mc is not installed (package llvm)");
    }
    installed
}

/// LLVM's text of instructions of some bytes each; `None` where it knows no instruction.
pub fn disassemble(triple: &str, attributes: &str, insns: &[Vec<u8>]) -> Option<Vec<Option<String>>> {
    let mut child = Command::new("llvm-mc")
        .args(["--disassemble", &format!("-triple={triple}"), &format!("-mattr={attributes}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    // What is in brackets stands by itself: LLVM goes on behind it whatever it made of it.
    let line = |bytes: &Vec<u8>| {
        let bytes: Vec<_> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
        format!("[{}]\n", bytes.join(" "))
    };
    let input: String = insns.iter().map(line).collect();
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut bad = vec![false; insns.len()];
    for line in errors.lines().filter(|l| l.contains("invalid instruction encoding")) {
        let number: usize = line.split(':').nth(1)?.parse().ok()?;
        bad[number - 1] = true;
    }
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = stdout.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('.'));
    let texts: Option<Vec<_>> = bad
        .into_iter()
        .map(|bad| if bad { Some(None) } else { lines.next().map(|l| Some(l.to_string())) })
        .collect();
    texts.filter(|_| lines.next().is_none())
}
