//! What the rig's first process tells on its console about scenarios, line by line:
//!
//! ```text
//! @@ begin NAME
//! @@ file FILE LENGTH CRC32       each file in the scenario's directory, stdout and stderr among them
//! @@= BASE64
//! @@ end NAME STATUS START END    seconds since the rig's start
//! @@ done                         after the last scenario
//! ```
//!
//! Anything else is the kernel's, and kept for reports. Length and CRC-32 of a file show whether the console
//! lost or mixed anything.

use std::collections::BTreeMap;

/// What a scenario did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The scenario's name.
    pub name: String,
    /// Exit status of its script; 143 if it ran out of time.
    pub status: i32,
    /// Seconds it took by the rig's clock.
    pub seconds: f64,
    /// The files it left in its directory, `stdout` and `stderr` among them.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Outcome {
    /// A file as text; empty if there is none.
    pub fn text(&self, file: &str) -> String {
        String::from_utf8_lossy(self.files.get(file).map_or(&[], Vec::as_slice)).into_owned()
    }

    /// Standard output.
    pub fn stdout(&self) -> String {
        self.text("stdout")
    }

    /// Standard error.
    pub fn stderr(&self) -> String {
        self.text("stderr")
    }
}

/// What a line ended.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// A scenario.
    Ended(Outcome),
    /// All of them.
    Done,
}

/// Reads the console.
#[derive(Default)]
pub struct Reader {
    outcome: Outcome,
    /// Name, length and checksum of the file that comes.
    file: Option<(String, usize, u32)>,
    base64: String,
    /// What isn't told by the first process: the kernel's words.
    pub noise: String,
}

impl Reader {
    /// The scenario that runs.
    pub fn scenario(&self) -> &str {
        &self.outcome.name
    }

    /// Takes a line in, without its end.
    ///
    /// # Errors
    /// A file came out other than it was sent, or a line makes no sense.
    pub fn line(&mut self, line: &str) -> Result<Option<Event>, String> {
        let line = line.trim_end_matches('\r');
        if let Some(text) = line.strip_prefix("@@= ") {
            self.base64 += text;
            return Ok(None);
        }
        let Some(words) = line.strip_prefix("@@ ") else {
            self.noise += line;
            self.noise.push('\n');
            return Ok(None);
        };
        self.file_ends()?;
        match words.split(' ').collect::<Vec<_>>()[..] {
            ["begin", name] => self.outcome = Outcome { name: name.into(), ..Outcome::default() },
            ["file", name, length, sum] => {
                let sum = u32::from_str_radix(sum, 16).map_err(|_| format!("no checksum: {line:?}"))?;
                let length = number(length, line)?;
                self.file = Some((name.into(), length, sum));
            }
            ["end", name, status, start, end] if name == self.outcome.name => {
                self.outcome.status = number(status, line)?;
                self.outcome.seconds = number::<f64>(end, line)? - number::<f64>(start, line)?;
                return Ok(Some(Event::Ended(std::mem::take(&mut self.outcome))));
            }
            ["done"] => return Ok(Some(Event::Done)),
            _ => return Err(format!("the rig's console shows a line without sense: {line:?}")),
        }
        Ok(None)
    }

    fn file_ends(&mut self) -> Result<(), String> {
        let text = std::mem::take(&mut self.base64);
        let Some((name, length, sum)) = self.file.take() else { return Ok(()) };
        let bytes = from_base64(&text).filter(|bytes| bytes.len() == length && crc32(bytes) == sum);
        let scenario = &self.outcome.name;
        let bytes = bytes.ok_or_else(|| format!("{name} of {scenario} was damaged on the rig's console"))?;
        self.outcome.files.insert(name, bytes);
        Ok(())
    }
}

fn number<T: std::str::FromStr>(word: &str, line: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("the rig's console shows {word:?} for a number: {line:?}"))
}

/// Decodes base64 with padding (RFC 4648, 4); nothing if it is none.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut word, mut bits) = (0u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (word, bits) = (word << 6 | u32::from(value), bits + 6);
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
        }
    }
    text.len().is_multiple_of(4).then_some(bytes)
}

/// The checksum of IEEE 802.3, as `crc32` prints it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ 0xedb8_8320 * (crc & 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read_between_the_kernels_words() {
        let mut reader = Reader::default();
        for line in
            ["[ 0.1] noise\r", "@@ begin a\r", "@@ file stdout 6 363a3020\r", "@@= aGVs\r", "@@= bG8K"]
        {
            assert_eq!(reader.line(line), Ok(None));
        }
        assert_eq!(reader.scenario(), "a");
        assert_eq!(reader.line("@@ file stderr 0 00000000"), Ok(None));
        let Ok(Some(Event::Ended(outcome))) = reader.line("@@ end a 3 1.50 2.75") else { panic!("no end") };
        assert_eq!((outcome.name.as_str(), outcome.status, outcome.seconds), ("a", 3, 1.25));
        assert_eq!((outcome.stdout(), outcome.stderr()), ("hello\n".into(), String::new()));
        assert_eq!(outcome.files.len(), 2);
        assert_eq!(reader.line("@@ done"), Ok(Some(Event::Done)));
        assert_eq!(reader.noise, "[ 0.1] noise\n");
    }

    #[test]
    fn what_is_lost_or_mixed_is_noticed() {
        for middle in ["@@= aGVsbG8", "@@= aGVsbGEK", "@@= aGVsbG8h", "@@= a[ 1.0] oops"] {
            let mut reader = Reader::default();
            for line in ["@@ begin a", "@@ file stdout 6 363a3020", middle] {
                assert_eq!(reader.line(line), Ok(None));
            }
            let error = reader.line("@@ end a 0 1.0 2.0").unwrap_err();
            assert!(error.contains("stdout of a was damaged"), "{error}");
        }
        for line in ["@@ end b 0 1.0 2.0", "@@ file stdout x 1", "@@ what"] {
            assert!(Reader::default().line(line).is_err(), "{line}");
        }
    }
}
