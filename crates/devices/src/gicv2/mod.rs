//! GICv2 (IHI 0048B) without the Security Extensions, shaped like a GIC-400.
//!
//! Five priority bits, two groups. GICC_CTLR.FIQEn decides whether group 0 drives the FIQ input of a
//! CPU; group 1 drives IRQ. Registers that the architecture banks are banked by
//! [`armlet_base::Access::cpu`].

mod cpu_interface;
mod distributor;
mod spec;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard};

use armlet_arm::gic::CpuInterface;
use armlet_arm::sysreg::Encoding;
use armlet_base::{CpuIrqInput, IrqSink};

pub use cpu_interface::CpuInterfaceFrame;
pub use distributor::Distributor;

use crate::gic::{self, Candidate, GicError, core::Core};
use crate::mmio::GuestErrors;

/// The most CPUs a [`Gicv2`] serves.
pub const MAX_CPUS: usize = 8;
/// Bytes of the distributor's registers.
pub const DISTRIBUTOR_SIZE: u64 = 0x1000;
/// Bytes of the CPU interface's registers.
pub const CPU_INTERFACE_SIZE: u64 = 0x2000;

/// A GICv2.
///
/// A board maps [`Gicv2::distributor`] and [`Gicv2::cpu_interface`], and gives devices the controller
/// as their [`IrqSink`]. As a [`CpuInterface`] it has no system registers, but takes the levels of
/// private peripheral interrupts.
///
/// One lock guards all of it. CPU inputs are driven with the lock held, so that two changes cannot
/// reach a CPU in the wrong order: an input must not call back.
pub struct Gicv2 {
    state: Mutex<State>,
    errors: GuestErrors,
}

struct State {
    core: Core,
    locals: Vec<Local>,
}

/// What a CPU has beyond [`Core`].
#[derive(Clone, Default)]
struct Local {
    /// GICC_CTLR.
    ctlr: u32,
    /// For each SGI, the CPUs that sent it and were not acknowledged yet.
    senders: [u8; 16],
}

impl Gicv2 {
    /// A controller for `cpus` CPUs with `spis` shared interrupts, INTIDs 32 to 31 + `spis`.
    ///
    /// # Errors
    /// If there are no CPUs or more than [`MAX_CPUS`], or more than 988 shared interrupts.
    pub fn new(cpus: usize, spis: usize) -> Result<Arc<Self>, GicError> {
        gic::check("GICv2", cpus, MAX_CPUS, spis)?;
        let mut state = State { core: Core::new(cpus, spis, true), locals: vec![Local::default(); cpus] };
        state.reset();
        Ok(Arc::new(Self { state: Mutex::new(state), errors: GuestErrors::default() }))
    }

    /// Gives CPU `cpu` its interrupt inputs, and drives them if they are already asserted.
    ///
    /// # Panics
    /// If there is no such CPU: a mistake of the board.
    pub fn connect(&self, cpu: usize, input: Arc<dyn CpuIrqInput>) {
        self.state().core.connect(cpu, input);
    }

    /// The distributor's registers, [`DISTRIBUTOR_SIZE`] bytes. Its reset resets the whole controller.
    pub fn distributor(self: &Arc<Self>) -> Arc<Distributor> {
        Arc::new(Distributor { gic: self.clone() })
    }

    /// The CPU interface's registers, [`CPU_INTERFACE_SIZE`] bytes: each CPU sees its own.
    pub fn cpu_interface(self: &Arc<Self>) -> Arc<CpuInterfaceFrame> {
        Arc::new(CpuInterfaceFrame { gic: self.clone() })
    }

    /// Back to the power-on state. The wires from devices and timers keep their levels.
    pub fn reset(&self) {
        self.state().reset();
    }

    /// Accesses to registers that do not exist.
    pub fn errors(&self) -> &GuestErrors {
        &self.errors
    }

    /// Lines for people: pending, active and enabled interrupts and what each CPU is up to.
    pub fn dump(&self) -> String {
        self.state().core.dump("GICv2")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl IrqSink for Gicv2 {
    fn set_level(&self, intid: u32, level: bool) {
        if intid >= 32 {
            self.state().core.set_level(0, intid, level);
        }
    }
}

impl CpuInterface for Gicv2 {
    fn read(&self, _cpu: usize, _reg: Encoding) -> Option<u64> {
        None
    }

    fn write(&self, _cpu: usize, _reg: Encoding, _value: u64) -> Option<()> {
        None
    }

    fn set_ppi(&self, cpu: usize, intid: u32, level: bool) {
        if (16..32).contains(&intid) {
            self.state().core.set_level(cpu, intid, level);
        }
    }
}

impl State {
    fn reset(&mut self) {
        self.locals.fill(Local::default());
        self.core.reset();
        for cpu in &mut self.core.cpus {
            cpu.group0_is_fiq = false;
        }
        if self.locals.len() == 1 {
            // GICD_ITARGETSR is RAZ/WI: everything goes to the one CPU.
            for b in 0..self.core.spi_banks() {
                for n in 0..32 {
                    self.core.set_target(b, n, 0, true);
                }
            }
        }
    }

    /// Adds senders to a pending SGI of `cpu`, or takes them away.
    fn set_senders(&mut self, cpu: usize, sgi: u32, senders: u8) {
        self.locals[cpu].senders[sgi as usize & 15] = senders;
        self.core.set_latch(cpu, sgi & 15, senders != 0);
    }

    /// What GICC_IAR shows of an interrupt: its number and, of an SGI, the lowest CPU that sent it.
    fn shown(&self, cpu: usize, it: Candidate) -> u32 {
        let sender = match it.intid {
            sgi @ 0..16 => self.locals[cpu].senders[sgi as usize].trailing_zeros() & 7,
            _ => 0,
        };
        sender << 10 | it.intid
    }
}
