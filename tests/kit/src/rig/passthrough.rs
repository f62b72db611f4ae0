//! The console of a command in the rig: everything passes but the line with which the first process tells how the
//! command ended.

use std::io::{self, Write};

/// Begins that line, which may come behind the command's own last one: ASCII's record separator sets it off.
const MARK: &[u8] = b"\x1e@@ status ";

/// Passes bytes on and keeps the last line for itself.
pub struct Passthrough<W> {
    to: W,
    /// What could be the mark and the number behind it.
    held: Vec<u8>,
    status: Option<i32>,
}

impl<W: Write> Passthrough<W> {
    /// Passes to `to`.
    pub fn new(to: W) -> Self {
        Self { to, held: Vec::new(), status: None }
    }

    /// The status, once it was told.
    pub fn status(&self) -> Option<i32> {
        self.status
    }

    /// Takes bytes from the console.
    pub fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            if self.held.is_empty() && *byte != MARK[0] {
                self.to.write_all(&[*byte])?;
                continue;
            }
            self.held.push(*byte);
            let common = self.held.len().min(MARK.len());
            if self.held[..common] != MARK[..common] {
                self.to.write_all(&std::mem::take(&mut self.held))?;
            } else if *byte == b'\n' {
                let number = String::from_utf8_lossy(&self.held[MARK.len()..]).trim().parse();
                self.status = number.ok().or(self.status);
                self.held.clear();
            }
        }
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_passes_but_the_status_however_it_is_cut() {
        let console = b"one\n@@ two\n\x1e\n\x1e@@ status\n@@ status 9\nprompt# \x1e@@ status 42\r\n";
        for size in 1..console.len() {
            let mut out = Vec::new();
            let mut passthrough = Passthrough::new(&mut out);
            for bytes in console.chunks(size) {
                passthrough.take(bytes).unwrap();
            }
            assert_eq!(passthrough.status(), Some(42), "{size}");
            assert_eq!(out, b"one\n@@ two\n\x1e\n\x1e@@ status\n@@ status 9\nprompt# ", "{size}");
        }
    }

    #[test]
    fn a_prompt_is_not_held_back() {
        let mut out = Vec::new();
        Passthrough::new(&mut out).take(b"# ").unwrap();
        assert_eq!(out, b"# ");
    }
}
