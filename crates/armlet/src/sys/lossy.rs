//! Bytes for a place that takes only text.

use std::io::{self, Write};

/// Passes on UTF-8 and replaces what is none by U+FFFD. A character may come in several writes.
pub struct Lossy<W> {
    out: W,
    /// The beginning of a character whose end has not come yet.
    begun: Vec<u8>,
}

impl<W: Write> Lossy<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, begun: Vec::new() }
    }
}

impl<W: Write> Write for Lossy<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend(bytes);
        let mut text = String::new();
        let mut chunks = all.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            match chunk.invalid() {
                [] => {}
                // At the very end, three bytes at most that another write may complete.
                tail if chunks.peek().is_none()
                    && std::str::from_utf8(tail).is_err_and(|e| e.error_len().is_none()) =>
                {
                    self.begun = tail.to_vec();
                }
                _ => text.push(char::REPLACEMENT_CHARACTER),
            }
        }
        self.out.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pieces: &[&[u8]]) -> String {
        let mut lossy = Lossy::new(Vec::new());
        for piece in pieces {
            assert_eq!(lossy.write(piece).unwrap(), piece.len());
        }
        String::from_utf8(lossy.out).unwrap()
    }

    #[test]
    fn text_passes_in_any_pieces() {
        let text = "Grüße, 世界 🙂\r\n";
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(written(&pieces), text);
        }
    }

    #[test]
    fn what_is_no_text_is_replaced_and_stops_nothing() {
        assert_eq!(written(&[b"a\xff\xfeb", b"\xe4\xb8", b"c", b"\xf0\x9f"]), "a\u{fffd}\u{fffd}b\u{fffd}c");
    }
}
