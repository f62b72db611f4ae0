//! Images with a format of their own, by the library `imago`.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use imago::file::File as Storage;
use imago::format::gate::ImplicitOpenGate;
use imago::io_buffers::{IoVector, IoVectorMut};
use imago::qcow2::Qcow2;
use imago::raw::Raw;
use imago::{
    DenyImplicitOpenGate, FormatAccess, FormatCreateBuilder, FormatDriverBuilder, StorageOpenOptions,
};
use vm_memory::VolatileSlice;

use crate::lock::Lock;
use crate::{Disk, Format, SECTOR, ZEROS, open};

type Access = FormatAccess<Storage>;

/// A qcow2 image, or a raw one past the page cache.
pub(crate) struct Image {
    /// Discarding wants nobody else in the image.
    access: RwLock<Access>,
    read_only: bool,
    /// Nothing of it outlives the disk.
    temporary: bool,
    /// Given back last, when all that the library had to write is written.
    _locks: Vec<Lock>,
}

/// A file that is an image, open and locked.
pub(crate) struct Base<'a> {
    pub file: File,
    pub lock: Lock,
    pub path: &'a Path,
    pub format: Format,
    /// Whether it is read and written past the page cache.
    pub direct: bool,
}

impl Base<'_> {
    /// With its backing files and data file, as its header names them.
    fn access(self, write: bool) -> io::Result<(Access, Vec<Lock>)> {
        // The library finds out by trying what direct input and output wants to be aligned to. It is not to try writing.
        let may_try = write && !self.direct;
        let options = StorageOpenOptions::new().filename(self.path).write(may_try).direct(self.direct);
        let storage = Storage::from_open_file(self.file, options)?;
        let locks = Mutex::new(vec![self.lock]);
        let access = match self.format {
            Format::Raw => FormatAccess::new(
                Raw::<Storage>::builder(storage).write(write).open(DenyImplicitOpenGate::default())?,
            ),
            Format::Qcow2 => {
                let files = Files { depth: 0, locks: &locks };
                FormatAccess::new(Qcow2::<Storage>::builder(storage).write(write).open(files)?)
            }
        };
        Ok((access, locks.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The longest chain of backing files: longer than any that is of use, and no ring.
const LONGEST_CHAIN: usize = 64;

/// Opens what an image names: backing files and data files.
struct Files<'a> {
    /// How many images named each other up to here.
    depth: usize,
    /// Of all that were opened.
    locks: &'a Mutex<Vec<Lock>>,
}

impl ImplicitOpenGate<Storage> for Files<'_> {
    fn open_format<F: FormatDriverBuilder<Storage>>(&mut self, builder: F) -> io::Result<Access> {
        if self.depth == LONGEST_CHAIN {
            return Err(io::Error::other("its backing files have no end"));
        }
        Ok(FormatAccess::new(builder.open(Self { depth: self.depth + 1, ..*self })?))
    }

    fn open_storage(&mut self, options: StorageOpenOptions) -> io::Result<Storage> {
        let path = options.get_filename().ok_or(io::ErrorKind::InvalidInput)?;
        let (mut file, lock) = open::locked(path, options.get_writable()).map_err(io::Error::other)?;
        self.locks.lock().unwrap_or_else(PoisonError::into_inner).push(lock);
        if open::is_qcow2(&mut file) {
            open::check_encryption(&mut file, path).map_err(io::Error::other)?;
        }
        Storage::from_open_file(file, options)
    }
}

impl Image {
    /// The image in `base`.
    pub fn plain(base: Base, write: bool) -> io::Result<Self> {
        let (access, locks) = base.access(write)?;
        Ok(Self { access: RwLock::new(access), read_only: !write, temporary: false, _locks: locks })
    }

    /// A new image in `temporary` over the one in `base`, which is only read.
    pub fn overlay(base: Base, temporary: File, read_only: bool) -> io::Result<Self> {
        let (base, locks) = base.access(false)?;
        let size = base.size().next_multiple_of(SECTOR);
        let again = temporary.try_clone()?;
        let options = || StorageOpenOptions::new().write(true);
        Qcow2::<Storage>::create_builder(Storage::from_open_file(again, options())?).size(size).create()?;
        let builder = Qcow2::<Storage>::builder(Storage::from_open_file(temporary, options())?);
        let overlay = builder.write(true).backing(Some(base)).open(DenyImplicitOpenGate::default())?;
        let access = RwLock::new(FormatAccess::new(overlay));
        Ok(Self { access, read_only, temporary: true, _locks: locks })
    }

    fn access(&self) -> RwLockReadGuard<'_, Access> {
        self.access.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_zeros(&self, mut offset: u64, mut len: u64) -> io::Result<()> {
        let zeros = vec![0; ZEROS];
        while len > 0 {
            let count = usize::try_from(len).unwrap_or(ZEROS).min(ZEROS);
            self.access().write(&zeros[..count], offset)?;
            offset += count as u64;
            len -= count as u64;
        }
        Ok(())
    }
}

impl Disk for Image {
    fn size(&self) -> u64 {
        // What is not a whole sector can't be written back, so it is not there.
        self.access().size() / SECTOR * SECTOR
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn read(&self, offset: u64, into: &[VolatileSlice]) -> io::Result<()> {
        let (vector, _guard) = IoVectorMut::from_volatile_slice(into);
        self.access().readv(vector, offset)
    }

    fn write(&self, offset: u64, from: &[VolatileSlice]) -> io::Result<()> {
        let (vector, _guard) = IoVector::from_volatile_slice(from);
        self.access().writev(vector, offset)
    }

    fn flush(&self) -> io::Result<()> {
        if self.temporary {
            return Ok(());
        }
        let access = self.access();
        access.flush()?;
        access.sync()
    }

    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        let mut access = self.access.write().unwrap_or_else(PoisonError::into_inner);
        match access.discard_to_any(offset, len) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
            done => done,
        }
    }

    fn write_zeroes(&self, offset: u64, len: u64, unmap: bool) -> io::Result<()> {
        let done = if unmap {
            let mut access = self.access.write().unwrap_or_else(PoisonError::into_inner);
            access.discard_to_zero(offset, len)
        } else {
            self.access().write_zeroes(offset, len)
        };
        match done {
            // Images of version 2 have no way to say that a cluster is zeros.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => self.write_zeros(offset, len),
            done => done,
        }
    }
}
