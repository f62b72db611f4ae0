//! GICv3 (IHI 0069): distributor, redistributors and the system-register CPU interface.
//!
//! One security state (GICD_CTLR.DS is one), affinity routing always on, five priority bits; LPIs and an [`its`] if the
//! board wants them.
//! Group 0 drives the FIQ input of a CPU and group 1 its IRQ input. CPU n has affinity
//! Aff0 = n % 16, Aff1 = n / 16, as QEMU's `virt` machine counts.
//!
//! GICR_WAKER is only stored: a CPU whose redistributor the guest never woke gets interrupts all the
//! same, as with KVM and QEMU.

mod cpu_interface;
mod distributor;
pub mod its;
mod lpi;
mod redistributor;
mod spec;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use armlet_base::{CpuIrqInput, GuestRam, IrqSink};

pub use distributor::Distributor;
pub use redistributor::Redistributors;

use crate::gic::{self, GicError, Group, core::Core};
use crate::mmio::GuestErrors;
use spec::*;

/// The most CPUs a [`Gicv3`] serves.
pub const MAX_CPUS: usize = 512;
/// Bytes of the distributor's frame.
pub const DISTRIBUTOR_SIZE: u64 = FRAME;
/// Bytes of one CPU's redistributor: its RD_base and SGI_base frames.
pub const REDISTRIBUTOR_SIZE: u64 = REDISTRIBUTOR;

/// A GICv3.
///
/// A board maps [`Gicv3::distributor`] and one or more regions of [`Gicv3::redistributors`], gives
/// devices the controller as their [`IrqSink`], and the CPU engine as its
/// [`armlet_arm::gic::CpuInterface`].
///
/// One lock guards all of it. CPU inputs are driven with the lock held, so that two changes cannot
/// reach a CPU in the wrong order: an input must not call back.
pub struct Gicv3 {
    state: Mutex<State>,
    errors: GuestErrors,
}

/// What a redistributor and a CPU interface keep beyond [`Core`].
#[derive(Clone)]
struct Local {
    waker: u64,
    propbaser: u64,
    /// With PTZ, which the guest can't read back.
    pendbaser: u64,
    /// GICR_CTLR.EnableLPIs.
    lpis_enabled: bool,
    eoi_mode: bool,
}

impl Default for Local {
    fn default() -> Self {
        let waker = WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP;
        Self { waker, propbaser: 0, pendbaser: 0, lpis_enabled: false, eoi_mode: false }
    }
}

struct State {
    core: Core,
    locals: Vec<Local>,
    /// GICD_IROUTER from INTID 32 on.
    routers: Vec<u64>,
    /// The CPU that takes interrupts with IROUTER.IRM set, for each group.
    elected: [Option<usize>; 2],
    /// Where the tables of LPIs are; there are none without.
    ram: Option<Arc<GuestRam>>,
}

/// The affinity fields of CPU `cpu` as in MPIDR_EL1: Aff1 in bits 15 to 8, Aff0 in bits 7 to 0.
pub fn affinity(cpu: usize) -> u64 {
    (cpu / 16) as u64 * 0x100 + (cpu % 16) as u64
}

impl Gicv3 {
    /// A controller for `cpus` CPUs with `spis` shared interrupts, INTIDs 32 to 31 + `spis`.
    ///
    /// # Errors
    /// If there are no CPUs or more than [`MAX_CPUS`], or more than 988 shared interrupts.
    pub fn new(cpus: usize, spis: usize) -> Result<Arc<Self>, GicError> {
        Self::make(cpus, spis, None)
    }

    /// A controller that has LPIs too, whose tables are in `ram`: for an [`its::Its`].
    ///
    /// # Errors
    /// As [`Gicv3::new`].
    pub fn with_lpis(cpus: usize, spis: usize, ram: Arc<GuestRam>) -> Result<Arc<Self>, GicError> {
        Self::make(cpus, spis, Some(ram))
    }

    fn make(cpus: usize, spis: usize, ram: Option<Arc<GuestRam>>) -> Result<Arc<Self>, GicError> {
        gic::check("GICv3", cpus, MAX_CPUS, spis)?;
        let mut state = State {
            core: Core::new(cpus, spis, false),
            locals: vec![Local::default(); cpus],
            routers: vec![0; spis],
            elected: [None; 2],
            ram,
        };
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

    /// A region of redistributors for a range of CPUs, [`REDISTRIBUTOR_SIZE`] bytes each. The last of
    /// them is marked as the last of the region.
    pub fn redistributors(self: &Arc<Self>, cpus: Range<usize>) -> Arc<Redistributors> {
        Arc::new(Redistributors { gic: self.clone(), cpus })
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
        self.state().core.dump("GICv3")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl IrqSink for Gicv3 {
    fn set_level(&self, intid: u32, level: bool) {
        if intid >= 32 {
            self.state().core.set_level(0, intid, level);
        }
    }
}

impl State {
    fn reset(&mut self) {
        self.core.reset();
        self.locals.fill(Local::default());
        self.routers.fill(0);
        self.elected = [None; 2];
        for b in 0..self.core.spi_banks() {
            self.route_bank(b);
        }
    }

    /// The CPU that GICD_IROUTER of SPI `spi` names, if it exists.
    fn target(&self, spi: usize) -> Option<usize> {
        let router = self.routers[spi];
        if router & IROUTER_IRM != 0 {
            let bank = self.core.bank(gic::bank::BankId::Spi(spi / 32))?;
            return self.elected[bank.group(spi as u32 % 32) as usize];
        }
        cpu_of(router >> 32 & 0xff, router >> 16 & 0xff, router >> 8 & 0xff, router & 0xff)
            .filter(|&cpu| cpu < self.locals.len())
    }

    /// Makes the targets of SPI `spi` what its GICD_IROUTER says.
    fn route(&mut self, spi: usize) {
        let target = self.target(spi);
        for cpu in 0..self.locals.len() {
            self.core.set_target(spi / 32, spi as u32 % 32, cpu, target == Some(cpu));
        }
    }

    fn route_bank(&mut self, b: usize) {
        for spi in 32 * b..self.routers.len().min(32 * (b + 1)) {
            self.route(spi);
        }
    }

    /// Chooses the CPUs for 1-of-N interrupts again: the first that takes interrupts of the group.
    fn elect(&mut self) {
        let first =
            |group: Group| self.core.cpus.iter().position(|cpu| cpu.priorities.enabled[group as usize]);
        let elected = [first(Group::Zero), first(Group::One)];
        if elected != self.elected {
            self.elected = elected;
            for spi in 0..self.routers.len() {
                if self.routers[spi] & IROUTER_IRM != 0 {
                    self.route(spi);
                }
            }
        }
    }
}

/// The index of the CPU with this affinity.
fn cpu_of(aff3: u64, aff2: u64, aff1: u64, aff0: u64) -> Option<usize> {
    (aff3 == 0 && aff2 == 0 && aff0 < 16).then_some((aff1 * 16 + aff0) as usize)
}
