//! Tlopen, Tlcreate, Tread, Twrite, Tfsync, and locks.

use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, fdatasync, fsync, openat};
use rustix::io::{Errno, pread, pwrite};

use crate::fid::{Fid, State};
use crate::node::{Node, kind};
use crate::owners::Record;
use crate::server::Server;
use crate::wire::{Input, Output, Result};

// Flags of Tlopen and Tlcreate.
const ACCESS: u32 = 0o3;
const CREATE_EXCLUSIVE: u32 = 0o200;
const TRUNCATE: u32 = 0o1000;
const APPEND: u32 = 0o2000;
const DSYNC: u32 = 0o10_000;
const DIRECTORY: u32 = 0o200_000;
const SYNC: u32 = 0o4_000_000;

/// Rlock: the lock is granted.
const LOCK_SUCCESS: u8 = 0;
/// Rgetlock: there is none.
const LOCK_UNLOCK: u8 = 2;

/// The flags that make a difference, as the host has them.
fn host_flags(flags: u32) -> Result<OFlags> {
    let mut host = match flags & ACCESS {
        0 => OFlags::RDONLY,
        1 => OFlags::WRONLY,
        2 => OFlags::RDWR,
        _ => return Err(Errno::INVAL),
    };
    for (bit, flag) in [
        (TRUNCATE, OFlags::TRUNC),
        (APPEND, OFlags::APPEND),
        (DSYNC, OFlags::DSYNC),
        (DIRECTORY, OFlags::DIRECTORY),
        (SYNC, OFlags::SYNC),
    ] {
        host.set(flag, flags & bit == bit);
    }
    Ok(host)
}

impl Server {
    fn open_node(&self, node: &Node, flags: u32) -> Result<State> {
        let flags = host_flags(flags)?;
        if flags.intersects(OFlags::WRONLY | OFlags::RDWR | OFlags::TRUNC) {
            self.writable()?;
        }
        let file = self.options.owners.with_access(node, || node.open(flags))?;
        Ok(State::Open(Arc::new(file)))
    }

    pub(crate) fn lopen(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let (fid, flags) = (self.fid(input.u32()?)?, input.u32()?);
        let mut state = fid.state();
        if !matches!(*state, State::Named) {
            return Err(Errno::BADF);
        }
        *state = self.open_node(&fid.node, flags)?;
        out.qid(self.qid_of(&fid.node)?)?;
        // No transfers of a particular size are asked for.
        out.u32(0)
    }

    /// Makes a file and opens it; the fid of the folder becomes that of the file.
    pub(crate) fn lcreate(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let number = input.u32()?;
        let folder = self.fid(number)?;
        let name = input.name()?;
        let (flags, mode, gid) = (input.u32()?, input.u32()?, input.u32()?);
        self.writable()?;
        let record = Record { mode: mode & 0o7777 | 0o100_000, uid: folder.uid, gid, rdev: 0 };
        let (node, state) = match self.create(&folder.node, name, flags, record) {
            Err(Errno::EXIST) if flags & CREATE_EXCLUSIVE == 0 => {
                let node = self.child(&folder.node, name)?;
                if kind(&node.stat()?) != FileType::RegularFile {
                    return Err(Errno::EXIST);
                }
                let state = self.open_node(&node, flags)?;
                (node, state)
            }
            other => other?,
        };
        out.qid(self.qid_of(&node)?)?;
        out.u32(0)?;
        self.replace(number, Fid::new(Arc::new(node), folder.uid, state))
    }

    /// Makes a file that is not there yet.
    fn create(&self, folder: &Node, name: &[u8], flags: u32, record: Record) -> Result<(Node, State)> {
        let host = host_flags(flags)? | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // What others on the host may do with it is decided when it has its owner.
        let file = self
            .options
            .owners
            .with_access(folder, || openat(folder, name, host, Mode::RUSR | Mode::WUSR))?;
        let node = Node::of(&file)?;
        self.options.owners.adopt(&node, record)?;
        Ok((node, State::Open(Arc::new(file))))
    }

    pub(crate) fn read(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let (fid, offset, count) = (self.fid(input.u32()?)?, input.u64()?, input.u32()?);
        if let State::Attribute(value) = &*fid.state() {
            let rest = usize::try_from(offset).ok().and_then(|at| value.get(at..)).unwrap_or_default();
            return out.counted(count, |buffer| {
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            });
        }
        let file = fid.opened()?;
        out.counted(count, |buffer| pread(&file, buffer, offset))
    }

    pub(crate) fn write(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let (fid, offset, count) = (self.fid(input.u32()?)?, input.u64()?, input.u32()?);
        let data = input.bytes(count as usize)?;
        if let State::NewAttribute { value, .. } = &mut *fid.state() {
            let at = usize::try_from(offset).map_err(|_| Errno::NOSPC)?;
            let end = at.checked_add(data.len()).ok_or(Errno::NOSPC)?;
            value.get_mut(at..end).ok_or(Errno::NOSPC)?.copy_from_slice(data);
            return out.u32(count);
        }
        let file = fid.opened()?;
        let mut done = 0;
        while done < data.len() {
            match pwrite(&file, &data[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(Errno::INTR) => {}
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        out.u32(done as u32)
    }

    pub(crate) fn fsync(&self, input: &mut Input) -> Result<()> {
        let (fid, data_only) = (self.fid(input.u32()?)?, input.u32().unwrap_or(0));
        let file = fid.opened()?;
        if data_only != 0 { fdatasync(file) } else { fsync(file) }
    }

    /// Locks are between programs of the guest, whose kernel has granted this one already before it asks.
    pub(crate) fn lock(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        self.fid(input.u32()?)?.opened()?;
        out.u8(LOCK_SUCCESS)
    }

    pub(crate) fn getlock(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        self.fid(input.u32()?)?.opened()?;
        input.u8()?;
        let (start, length, process, client) = (input.u64()?, input.u64()?, input.u32()?, input.string()?);
        out.u8(LOCK_UNLOCK)?;
        out.u64(start)?;
        out.u64(length)?;
        out.u32(process)?;
        out.string(client)
    }
}
