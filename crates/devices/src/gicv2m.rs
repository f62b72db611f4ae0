//! GICv2m: a frame of registers that turns messages into shared peripheral interrupts (Server Base System Architecture,
//! DEN0029, appendix E).
//!
//! It belongs to a GICv2, and to a GICv3 that has no ITS: all it needs is the controller as an [`IrqSink`]. Its
//! interrupts are edges: a message raises the wire and lowers it again.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use armlet_base::{Access, IrqSink, Message, MessageSink, MmioDevice};

use crate::mmio::{self, GuestErrors};

const MSI_TYPER: u64 = 0x008;
const MSI_SETSPI_NS: u64 = 0x040;
const MSI_IIDR: u64 = 0xfcc;
/// PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3.
const ID_REGISTERS: u64 = 0xfd0;
const ID_END: u64 = 0x1000;

/// Implementer Arm, no product.
const IIDR: u64 = 0x43b;

/// Bytes of the frame.
pub const SIZE: u64 = 0x1000;

/// A GICv2m frame.
pub struct Gicv2m {
    /// Guest physical address of MSI_SETSPI_NS.
    doorbell: u64,
    intids: Range<u32>,
    /// Held from a rising edge to the falling one, so that two messages are two edges.
    irqs: Mutex<Arc<dyn IrqSink>>,
    errors: GuestErrors,
}

impl Gicv2m {
    /// A frame at guest physical address `at` with these INTIDs of `irqs`, which no device drives too.
    pub fn new(at: u64, intids: Range<u32>, irqs: Arc<dyn IrqSink>) -> Self {
        Self { doorbell: at + MSI_SETSPI_NS, intids, irqs: Mutex::new(irqs), errors: GuestErrors::default() }
    }

    /// Accesses to registers that do not exist.
    pub fn errors(&self) -> &GuestErrors {
        &self.errors
    }

    /// Only the interrupts that MSI_TYPER names can be raised; false for others.
    fn raise(&self, intid: u32) -> bool {
        let own = self.intids.contains(&intid);
        if own {
            let irqs = self.irqs.lock().unwrap_or_else(PoisonError::into_inner);
            irqs.set_level(intid, true);
            irqs.set_level(intid, false);
        }
        own
    }
}

impl MessageSink for Gicv2m {
    fn send(&self, message: Message) -> bool {
        message.address == self.doorbell && self.raise(message.data & 0x3ff)
    }
}

impl MmioDevice for Gicv2m {
    fn read(&self, access: Access, offset: u64) -> u64 {
        mmio::read(&self.errors, access, offset, |offset, size| match (offset, size) {
            (MSI_TYPER, 4) => Some(u64::from(self.intids.start) << 16 | self.intids.len() as u64),
            (MSI_SETSPI_NS, 2 | 4) => Some(0),
            (MSI_IIDR, 4) => Some(IIDR),
            // No part number: nobody needs to work around this one.
            (ID_REGISTERS..ID_END, 4) => Some(0),
            _ => None,
        })
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        mmio::write(&self.errors, access, offset, value, |offset, size, value| match (offset, size) {
            (MSI_SETSPI_NS, 2 | 4) => {
                self.raise(value as u32 & 0x3ff);
                Some(())
            }
            _ => None,
        });
    }

    fn awaits_host(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gic::testing::Port;

    #[derive(Default)]
    struct Wires(Mutex<Vec<(u32, bool)>>);

    impl IrqSink for Wires {
        fn set_level(&self, intid: u32, level: bool) {
            self.0.lock().unwrap().push((intid, level));
        }
    }

    #[test]
    fn messages_and_stores_are_edges_of_its_own_interrupts() {
        let wires = Arc::new(Wires::default());
        let frame = Arc::new(Gicv2m::new(0x802_0000, 80..144, wires.clone()));
        let port = Port(frame.clone(), 0);
        assert_eq!(port.r32(MSI_TYPER), 80 << 16 | 64);
        port.w32(MSI_SETSPI_NS, 80);
        port.write(2, MSI_SETSPI_NS, 143);
        port.w32(MSI_SETSPI_NS, 79);
        port.w32(MSI_SETSPI_NS, 144);
        let send = |address, data| frame.send(Message { address, data, device: 8 });
        send(0x802_0040, 100);
        send(0x802_0044, 101);
        send(0x40, 102);
        let edge = |intid| [(intid, true), (intid, false)];
        assert_eq!(*wires.0.lock().unwrap(), [edge(80), edge(143), edge(100)].concat());
        assert_eq!(frame.errors().count(), 0);
        port.w32(MSI_TYPER, 0);
        assert_eq!(port.read(8, 0x10), 0);
        assert_eq!(frame.errors().count(), 2);
    }
}
