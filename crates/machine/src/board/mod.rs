//! Boards: which devices a machine has, at which addresses, and how they are wired.

pub mod boot_info;
mod interrupts;
pub mod monitor;
pub mod virt;

use std::sync::Arc;

use armlet_base::Bus;
use armlet_devices::pl011::Pl011;

/// A board's devices, wired to each other and to the vCPUs' interrupt inputs.
pub(crate) struct Devices {
    pub bus: Bus,
    pub uart: Arc<Pl011>,
}
