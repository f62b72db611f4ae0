//! Boards: which devices a machine has, at which addresses, and how they are wired.

pub mod boot_info;
mod interrupts;
pub mod monitor;
pub mod virt;

use std::sync::Arc;

use armlet_base::{AlarmQueue, Bus, IrqLine};
use armlet_hv::{GicKind, Vm};

use crate::config::BoardKind;
use crate::console::Console;
use crate::error::MachineError;
use crate::input::{Room, SerialInput};

/// A board's devices, wired to each other and to the vCPUs' interrupt inputs.
pub(crate) struct Devices {
    pub bus: Bus,
    pub uart: Arc<dyn SerialInput>,
}

/// What devices are made with.
pub(crate) struct Context {
    pub gic: GicKind,
    pub cpus: usize,
    pub console: Arc<Console>,
    pub alarms: Arc<AlarmQueue>,
    pub room: Arc<Room>,
}

/// Makes a board's devices, before its vCPUs are created.
pub(crate) fn wire(board: BoardKind, vm: &mut dyn Vm, context: &Context) -> Result<Devices, MachineError> {
    match board {
        BoardKind::Virt => virt::wire(vm, context),
        BoardKind::Monitor => monitor::wire(vm, context),
    }
}

struct NoUart;
impl SerialInput for NoUart {
    fn receive(&self, bytes: &[u8]) -> usize {
        bytes.len()
    }
}

fn uart(bus: &mut Bus, at: u64, irq: IrqLine, context: &Context) -> Arc<dyn SerialInput> {
    let _ = (bus, at, irq, context);
    Arc::new(NoUart)
}
