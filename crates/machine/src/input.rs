//! The user's typing on its way into the guest.

use std::sync::Arc;

use armlet_devices::pl011::Pl011;

/// Feeds the guest's UART from any thread. Clones feed the same UART.
#[derive(Clone)]
pub struct ConsoleInput {
    /// `None` on a board without: what is typed is dropped.
    pub(crate) uart: Option<Arc<Pl011>>,
}

impl ConsoleInput {
    /// Hands `bytes` to the guest. Blocks until its UART took them all, so nothing is lost, or until the
    /// machine has ended or [`ConsoleInput::eof`] was called. A board without a UART has no use for them.
    pub fn feed(&self, bytes: &[u8]) {
        if let Some(uart) = &self.uart {
            uart.receive_all(bytes);
        }
    }

    /// There is no more input. A guest can't see that on a UART; it only ends waiting feeders, and what
    /// is fed later is dropped.
    pub fn eof(&self) {
        if let Some(uart) = &self.uart {
            uart.close();
        }
    }
}
