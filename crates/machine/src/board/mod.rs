//! Boards: which devices a machine has, at which addresses, and how they are wired.

pub mod boot_info;
mod interrupts;
pub mod monitor;
pub mod virt;

use std::sync::Arc;
use std::time::Duration;

use armlet_base::{AlarmQueue, Bus, IrqLine};
use armlet_devices::pl011::{self, Pl011};
use armlet_hv::{GicConfig, GicKind, Vm};

use crate::config::BoardKind;
use crate::console::{Console, UartOutput};
use crate::error::MachineError;

/// A board's devices, wired to each other and to the vCPUs' interrupt inputs.
pub(crate) struct Devices {
    pub bus: Bus,
    pub uart: Arc<Pl011>,
}

/// What devices are made with.
pub(crate) struct Context {
    pub gic: GicConfig,
    pub cpus: usize,
    pub console: Arc<Console>,
    pub alarms: Arc<AlarmQueue>,
    /// UTC since 1970 when the machine is made.
    pub utc: Duration,
}

/// UTC at the start of every deterministic machine: 1 January 2024, 00:00:00.
pub(crate) const FIXED_UTC: Duration = Duration::from_secs(1_704_067_200);

/// Shared peripheral interrupts of every board: as many as QEMU's `virt` has.
const SPIS: usize = 256;

/// The interrupt controller of a board, of a kind the board can have.
pub(crate) fn gic(board: BoardKind, kind: GicKind) -> GicConfig {
    let (distributor, cpu_interface, redistributors) = match board {
        BoardKind::Virt => (virt::map::GICD, virt::map::GICC, virt::map::GICR),
        BoardKind::Monitor => (monitor::map::GICD, monitor::map::GICC, monitor::map::GICR),
    };
    GicConfig { kind, distributor, cpu_interface, redistributors, spis: SPIS }
}

/// Makes a board's devices, before its vCPUs are created.
pub(crate) fn wire(board: BoardKind, vm: &mut dyn Vm, context: &Context) -> Result<Devices, MachineError> {
    match board {
        BoardKind::Virt => virt::wire(vm, context),
        BoardKind::Monitor => monitor::wire(vm, context),
    }
}

/// Maps the UART that is the machine's console.
fn uart(bus: &mut Bus, at: u64, irq: IrqLine, context: &Context) -> Arc<Pl011> {
    let uart = Arc::new(Pl011::new(Box::new(UartOutput(context.console.clone())), irq));
    context.console.attach(uart.clone());
    bus.insert("PL011", at, pl011::SIZE, uart.clone());
    uart
}
