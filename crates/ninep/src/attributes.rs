//! Tgetattr, Tsetattr and Tstatfs.

use rustix::fs::{FileType, OFlags, Statx, StatxTimestamp, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::fs::{fstatfs, ftruncate};
use rustix::io::Errno;

use crate::node::{Node, kind};
use crate::owners::Change;
use crate::server::Server;
use crate::wire::{Input, Output, Qid, Result};

/// What Rgetattr tells: everything but generation and data version.
const GETATTR_ALL: u64 = 0xfff;

// Fields that Tsetattr is to set.
const SET_MODE: u32 = 1 << 0;
const SET_UID: u32 = 1 << 1;
const SET_GID: u32 = 1 << 2;
const SET_SIZE: u32 = 1 << 3;
const SET_ATIME: u32 = 1 << 4;
const SET_MTIME: u32 = 1 << 5;
const SET_ATIME_TO: u32 = 1 << 7;
const SET_MTIME_TO: u32 = 1 << 8;

const QID_DIRECTORY: u8 = 0x80;
const QID_LINK: u8 = 0x02;

/// Type bits of a qid.
pub fn qid_kind(kind: FileType) -> u8 {
    match kind {
        FileType::Directory => QID_DIRECTORY,
        FileType::Symlink => QID_LINK,
        _ => 0,
    }
}

impl Server {
    /// The qid of a file.
    pub(crate) fn qid(&self, stat: &Statx) -> Qid {
        let changed = stat.stx_mtime.tv_sec as u32 ^ stat.stx_mtime.tv_nsec ^ (stat.stx_size as u32) << 8;
        let device = u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor);
        Qid { kind: qid_kind(kind(stat)), version: changed, path: self.path_number(device, stat.stx_ino) }
    }

    pub(crate) fn qid_of(&self, node: &Node) -> Result<Qid> {
        node.stat().map(|stat| self.qid(&stat))
    }

    pub(crate) fn getattr(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let fid = self.fid(input.u32()?)?;
        let (stat, rdev) = self.options.owners.stat(&fid.node)?;
        out.u64(GETATTR_ALL)?;
        out.qid(self.qid(&stat))?;
        out.u32(stat.stx_mode.into())?;
        out.u32(stat.stx_uid)?;
        out.u32(stat.stx_gid)?;
        out.u64(stat.stx_nlink.into())?;
        out.u64(rdev.into())?;
        out.u64(stat.stx_size)?;
        out.u64(stat.stx_blksize.into())?;
        out.u64(stat.stx_blocks)?;
        for StatxTimestamp { tv_sec, tv_nsec, .. } in
            [stat.stx_atime, stat.stx_mtime, stat.stx_ctime, stat.stx_btime]
        {
            out.u64(tv_sec as u64)?;
            out.u64(tv_nsec.into())?;
        }
        // Generation and data version, which say nothing.
        out.u64(0)?;
        out.u64(0)
    }

    pub(crate) fn setattr(&self, input: &mut Input) -> Result<()> {
        let fid = self.fid(input.u32()?)?;
        let (valid, mode, uid, gid) = (input.u32()?, input.u32()?, input.u32()?, input.u32()?);
        let size = input.u64()?;
        let mut time = |set: u32, to: u32| -> Result<Timespec> {
            let (tv_sec, nanoseconds) = (input.u64()? as i64, input.u64()?);
            let tv_nsec = match valid {
                _ if valid & set == 0 => UTIME_OMIT,
                _ if valid & to == 0 => UTIME_NOW,
                _ if nanoseconds < 1_000_000_000 => nanoseconds as _,
                _ => return Err(Errno::INVAL),
            };
            Ok(Timespec { tv_sec, tv_nsec })
        };
        let times = Timestamps {
            last_access: time(SET_ATIME, SET_ATIME_TO)?,
            last_modification: time(SET_MTIME, SET_MTIME_TO)?,
        };
        self.writable()?;
        let on = |bit, value| (valid & bit != 0).then_some(value);
        let owners = self.options.owners;
        // A new owner or length may take bits off the mode, so that comes last of these.
        if valid & SET_SIZE != 0 {
            self.set_size(&fid.node, size)?;
        }
        if valid & (SET_UID | SET_GID | SET_MODE) != 0 {
            let change = Change { mode: on(SET_MODE, mode), uid: on(SET_UID, uid), gid: on(SET_GID, gid) };
            owners.change(&fid.node, change)?;
        }
        if valid & (SET_ATIME | SET_MTIME) != 0 {
            owners.with_access(&fid.node, || fid.node.set_times(&times))?;
        }
        Ok(())
    }

    fn set_size(&self, node: &Node, size: u64) -> Result<()> {
        let file = self.options.owners.with_access(node, || node.open(OFlags::WRONLY))?;
        ftruncate(file, size)
    }

    pub(crate) fn statfs(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let fid = self.fid(input.u32()?)?;
        let host = fstatfs(&fid.node)?;
        out.u32(host.f_type as u32)?;
        out.u32(u32::try_from(host.f_bsize).unwrap_or(4096))?;
        for value in [host.f_blocks, host.f_bfree, host.f_bavail, host.f_files, host.f_ffree] {
            out.u64(value)?;
        }
        // The file system's id, and the longest name.
        out.u64(0)?;
        out.u32(u32::try_from(host.f_namelen).unwrap_or(255))
    }
}
