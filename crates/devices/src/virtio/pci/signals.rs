//! How the device interrupts: messages of MSI-X, or the wire and ISR status (4.1.5.1.2, 4.1.5.1.3).

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::pci::Endpoint;
use crate::virtio::link::Notify;

/// No message for this.
const NO_VECTOR: u16 = 0xffff;
/// ISR status: a queue.
const ISR_QUEUE: u8 = 1;
/// ISR status: the configuration.
const ISR_CONFIG: u8 = 2;

struct State {
    isr: u8,
    /// Of the configuration.
    config: u16,
    queues: Vec<u16>,
}

pub struct Signals {
    pub endpoint: Endpoint,
    state: Mutex<State>,
}

impl Signals {
    pub fn new(endpoint: Endpoint, queues: usize) -> Self {
        let state = State { isr: 0, config: NO_VECTOR, queues: vec![NO_VECTOR; queues] };
        Self { endpoint, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Interrupts by the vector that `choose` finds, or by the wire for the reason `isr`.
    fn signal(&self, isr: u8, choose: impl FnOnce(&State) -> u16) {
        let mut state = self.state();
        if self.endpoint.by_message() {
            self.endpoint.notify(choose(&state).into());
        } else {
            state.isr |= isr;
            self.endpoint.set_intx(true);
        }
    }

    /// What the wire is high for; it falls.
    pub fn take(&self) -> u8 {
        let mut state = self.state();
        self.endpoint.set_intx(false);
        std::mem::take(&mut state.isr)
    }

    /// A vector that exists, or none (4.1.5.1.2.1).
    fn existing(state: &State, vector: u16) -> u16 {
        if usize::from(vector) <= state.queues.len() { vector } else { NO_VECTOR }
    }

    pub fn config_vector(&self) -> u16 {
        self.state().config
    }

    pub fn set_config_vector(&self, vector: u16) {
        let mut state = self.state();
        state.config = Self::existing(&state, vector);
    }

    pub fn queue_vector(&self, queue: u16) -> u16 {
        self.state().queues.get(usize::from(queue)).copied().unwrap_or(NO_VECTOR)
    }

    pub fn set_queue_vector(&self, queue: u16, vector: u16) {
        let mut state = self.state();
        let vector = Self::existing(&state, vector);
        if let Some(slot) = state.queues.get_mut(usize::from(queue)) {
            *slot = vector;
        }
    }

    /// A queue was reset.
    pub fn forget_queue(&self, queue: u16) {
        self.set_queue_vector(queue, NO_VECTOR);
    }
}

impl Notify for Signals {
    fn used(&self, queue: u16) {
        self.signal(ISR_QUEUE, |state| state.queues.get(usize::from(queue)).copied().unwrap_or(NO_VECTOR));
    }

    fn config_changed(&self) {
        self.signal(ISR_CONFIG, |state| state.config);
    }

    fn reset(&self) {
        let mut state = self.state();
        (state.isr, state.config) = (0, NO_VECTOR);
        state.queues.fill(NO_VECTOR);
        self.endpoint.set_intx(false);
    }
}
