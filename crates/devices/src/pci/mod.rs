//! PCI Express as a generic host bridge shows it: functions on bus 0, their configuration space by ECAM, their registers
//! in memory windows, interrupts by message (MSI-X) or by shared wires (INTx).
//!
//! Documents: PCI Local Bus 3.0 for configuration space, base address registers and MSI-X, PCI Express Base 4.0 (7.2.2)
//! for ECAM. A function is an [`Endpoint`] - what all of them have - and what it adds to that, a [`Function`]. The
//! [`HostBridge`] finds the function that an address belongs to, wherever the guest has moved it.

mod endpoint;
mod host;
mod intx;
mod msix;
mod space;
#[cfg(test)]
pub(crate) mod tests;

use armlet_base::Access;

pub use endpoint::{Endpoint, Wiring};
pub use host::{Ecam, EmptyWindow, HostBridge, SLOTS, Window};
pub use msix::MSIX_BAR_LEN;
pub use space::{Bar, Identity};

/// A function of a device: an endpoint, and what is behind it.
///
/// Methods take `&self`: several vCPU threads reach a function at once.
pub trait Function: Send + Sync {
    /// What it has in common with all others.
    fn endpoint(&self) -> &Endpoint;

    /// Reads `access.size` bytes at `offset` in the registers behind base address register `bar`.
    fn read(&self, bar: usize, access: Access, offset: u64) -> u64;

    /// Writes there.
    fn write(&self, bar: usize, access: Access, offset: u64, value: u64);

    /// Reads 1, 2 or 4 aligned bytes of configuration space.
    fn read_config(&self, offset: u16, size: u8) -> u32 {
        self.endpoint().read_config(offset, size)
    }

    /// Writes there. The function may answer at other addresses from now on.
    fn write_config(&self, offset: u16, size: u8, value: u32) {
        self.endpoint().write_config(offset, size, value);
    }

    /// Back to the power-on state (system reset).
    fn reset(&self) {
        self.endpoint().reset();
    }

    /// See [`armlet_base::MmioDevice::awaits_host`].
    fn awaits_host(&self) -> bool {
        false
    }
}
