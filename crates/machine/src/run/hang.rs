//! Finding out that a sleeping machine can never wake.

use std::sync::Arc;

use armlet_base::AlarmQueue;
use armlet_hv::Vm;

use super::{Counters, Shared};

/// Beside its devices, what could wake a machine whose vCPUs all sleep in WFI.
pub(crate) struct Wakers {
    pub counters: Arc<[Counters]>,
    pub vm: Box<dyn Vm>,
    pub alarms: Arc<AlarmQueue>,
}

impl Wakers {
    /// Why the machine can never go on; `None` if it can, or may.
    ///
    /// The proof: all vCPUs that are on sleep from before the first question asked here until after
    /// the last, so that nothing but alarms and the world outside acts meanwhile. No alarm is left, all
    /// that rang before have woken nobody, and no device waits for the world outside.
    pub fn hung(&self, shared: &Shared) -> Option<String> {
        let before: Vec<_> = self.counters.iter().map(Counters::asleep).collect();
        let on = shared.power.steady()?;
        let may_wake = self.vm.timers_pending() || !self.alarms.is_silent() || shared.bus.awaits_host();
        let slept = |cpu: &usize| before[*cpu].is_some() && before[*cpu] == self.counters[*cpu].asleep();
        if on.is_empty() || may_wake || !on.iter().all(slept) {
            return None;
        }
        let who = if on.len() == 1 { "it sleeps" } else { "all its CPUs sleep" };
        Some(format!("{who} in WFI and nothing can wake it: no timer is set, and no device waits for input"))
    }
}
