//! What can go wrong, one line each.

use std::io;
use std::path::PathBuf;

/// Why an image can't be made or read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// What the user asks for can't be.
    #[error("{0}")]
    Asked(String),
    /// The mirror does not give what it should.
    #[error("{url}: {why}")]
    Mirror {
        /// What was asked for.
        url: String,
        /// What came instead.
        why: String,
    },
    /// A file on this host.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the host says.
        error: io::Error,
    },
    /// A package or list that is not what it should be inside.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// Which.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ImageError {
    /// For `map_err`: an error of the file at `path`.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }

    /// For `map_err`: `what` is damaged.
    pub fn damaged<E: ToString>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |error| Self::Damaged { what, why: error.to_string() }
    }
}
