//! Socket device (5.10): streams between programs of the guest and programs of the host, which see Unix sockets.
//!
//! A thread waits for the host's sockets; packets of the guest are taken by the thread of their queue. Both work on one
//! `Mux`, which is locked after the queue, never before.

mod connection;
mod mux;
mod packet;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use virtio_bindings::virtio_ids::VIRTIO_ID_VSOCK;

use super::event::Event;
use super::{Handle, VirtioDevice, Virtqueue};
use mux::Mux;
use packet::Header;

// Queues.
const RX: usize = 0;
const TX: usize = 1;

/// Bytes of data in one packet.
const LONGEST: usize = 64 << 10;

/// After that time the host may have descriptors again.
const AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// How long the host's programs may take, when the machine ends, for what the guest has sent. No test depends on it.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 2 });

/// The least context id of a guest; 2 is the host.
pub const FIRST_CID: u32 = 3;

/// A socket device.
pub struct Vsock {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    config: [u8; 8],
    path: PathBuf,
}

struct Shared {
    mux: Mutex<Mux>,
    handle: OnceLock<Handle>,
    /// Wakes the thread: there is something else to wait for.
    changed: Event,
    quit: AtomicBool,
}

impl Vsock {
    /// The device of the guest with this context id, with a listening socket at `path` until it is dropped.
    ///
    /// # Errors
    /// The socket can't be made: something may be there.
    pub fn new(cid: u32, path: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path).or_else(|error| {
            // One that nobody listens on any more is in nobody's way.
            let dead = UnixStream::connect(path).is_err_and(|why| why.kind() == ErrorKind::ConnectionRefused);
            let socket = std::fs::symlink_metadata(path).is_ok_and(|there| there.file_type().is_socket());
            if error.kind() != ErrorKind::AddrInUse || !dead || !socket {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        })?;
        let shared = listener.set_nonblocking(true).and_then(|()| {
            let mux = Mutex::new(Mux::new(cid.into(), path.to_owned(), listener));
            Ok(Shared { mux, handle: OnceLock::new(), changed: Event::new()?, quit: AtomicBool::new(false) })
        });
        let config = u64::from(cid).to_le_bytes();
        Ok(Self { shared: Arc::new(shared?), thread: Mutex::default(), config, path: path.to_owned() })
    }
}

impl Shared {
    fn mux(&self) -> MutexGuard<'_, Mux> {
        self.mux.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self, index: usize) -> Option<&Virtqueue> {
        self.handle.get().map(|handle| &*handle.queues()[index])
    }

    /// Takes packets of the guest, as long as there is room for answers.
    fn take_packets(&self) {
        let Some(queue) = self.queue(TX) else { return };
        queue.with(|queue| {
            while self.mux().takes_packets() {
                let Some((ticket, mut request)) = queue.pop()? else { break };
                let header = Header::take(&mut request)?;
                let mut data = vec![0; request.readable.len().min(header.len as usize).min(LONGEST)];
                request.readable.copy_to(&mut data);
                self.mux().packet(&header, &data);
                queue.complete(ticket, 0)?;
            }
            Ok(())
        });
    }

    /// Hands packets to the guest, as long as it has buffers.
    fn give_packets(&self) {
        let Some(queue) = self.queue(RX) else { return };
        let mut data = vec![0; LONGEST];
        queue.with(|queue| {
            while let Some((ticket, request)) = queue.pop()? {
                let room = request.writable.len().saturating_sub(Header::LEN);
                let most = room.min(LONGEST);
                // A buffer for no data takes nothing but headers, and nobody offers such.
                let header = (most > 0).then(|| self.mux().next(&mut data[..most])).flatten();
                let Some(header) = header else {
                    queue.put_back(vec![ticket]);
                    break;
                };
                let packet = [&header.bytes()[..], &data[..header.len as usize]].concat();
                let written = request.writable.copy_from(&packet);
                queue.complete(ticket, written as u32)?;
            }
            Ok(())
        });
    }

    /// Does what there is to do for the guest, after anything has happened.
    fn work(&self) {
        self.take_packets();
        self.give_packets();
        // There may be room for answers again.
        if self.mux().takes_packets() {
            self.take_packets();
            self.give_packets();
        }
    }

    /// Waits for the host, for a thread of its own.
    fn attend(&self) {
        let mut accepting = true;
        while !self.quit.load(Ordering::SeqCst) {
            let listener = self.mux().listener();
            let watches = self.mux().watches();
            let accept = if accepting { PollFlags::IN } else { PollFlags::empty() };
            let fixed = [(self.changed.descriptor(), PollFlags::IN), (listener.as_fd(), accept)];
            let mut fds: Vec<PollFd> = fixed.into_iter().map(|(fd, flags)| mux::poll_fd(fd, flags)).collect();
            fds.extend(watches.iter().map(mux::watch_fd));
            match poll(&mut fds, (!accepting).then_some(&AGAIN)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return self.handle.get().map_or((), Handle::fail),
            }
            let flags: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
            drop(fds);
            if !flags[0].is_empty() {
                self.changed.wait();
            }
            // From behind, for what is over moves those that follow it. The streams go first.
            let happened: Vec<_> = watches.into_iter().map(|(_, _, what)| what).zip(&flags[2..]).collect();
            let mut mux = self.mux();
            for (what, flags) in happened.into_iter().rev().filter(|(_, flags)| !flags.is_empty()) {
                mux.happened(what, *flags);
            }
            accepting = flags[1].is_empty() || mux.accept().is_ok();
            drop(mux);
            self.work();
        }
    }
}

impl VirtioDevice for Vsock {
    fn id(&self) -> u32 {
        VIRTIO_ID_VSOCK
    }

    fn queue_sizes(&self) -> &[u16] {
        &[256, 256, 16]
    }

    fn config(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.config)
    }

    fn attach(&self, handle: Handle) {
        let _ = self.shared.handle.set(handle);
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name("vsock".into()).spawn(move || shared.attend());
        match thread {
            Ok(thread) => *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread),
            Err(_) => self.shared.handle.get().map_or((), Handle::fail),
        }
    }

    fn notified(&self, queue: &Virtqueue) {
        // Events go to the guest only, and there are none: it never moves to another host.
        if usize::from(queue.index()) <= TX {
            self.shared.work();
            self.shared.changed.signal();
        }
    }

    fn reset(&self) {
        self.shared.mux().reset();
        self.shared.changed.signal();
    }

    fn awaits_host(&self) -> bool {
        true
    }
}

impl Drop for Vsock {
    fn drop(&mut self) {
        self.shared.quit.store(true, Ordering::SeqCst);
        self.shared.changed.signal();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It has told already if it panicked.
            let _ = thread.join();
        }
        self.shared.mux().finish(Instant::now() + PATIENCE);
        // Others could not listen there otherwise.
        let _ = std::fs::remove_file(&self.path);
    }
}
