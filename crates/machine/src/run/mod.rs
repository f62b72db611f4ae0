//! Running a machine: a thread for each vCPU, and one that waits for what they decide.

mod control;
mod hang;
mod io;
pub mod power;
mod thread;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use armlet_base::{Bus, GuestRam};
use armlet_hv::{HvError, Observer, Sleeper, Vcpu};

pub use control::MachineControl;
pub(crate) use hang::Wakers;

use crate::console::Console;
use crate::error::MachineError;
use crate::firmware::Firmware;
use crate::loader::Load;
use crate::pin;
use crate::statistics::Accounts;
use power::{Power, Start, Verdict};

/// How a machine came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The guest turned the machine off.
    PowerOff,
    /// The guest asked for a reset, and [`crate::MachineConfig::no_reboot`] is set.
    Reset,
    /// The guest left with an exit status.
    Exit(u32),
    /// [`MachineControl::stop`] was called.
    Stopped,
    /// No CPU can ever go on; why.
    Hung(String),
    /// A CPU got into a state it can't leave, or its thread failed; which and why.
    Dead(String),
}

/// What the threads of a running machine share.
pub(crate) struct Shared {
    pub bus: Bus,
    /// The page whose stores are requests, on boards that have one.
    pub requests: Option<Range<u64>>,
    pub firmware: Firmware,
    pub power: Arc<Power>,
    pub console: Arc<Console>,
    pub observers: Vec<Arc<dyn Observer>>,
    pub accounts: Arc<Accounts>,
}

/// What a vCPU shows of itself to other threads.
#[derive(Clone, Default)]
pub(crate) struct Counters {
    pub retired: Option<Arc<AtomicU64>>,
    pub sleeper: Option<Arc<dyn Sleeper>>,
}

impl Counters {
    /// As [`Sleeper::asleep`]; `None` also where the backend can't tell.
    pub fn asleep(&self) -> Option<u64> {
        self.sleeper.as_ref()?.asleep()
    }
}

/// What a machine does at power-on and reset.
pub(crate) struct Boot {
    pub ram: Arc<GuestRam>,
    pub loads: Vec<Load>,
    pub start: Start,
    pub no_reboot: bool,
    /// The host CPU of each vCPU's thread, if it is not left to the host.
    pub pin: Vec<usize>,
}

impl Boot {
    /// Gives up what can be read again for a reset: a kernel is larger than all else that armlet has in memory.
    pub fn release(&mut self) {
        for load in self.loads.iter_mut().filter(|load| load.source.is_some()) {
            load.data = Vec::new();
        }
    }

    /// Fills guest memory with the payload, initrd and device tree.
    pub fn load(&self) -> Result<(), MachineError> {
        for load in &self.loads {
            let again = match &load.source {
                Some(source) if load.data.is_empty() => source.read(),
                _ => Ok(Vec::new()),
            };
            let again = again.map_err(|error| MachineError::Reload { what: load.what, error })?;
            let data = if load.data.is_empty() { &again } else { &load.data };
            self.ram.write(load.gpa, data)?;
            let tail = load.len.saturating_sub(data.len() as u64);
            self.ram.zero(load.gpa + data.len() as u64, tail as usize)?;
        }
        Ok(())
    }
}

/// How often a machine is looked at for whether it can ever go on.
const LOOK: Duration = Duration::from_millis(200);

/// Runs the vCPUs until the machine ends.
pub(crate) fn run(
    shared: &Shared,
    vcpus: Vec<Box<dyn Vcpu>>,
    boot: &Boot,
    wakers: &Wakers,
) -> Result<Ending, MachineError> {
    std::thread::scope(|scope| {
        let started = (|| {
            let flusher = std::thread::Builder::new().name("console".into());
            flusher.spawn_scoped(scope, || shared.console.keep_flushed())?;
            for (cpu, vcpu) in vcpus.into_iter().enumerate() {
                let thread = std::thread::Builder::new().name(format!("vcpu {cpu}"));
                let pin = boot.pin.get(cpu).copied();
                thread.spawn_scoped(scope, move || {
                    if let Some(source) = pin.and_then(|host| pin::pin(host).err()) {
                        let what = format!("can't keep vCPU {cpu} on its host CPU");
                        shared.power.decide(Verdict::Failed(HvError::Os { what, source }.into()));
                    }
                    thread::serve(cpu, vcpu, shared);
                })?;
            }
            Ok(())
        })();
        if let Err(source) = started {
            let what = "can't start a thread for each vCPU; use fewer --cpus".to_owned();
            shared.power.decide(Verdict::Failed(HvError::Os { what, source }.into()));
        }
        shared.power.restart(boot.start);
        let ending = conduct(shared, boot, wakers);
        shared.power.quit();
        shared.console.close();
        ending
    })
}

fn conduct(shared: &Shared, boot: &Boot, wakers: &Wakers) -> Result<Ending, MachineError> {
    loop {
        let Some(verdict) = shared.power.settled(LOOK) else {
            if let Some(why) = wakers.hung(shared) {
                shared.power.decide(Verdict::End(Ending::Hung(why)));
            }
            continue;
        };
        match verdict {
            Verdict::End(ending) => return Ok(ending),
            Verdict::Failed(error) => return Err(error),
            Verdict::Reset if boot.no_reboot => return Ok(Ending::Reset),
            Verdict::Reset => {
                shared.console.flush();
                boot.load()?;
                // First the interrupt controller, which takes all wires for low then; devices know better.
                wakers.vm.reset()?;
                shared.bus.reset();
                shared.power.restart(boot.start);
            }
        }
    }
}
