//! Why an image can't be a disk.
#![forbid(unsafe_code)]

use std::io;
use std::path::PathBuf;

/// One line each: what failed, the fact found, one fix.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The file can't be opened or looked at.
    #[error("can't open the disk image {}: {}", .0.display(), reason(.1))]
    Open(PathBuf, io::Error),
    /// Neither a file nor a block device.
    #[error("the disk image {} is {what}; name a file or a block device", .path.display())]
    Kind {
        /// The image.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Nothing in it.
    #[error("the disk image {} is empty; make it as long as the disk is to be, with truncate -s", .0.display())]
    Empty(PathBuf),
    /// Somebody else has it.
    #[error(
        "the disk image {} is in use by another virtual machine or disk; end that, or give both {}",
        .path.display(),
        if *.ro { "read-only images only" } else { ",ro or ,overlay" }
    )]
    Locked {
        /// The image.
        path: PathBuf,
        /// It was to be opened read-only.
        ro: bool,
    },
    /// The host has no lock for it.
    #[error("can't lock the disk image {} against double use: {}", .0.display(), reason(.1))]
    Lock(PathBuf, io::Error),
    /// Content and name disagree, which a guest may have brought about.
    #[error(
        "the disk image {} is named like a raw one but has the header of qcow2; say format=raw or format=qcow2",
        .0.display()
    )]
    Ambiguous(PathBuf),
    /// Not what it was said to be.
    #[error("the disk image {} is no qcow2 image; say format=raw if it is raw", .0.display())]
    NotQcow2(PathBuf),
    /// A qcow2 image with something that is damaged or not supported.
    #[error(
        "can't use the qcow2 image {}: {}; `qemu-img check` finds damage, `qemu-img convert` makes another that can be used",
        .0.display(),
        reason(.1)
    )]
    Image(PathBuf, io::Error),
    /// An encrypted qcow2 image.
    #[error("the qcow2 image {} is encrypted, which armlet can't read; decrypt it with `qemu-img convert`", .0.display())]
    Encrypted(PathBuf),
    /// The host has no direct input and output for it.
    #[error("can't use direct I/O with the disk image {}: {}; leave ,direct out", .0.display(), direct_reason(.1))]
    Direct(PathBuf, io::Error),
    /// Its end can't be reached by direct input and output.
    #[error(
        "can't use direct I/O with the disk image {}: its length of {} bytes is no multiple of 4096; leave ,direct out, or \
         make it longer with truncate -s %4096",
        .0.display(),
        .1
    )]
    DirectLength(PathBuf, u64),
    /// There is no place for what the guest writes.
    #[error("can't make a temporary file for the overlay of {}: {}; set TMPDIR to a directory with room", .0.display(), reason(.1))]
    Overlay(PathBuf, io::Error),
}

/// A system error without its number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied (,ro needs no right to write)".to_owned(),
        _ => error.to_string(),
    }
}

fn direct_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidInput => "its file system has none".to_owned(),
        io::ErrorKind::Unsupported => "armlet has it on Linux only".to_owned(),
        _ => error.to_string(),
    }
}
