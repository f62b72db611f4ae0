//! The user's typing on its way into the guest.

use std::sync::Arc;

use armlet_devices::pl011::Pl011;

/// Feeds the guest's UART from any thread. Clones feed the same UART.
#[derive(Clone)]
pub struct ConsoleInput {
    pub(crate) uart: Arc<Pl011>,
}

impl ConsoleInput {
    /// Hands `bytes` to the guest. Blocks until its UART took them all, so nothing is lost, or until the
    /// machine has ended or [`ConsoleInput::eof`] was called.
    pub fn feed(&self, bytes: &[u8]) {
        self.uart.receive_all(bytes);
    }

    /// There is no more input. A guest can't see that on a UART; it only ends waiting feeders, and what
    /// is fed later is dropped.
    pub fn eof(&self) {
        self.uart.close();
    }
}
