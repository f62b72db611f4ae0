//! Interrupt wires: devices drive an [`IrqLine`], an interrupt controller drives a [`CpuIrqInput`]. And interrupts without
//! wires: devices send a [`Message`] to a [`MessageSink`].
#![forbid(unsafe_code)]

use std::sync::Arc;

/// The side of an interrupt controller that devices drive: shared peripheral interrupts by level.
pub trait IrqSink: Send + Sync {
    /// Sets the level of the interrupt with this INTID (SPIs start at 32).
    fn set_level(&self, intid: u32, level: bool);
}

/// One wire from a device to an interrupt controller.
#[derive(Clone)]
pub struct IrqLine {
    sink: Option<Arc<dyn IrqSink>>,
    intid: u32,
}

impl IrqLine {
    /// A wire to the input `intid` of `sink`.
    pub fn new(sink: Arc<dyn IrqSink>, intid: u32) -> Self {
        Self { sink: Some(sink), intid }
    }

    /// A wire that ends nowhere, for devices whose board leaves the interrupt unconnected.
    pub fn unconnected() -> Self {
        Self { sink: None, intid: 0 }
    }

    /// Drives the wire.
    pub fn set(&self, level: bool) {
        if let Some(sink) = &self.sink {
            sink.set_level(self.intid, level);
        }
    }
}

/// The interrupt inputs of one CPU, driven by an interrupt controller. Both are levels.
pub trait CpuIrqInput: Send + Sync {
    /// Drives the IRQ input.
    fn set_irq(&self, level: bool);
    /// Drives the FIQ input.
    fn set_fiq(&self, level: bool);
}

/// An interrupt by message (MSI): a device writes `data` to `address`, and the interrupt controller finds out what that
/// means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Guest physical address.
    pub address: u64,
    /// What is written there.
    pub data: u32,
    /// Who writes: the identity that an ITS knows a device by (GIC architecture, IHI 0069, chapter 5), nothing to
    /// others. Of a PCI function it is the requester ID.
    pub device: u32,
}

/// The side of an interrupt controller that takes messages.
pub trait MessageSink: Send + Sync {
    /// Delivers a message. False if it leads nowhere: nobody takes messages at its address, or the guest has not prepared
    /// for it; hardware would tell nobody either.
    fn send(&self, message: Message) -> bool;
}
