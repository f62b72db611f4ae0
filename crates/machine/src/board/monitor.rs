//! The `monitor` board: the classroom machine for bare-metal programs.
//!
//! Programs start at [`ENTRY`] with the stack at [`STACK`] and X0 at [`BOOT_INFO`], which says what the
//! interrupt controller is (see [`super::boot_info`]).
//!
//! They call the monitor by HVC. Where the host's hypervisor keeps such calls for itself, the answer is NOT_SUPPORTED,
//! and a page of requests is there for the same (see [`super::requests`]).

use std::sync::Arc;

use armlet_base::{Bus, IrqLine};
use armlet_devices::timer_frame::{self, TimerFrame};
use armlet_hv::Vm;

use super::{Context, Devices, interrupts};
use crate::error::MachineError;

/// Where flat binaries go and start.
pub const ENTRY: u64 = 0x4000_1000;
/// The stack pointer at entry.
pub const STACK: u64 = 0x43ff_f000;
/// Where the boot information is: the page above the stack.
pub const BOOT_INFO: u64 = STACK;

/// Rate of the timer frame's counter; the frame's CNTFRQ tells it too.
pub const TIMER_HZ: u32 = 62_500_000;
/// The frame's keys in the alarm queue.
const ALARMS_TIMER: [u64; 2] = [0, 1];

/// Guest physical addresses and interrupts.
pub mod map {
    /// PL011.
    pub const UART: u64 = 0x0900_0000;
    /// Interrupt of the PL011: SPI 1.
    pub const UART_INTID: u32 = 33;
    /// Generic timer as a CNTBase frame.
    pub const TIMER: u64 = 0x0901_0000;
    /// Interrupt of the frame's physical timer: SPI 2.
    pub const TIMER_INTID: u32 = 34;
    /// Interrupt of the frame's virtual timer: SPI 3.
    pub const VIRTUAL_TIMER_INTID: u32 = 35;
    /// GIC distributor.
    pub const GICD: u64 = 0x0902_0000;
    /// GICv2 CPU interface.
    pub const GICC: u64 = 0x0903_0000;
    /// GICv3 redistributors.
    pub const GICR: u64 = 0x0904_0000;
    /// The page of requests, which serve where calls don't.
    pub const REQUESTS: u64 = 0x0a00_0000;
    /// The most CPUs.
    pub const MAX_CPUS: usize = 8;
    /// Guest memory.
    pub const RAM: u64 = 0x4000_0000;
    /// Length of guest memory: 64 MiB.
    pub const RAM_LEN: u64 = 0x0400_0000;
}

/// Makes the devices and wires them.
pub(crate) fn wire(vm: &mut dyn Vm, context: &Context) -> Result<Devices, MachineError> {
    let mut bus = Bus::new();
    let irqs = interrupts::attach(vm, &mut bus, context)?.irqs;
    let uart = super::uart(&mut bus, map::UART, IrqLine::new(irqs.clone(), map::UART_INTID), context);
    let physical = IrqLine::new(irqs.clone(), map::TIMER_INTID);
    let virtual_ = IrqLine::new(irqs, map::VIRTUAL_TIMER_INTID);
    let timer = TimerFrame::new(TIMER_HZ, context.alarms.clone(), ALARMS_TIMER, physical, virtual_);
    bus.insert("timer frame", map::TIMER, timer_frame::SIZE, Arc::new(timer));
    Ok(Devices { bus, uart: Some(uart), button: None })
}
