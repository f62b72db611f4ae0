//! Finding out what an image is, and locking it.
#![forbid(unsafe_code)]

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::DiskError;
use crate::image::Image;
use crate::raw::Raw;
use crate::{Disk, sys};

/// The formats of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Byte for byte what the guest sees.
    Raw,
    /// QEMU's copy-on-write format, version 2 and 3.
    Qcow2,
}

/// How to open an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// The guest may not write.
    pub read_only: bool,
    /// What the guest writes goes to a temporary file and is gone at the end; nothing is written to the image.
    pub overlay: bool,
    /// What the image is; if `None` its name and its content say so.
    pub format: Option<Format>,
}

/// The first bytes of a qcow2 image.
const QCOW2_MAGIC: [u8; 4] = *b"QFI\xfb";

/// Opens the image at `path`.
///
/// A raw image whose length is no multiple of 512 bytes appears with zeros up to the next one; the first write to
/// that last sector makes the file longer.
///
/// The whole file is locked by an advisory lock (`flock`), shared where it is only read, as long as the disk lives.
///
/// # Errors
/// One line for each way that it can't be used.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Disk>, DiskError> {
    let write = !options.read_only && !options.overlay;
    check_kind(path)?;
    let failed = |error| DiskError::Open(path.to_owned(), error);
    let mut file = File::options().read(true).write(write).open(path).map_err(failed)?;
    lock(&file, path, write)?;
    // The length of a block device is where its end is.
    let len = file.seek(SeekFrom::End(0)).map_err(failed)?;
    if len == 0 {
        return Err(DiskError::Empty(path.to_owned()));
    }
    let format = format(&mut file, path, options.format)?;
    let image = |error| DiskError::Image(path.to_owned(), error);
    let disk: Box<dyn Disk> = match (format, options.overlay) {
        (Format::Raw, false) => Box::new(Raw::new(file, len, !write)),
        (Format::Qcow2, false) => Box::new(Image::qcow2(file, path, write).map_err(image)?),
        (_, true) => {
            let temporary = tempfile::tempfile().map_err(|e| DiskError::Overlay(path.to_owned(), e))?;
            Box::new(Image::overlay(file, path, format, temporary, options.read_only).map_err(image)?)
        }
    };
    if disk.size() == 0 { Err(DiskError::Empty(path.to_owned())) } else { Ok(disk) }
}

/// Asked before opening: opening a pipe with no writer would wait for one.
fn check_kind(path: &Path) -> Result<(), DiskError> {
    let metadata = std::fs::metadata(path).map_err(|error| DiskError::Open(path.to_owned(), error))?;
    let what = if metadata.is_dir() {
        "a directory"
    } else if metadata.is_file() || sys::is_block_device(&metadata) {
        return Ok(());
    } else {
        "neither a file nor a block device"
    };
    Err(DiskError::Kind { path: path.to_owned(), what })
}

fn lock(file: &File, path: &Path, write: bool) -> Result<(), DiskError> {
    match if write { file.try_lock() } else { file.try_lock_shared() } {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(DiskError::Locked { path: path.to_owned(), ro: !write }),
        Err(TryLockError::Error(error)) => Err(DiskError::Lock(path.to_owned(), error)),
    }
}

/// Name and content have to agree: a guest can write any header into its raw disk, and would reach files of the host
/// through it the next time.
fn format(file: &mut File, path: &Path, told: Option<Format>) -> Result<Format, DiskError> {
    let mut start = [0; 4];
    let read = file.rewind().and_then(|()| file.read_exact(&mut start));
    let qcow2 = read.is_ok() && start == QCOW2_MAGIC;
    let named = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("qcow2"));
    match (told, qcow2, named) {
        (Some(Format::Raw), ..) | (None, false, false) => Ok(Format::Raw),
        (Some(Format::Qcow2), true, _) | (None, true, true) => Ok(Format::Qcow2),
        (Some(Format::Qcow2), false, _) | (None, false, true) => Err(DiskError::NotQcow2(path.to_owned())),
        (None, true, false) => Err(DiskError::Ambiguous(path.to_owned())),
    }
}
