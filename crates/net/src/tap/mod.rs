//! Tap devices of Linux (its `networking/tuntap.rst`): an Ethernet port of the host's kernel. It takes over from the guest
//! what it left to do, and leaves to the guest what that takes, with the same header before each frame.
//!
//! A device of several queues has one for each pair of the card's. The kernel brings the frames of a flow by the queue that
//! took the flow's last, and each queue has a thread that waits for them.

mod open;
mod sys;

use std::fs::File;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::OwnedFd;

use crate::{Card, Header, MAX_FRAME, Network, Offloads};
pub use open::TapError;

/// A network card's other end is a tap device.
pub struct Tap {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    /// At least one.
    queues: Vec<File>,
    /// Ends the threads.
    stop: OwnedFd,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    card: Option<Arc<dyn Card>>,
    /// What the kernel was told that the guest takes.
    offloads: Offloads,
    /// How often the card has said that it may have room.
    room: u64,
    quit: bool,
}

impl Tap {
    /// Opens so many queues, at least one, of a tap device that is there, and not in use.
    ///
    /// # Errors
    /// With the fact and the fix.
    pub fn open(name: &str, queues: u16) -> Result<Self, TapError> {
        let queues = open::queues(name, queues)?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC)
            .map_err(|error| TapError::Os { name: name.to_owned(), source: error.into() })?;
        let shared = Shared { queues, stop, state: Mutex::default(), changed: Condvar::new() };
        Ok(Self { shared: Arc::new(shared), threads: Mutex::default() })
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the guest the kernel's frames of one queue.
    fn receive(&self, mut queue: &File, card: &dyn Card) {
        let mut bytes = vec![0; Header::LEN + MAX_FRAME];
        let mut seen = 0;
        while !self.state().quit {
            match queue.read(&mut bytes) {
                Ok(len) => self.deliver(card, &bytes[..len], &mut seen),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut ready =
                        [PollFd::new(queue, PollFlags::IN), PollFd::new(&self.stop, PollFlags::IN)];
                    // Woken or interrupted: reading tells.
                    let _ = poll(&mut ready, None);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The device was taken down, or away: another try whenever the guest does something.
                Err(_) => self.wait_for_room(&mut seen),
            }
        }
    }

    fn deliver(&self, card: &dyn Card, bytes: &[u8], seen: &mut u64) {
        let Some((header, frame)) = bytes.split_first_chunk() else { return };
        let Some(header) = Header::decode(header) else { return };
        while !card.deliver(&header, frame) && !self.state().quit {
            self.wait_for_room(seen);
        }
    }

    /// Waits until the card has said that it may have room more often than was `seen`.
    fn wait_for_room(&self, seen: &mut u64) {
        let same = |state: &mut State| !state.quit && state.room == *seen;
        let state = self.changed.wait_while(self.state(), same).unwrap_or_else(PoisonError::into_inner);
        *seen = state.room;
    }
}

impl Network for Tap {
    fn attach(&self, card: Arc<dyn Card>) {
        self.shared.state().card = Some(card.clone());
        let spawn = |index| {
            let (shared, card) = (self.shared.clone(), card.clone());
            let receive = move || shared.receive(&shared.queues[index], &*card);
            std::thread::Builder::new().name(format!("tap {index}")).spawn(receive)
        };
        // Without a thread the guest hears nothing, as on a bad cable.
        let threads = (0..self.shared.queues.len()).filter_map(|index| spawn(index).ok());
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).extend(threads);
    }

    fn offloads(&self) -> Offloads {
        Offloads { checksum: true, tcp4: true, tcp6: true }
    }

    fn send(&self, pair: u16, header: &Header, frame: &[u8]) {
        let mut queue = &self.shared.queues[usize::from(pair) % self.shared.queues.len()];
        let header = header.encode(0);
        // A frame that the kernel has no room for is lost.
        let _ = queue.write_vectored(&[IoSlice::new(&header), IoSlice::new(frame)]);
    }

    fn ready(&self) {
        let mut state = self.shared.state();
        let offloads = state.card.as_ref().map_or(Offloads::default(), |card| card.offloads());
        if offloads != state.offloads && sys::set_offloads(&self.shared.queues[0], offloads).is_ok() {
            state.offloads = offloads;
        }
        state.room += 1;
        self.shared.changed.notify_all();
    }

    fn reset(&self) {
        // What comes until the next driver is lost; it must only not be what nobody takes.
        let mut state = self.shared.state();
        if sys::set_offloads(&self.shared.queues[0], Offloads::default()).is_ok() {
            state.offloads = Offloads::default();
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.shared.state().quit = true;
        self.shared.changed.notify_all();
        let woken = rustix::io::write(&self.shared.stop, &1_u64.to_ne_bytes());
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..).filter(|_| woken.is_ok()) {
            // It has told already if it panicked.
            let _ = thread.join();
        }
    }
}
