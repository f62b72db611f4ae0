//! The escape key: Ctrl-A, then a letter for armlet itself.

/// The escape key's code.
const CTRL_A: u8 = 1;

/// What Ctrl-A h prints.
pub const HELP: &str = "\
Ctrl-A x       quit armlet
Ctrl-A p       press the guest's power button: it shuts down if it listens
Ctrl-A h       this help
Ctrl-A Ctrl-A  send Ctrl-A to the guest
";

/// What the user wants of armlet rather than of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// End the guest.
    Quit,
    /// Print [`HELP`].
    Help,
    /// Press the power button of the machine.
    PowerButton,
    /// Leave the console of a machine in the background.
    Detach,
}

/// Tells bytes for the guest from those for armlet.
#[derive(Debug, Default)]
pub struct Escape {
    pending: bool,
}

impl Escape {
    /// Appends what the guest shall get of `typed` to `guest`. At an action it stops and returns it with the
    /// number of bytes used so far; call again with the rest.
    pub fn filter(&mut self, typed: &[u8], guest: &mut Vec<u8>) -> (usize, Option<Action>) {
        for (i, &byte) in typed.iter().enumerate() {
            if !std::mem::take(&mut self.pending) {
                if byte == CTRL_A {
                    self.pending = true;
                } else {
                    guest.push(byte);
                }
                continue;
            }
            match byte {
                CTRL_A => guest.push(CTRL_A),
                b'x' | b'X' => return (i + 1, Some(Action::Quit)),
                b'p' | b'P' => return (i + 1, Some(Action::PowerButton)),
                b'd' | b'D' => return (i + 1, Some(Action::Detach)),
                b'h' | b'H' | b'?' => return (i + 1, Some(Action::Help)),
                // Not one of ours: the user meant both keys for the guest.
                other => guest.extend([CTRL_A, other]),
            }
        }
        (typed.len(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&[u8]]) -> (Vec<u8>, Vec<Action>) {
        let (mut escape, mut guest, mut actions) = (Escape::default(), Vec::new(), Vec::new());
        for chunk in chunks {
            let mut rest = *chunk;
            while !rest.is_empty() {
                let (used, action) = escape.filter(rest, &mut guest);
                actions.extend(action);
                rest = &rest[used..];
            }
        }
        (guest, actions)
    }

    #[test]
    fn plain_bytes_pass() {
        assert_eq!(all(&[b"ls -l\r\x03\xff"]), (b"ls -l\r\x03\xff".to_vec(), vec![]));
    }

    #[test]
    fn escapes_work_across_reads() {
        assert_eq!(all(&[b"a\x01", b"hb\x01\x01c"]), (b"ab\x01c".to_vec(), vec![Action::Help]));
        assert_eq!(all(&[b"\x01x"]), (vec![], vec![Action::Quit]));
        assert_eq!(all(&[b"\x01pq"]), (b"q".to_vec(), vec![Action::PowerButton]));
        assert_eq!(all(&[b"\x01q\x01"]), (b"\x01q".to_vec(), vec![]));
    }
}
