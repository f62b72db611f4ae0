//! A file, folder or anything else of the host, held by a descriptor that can do nothing but name it (`O_PATH`).
//!
//! What such a descriptor can't be used for goes by its link in `/proc/self/fd`, which leads to the very file and
//! nowhere else, to a symbolic link itself too.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    self, AtFlags, CWD, FileType, Gid, Mode, OFlags, Statx, StatxFlags, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

use crate::wire::Result;

const PATH: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

pub struct Node(OwnedFd);

impl AsFd for Node {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Node {
    /// The directory that a user names: links on the way to it are followed.
    pub fn root(path: &Path) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(fs::open(path, flags, Mode::empty())?))
    }

    /// What has this name, one component, in a folder: a symbolic link itself.
    pub fn child(&self, name: &[u8]) -> Result<Self> {
        Ok(Self(fs::openat(&self.0, name, PATH, Mode::empty())?))
    }

    /// An open file.
    pub fn of(file: &OwnedFd) -> Result<Self> {
        let link = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok(Self(fs::open(link, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?))
    }

    /// A name that leads to the file for as long as this object lives.
    pub fn link(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }

    pub fn stat(&self) -> Result<Statx> {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        fs::statx(&self.0, "", AtFlags::EMPTY_PATH, wanted)
    }

    /// Opens it to read or write.
    ///
    /// # Errors
    /// Also if it is neither a regular file nor a folder: opening a pipe may wait for ever, a device may do anything.
    pub fn open(&self, flags: OFlags) -> Result<OwnedFd> {
        match kind(&self.stat()?) {
            FileType::RegularFile => {}
            FileType::Directory if !flags.intersects(OFlags::ACCMODE | OFlags::TRUNC) => {}
            FileType::Directory => return Err(Errno::ISDIR),
            FileType::Symlink => return Err(Errno::LOOP),
            _ => return Err(Errno::NXIO),
        }
        fs::open(self.link(), flags | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())
    }

    pub fn set_mode(&self, mode: u32) -> Result<()> {
        fs::chmod(self.link(), Mode::from_raw_mode(mode & 0o7777))
    }

    pub fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        // All ones means no change, and is nobody's number.
        let (uid, gid) = (uid.filter(|id| *id != u32::MAX), gid.filter(|id| *id != u32::MAX));
        fs::chownat(&self.0, "", uid.map(Uid::from_raw), gid.map(Gid::from_raw), AtFlags::EMPTY_PATH)
    }

    pub fn set_times(&self, times: &Timestamps) -> Result<()> {
        fs::utimensat(CWD, self.link(), times, AtFlags::empty())
    }

    /// An extended attribute; `None` if it isn't there.
    pub fn attribute(&self, name: &[u8]) -> Result<Option<Vec<u8>>> {
        read_attribute(&self.link(), name)
    }

    pub fn set_attribute(&self, name: &[u8], value: &[u8], flags: XattrFlags) -> Result<()> {
        fs::setxattr(self.link(), name, value, flags)
    }

    pub fn remove_attribute(&self, name: &[u8]) -> Result<()> {
        fs::removexattr(self.link(), name)
    }

    /// The names of all extended attributes, each with a NUL behind it.
    pub fn attributes(&self) -> Result<Vec<u8>> {
        grow(|buffer| fs::listxattr(self.link(), buffer))
    }
}

/// Type of a file.
pub fn kind(stat: &Statx) -> FileType {
    FileType::from_raw_mode(stat.stx_mode.into())
}

/// An attribute of what `path` names, of a symbolic link's target not.
pub fn read_attribute(path: &str, name: &[u8]) -> Result<Option<Vec<u8>>> {
    let read = grow(|buffer| match path.starts_with("/proc/self/fd/") && path.matches('/').count() == 4 {
        true => fs::getxattr(path, name, buffer),
        false => fs::lgetxattr(path, name, buffer),
    });
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NODATA) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads something whose length is not known; the kernel allows 64 KiB.
fn grow(read: impl Fn(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut small = [0; 256];
    match read(&mut small) {
        Ok(len) => return Ok(small[..len].to_vec()),
        Err(Errno::RANGE) => {}
        Err(error) => return Err(error),
    }
    let mut large = vec![0; 64 << 10];
    let len = read(&mut large)?;
    large.truncate(len);
    Ok(large)
}
