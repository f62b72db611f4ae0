//! Interrupts from devices to the interrupt controller in the kernel.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use armlet_base::{IrqSink, Message, MessageSink};
use kvm_bindings::{KVM_ARM_IRQ_TYPE_SHIFT, KVM_ARM_IRQ_TYPE_SPI, KVM_MSI_VALID_DEVID, kvm_msi};

use crate::vm::Shared;

/// The INTIDs whose wires are high. Only changes cost a call.
#[derive(Default)]
pub struct Lines(Mutex<BTreeSet<u32>>);

/// The side that devices drive.
pub struct Sink(pub Arc<Shared>);

impl IrqSink for Sink {
    fn set_level(&self, intid: u32, level: bool) {
        let mut high = self.0.lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = if level { high.insert(intid) } else { high.remove(&intid) };
        if changed {
            self.0.drive(intid, level);
        }
    }
}

impl Shared {
    fn drive(&self, intid: u32, level: bool) {
        let wire = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intid;
        // It fails for interrupts that the controller does not have, which no board wires.
        let done = self.fd.set_irq_line(wire, level);
        debug_assert!(done.is_ok(), "interrupt {intid}: {done:?}");
    }

    /// The interrupt controller was reset, and takes all wires for low.
    pub fn forget_lines(&self) {
        self.lines.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The interrupt controller was given the state of another: drives all wires of `spis` interrupts as they are.
    pub fn drive_all(&self, spis: usize) {
        let high = self.lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        (32..32 + spis as u32).for_each(|intid| self.drive(intid, high.contains(&intid)));
    }
}

impl MessageSink for Shared {
    fn send(&self, Message { address, data, device }: Message) -> bool {
        let message = kvm_msi {
            address_lo: address as u32,
            address_hi: (address >> 32) as u32,
            data,
            flags: KVM_MSI_VALID_DEVID,
            devid: device,
            ..kvm_msi::default()
        };
        // An error is for what the guest has not mapped, nothing for what it has masked.
        self.fd.signal_msi(message).is_ok_and(|delivered| delivered > 0)
    }
}
