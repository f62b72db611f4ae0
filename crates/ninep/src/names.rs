//! Requests that make, move and take away names.

use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, Dev, FileType, Mode, RenameFlags, linkat, mkdirat, mknodat, readlinkat, renameat_with,
    symlinkat, unlinkat,
};
use rustix::io::Errno;

use crate::fid::Fid;
use crate::node::Node;
use crate::owners::Record;
use crate::server::Server;
use crate::wire::{Input, Output, Result};
use crate::{Owners, fid::State};

/// Tunlinkat: take away a folder.
const REMOVE_DIRECTORY: u32 = 0x200;
/// The most names of a Twalk.
const MAX_NAMES: u16 = 16;

impl Server {
    /// What has this name in a folder.
    pub(crate) fn child(&self, folder: &Node, name: &[u8]) -> Result<Node> {
        self.options.owners.with_access(folder, || folder.child(name))
    }

    pub(crate) fn walk(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let (number, new, count) = (input.u32()?, input.u32()?, input.u16()?);
        let fid = self.fid(number)?;
        if count > MAX_NAMES {
            return Err(Errno::INVAL);
        }
        let mut node = fid.node.clone();
        let mut qids = Vec::new();
        for index in 0..count {
            let name = input.string()?;
            let step = self.step(&node, name).and_then(|child| Ok((self.qid_of(&child)?, child)));
            match step {
                Ok((qid, child)) => {
                    qids.push(qid);
                    node = child;
                }
                Err(error) if index == 0 => return Err(error),
                // A walk that gets only so far says how far, and makes no fid.
                Err(_) => break,
            }
        }
        out.u16(qids.len() as u16)?;
        qids.iter().try_for_each(|qid| out.qid(*qid))?;
        if qids.len() < count.into() {
            return Ok(());
        }
        let walked = Fid::new(node, fid.uid, State::Named);
        if new == number { self.replace(number, walked) } else { self.insert(new, walked) }
    }

    fn step(&self, node: &Arc<Node>, name: &[u8]) -> Result<Arc<Node>> {
        match name {
            b"." => Ok(node.clone()),
            // Above the root is the root; elsewhere the client knows better what is above.
            b".." if Arc::ptr_eq(node, &self.root) => Ok(node.clone()),
            b".." => Err(Errno::OPNOTSUPP),
            b"" => Err(Errno::NOENT),
            _ if name.contains(&b'/') => Err(Errno::INVAL),
            _ => self.child(node, name).map(Arc::new),
        }
    }

    /// Gives what was just made in a folder its owner, and tells its qid.
    fn made(&self, folder: &Node, name: &[u8], record: Record, out: &mut Output) -> Result<()> {
        let node = self.child(folder, name)?;
        self.options.owners.adopt(&node, record)?;
        out.qid(self.qid_of(&node)?)
    }

    pub(crate) fn mkdir(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let folder = self.fid(input.u32()?)?;
        let (name, mode, gid) = (input.name()?, input.u32()?, input.u32()?);
        self.writable()?;
        self.options.owners.with_access(&folder.node, || mkdirat(&folder.node, name, Mode::RWXU))?;
        let record = Record { mode: mode & 0o7777 | 0o040_000, uid: folder.uid, gid, rdev: 0 };
        self.made(&folder.node, name, record, out)
    }

    pub(crate) fn symlink(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let folder = self.fid(input.u32()?)?;
        let (name, target, gid) = (input.name()?, input.string()?, input.u32()?);
        self.writable()?;
        self.options.owners.with_access(&folder.node, || symlinkat(target, &folder.node, name))?;
        let record = Record { mode: 0o120_777, uid: folder.uid, gid, rdev: 0 };
        self.made(&folder.node, name, record, out)
    }

    pub(crate) fn mknod(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let folder = self.fid(input.u32()?)?;
        let (name, mode) = (input.name()?, input.u32()?);
        let (major, minor, gid) = (input.u32()?, input.u32()?, input.u32()?);
        self.writable()?;
        let rdev = rustix::fs::makedev(major, minor) as u32;
        let wanted = FileType::from_raw_mode(mode);
        let kind = match wanted {
            FileType::RegularFile => wanted,
            _ if mode & 0o170_000 == 0 => FileType::RegularFile,
            FileType::Fifo | FileType::Socket if self.options.owners == Owners::Host => wanted,
            FileType::CharacterDevice | FileType::BlockDevice | FileType::Fifo | FileType::Socket
                if self.options.owners == Owners::Mapped =>
            {
                FileType::RegularFile
            }
            FileType::CharacterDevice | FileType::BlockDevice => return Err(Errno::PERM),
            _ => return Err(Errno::INVAL),
        };
        let private = Mode::RUSR | Mode::WUSR;
        self.options
            .owners
            .with_access(&folder.node, || mknodat(&folder.node, name, kind, private, 0 as Dev))?;
        let mode = if mode & 0o170_000 == 0 { mode | 0o100_000 } else { mode };
        self.made(&folder.node, name, Record { mode, uid: folder.uid, gid, rdev }, out)
    }

    /// A further name for a file.
    pub(crate) fn link(&self, input: &mut Input) -> Result<()> {
        let (folder, file) = (self.fid(input.u32()?)?, self.fid(input.u32()?)?);
        let name = input.name()?;
        self.writable()?;
        // The link in /proc leads to the file, be it a symbolic link itself.
        self.options.owners.with_access(&folder.node, || {
            linkat(CWD, file.node.link(), &folder.node, name, AtFlags::SYMLINK_FOLLOW)
        })
    }

    pub(crate) fn renameat(&self, input: &mut Input) -> Result<()> {
        let from = self.fid(input.u32()?)?;
        let old = input.name()?;
        let to = self.fid(input.u32()?)?;
        let new = input.name()?;
        self.writable()?;
        let rename = || renameat_with(&from.node, old, &to.node, new, RenameFlags::empty());
        self.options.owners.with_access(&to.node, || self.options.owners.with_access(&from.node, rename))
    }

    pub(crate) fn unlinkat(&self, input: &mut Input) -> Result<()> {
        let folder = self.fid(input.u32()?)?;
        let (name, flags) = (input.name()?, input.u32()?);
        self.writable()?;
        let how = if flags & REMOVE_DIRECTORY != 0 { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        self.options.owners.with_access(&folder.node, || unlinkat(&folder.node, name, how))
    }

    pub(crate) fn readlink(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let fid = self.fid(input.u32()?)?;
        out.string(readlinkat(&fid.node, "", Vec::new())?.to_bytes())
    }
}
