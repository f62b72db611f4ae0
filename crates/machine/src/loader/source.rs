//! The file that something was loaded from, to be read again at a reset rather than kept in memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::SystemTime;

/// A file whose bytes are loaded as they are, from the first one on.
#[derive(Clone, Debug)]
pub struct Source {
    file: Arc<File>,
    size: u64,
    modified: Option<SystemTime>,
    len: u64,
}

impl Source {
    /// For a file that was just read. It may be deleted or replaced, but not changed.
    ///
    /// # Errors
    /// If the system does not tell its size.
    pub fn new(file: File) -> io::Result<Self> {
        let (size, modified) = state(&file)?;
        Ok(Self { file: Arc::new(file), size, modified, len: size })
    }

    /// The first `len` bytes of it.
    pub(super) fn first(self, len: usize) -> Self {
        Self { len: len as u64, ..self }
    }

    /// Reads the bytes again.
    ///
    /// # Errors
    /// If the file can't be read, or is no longer what it was.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        if state(&self.file)? != (self.size, self.modified) {
            return Err(io::Error::other("the file has changed since the start"));
        }
        let mut bytes = Vec::with_capacity(self.len as usize);
        (&*self.file).seek(SeekFrom::Start(0))?;
        (&*self.file).take(self.len).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == self.len { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// The same file, read as far.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file) && self.len == other.len
    }
}

impl Eq for Source {}

/// What changes when the file does.
fn state(file: &File) -> io::Result<(u64, Option<SystemTime>)> {
    let metadata = file.metadata()?;
    Ok((metadata.len(), metadata.modified().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_again_what_did_not_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kernel");
        std::fs::write(&path, b"0123456789").unwrap();
        let source = Source::new(File::open(&path).unwrap()).unwrap().first(4);
        assert_eq!(source.read().unwrap(), b"0123");
        assert_eq!(source.read().unwrap(), b"0123");
        std::fs::write(&path, b"01234567890").unwrap();
        assert!(source.read().unwrap_err().to_string().contains("has changed"));
        let source = Source::new(File::open(&path).unwrap()).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(source.read().unwrap(), b"01234567890");
    }
}
