//! A server of 9P2000.L, the file protocol that Linux speaks with `mount -t 9p`, for one directory of the host.
//!
//! The protocol is that of Linux's client (`Documentation/filesystems/9p.rst`; the messages are described in diod's
//! `protocol.md`). A [`Server`] takes one request at a time and any number of them at once, from as many threads.
//!
//! **Nothing outside the directory can be reached.** What a client holds (a *fid*) is a descriptor of the file itself,
//! and every name is one component below such a descriptor: no path is ever resolved, no symbolic link followed, and
//! `..` is the client's own business. So neither links nor renames while a request runs lead anywhere else. Only regular files and folders are
//! ever opened; pipes, sockets and device nodes are what the guest's own kernel makes of them.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod attributes;
mod error;
#[cfg(target_os = "linux")]
mod fid;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod folder;
#[cfg(target_os = "linux")]
mod names;
#[cfg(target_os = "linux")]
mod node;
#[cfg(target_os = "linux")]
mod owners;
#[cfg(target_os = "linux")]
mod server;
#[cfg(all(test, target_os = "linux"))]
mod tests;
#[cfg(target_os = "linux")]
mod wire;
#[cfg(target_os = "linux")]
mod xattr;

pub use error::ShareError;
#[cfg(target_os = "linux")]
pub use server::{MAX_MESSAGE, Malformed, QUICK_START, Server, is_quick, keeps_owners};

/// How a directory is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Nothing can be changed.
    pub read_only: bool,
    /// Whose files they are.
    pub owners: Owners,
}

/// What a client sees of owners and modes, and what becomes of those it sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owners {
    /// The host's, and the host decides what may be changed. No device nodes are made, and no files that run as
    /// another user.
    #[default]
    Host,
    /// The client's own: what it sets is kept in an extended attribute of each file, `user.armlet.owner`. Files
    /// without it that belong to whoever runs the server belong to root.
    Mapped,
}
