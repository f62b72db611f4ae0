//! What a running vCPU reaches: the bus, the firmware and the observers.

use armlet_arm::smccc::Conduit;
use armlet_base::{Access, BusError};
use armlet_hv::{CallOutcome, CallRegs, ExitEvent, VcpuIo};

use super::Shared;

/// The machine as vCPU `cpu` sees it.
pub(super) struct CpuIo<'a> {
    pub cpu: usize,
    pub shared: &'a Shared,
}

impl VcpuIo for CpuIo<'_> {
    fn mmio_read(&mut self, gpa: u64, size: u8) -> Result<u64, BusError> {
        self.shared.bus.read(Access { cpu: self.cpu, size }, gpa)
    }

    fn mmio_write(&mut self, gpa: u64, size: u8, value: u64) -> Result<(), BusError> {
        if let Some(page) = self.shared.requests.as_ref().filter(|page| page.contains(&gpa)) {
            self.shared.firmware.request(gpa - page.start, size, value);
            return Ok(());
        }
        self.shared.bus.write(Access { cpu: self.cpu, size }, gpa, value)
    }

    fn call(&mut self, conduit: Conduit, imm: u16, regs: &mut CallRegs) -> CallOutcome {
        self.shared.firmware.call(self.cpu, conduit, imm, regs)
    }

    fn observed(&self) -> bool {
        !self.shared.observers.is_empty()
    }

    fn observe(&mut self, event: &ExitEvent) {
        for observer in &self.shared.observers {
            observer.exit(self.cpu, event);
        }
    }
}
