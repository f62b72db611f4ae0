//! Boards: which devices a machine has, at which addresses, and how they are wired.

pub mod boot_info;
pub(crate) mod flash;
pub mod hvio;
mod interrupts;
pub mod monitor;
pub mod pci;
pub mod requests;
pub mod virt;
pub mod virtio;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use armlet_base::{AlarmQueue, Bus, GuestRam, IrqLine, RamKind, RamRegion};
use armlet_devices::fw_cfg::Items;
use armlet_devices::pl011::{self, Pl011};
use armlet_devices::pl061::Button;
use armlet_hv::{GicConfig, GicKind, Vm};

use crate::config::BoardKind;
use crate::console::{Console, UartOutput};
use crate::error::MachineError;
use crate::flash_image::FlashImages;

/// A board's devices, wired to each other and to the vCPUs' interrupt inputs.
pub(crate) struct Devices {
    pub bus: Bus,
    /// The console, on boards that have one.
    pub uart: Option<Arc<Pl011>>,
    /// The power button, on boards that have one.
    pub button: Option<Arc<Button>>,
}

/// What devices are made with.
pub(crate) struct Context<'a> {
    pub gic: Option<GicConfig>,
    pub cpus: usize,
    pub console: Arc<Console>,
    pub alarms: Arc<AlarmQueue>,
    /// UTC since 1970 when the machine is made.
    pub utc: Duration,
    pub ram: Arc<GuestRam>,
    /// Virtio devices, in the order of their slots: those of PCI, if there is a `pci`.
    pub virtio: &'a [virtio::Plug],
    pub pci: Option<&'a pci::Layout>,
    /// What the machine starts from, if that is firmware.
    pub flash: Option<&'a FlashImages>,
    /// What the guest finds in fw_cfg, on boards that have it.
    pub items: Option<Items>,
    /// Somebody wants to see every exit.
    pub observed: bool,
}

/// UTC at the start of every deterministic machine: 1 January 2024, 00:00:00.
pub(crate) const FIXED_UTC: Duration = Duration::from_secs(1_704_067_200);

/// Shared peripheral interrupts of every board: as many as QEMU's `virt` has.
const SPIS: usize = 256;

/// Memory of a board with `bytes` of it, and flash memory if it starts from there.
pub(crate) fn memory(board: BoardKind, bytes: u64, flash: bool) -> Vec<RamRegion> {
    let gpa = match board {
        BoardKind::Virt => virt::map::RAM,
        BoardKind::Monitor => monitor::map::RAM,
        BoardKind::Hvio => hvio::map::RAM,
    };
    let read_only =
        |page: Range<u64>| RamRegion { gpa: page.start, len: page.end - page.start, kind: RamKind::ReadOnly };
    let ram = RamRegion { gpa, len: bytes, kind: RamKind::ReadWrite };
    let banks = flash.then(flash::memory).into_iter().flatten();
    std::iter::once(ram).chain(requests(board).map(read_only)).chain(banks).collect()
}

/// The read-only page of a board whose stores are requests.
pub(crate) fn requests(board: BoardKind) -> Option<Range<u64>> {
    let start = match board {
        BoardKind::Virt => return None,
        BoardKind::Monitor => monitor::map::REQUESTS,
        BoardKind::Hvio => hvio::map::REQUESTS,
    };
    Some(start..start + requests::LEN)
}

/// The interrupt controller of a board, of a kind the board can have; with an ITS, if the backend has one (`its`) and
/// the board wants it.
pub(crate) fn gic(board: BoardKind, kind: GicKind, its: bool) -> Option<GicConfig> {
    let (distributor, cpu_interface, redistributors) = match board {
        BoardKind::Virt => (virt::map::GICD, virt::map::GICC, virt::map::GICR),
        BoardKind::Monitor => (monitor::map::GICD, monitor::map::GICC, monitor::map::GICR),
        BoardKind::Hvio => return None,
    };
    let its = (its && board == BoardKind::Virt && kind == GicKind::V3).then_some(virt::map::ITS);
    Some(GicConfig { kind, distributor, cpu_interface, redistributors, spis: SPIS, its })
}

/// Makes a board's devices, before its vCPUs are created.
pub(crate) fn wire(
    board: BoardKind,
    vm: &mut dyn Vm,
    context: &mut Context,
) -> Result<Devices, MachineError> {
    match board {
        BoardKind::Virt => virt::wire(vm, context),
        BoardKind::Monitor => monitor::wire(vm, context),
        BoardKind::Hvio => Ok(Devices { bus: Bus::new(), uart: None, button: None }),
    }
}

/// Maps the UART that is the machine's console.
fn uart(bus: &mut Bus, at: u64, irq: IrqLine, context: &Context) -> Arc<Pl011> {
    let uart = Arc::new(Pl011::new(Box::new(UartOutput(context.console.clone())), irq));
    context.console.attach(uart.clone());
    bus.insert("PL011", at, pl011::SIZE, uart.clone());
    uart
}
