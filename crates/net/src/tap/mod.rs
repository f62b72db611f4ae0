//! Tap devices of Linux (its `networking/tuntap.rst`): an Ethernet port of the host's kernel. It takes over from the guest
//! what it left to do, and leaves to the guest what that takes, with the same header before each frame.

mod sys;

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::geteuid;

use crate::{Card, Header, MAX_FRAME, Network, Offloads};

/// The device that makes tap devices.
const TUN: &str = "/dev/net/tun";

/// Why there is no such network.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// No interface of that name.
    #[error(
        "there is no tap device {name}; make it with: sudo ip tuntap add dev {name} mode tap user {user} && sudo ip \
         link set {name} up"
    )]
    Missing {
        /// Its name.
        name: String,
        /// Whose it is to be, by number.
        user: u32,
    },
    /// An interface of another kind.
    #[error("{0} is no tap device of one queue; `ip tuntap` lists those there are")]
    OtherKind(String),
    /// It is somebody else's.
    #[error(
        "tap device {name} is not yours to use; make one that is: sudo ip tuntap add dev NAME mode tap user {user}"
    )]
    NotYours {
        /// Its name.
        name: String,
        /// Who asks, by number.
        user: u32,
    },
    /// It is in use.
    #[error("tap device {0} is in use by another program; end that, or use another device")]
    Busy(String),
    /// The host's kernel has none.
    #[error("this host has no tap devices ({TUN}: {0}); try: sudo modprobe tun")]
    NoTun(io::Error),
    /// Anything else.
    #[error("tap device {name}: {source}")]
    Os {
        /// Its name.
        name: String,
        /// What the host said.
        source: io::Error,
    },
}

/// A network card's other end is a tap device.
pub struct Tap {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    file: File,
    /// Ends the thread.
    stop: OwnedFd,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    card: Option<Arc<dyn Card>>,
    /// What the kernel was told that the guest takes.
    offloads: Offloads,
    /// The card may have room.
    room: bool,
    quit: bool,
}

impl Tap {
    /// Opens a tap device that is there, and not in use.
    ///
    /// # Errors
    /// With the fact and the fix.
    pub fn open(name: &str) -> Result<Self, TapError> {
        let user = geteuid().as_raw();
        let os = |source| TapError::Os { name: name.to_owned(), source };
        if !is_there(name).map_err(os)? {
            return Err(TapError::Missing { name: name.to_owned(), user });
        }
        let file = sys::open(Path::new(TUN)).map_err(TapError::NoTun)?;
        sys::attach(&file, name).map_err(|error| match error.kind() {
            ErrorKind::ResourceBusy => TapError::Busy(name.to_owned()),
            ErrorKind::PermissionDenied => TapError::NotYours { name: name.to_owned(), user },
            ErrorKind::InvalidInput => TapError::OtherKind(name.to_owned()),
            _ => os(error),
        })?;
        sys::set_header_len(&file, Header::LEN).map_err(os)?;
        sys::set_offloads(&file, Offloads::default()).map_err(os)?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| os(error.into()))?;
        let shared = Shared { file, stop, state: Mutex::default(), changed: Condvar::new() };
        Ok(Self { shared: Arc::new(shared), thread: Mutex::new(None) })
    }
}

/// The kernel would make a device that is not there, which nobody could use without further steps.
fn is_there(name: &str) -> io::Result<bool> {
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    match name_to_index(any, name) {
        Ok(_) => Ok(true),
        Err(Errno::NODEV) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the guest the kernel's frames.
    fn receive(&self, card: &dyn Card) {
        let mut bytes = vec![0; Header::LEN + MAX_FRAME];
        loop {
            match (&self.file).read(&mut bytes) {
                Ok(len) => self.deliver(card, &bytes[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut ready =
                        [PollFd::new(&self.file, PollFlags::IN), PollFd::new(&self.stop, PollFlags::IN)];
                    // Woken or interrupted: reading tells.
                    let _ = poll(&mut ready, None);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The device was taken down, or away.
                Err(_) => drop(self.changed.wait_while(self.state(), |state| !state.quit && !state.room)),
            }
            let mut state = self.state();
            state.room = false;
            if state.quit {
                return;
            }
        }
    }

    fn deliver(&self, card: &dyn Card, bytes: &[u8]) {
        let Some((header, frame)) = bytes.split_first_chunk() else { return };
        let Some(header) = Header::decode(header) else { return };
        while !card.deliver(&header, frame) {
            let mut state = self.state();
            state = self
                .changed
                .wait_while(state, |state| !state.quit && !state.room)
                .unwrap_or_else(PoisonError::into_inner);
            if state.quit {
                return;
            }
            state.room = false;
        }
    }
}

impl Network for Tap {
    fn attach(&self, card: Arc<dyn Card>) {
        self.shared.state().card = Some(card.clone());
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name("tap".into()).spawn(move || shared.receive(&*card));
        // Without a thread the guest hears nothing, as on a bad cable.
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = thread.ok();
    }

    fn offloads(&self) -> Offloads {
        Offloads { checksum: true, tcp4: true, tcp6: true }
    }

    fn send(&self, header: &Header, frame: &[u8]) {
        let header = header.encode(0);
        // A frame that the kernel has no room for is lost.
        let _ = (&self.shared.file).write_vectored(&[IoSlice::new(&header), IoSlice::new(frame)]);
    }

    fn ready(&self) {
        let mut state = self.shared.state();
        let offloads = state.card.as_ref().map_or(Offloads::default(), |card| card.offloads());
        if offloads != state.offloads && sys::set_offloads(&self.shared.file, offloads).is_ok() {
            state.offloads = offloads;
        }
        state.room = true;
        self.shared.changed.notify_all();
    }

    fn reset(&self) {
        // What comes until the next driver is lost; it must only not be what nobody takes.
        let mut state = self.shared.state();
        if sys::set_offloads(&self.shared.file, Offloads::default()).is_ok() {
            state.offloads = Offloads::default();
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.shared.state().quit = true;
        self.shared.changed.notify_all();
        let woken = rustix::io::write(&self.shared.stop, &1_u64.to_ne_bytes());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread.filter(|_| woken.is_ok()) {
            // It has told already if it panicked.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tap_device_is_refused_with_the_fix() {
        let error = |name: &str| Tap::open(name).err().map(|error| error.to_string()).unwrap_or_default();
        let missing = error("tap-of-nobody");
        assert!(missing.contains("ip tuntap add dev tap-of-nobody mode tap user"), "{missing}");
        assert!(error("../lo").contains("there is no tap device"));
        assert!(error("lo").contains("lo"), "{}", error("lo"));
        assert!(error("a-name-that-is-far-too-long").contains("a-name-that-is-far-too-long"));
    }
}
