//! Opaque state in bytes: a name, a version, then numbers, all little-endian.

use armlet_hv::HvError;

use crate::unsupported;

/// Puts state together.
pub struct Writer(Vec<u8>);

impl Writer {
    /// State of the kind `name` in this version of its layout.
    pub fn new(name: &[u8; 8], version: u32) -> Self {
        let mut writer = Self(name.to_vec());
        writer.word(version);
        writer
    }

    /// Adds 32 bits.
    pub fn word(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Adds 64 bits.
    pub fn double(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Adds bytes, their number first.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u32);
        self.0.extend_from_slice(bytes);
    }

    /// What was put together.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Takes state apart.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// State of the kind `name`, in this version.
    pub fn new(state: &'a [u8], name: &[u8; 8], version: u32) -> Result<Self, HvError> {
        let mut reader = Self(state);
        let found = reader.take(name.len())?;
        if found != name {
            return Err(unsupported(format!("state of another kind than {}", name.escape_ascii())));
        }
        match reader.word()? {
            found if found == version => Ok(reader),
            found => Err(unsupported(format!("state in version {found} of its layout; it knows {version}"))),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], HvError> {
        let (taken, rest) =
            self.0.split_at_checked(len).ok_or_else(|| unsupported("state that was cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next 32 bits.
    pub fn word(&mut self) -> Result<u32, HvError> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)))
    }

    /// The next 64 bits.
    pub fn double(&mut self) -> Result<u64, HvError> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }

    /// The next bytes, as many as they say.
    pub fn bytes(&mut self) -> Result<&'a [u8], HvError> {
        let len = self.word()?;
        self.take(len as usize)
    }

    /// That was all.
    pub fn end(self) -> Result<(), HvError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(unsupported("state with more at its end than belongs there"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let mut writer = Writer::new(b"kvm-test", 3);
        writer.word(0x1234_5678);
        writer.double(u64::MAX - 1);
        writer.bytes(b"abc");
        let state = writer.finish();
        let mut reader = Reader::new(&state, b"kvm-test", 3).unwrap();
        assert_eq!(reader.word().unwrap(), 0x1234_5678);
        assert_eq!(reader.double().unwrap(), u64::MAX - 1);
        assert_eq!(reader.bytes().unwrap(), b"abc");
        reader.end().unwrap();
        let error =
            |state: &[u8], name, version| Reader::new(state, name, version).err().unwrap().to_string();
        assert!(error(&state, b"kvm-test", 4).contains("version 3"));
        assert!(error(&state, b"kvm-best", 3).contains("another kind"));
        assert!(error(&state[..5], b"kvm-test", 3).contains("cut short"));
        let mut huge = Writer::new(b"kvm-test", 3);
        huge.word(u32::MAX);
        let huge = huge.finish();
        assert!(Reader::new(&huge, b"kvm-test", 3).unwrap().bytes().is_err());
        assert!(Reader::new(&state, b"kvm-test", 3).unwrap().end().is_err());
    }
}
