//! Why a directory can't be shared.

use std::io;
use std::path::PathBuf;

/// One line each: what failed, the fact found, one fix.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// It can't be opened.
    #[error("can't share the directory {}: {}", .0.display(), reason(.1))]
    Open(PathBuf, io::Error),
    /// Its file system keeps no attributes.
    #[error(
        "can't keep the guest's owners of files in {}: its file system has no extended attributes; take one that has, or share it with the host's owners",
        .0.display()
    )]
    NoAttributes(PathBuf),
    /// Files are reached by way of `/proc`.
    #[error("can't share a directory without /proc: {}; mount it", reason(.0))]
    NoProc(io::Error),
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such directory".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
