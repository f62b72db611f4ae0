//! Owners and modes as the client sees them.
//!
//! With [`Owners::Mapped`] a file carries a record of what its client has set. The host's mode follows as far as it
//! does no harm: whoever runs the server keeps access, no file runs as somebody else. Pipes, sockets and device nodes
//! are empty files whose record says what they are. Symbolic links can have no record: who owns one is of no
//! consequence, and setting it does nothing.

use rustix::fs::{FileType, Statx, XattrFlags, makedev};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};

use crate::Owners;
use crate::node::{Node, kind, read_attribute};
use crate::wire::Result;

/// The attribute that holds a record.
pub const RECORD: &[u8] = b"user.armlet.owner";

/// Bits of a mode that let a program run as its file's owner or group.
const SET_ID: u32 = 0o6000;
const TYPE: u32 = 0o170_000;

/// What a client has set: mode with type, owner, group, device number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u32,
}

impl Record {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (words, []) = bytes.as_chunks::<4>() else { return None };
        let [mode, uid, gid, rdev] = *words else { return None };
        let [mode, uid, gid, rdev] = [mode, uid, gid, rdev].map(u32::from_le_bytes);
        Some(Self { mode, uid, gid, rdev })
    }

    fn bytes(self) -> Vec<u8> {
        [self.mode, self.uid, self.gid, self.rdev].map(u32::to_le_bytes).concat()
    }

    /// What a file has that nobody set anything for.
    fn of(stat: &Statx) -> Self {
        let uid = if stat.stx_uid == geteuid().as_raw() { 0 } else { stat.stx_uid };
        let gid = if stat.stx_gid == getegid().as_raw() { 0 } else { stat.stx_gid };
        let rdev = makedev(stat.stx_rdev_major, stat.stx_rdev_minor) as u32;
        Self { mode: stat.stx_mode.into(), uid, gid, rdev }
    }

    fn is_special(self) -> bool {
        use FileType::*;
        matches!(FileType::from_raw_mode(self.mode), CharacterDevice | BlockDevice | Fifo | Socket)
    }
}

/// Changes to what a file has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
}

impl Owners {
    /// What a file has, for the client.
    pub fn stat(self, node: &Node) -> Result<(Statx, u32)> {
        let mut stat = node.stat()?;
        let mut record = Record::of(&stat);
        if self == Self::Host {
            return Ok((stat, record.rdev));
        }
        if kind(&stat) != FileType::Symlink
            && let Some(own) = node.attribute(RECORD).or_else(none_there)?.as_deref().and_then(Record::parse)
        {
            record = Record { mode: own.mode & 0o7777 | record.mode & TYPE, ..own };
            if kind(&stat) == FileType::RegularFile && own.is_special() {
                record.mode = own.mode;
            }
        }
        (stat.stx_mode, stat.stx_uid, stat.stx_gid) = (record.mode as u16, record.uid, record.gid);
        Ok((stat, record.rdev))
    }

    /// The type of a regular file in a folder, for a listing.
    pub fn listed(self, folder: &Node, name: &[u8]) -> FileType {
        if self == Self::Host {
            return FileType::RegularFile;
        }
        // Whoever has a name that is no UTF-8 asks for attributes anyway.
        let path = std::str::from_utf8(name).map(|name| format!("{}/{name}", folder.link()));
        let record = path.ok().and_then(|path| read_attribute(&path, RECORD).ok().flatten());
        match record.as_deref().and_then(Record::parse).filter(|record| record.is_special()) {
            Some(record) => FileType::from_raw_mode(record.mode),
            None => FileType::RegularFile,
        }
    }

    /// Changes owner, group or mode.
    pub fn change(self, node: &Node, change: Change) -> Result<()> {
        match self {
            Self::Host => change_host(node, change),
            Self::Mapped => {
                let (stat, rdev) = self.stat(node)?;
                let mode = u32::from(stat.stx_mode);
                let record = Record {
                    mode: change.mode.map_or(mode, |new| new & 0o7777 | mode & TYPE),
                    uid: change.uid.unwrap_or(stat.stx_uid),
                    gid: change.gid.unwrap_or(stat.stx_gid),
                    rdev,
                };
                record_on(node, record)
            }
        }
    }

    /// Gives a file that was just made its owner and mode.
    pub fn adopt(self, node: &Node, record: Record) -> Result<()> {
        match self {
            Self::Mapped => record_on(node, record),
            Self::Host => {
                // Only root can give files away; others make their own.
                if geteuid().is_root() {
                    node.set_owner(Some(record.uid), Some(record.gid))?;
                }
                let stat = node.stat()?;
                let mode = record.mode & 0o7777;
                let same = u32::from(stat.stx_mode) & 0o7777 == mode;
                if same || kind(&stat) == FileType::Symlink { Ok(()) } else { change_mode(node, &stat, mode) }
            }
        }
    }

    /// Does something that the host's mode of `node` may forbid; where it is the client who has the say, lets it.
    pub fn with_access<T>(self, node: &Node, action: impl Fn() -> Result<T>) -> Result<T> {
        match action() {
            Err(Errno::ACCESS) if self == Self::Mapped => {
                let stat = node.stat()?;
                if stat.stx_uid != geteuid().as_raw() || kind(&stat) == FileType::Symlink {
                    return Err(Errno::ACCESS);
                }
                // From here on the record has what the host's mode no longer tells.
                self.change(node, Change::default())?;
                action()
            }
            other => other,
        }
    }
}

/// A file system without attributes has no records.
fn none_there(error: Errno) -> Result<Option<Vec<u8>>> {
    if error == Errno::OPNOTSUPP { Ok(None) } else { Err(error) }
}

/// Writes a record, and a mode for the host.
fn record_on(node: &Node, record: Record) -> Result<()> {
    let stat = node.stat()?;
    let usual = match kind(&stat) {
        FileType::Symlink => return Ok(()),
        FileType::Directory => 0o700,
        _ => 0o600,
    };
    let host = if record.is_special() { 0o600 } else { record.mode & 0o777 | usual };
    // Attributes can be set where one can write.
    if u32::from(stat.stx_mode) & 0o200 == 0 {
        node.set_mode(host)?;
    }
    node.set_attribute(RECORD, &record.bytes(), XattrFlags::empty())?;
    if u32::from(node.stat()?.stx_mode) & 0o7777 == host { Ok(()) } else { node.set_mode(host) }
}

fn change_host(node: &Node, change: Change) -> Result<()> {
    let stat = node.stat()?;
    if change.uid.is_some() || change.gid.is_some() {
        node.set_owner(change.uid, change.gid)?;
    }
    change.mode.map_or(Ok(()), |mode| change_mode(node, &stat, mode & 0o7777))
}

/// Changes a mode, but makes no program that others could run as somebody else on the host.
fn change_mode(node: &Node, stat: &Statx, mode: u32) -> Result<()> {
    let had = u32::from(stat.stx_mode);
    if kind(stat) == FileType::RegularFile && mode & SET_ID & !had != 0 {
        return Err(Errno::PERM);
    }
    node.set_mode(mode)
}
