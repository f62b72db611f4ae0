//! What other threads can do to a running machine.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use armlet_devices::pl061::Button;
use armlet_devices::virtio::balloon::Balloon;
use armlet_devices::virtio::console::{Console, Window};

use super::power::{Power, Verdict};
use super::{Counters, Ending};
use crate::statistics::{Accounts, VcpuStatistics};

/// Stops and watches a machine from any thread. Clones act on the same machine.
#[derive(Clone)]
pub struct MachineControl {
    pub(crate) power: Arc<Power>,
    pub(crate) counters: Arc<[Counters]>,
    pub(crate) button: Option<Arc<Button>>,
    pub(crate) balloon: Option<Arc<Balloon>>,
    pub(crate) console: Option<Arc<Console>>,
    pub(crate) accounts: Arc<Accounts>,
}

impl MachineControl {
    /// Ends the machine with [`Ending::Stopped`], now or as soon as it runs.
    pub fn stop(&self) {
        self.power.decide(Verdict::End(Ending::Stopped));
    }

    /// Presses the power button: a guest that looks shuts down. False if the machine has none.
    pub fn press_power_button(&self) -> bool {
        self.button.as_ref().map(Button::press).is_some()
    }

    /// The memory balloon. `None` if the machine has none, or runs in virtual time, in which nobody may disturb it.
    pub fn balloon(&self) -> Option<&Balloon> {
        self.balloon.as_deref()
    }

    /// Tells the guest how large the window of its console is. A UART has no way to say that.
    pub fn resize_console(&self, window: Window) {
        if let Some(console) = &self.console {
            console.resize(window);
        }
    }

    /// Guest instructions retired so far by all vCPUs; 0 where the backend can't tell.
    pub fn retired(&self) -> u64 {
        let counters = self.counters.iter().filter_map(|c| c.retired.as_ref());
        counters.fold(0, |sum, counter| sum.wrapping_add(counter.load(Ordering::Relaxed)))
    }

    /// What each vCPU has counted. Complete once [`crate::Machine::run`] has returned, empty before.
    pub fn statistics(&self) -> Vec<VcpuStatistics> {
        self.accounts.all()
    }

    /// How many vCPUs are on, and how many there are.
    pub fn cpus_on(&self) -> (usize, usize) {
        (self.power.on().len(), self.power.cpus())
    }

    /// True if every vCPU waits: asleep in WFI, or off. False where the backend can't tell.
    pub fn is_idle(&self) -> bool {
        self.power.on().into_iter().all(|cpu| self.counters[cpu].asleep().is_some())
    }
}
