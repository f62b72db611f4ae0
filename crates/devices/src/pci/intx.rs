//! INTx: wires that functions share (PCI Local Bus 3.0, 2.2.6).

use std::sync::{Mutex, PoisonError};

use armlet_base::IrqLine;

/// A wire of the host bridge. It is high while any function drives it.
pub struct SharedLine {
    line: IrqLine,
    /// Bit n: the function in slot n drives it.
    drivers: Mutex<u32>,
}

impl SharedLine {
    pub fn new(line: IrqLine) -> Self {
        Self { line, drivers: Mutex::new(0) }
    }

    pub fn drive(&self, slot: usize, level: bool) {
        let mut drivers = self.drivers.lock().unwrap_or_else(PoisonError::into_inner);
        let old = *drivers;
        *drivers = old & !(1 << slot) | u32::from(level) << slot;
        if (old != 0) != (*drivers != 0) {
            self.line.set(*drivers != 0);
        }
    }
}
