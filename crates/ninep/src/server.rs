//! The server: its fids, and which request is which.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::ShareError;
use crate::fid::{Fid, State};
use crate::node::Node;
use crate::owners::RECORD;
use crate::wire::{HEADER, Input, Output, Result};
use crate::{Options, Owners};

/// Bytes of the longest message: as much as Linux's client sends in one, and more.
pub const MAX_MESSAGE: usize = 1 << 20;
/// The shortest that a client may ask for.
const MIN_MESSAGE: u32 = 4096;
/// Descriptors that are left to the rest of the program.
const SPARE: u64 = 256;
const NO_FID: u32 = u32::MAX;
const VERSION: &[u8] = b"9P2000.L";

/// Types of requests; the reply's is one more.
mod kind {
    pub const RLERROR: u8 = 7;
    pub const STATFS: u8 = 8;
    pub const LOPEN: u8 = 12;
    pub const LCREATE: u8 = 14;
    pub const SYMLINK: u8 = 16;
    pub const MKNOD: u8 = 18;
    pub const READLINK: u8 = 22;
    pub const GETATTR: u8 = 24;
    pub const SETATTR: u8 = 26;
    pub const XATTRWALK: u8 = 30;
    pub const XATTRCREATE: u8 = 32;
    pub const READDIR: u8 = 40;
    pub const FSYNC: u8 = 50;
    pub const LOCK: u8 = 52;
    pub const GETLOCK: u8 = 54;
    pub const LINK: u8 = 70;
    pub const MKDIR: u8 = 72;
    pub const RENAMEAT: u8 = 74;
    pub const UNLINKAT: u8 = 76;
    pub const VERSION: u8 = 100;
    pub const ATTACH: u8 = 104;
    pub const FLUSH: u8 = 108;
    pub const WALK: u8 = 110;
    pub const READ: u8 = 116;
    pub const WRITE: u8 = 118;
    pub const CLUNK: u8 = 120;
    pub const REMOVE: u8 = 122;
}

/// Bytes at the start of a message by which [`is_quick`] knows.
pub const QUICK_START: usize = 23;
/// The most data of a quick request.
const QUICK_DATA: u32 = 64 << 10;

/// True of a request that the host does from memory, as a rule: all but those that wait for storage or move much data.
/// `start` is its first [`QUICK_START`] bytes, or all of it.
pub fn is_quick(start: &[u8]) -> bool {
    match start.get(4) {
        // Behind the header come a fid and an offset, then the count.
        Some(&(kind::READ | kind::WRITE)) => {
            let count =
                start.get(19..).and_then(|rest| rest.first_chunk()).map(|word| u32::from_le_bytes(*word));
            count.is_some_and(|count| count <= QUICK_DATA)
        }
        Some(&kind) => kind != kind::FSYNC,
        None => false,
    }
}

/// A message that is none, or one with no room for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Serves one directory to one client at a time.
pub struct Server {
    pub(crate) root: Arc<Node>,
    pub(crate) options: Options,
    /// The longest message that the client wants.
    message: AtomicU32,
    fids: Mutex<HashMap<u32, Arc<Fid>>>,
    /// More fids than this would leave the program without descriptors.
    most_fids: usize,
    /// Devices that files of the share are on, in the order of their discovery.
    devices: Mutex<Vec<u64>>,
    listing: Mutex<()>,
}

impl Server {
    /// Serves the directory `path`.
    ///
    /// # Errors
    /// It can't be opened, or its file system can't keep what [`Owners::Mapped`] needs.
    pub fn new(path: &Path, options: Options) -> std::result::Result<Self, ShareError> {
        rustix::fs::accessat(CWD, "/proc/self/fd", rustix::fs::Access::EXISTS, rustix::fs::AtFlags::empty())
            .map_err(|error| ShareError::NoProc(error.into()))?;
        let open = |error: Errno| ShareError::Open(path.to_owned(), error.into());
        let root = Node::root(path).map_err(open)?;
        // Told here rather than by an empty folder in the guest.
        root.open(rustix::fs::OFlags::RDONLY).map_err(open)?;
        if options.owners == Owners::Mapped && !keeps_attributes(&root) {
            return Err(ShareError::NoAttributes(path.to_owned()));
        }
        Ok(Self {
            root: Arc::new(root),
            options,
            message: AtomicU32::new(MAX_MESSAGE as u32),
            fids: Mutex::default(),
            most_fids: descriptors() / 2,
            devices: Mutex::default(),
            listing: Mutex::default(),
        })
    }

    /// Ends the session, as if nobody had asked for anything.
    pub fn reset(&self) {
        self.fids().clear();
        self.message.store(MAX_MESSAGE as u32, Ordering::Relaxed);
    }

    /// Does what a request asks for and writes the reply; its length.
    ///
    /// # Errors
    /// The request has no header, or the reply no room for one that says what is wrong.
    pub fn handle(&self, request: &[u8], reply: &mut [u8]) -> std::result::Result<usize, Malformed> {
        let mut input = Input(request);
        let header = (|| Ok::<_, Errno>((input.u32()?, input.u8()?, input.u16()?)))();
        let (size, kind, tag) = header.map_err(|_| Malformed)?;
        if reply.len() < HEADER + 4 {
            return Err(Malformed);
        }
        let most = reply.len().min(self.message.load(Ordering::Relaxed) as usize);
        let mut out = Output::new(&mut reply[..most]);
        let whole = (size as usize).checked_sub(HEADER).and_then(|body| input.0.get(..body));
        let done = match whole {
            Some(body) => self.dispatch(kind, &mut Input(body), &mut out),
            None => Err(Errno::BADMSG),
        };
        match done {
            Ok(()) => Ok(out.seal(kind + 1, tag)),
            Err(error) => {
                out.clear();
                out.u32(error.raw_os_error() as u32).map_err(|_| Malformed)?;
                Ok(out.seal(kind::RLERROR, tag))
            }
        }
    }

