//! What the tests of both interrupt controllers use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use armlet_base::{Access, CpuIrqInput, MmioDevice};

/// A CPU's inputs, with a count of the calls.
#[derive(Default)]
pub(crate) struct Pins {
    irq: AtomicBool,
    fiq: AtomicBool,
    calls: AtomicUsize,
}

impl Pins {
    pub fn irq(&self) -> bool {
        self.irq.load(Ordering::SeqCst)
    }

    pub fn fiq(&self) -> bool {
        self.fiq.load(Ordering::SeqCst)
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl CpuIrqInput for Pins {
    fn set_irq(&self, level: bool) {
        assert_ne!(self.irq.swap(level, Ordering::SeqCst), level, "only changes are told");
        self.calls.fetch_add(1, Ordering::SeqCst);
    }

    fn set_fiq(&self, level: bool) {
        assert_ne!(self.fiq.swap(level, Ordering::SeqCst), level, "only changes are told");
        self.calls.fetch_add(1, Ordering::SeqCst);
    }
}

/// A register frame as one CPU reaches it.
pub(crate) struct Port(pub Arc<dyn MmioDevice>, pub usize);

impl Port {
    pub fn read(&self, size: u8, offset: u64) -> u64 {
        self.0.read(Access { cpu: self.1, size }, offset)
    }

    pub fn write(&self, size: u8, offset: u64, value: u64) {
        self.0.write(Access { cpu: self.1, size }, offset, value);
    }

    pub fn r32(&self, offset: u64) -> u32 {
        self.read(4, offset) as u32
    }

    pub fn w32(&self, offset: u64, value: u32) {
        self.write(4, offset, value.into());
    }
}
