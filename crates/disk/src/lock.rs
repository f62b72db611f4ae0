//! The lock of an open image.
#![forbid(unsafe_code)]

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::DiskError;

/// An advisory lock (`flock`). It goes when this is dropped, not when the file is closed: a process that is just being
/// started has all files open until it executes its program.
pub(crate) struct Lock(File);

impl Lock {
    /// Locks `file`, which is at `path`; shared if it is only read.
    pub fn new(file: &File, path: &Path, write: bool) -> Result<Self, DiskError> {
        let fail = |error| DiskError::Lock(path.to_owned(), error);
        let lock = Self(file.try_clone().map_err(fail)?);
        match if write { file.try_lock() } else { file.try_lock_shared() } {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(DiskError::Locked { path: path.to_owned(), ro: !write }),
            Err(TryLockError::Error(error)) => Err(fail(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Whoever can't unlock it has closed it a moment later.
        let _ = self.0.unlock();
    }
}