    fn dispatch(&self, kind: u8, input: &mut Input, out: &mut Output) -> Result<()> {
        match kind {
            kind::VERSION => self.version(input, out),
            kind::ATTACH => self.attach(input, out),
            // Whatever it was about has been answered, for answers come in order.
            kind::FLUSH => input.u16().map(drop),
            kind::WALK => self.walk(input, out),
            kind::CLUNK => self.clunk(input),
            kind::LOPEN => self.lopen(input, out),
            kind::LCREATE => self.lcreate(input, out),
            kind::READ => self.read(input, out),
            kind::WRITE => self.write(input, out),
            kind::FSYNC => self.fsync(input),
            kind::READDIR => self.readdir(input, out),
            kind::GETATTR => self.getattr(input, out),
            kind::SETATTR => self.setattr(input),
            kind::STATFS => self.statfs(input, out),
            kind::XATTRWALK => self.xattrwalk(input, out),
            kind::XATTRCREATE => self.xattrcreate(input),
            kind::MKDIR => self.mkdir(input, out),
            kind::MKNOD => self.mknod(input, out),
            kind::SYMLINK => self.symlink(input, out),
            kind::READLINK => self.readlink(input, out),
            kind::LINK => self.link(input),
            kind::RENAMEAT => self.renameat(input),
            kind::UNLINKAT => self.unlinkat(input),
            kind::LOCK => self.lock(input, out),
            kind::GETLOCK => self.getlock(input, out),
            // By fid alone nothing can be removed, but the fid goes in any case.
            kind::REMOVE => self.clunk(input).and(Err(Errno::OPNOTSUPP)),
            _ => Err(Errno::OPNOTSUPP),
        }
    }

    /// Begins a session: all fids go.
    fn version(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let (size, version) = (input.u32()?, input.string()?);
        if size < MIN_MESSAGE {
            return Err(Errno::MSGSIZE);
        }
        let size = size.min(MAX_MESSAGE as u32);
        self.message.store(size, Ordering::Relaxed);
        self.fids().clear();
        out.u32(size)?;
        out.string(if version == VERSION { VERSION } else { b"unknown" })
    }

    fn attach(&self, input: &mut Input, out: &mut Output) -> Result<()> {
        let (number, authentication) = (input.u32()?, input.u32()?);
        let (_user, _tree, uid) = (input.string()?, input.string()?, input.u32()?);
        if authentication != NO_FID {
            return Err(Errno::INVAL);
        }
        out.qid(self.qid_of(&self.root)?)?;
        // Nobody in particular is root.
        let uid = if uid == u32::MAX { 0 } else { uid };
        self.insert(number, Fid::new(self.root.clone(), uid, State::Named))
    }

    fn clunk(&self, input: &mut Input) -> Result<()> {
        let fid = self.fids().remove(&input.u32()?).ok_or(Errno::BADF)?;
        self.finish_attribute(&fid)
    }

    fn fids(&self) -> MutexGuard<'_, HashMap<u32, Arc<Fid>>> {
        self.fids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fid with this number.
    pub(crate) fn fid(&self, number: u32) -> Result<Arc<Fid>> {
        self.fids().get(&number).cloned().ok_or(Errno::BADF)
    }

    /// A new fid under a number that is free.
    pub(crate) fn insert(&self, number: u32, fid: Fid) -> Result<()> {
        let mut fids = self.fids();
        match fids.len() {
            _ if number == NO_FID || fids.contains_key(&number) => Err(Errno::BADF),
            count if count >= self.most_fids => Err(Errno::NFILE),
            _ => {
                fids.insert(number, Arc::new(fid));
                Ok(())
            }
        }
    }

    /// A fid in the place of another one.
    pub(crate) fn replace(&self, number: u32, fid: Fid) -> Result<()> {
        self.fids().insert(number, Arc::new(fid));
        Ok(())
    }

    /// Refuses changes where there are to be none.
    pub(crate) fn writable(&self) -> Result<()> {
        if self.options.read_only { Err(Errno::ROFS) } else { Ok(()) }
    }

    pub(crate) fn listing(&self) -> MutexGuard<'_, ()> {
        self.listing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no other file of the share has: file systems below the root may use the same inode numbers.
    pub(crate) fn path_number(&self, device: u64, inode: u64) -> u64 {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let index = devices.iter().position(|known| *known == device).unwrap_or_else(|| {
            devices.push(device);
            devices.len() - 1
        });
        inode ^ (index as u64) << 48
    }
}

/// True if [`Owners::Mapped`] can be had for the directory `path`.
pub fn keeps_owners(path: &Path) -> bool {
    Node::root(path).is_ok_and(|root| keeps_attributes(&root))
}

fn keeps_attributes(root: &Node) -> bool {
    root.attribute(RECORD) != Err(Errno::OPNOTSUPP)
}

/// Descriptors that a client may have, once the limit is as high as it may be.
fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // The old limit still holds if that is not allowed.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
    let now = getrlimit(Resource::Nofile).current.unwrap_or(1 << 20).min(1 << 20);
    now.saturating_sub(SPARE).max(64) as usize
}
