//! What every function has: configuration space, base address registers, a way to interrupt.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_base::{Access, MessageSink};

use super::intx::SharedLine;
use super::msix::{self, MSIX_BAR_LEN, Msix};
use super::space::{
    Bar, COMMAND, COMMAND_INTX_DISABLE, COMMAND_MASTER, Identity, STATUS, STATUS_INTERRUPT, Space,
};
use crate::mmio::GuestErrors;

/// What leads from a slot to the interrupt controller. See [`super::HostBridge::wiring`].
#[derive(Clone)]
pub struct Wiring {
    pub(super) slot: usize,
    pub(super) intx: Arc<SharedLine>,
    pub(super) messages: Arc<dyn MessageSink>,
}

impl Wiring {
    /// Bus, device and function number in 16 bits, as messages carry it.
    pub fn requester(&self) -> u32 {
        (self.slot as u32) << 3
    }
}

struct State {
    space: Space,
    /// The function wants to interrupt by its wire.
    intx: bool,
    /// It does.
    driven: bool,
    /// Messages take the place of the wire.
    by_message: bool,
}

/// The MSI-X capability and its table.
struct Vectors {
    bar: usize,
    control: usize,
    msix: Msix,
}

/// A function's configuration space and interrupts.
pub struct Endpoint {
    state: Mutex<State>,
    wiring: Wiring,
    vectors: Option<Vectors>,
    errors: GuestErrors,
}

impl Endpoint {
    /// A function with nothing but its identity.
    pub fn new(identity: &Identity, wiring: Wiring) -> Self {
        let state = State { space: Space::new(identity), intx: false, driven: false, by_message: false };
        Self { state: Mutex::new(state), wiring, vectors: None, errors: GuestErrors::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives it the wire INTA#.
    #[must_use]
    pub fn with_pin(self) -> Self {
        self.state().space.use_pin();
        self
    }

    /// Gives it a base address register.
    ///
    /// # Panics
    /// If the length is none that a register can have: a mistake of the device.
    #[must_use]
    pub fn with_bar(self, index: usize, bar: Bar) -> Self {
        self.state().space.add_bar(index, bar);
        self
    }

    /// Gives it MSI-X with so many vectors, its table behind base address register `bar`.
    ///
    /// # Panics
    /// If there are no vectors or more than there is room for: a mistake of the device.
    #[must_use]
    pub fn with_msix(mut self, bar: usize, vectors: usize) -> Self {
        let (size, bir) = (vectors as u16 - 1, bar as u32);
        let words = [bir, msix::PENDING | bir].map(u32::to_le_bytes).concat();
        let at = self.add_capability(msix::CAPABILITY, &[&size.to_le_bytes()[..], &words].concat());
        self.allow(at + 2, &msix::CONTROL_WRITABLE.to_le_bytes());
        let msix = Msix::new(vectors, self.wiring.messages.clone(), self.wiring.requester());
        self.vectors = Some(Vectors { bar, control: at + 2, msix });
        self.with_bar(bar, Bar::Memory32 { len: MSIX_BAR_LEN })
    }

    /// Adds a capability whose registers behind ID and next pointer are `body`; its offset.
    ///
    /// # Panics
    /// If there is no room: a mistake of the device.
    pub fn add_capability(&mut self, id: u8, body: &[u8]) -> usize {
        self.state().space.add_capability(id, body)
    }

    /// Makes bits of configuration space writable.
    pub fn allow(&mut self, at: usize, mask: &[u8]) {
        self.state().space.allow(at, mask);
    }

    /// Accesses to registers that do not exist.
    pub fn errors(&self) -> &GuestErrors {
        &self.errors
    }

    /// The slot it is in.
    pub(super) fn slot(&self) -> usize {
        self.wiring.slot
    }

    /// Reads 1, 2 or 4 aligned bytes.
    pub fn read_config(&self, offset: u16, size: u8) -> u32 {
        let (state, offset) = (self.state(), usize::from(offset));
        let value = state.space.read(offset, size.into());
        let status = if state.intx { STATUS_INTERRUPT } else { 0 };
        match (offset, size) {
            (STATUS, _) => value | status,
            (COMMAND, 4) => value | status << 16,
            _ => value,
        }
    }

    /// Writes 1, 2 or 4 aligned bytes, where that changes something.
    pub fn write_config(&self, offset: u16, size: u8, value: u32) {
        let mut state = self.state();
        state.space.write(offset.into(), size.into(), value);
        let command = state.space.command();
        state.by_message = self.vectors.as_ref().is_some_and(|vectors| {
            let control = state.space.read(vectors.control, 2) as u16;
            vectors.msix.control(control, command & COMMAND_MASTER != 0)
        });
        self.drive(&mut state);
    }

    /// Where the function answers now: base address registers by number, and guest physical addresses.
    pub fn decoded(&self) -> Vec<(usize, Range<u64>)> {
        self.state().space.decoded().collect()
    }

    /// True if messages take the place of the wire.
    pub fn by_message(&self) -> bool {
        self.state().by_message
    }

    /// Sends the message of a vector, or remembers to while it is masked. One that doesn't exist sends none.
    pub fn notify(&self, vector: usize) {
        if let Some(vectors) = &self.vectors {
            vectors.msix.notify(vector);
        }
    }

    /// Wants to interrupt by the wire or no longer.
    pub fn set_intx(&self, level: bool) {
        let mut state = self.state();
        state.intx = level;
        self.drive(&mut state);
    }

    fn drive(&self, state: &mut State) {
        let allowed = !state.by_message && state.space.command() & COMMAND_INTX_DISABLE == 0;
        let level = state.intx && allowed;
        if level != state.driven {
            state.driven = level;
            self.wiring.intx.drive(self.wiring.slot, level);
        }
    }

    /// The power-on state.
    pub fn reset(&self) {
        let mut state = self.state();
        state.space.reset();
        (state.intx, state.by_message) = (false, false);
        if let Some(vectors) = &self.vectors {
            vectors.msix.reset();
        }
        self.drive(&mut state);
    }

    /// Reads the table of MSI-X, if that is what is behind `bar`.
    pub(super) fn read_vectors(&self, bar: usize, access: Access, offset: u64) -> Option<u64> {
        let vectors = self.vectors.as_ref().filter(|vectors| vectors.bar == bar)?;
        Some(vectors.msix.read(&self.errors, access, offset))
    }

    /// Writes it.
    pub(super) fn write_vectors(&self, bar: usize, access: Access, offset: u64, value: u64) -> Option<()> {
        let vectors = self.vectors.as_ref().filter(|vectors| vectors.bar == bar)?;
        vectors.msix.write(&self.errors, access, offset, value);
        Some(())
    }
}
