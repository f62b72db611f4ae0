//! The user's typing on its way into the guest.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::console::lock;

/// The receiving side of a UART.
pub(crate) trait SerialInput: Send + Sync {
    /// Puts as many of `bytes` into the receive FIFO as fit, and says how many.
    fn receive(&self, bytes: &[u8]) -> usize;
}

#[derive(Default)]
struct State {
    /// Counts reports of room in the FIFO.
    drained: u64,
    closed: bool,
}

/// Where feeders wait for room.
#[derive(Default)]
pub(crate) struct Room {
    state: Mutex<State>,
    changed: Condvar,
}

impl Room {
    /// The guest read from the FIFO.
    pub fn drained(&self) {
        lock(&self.state).drained += 1;
        self.changed.notify_all();
    }

    /// Nothing will read any more.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}

/// Feeds the guest's UART from any thread. Clones feed the same UART.
#[derive(Clone)]
pub struct ConsoleInput {
    pub(crate) uart: Arc<dyn SerialInput>,
    pub(crate) room: Arc<Room>,
}

impl ConsoleInput {
    /// Hands `bytes` to the guest. Blocks until its UART took them all, so nothing is lost, or until the
    /// machine has ended or [`ConsoleInput::eof`] was called.
    pub fn feed(&self, bytes: &[u8]) {
        let mut left = bytes;
        while !left.is_empty() {
            let State { drained: seen, closed } = *lock(&self.room.state);
            if closed {
                return;
            }
            left = &left[self.uart.receive(left).min(left.len())..];
            if !left.is_empty() {
                let state = lock(&self.room.state);
                let wait = self.room.changed.wait_while(state, |s| !s.closed && s.drained == seen);
                drop(wait.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    /// There is no more input. A guest can't see that on a UART; it only ends waiting feeders,
    /// and what is fed later is dropped.
    pub fn eof(&self) {
        self.room.close();
    }
}
