//! What the PEs of one machine share.

use std::sync::{Arc, OnceLock};

use armlet_arm::cpu::CpuModel;
use armlet_arm::gic::CpuInterface;
use armlet_base::{AlarmQueue, Clock, GuestRam};

use crate::port::Port;
use crate::strict::CodePages;

/// The shared part of a machine's PEs.
pub struct Vm {
    /// Guest memory.
    pub ram: Arc<GuestRam>,
    /// What kind of PE.
    pub model: &'static CpuModel,
    /// The doors of all PEs, by index.
    pub ports: Vec<Arc<Port>>,
    /// Rings the generic timers.
    pub alarms: AlarmQueue,
    /// A PE that waits may keep a host CPU busy for a while: there are several PEs, and a host CPU for each.
    pub(crate) may_spin: bool,
    gic: OnceLock<Arc<dyn CpuInterface>>,
    /// EL1 is in AArch32 state at reset.
    aarch32: OnceLock<()>,
    code_pages: OnceLock<CodePages>,
}

impl Vm {
    /// A machine of `cpus` PEs of `model` over `ram`, with time from `clock`.
    pub fn new(ram: Arc<GuestRam>, model: &'static CpuModel, cpus: usize, clock: Clock) -> Arc<Self> {
        let ports = (0..cpus).map(|_| Arc::default()).collect();
        let host = std::thread::available_parallelism().map_or(1, |n| n.get());
        let may_spin = cpus > 1 && cpus <= host;
        let alarms = AlarmQueue::new(clock);
        let (gic, aarch32, code_pages) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Arc::new(Self { ram, model, ports, alarms, may_spin, gic, aarch32, code_pages })
    }

    /// PEs made from now on start in AArch32 state, in Supervisor mode.
    pub fn start_in_aarch32(&self) {
        let _ = self.aarch32.set(());
    }

    /// True if EL1 is in AArch32 state at reset: asked for, or all there is.
    pub(crate) fn el1_is_aarch32(&self) -> bool {
        self.aarch32.get().is_some() || !self.model.has_aarch64()
    }

    /// Notices code that changes without instruction cache maintenance, from now on; must come before any PE runs.
    pub fn watch_code(&self) {
        let _ = self.code_pages.set(CodePages::new(self.ram.len()));
    }

    /// The pages that hold code, if that is watched.
    #[inline]
    pub(crate) fn code_pages(&self) -> Option<&CodePages> {
        self.code_pages.get()
    }

    /// Connects the interrupt controller. Later calls have no effect.
    pub fn attach_gic(&self, gic: Arc<dyn CpuInterface>) {
        let _ = self.gic.set(gic);
    }

    /// The interrupt controller, if the machine has one.
    pub fn gic(&self) -> Option<&dyn CpuInterface> {
        self.gic.get().map(|gic| &**gic)
    }
}
