//! The user's typing on its way into the guest.

use std::sync::Arc;

use armlet_devices::pl011::Pl011;
use armlet_devices::virtio::console::Console;

/// Feeds the guest's console from any thread: its virtio console if it has one, else its UART. Clones feed the same one.
#[derive(Clone)]
pub struct ConsoleInput {
    /// `None` on a board without: what is typed is dropped.
    pub(crate) uart: Option<Arc<Pl011>>,
    /// What takes all input, if it is there.
    pub(crate) virtio: Option<Arc<Console>>,
}

impl ConsoleInput {
    /// Hands `bytes` to the guest. Blocks until its console took them all, so nothing is lost, or until the
    /// machine has ended or [`ConsoleInput::eof`] was called. A board without a console has no use for them.
    pub fn feed(&self, bytes: &[u8]) {
        match (&self.virtio, &self.uart) {
            (Some(console), _) => console.receive_all(bytes),
            (None, Some(uart)) => {
                uart.receive_all(bytes);
            }
            (None, None) => {}
        }
    }

    /// There is no more input. A guest can't see that on a console; it only ends waiting feeders, and what
    /// is fed later is dropped.
    pub fn eof(&self) {
        if let Some(console) = &self.virtio {
            console.close();
        }
        if let Some(uart) = &self.uart {
            uart.close();
        }
    }
}
