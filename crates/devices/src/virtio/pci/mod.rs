//! The PCI transport (4.1), as a modern device: no legacy registers, no transitional identity.
//!
//! Base address register 4 has the registers, 1 the table of MSI-X: the layout that QEMU's devices have. Every queue has
//! an address of its own for notifications, so that a store there says all.

#[cfg(target_os = "linux")]
mod bells;
mod layout;
mod registers;
mod signals;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_base::{Access, GuestRam};

#[cfg(target_os = "linux")]
pub use bells::HostBells;

use super::common::{Common, Service};
use super::device::VirtioDevice;
use crate::mmio::{self, GuestErrors};
use crate::pci::{Bar, Endpoint, Function, Wiring};
use layout::*;
use registers::Selected;
use signals::Signals;

/// A device on the PCI transport.
pub struct PciTransport {
    common: Common,
    selected: Mutex<Selected>,
    signals: Arc<Signals>,
    /// Where the capability is by which configuration space leads to the registers.
    access: u16,
    #[cfg(target_os = "linux")]
    bells: bells::Bells,
    errors: GuestErrors,
}

impl PciTransport {
    /// Makes `device` a function of a PCI device. It reaches guest memory through `ram` and interrupts by `wiring`.
    pub fn new(device: Arc<dyn VirtioDevice>, ram: Arc<GuestRam>, service: Service, wiring: Wiring) -> Self {
        let queues = device.queue_sizes().len();
        // One for each queue, and one for changes of the configuration.
        let endpoint = Endpoint::new(&identity(device.id()), wiring).with_pin();
        let mut endpoint = endpoint
            .with_msix(VECTORS_BAR, queues + 1)
            .with_bar(REGISTERS_BAR, Bar::Memory64 { len: REGISTERS_LEN });
        let access = add_capabilities(&mut endpoint, queues);
        let signals = Arc::new(Signals::new(endpoint, queues));
        let common = Common::new(device, ram, service, signals.clone());
        Self {
            common,
            selected: Mutex::default(),
            signals,
            access: access as u16,
            #[cfg(target_os = "linux")]
            bells: bells::Bells::default(),
            errors: GuestErrors::default(),
        }
    }

    /// Has the host ring the doorbells wherever the guest moves them, so that no vCPU leaves it for that. Before the
    /// driver is there.
    ///
    /// # Errors
    /// If the host has no events left.
    #[cfg(target_os = "linux")]
    pub fn with_host_bells(mut self, host: Arc<dyn HostBells>) -> std::io::Result<Self> {
        // Servers wait for the events from their start on.
        for queue in 0..self.common.device().queue_sizes().len() {
            self.common.doorbell(queue)?;
        }
        self.bells = bells::Bells::new(host);
        Ok(self)
    }

    /// Accesses to registers that do not exist.
    pub fn errors(&self) -> &GuestErrors {
        &self.errors
    }

    fn selected(&self) -> MutexGuard<'_, Selected> {
        self.selected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the host's doorbells where the guest has put the registers, while the device runs.
    fn place_bells(&self) {
        #[cfg(target_os = "linux")]
        {
            let place = |decoded: Vec<(usize, std::ops::Range<u64>)>| {
                let registers = decoded.into_iter().find(|(bar, _)| *bar == REGISTERS_BAR)?;
                Some(registers.1.start + NOTIFY)
            };
            let at = self.common.is_ready().then(|| place(self.signals.endpoint.decoded())).flatten();
            self.bells.place(at, &self.common);
        }
    }

    /// What the access capability names, if it is a piece of the registers: offset and length.
    fn named(&self) -> Option<(u64, u8)> {
        let field = |at, size| self.signals.endpoint.read_config(self.access + at, size);
        let (bar, offset, len) = (field(CAP_BAR, 1), field(CAP_OFFSET, 4), field(CAP_LENGTH, 4));
        let inside = bar as usize == REGISTERS_BAR && u64::from(offset) < REGISTERS_LEN;
        (inside && matches!(len, 1 | 2 | 4)).then_some((offset.into(), len as u8))
    }
}

impl Function for PciTransport {
    fn endpoint(&self) -> &Endpoint {
        &self.signals.endpoint
    }

    fn read(&self, bar: usize, access: Access, offset: u64) -> u64 {
        mmio::read(&self.errors, access, offset, |offset, size| match (bar, offset & !(PART - 1)) {
            (REGISTERS_BAR, COMMON) if size <= 4 => self.register(offset as u16, size).map(u64::from),
            (REGISTERS_BAR, ISR) if offset == ISR => Some(self.signals.take().into()),
            (REGISTERS_BAR, DEVICE) => Some(self.common.config((offset - DEVICE) as usize, size.into())),
            (REGISTERS_BAR, NOTIFY) => Some(0),
            _ => None,
        })
    }

    fn write(&self, bar: usize, access: Access, offset: u64, value: u64) {
        mmio::write(&self.errors, access, offset, value, |offset, size, value| {
            match (bar, offset & !(PART - 1)) {
                (REGISTERS_BAR, COMMON) if size <= 4 => self.set_register(offset as u16, size, value as u32),
                (REGISTERS_BAR, DEVICE) => {
                    self.common.set_config((offset - DEVICE) as usize, size.into(), value).then_some(())
                }
                (REGISTERS_BAR, NOTIFY) => {
                    self.common.notify(((offset - NOTIFY) / u64::from(NOTIFY_MULTIPLIER)) as u32);
                    Some(())
                }
                _ => None,
            }
        });
    }

    fn read_config(&self, offset: u16, size: u8) -> u32 {
        match self.named().filter(|_| offset == self.access + CAP_DATA) {
            Some((at, len)) => self.read(REGISTERS_BAR, Access { cpu: 0, size: len }, at) as u32,
            None => self.endpoint().read_config(offset, size),
        }
    }

    fn write_config(&self, offset: u16, size: u8, value: u32) {
        match self.named().filter(|_| offset == self.access + CAP_DATA) {
            Some((at, len)) => {
                self.write(REGISTERS_BAR, Access { cpu: 0, size: len }, at, value.into());
            }
            None => self.endpoint().write_config(offset, size, value),
        }
        self.place_bells();
    }

    fn reset(&self) {
        self.common.reset();
        *self.selected() = Selected::default();
        self.endpoint().reset();
        self.place_bells();
    }

    fn awaits_host(&self) -> bool {
        self.common.busy()
    }
}
