//! LLVM's disassembler as an oracle.

use std::io::Write;
use std::process::{Command, Stdio};

/// Random words, the same in every run.
pub struct Rng(u64);

impl Rng {
    pub fn new() -> Self {
        Self(0x2545_f491_4f6c_dd1d)
    }

    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }
}

/// What LLVM says about some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// They are no instruction.
    Invalid,
    /// They are one, which LLVM knows to be UNPREDICTABLE.
    Doubtful(String),
    /// They are one.
    Valid(String),
}

/// True if llvm-mc is there. Where oracles are required it has to be.
pub fn is_there() -> bool {
    if Command::new("llvm-mc").arg("--version").output().is_ok() {
        return true;
    }
    let required = std::env::var_os("ARMLET_REQUIRE_ORACLES").is_some();
    assert!(!required, "llvm-mc is not installed (package llvm)");
    eprintln!("skipped: llvm-mc is not installed (package llvm)");
    false
}

/// LLVM's answer for each piece, which is one instruction or none. `None` if something is wrong with llvm-mc.
pub fn disassemble<'a>(
    triple: &str,
    attributes: &str,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Option<Vec<Answer>> {
    let mut child = Command::new("llvm-mc")
        .args(["--disassemble", &format!("-triple={triple}"), &format!("-mattr={attributes}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let (mut input, mut count) = (String::new(), 0);
    for piece in pieces {
        // In brackets a piece stands for itself: a bad one does not put those after it out of step.
        let bytes: Vec<String> = piece.iter().map(|b| format!("0x{b:02x}")).collect();
        input += &format!("[{}]\n", bytes.join(" "));
        count += 1;
    }
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    let (mut bad, mut doubtful) = (vec![false; count], vec![false; count]);
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        let marks = if line.contains("invalid instruction encoding") {
            &mut bad
        } else if line.contains("potentially undefined instruction encoding") {
            &mut doubtful
        } else {
            continue;
        };
        let number: usize = line.split(':').nth(1)?.parse().ok()?;
        marks[number - 1] = true;
    }
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = stdout.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('.'));
    let answers: Vec<Answer> = (0..count)
        .map(|i| {
            if bad[i] {
                return Some(Answer::Invalid);
            }
            let text = lines.next()?.to_string();
            Some(if doubtful[i] { Answer::Doubtful(text) } else { Answer::Valid(text) })
        })
        .collect::<Option<_>>()?;
    lines.next().is_none().then_some(answers)
}
