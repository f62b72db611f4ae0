//! Finding out what an image is, and locking it.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::check::check;
use crate::error::DiskError;
use crate::image::{Base, Image};
use crate::lock::Lock;
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
    /// Past the host's page cache; of an overlay what is read from the image.
    pub direct: bool,
    /// What the image is; if `None` its name and its content say so.
    pub format: Option<Format>,
}

/// What the length of an image is a multiple of, for direct input and output: the largest sector that storage has.
const DIRECT_SECTOR: u64 = 4096;
/// The first bytes of a qcow2 image.
const QCOW2_MAGIC: [u8; 4] = *b"QFI\xfb";
/// Offset of `crypt_method`, 0 for none, in the header (docs/interop/qcow2 of QEMU).
const QCOW2_CRYPT_METHOD: u64 = 32;

/// Opens the image at `path`.
///
/// A raw image whose length is no multiple of 512 bytes appears with zeros up to the next one; the first write to
/// that last sector makes the file longer.
///
/// The file, and each that a qcow2 image names as its backing or data file, is locked by an advisory lock (`flock`) as
/// long as the disk lives, shared where it is only read.
///
/// # Errors
/// One line for each way that it can't be used.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Disk>, DiskError> {
    let write = !options.read_only && !options.overlay;
    let (mut file, lock) = locked(path, write)?;
    // The length of a block device is where its end is.
    let len = file.seek(SeekFrom::End(0)).map_err(|error| DiskError::Open(path.to_owned(), error))?;
    if len == 0 {
        return Err(DiskError::Empty(path.to_owned()));
    }
    let format = format(&mut file, path, options.format)?;
    let image = |error| DiskError::Image(path.to_owned(), error);
    if format == Format::Qcow2 {
        check_encryption(&mut file, path)?;
        if write {
            check(&mut file).map_err(image)?;
        }
    }
    if options.direct {
        make_direct(&file, path, len, format)?;
    }
    let base = Base { file, lock, path, format, direct: options.direct };
    let disk: Box<dyn Disk> = match (format, options.overlay) {
        (Format::Raw, false) if !options.direct => Box::new(Raw::new(base.file, base.lock, len, !write)),
        (_, false) => Box::new(Image::plain(base, write).map_err(image)?),
        (_, true) => {
            let temporary = tempfile::tempfile().map_err(|e| DiskError::Overlay(path.to_owned(), e))?;
            Box::new(Image::overlay(base, temporary, options.read_only).map_err(image)?)
        }
    };
    if disk.size() == 0 { Err(DiskError::Empty(path.to_owned())) } else { Ok(disk) }
}

/// Opens a file or block device and locks it.
pub(crate) fn locked(path: &Path, write: bool) -> Result<(File, Lock), DiskError> {
    check_kind(path)?;
    let file = File::options().read(true).write(write).open(path);
    let file = file.map_err(|error| DiskError::Open(path.to_owned(), error))?;
    let lock = Lock::new(&file, path, write)?;
    Ok((file, lock))
}

/// Has the file read and written past the page cache from now on.
fn make_direct(file: &File, path: &Path, len: u64, format: Format) -> Result<(), DiskError> {
    if format == Format::Raw && !len.is_multiple_of(DIRECT_SECTOR) {
        return Err(DiskError::DirectLength(path.to_owned(), len));
    }
    sys::set_direct(file).map_err(|error| DiskError::Direct(path.to_owned(), error))
}

/// The guest of an encrypted image would see noise, and write over it.
pub(crate) fn check_encryption(file: &mut File, path: &Path) -> Result<(), DiskError> {
    let mut method = [0; 4];
    let read = file.seek(SeekFrom::Start(QCOW2_CRYPT_METHOD)).and_then(|_| file.read_exact(&mut method));
    match read {
        Ok(()) if method != [0; 4] => Err(DiskError::Encrypted(path.to_owned())),
        // Whoever reads all of the header says what is wrong with a short one.
        _ => Ok(()),
    }
}

/// True for a disk of the host's, or a part of one.
pub fn is_device(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| sys::is_block_device(&metadata))
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

/// True if the file begins as a qcow2 image does.
pub(crate) fn is_qcow2(file: &mut File) -> bool {
    let mut start = [0; 4];
    let read = file.rewind().and_then(|()| file.read_exact(&mut start));
    read.is_ok() && start == QCOW2_MAGIC
}

/// Name and content have to agree: a guest can write any header into its raw disk, and would reach files of the host
/// through it the next time.
fn format(file: &mut File, path: &Path, told: Option<Format>) -> Result<Format, DiskError> {
    let qcow2 = is_qcow2(file);
    let named = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("qcow2"));
    match (told, qcow2, named) {
        (Some(Format::Raw), ..) | (None, false, false) => Ok(Format::Raw),
        (Some(Format::Qcow2), true, _) | (None, true, true) => Ok(Format::Qcow2),
        (Some(Format::Qcow2), false, _) | (None, false, true) => Err(DiskError::NotQcow2(path.to_owned())),
        (None, true, false) => Err(DiskError::Ambiguous(path.to_owned())),
    }
}
