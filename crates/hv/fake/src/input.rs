//! Interrupt inputs and kicks: things other threads do to a vCPU.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use armlet_base::CpuIrqInput;
use armlet_hv::Kick;

use crate::lock;

/// Longest that a script waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct State {
    irq: bool,
    fiq: bool,
    kicked: bool,
}

/// The IRQ and FIQ inputs of a vCPU, and whether it was kicked.
#[derive(Default)]
pub struct Inputs {
    state: Mutex<State>,
    changed: Condvar,
}

impl Inputs {
    /// Level of the IRQ input.
    pub fn irq(&self) -> bool {
        lock(&self.state).irq
    }

    /// Level of the FIQ input.
    pub fn fiq(&self) -> bool {
        lock(&self.state).fiq
    }

    pub(crate) fn take_kick(&self) -> bool {
        std::mem::take(&mut lock(&self.state).kicked)
    }

    pub(crate) fn wait_kick(&self) {
        let state = lock(&self.state);
        let wait = self.changed.wait_while(state, |s| !s.kicked);
        wait.unwrap_or_else(std::sync::PoisonError::into_inner).kicked = false;
    }

    /// Waits for the IRQ input or a kick; true if it was the input.
    pub(crate) fn wait_irq(&self) -> bool {
        let state = lock(&self.state);
        let wait = self.changed.wait_timeout_while(state, PATIENCE, |s| !s.kicked && !s.irq);
        wait.unwrap_or_else(std::sync::PoisonError::into_inner).0.irq
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.state));
        self.changed.notify_all();
    }
}

impl CpuIrqInput for Inputs {
    fn set_irq(&self, level: bool) {
        self.change(|s| s.irq = level);
    }

    fn set_fiq(&self, level: bool) {
        self.change(|s| s.fiq = level);
    }
}

impl Kick for Inputs {
    fn kick(&self) {
        self.change(|s| s.kicked = true);
    }
}
