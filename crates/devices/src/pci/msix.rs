//! MSI-X: a table of messages in memory space (PCI Local Bus 3.0, 6.8.2).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_base::{Access, Message, MessageSink};

use crate::mmio::{self, GuestErrors};

/// Capability ID.
pub const CAPABILITY: u8 = 0x11;
/// Message Control: all vectors are masked.
const FUNCTION_MASK: u16 = 1 << 14;
/// Message Control: messages take the place of the wire.
const ENABLE: u16 = 1 << 15;
/// Message Control bits that the guest sets.
pub const CONTROL_WRITABLE: u16 = FUNCTION_MASK | ENABLE;
/// Vector Control: Mask Bit.
const MASKED: u32 = 1;

/// Bytes behind the base address register: table, and from the middle on pending bits.
pub const MSIX_BAR_LEN: u32 = 0x1000;
/// Where the pending bit array is.
pub const PENDING: u32 = MSIX_BAR_LEN / 2;
const ENTRY: u64 = 16;
/// The most vectors.
pub const MOST: usize = PENDING as usize / ENTRY as usize;

/// An entry of the table: address, data, Vector Control.
#[derive(Clone, Copy)]
struct Entry([u32; 4]);

impl Default for Entry {
    fn default() -> Self {
        Self([0, 0, 0, MASKED])
    }
}

#[derive(Default)]
struct State {
    enabled: bool,
    masked: bool,
    /// The function may send at all (Bus Master Enable).
    master: bool,
    entries: Vec<Entry>,
    pending: Vec<bool>,
}

impl State {
    fn open(&self, vector: usize) -> bool {
        self.enabled && self.master && !self.masked && self.entries[vector].0[3] & MASKED == 0
    }
}

/// The vectors of a function.
pub struct Msix {
    messages: Arc<dyn MessageSink>,
    /// Requester ID.
    device: u32,
    state: Mutex<State>,
}

impl Msix {
    pub fn new(vectors: usize, messages: Arc<dyn MessageSink>, device: u32) -> Self {
        assert!((1..=MOST).contains(&vectors), "the table has no room for {vectors} vectors");
        let (entries, pending) = (vec![Entry::default(); vectors], vec![false; vectors]);
        Self { messages, device, state: Mutex::new(State { entries, pending, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes Message Control and Bus Master Enable as they are now. True if messages take the place of the wire.
    pub fn control(&self, control: u16, master: bool) -> bool {
        let mut state = self.state();
        (state.enabled, state.masked) = (control & ENABLE != 0, control & FUNCTION_MASK != 0);
        state.master = master;
        if !state.enabled {
            state.pending.fill(false);
        }
        self.send_pending(&mut state);
        state.enabled
    }

    /// Sends the message of a vector, or remembers to while it is masked.
    pub fn notify(&self, vector: usize) {
        let mut state = self.state();
        if state.enabled && vector < state.entries.len() {
            state.pending[vector] = true;
            self.send_pending(&mut state);
        }
    }

    /// Messages leave with the lock held, so that none comes after a write that masks it.
    fn send_pending(&self, state: &mut State) {
        for vector in 0..state.entries.len() {
            if state.pending[vector] && state.open(vector) {
                state.pending[vector] = false;
                let [low, high, data, _] = state.entries[vector].0;
                let address = u64::from(high) << 32 | u64::from(low);
                self.messages.send(Message { address, data, device: self.device });
            }
        }
    }

    pub fn reset(&self) {
        let mut state = self.state();
        state.entries.fill(Entry::default());
        state.pending.fill(false);
        (state.enabled, state.masked, state.master) = (false, false, false);
    }

    pub fn read(&self, errors: &GuestErrors, access: Access, offset: u64) -> u64 {
        let state = self.state();
        mmio::read(errors, access, offset, |offset, size| {
            if size != 4 {
                return None;
            }
            let word = (offset / 4) as usize;
            Some(match offset.checked_sub(PENDING.into()) {
                None => state.entries.get(word / 4).map_or(0, |entry| entry.0[word % 4].into()),
                Some(within) => {
                    let bits = state.pending.iter().skip(within as usize * 8).take(32);
                    bits.rev().fold(0, |word, pending| word << 1 | u64::from(*pending))
                }
            })
        })
    }

    pub fn write(&self, errors: &GuestErrors, access: Access, offset: u64, value: u64) {
        let mut state = self.state();
        mmio::write(errors, access, offset, value, |offset, size, value| {
            let word = (offset / 4) as usize;
            // The pending bits are the function's alone.
            if size == 4 && offset < PENDING.into() {
                if let Some(entry) = state.entries.get_mut(word / 4) {
                    entry.0[word % 4] = value as u32;
                }
                return Some(());
            }
            None
        });
        self.send_pending(&mut state);
    }
}
