//! Which vCPUs are on, and whether the machine goes on: the one place vCPU threads meet.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use armlet_arm::smccc::psci::Status;
use armlet_hv::{GuestMode, Kick};

use super::Ending;
use crate::console::lock;
use crate::error::MachineError;

/// Where a vCPU starts: at EL1h, in AArch32 state in Supervisor mode; interrupts masked, MMU off, all other
/// registers zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Program counter; in AArch32 state bit 0 chooses T32.
    pub pc: u64,
    /// X0 to X2: device tree, boot information or PSCI context.
    pub regs: [u64; 3],
    /// SP_EL1 or R13_svc, where the board sets one.
    pub sp: Option<u64>,
    /// AArch64 or AArch32, the same for all vCPUs.
    pub mode: GuestMode,
}

/// What becomes of the machine once all vCPUs have stopped.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It ends.
    End(Ending),
    /// The backend failed.
    Failed(MachineError),
    /// It starts again.
    Reset,
}

#[derive(Clone, Copy, Debug)]
enum Cpu {
    Off,
    /// CPU_ON was called; its thread has not taken it yet.
    Pending(Start),
    On,
    /// On, and about to come back from a power-down suspend.
    Resuming(Start),
    /// On, asleep without anything that could wake it.
    Hung(&'static str),
}

struct State {
    cpus: Vec<Cpu>,
    /// Threads between `next` and the call that leaves.
    running: usize,
    verdict: Option<Verdict>,
    /// No vCPU may start: a verdict is waiting or being carried out.
    halted: bool,
    quit: bool,
}

/// The power state of a machine and its vCPUs.
pub struct Power {
    state: Mutex<State>,
    changed: Condvar,
    kickers: Vec<Option<Arc<dyn Kick>>>,
    own_psci: bool,
}

impl Power {
    /// All vCPUs off; `kickers` interrupt them when the machine is to stop.
    pub fn new(kickers: Vec<Option<Arc<dyn Kick>>>) -> Self {
        let cpus = vec![Cpu::Off; kickers.len()];
        let state = State { cpus, running: 0, verdict: None, halted: true, quit: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), kickers, own_psci: false }
    }

    /// The same where the backend itself serves PSCI: all vCPUs run at once, and those that are off wait there.
    pub fn with_own_psci(mut self, own: bool) -> Self {
        self.own_psci = own;
        self
    }

    /// True if `cpu` runs without having been turned on here: the backend's PSCI will.
    pub(crate) fn is_parked(&self, cpu: usize) -> bool {
        self.own_psci && cpu != 0
    }

    /// Number of vCPUs.
    pub fn cpus(&self) -> usize {
        self.kickers.len()
    }

    /// Turns `cpu` on at `start` (PSCI CPU_ON).
    pub fn cpu_on(&self, cpu: usize, start: Start) -> Status {
        let mut state = lock(&self.state);
        match state.cpus.get(cpu) {
            None => Status::InvalidParameters,
            Some(Cpu::Off) => {
                state.cpus[cpu] = Cpu::Pending(start);
                self.changed.notify_all();
                Status::Success
            }
            Some(Cpu::Pending(_)) => Status::OnPending,
            Some(_) => Status::AlreadyOn,
        }
    }

    /// 0 if any of `cpus` is on, else 2 if any is about to be, else 1; `None` without any (PSCI
    /// AFFINITY_INFO).
    pub fn affinity_info(&self, cpus: &[usize]) -> Option<u64> {
        let state = lock(&self.state);
        let info = |cpu: &usize| match state.cpus[*cpu] {
            Cpu::Off => 1,
            Cpu::Pending(_) => 2,
            _ => 0,
        };
        let infos: Vec<u64> = cpus.iter().map(info).collect();
        [0, 2, 1].into_iter().find(|i| infos.contains(i))
    }

    /// The vCPUs that are on.
    pub fn on(&self) -> Vec<usize> {
        let state = lock(&self.state);
        let off = |cpu: &Cpu| matches!(cpu, Cpu::Off | Cpu::Hung(_));
        state.cpus.iter().enumerate().filter(|(_, cpu)| !off(cpu)).map(|(index, _)| index).collect()
    }

    /// Makes `cpu`, which is on, start again at `start` when it turns itself off next.
    pub fn resume_at(&self, cpu: usize, start: Start) {
        lock(&self.state).cpus[cpu] = Cpu::Resuming(start);
    }

    /// Waits until `cpu` is to run, and from where; `None` when its thread is to end.
    pub fn next(&self, cpu: usize) -> Option<Start> {
        let state = lock(&self.state);
        let may_go = |s: &State| s.quit || (!s.halted && matches!(s.cpus[cpu], Cpu::Pending(_)));
        let wait = self.changed.wait_while(state, |s| !may_go(s));
        let mut state = wait.unwrap_or_else(PoisonError::into_inner);
        match state.cpus[cpu] {
            Cpu::Pending(start) if !state.quit => {
                state.cpus[cpu] = Cpu::On;
                state.running += 1;
                Some(start)
            }
            _ => None,
        }
    }

    /// `cpu` turned itself off, or suspends to come back at its entry.
    pub fn off(&self, cpu: usize) {
        self.leave(|cpus| {
            cpus[cpu] = match cpus[cpu] {
                Cpu::Resuming(start) => Cpu::Pending(start),
                _ => Cpu::Off,
            }
        });
    }

    /// `cpu` can never go on.
    pub(crate) fn hung(&self, cpu: usize, why: &'static str) {
        self.leave(|cpus| cpus[cpu] = Cpu::Hung(why));
    }

    /// The thread of a vCPU stopped running it because of a verdict.
    pub(crate) fn stopped(&self) {
        self.leave(|_| {});
    }

    fn leave(&self, change: impl FnOnce(&mut [Cpu])) {
        let mut state = lock(&self.state);
        change(&mut state.cpus);
        state.running = state.running.saturating_sub(1);
        let alive = |cpu: &Cpu| !matches!(cpu, Cpu::Off | Cpu::Hung(_));
        if state.verdict.is_none() && !state.halted && !state.cpus.iter().any(alive) {
            let why = state.cpus.iter().find_map(|cpu| match cpu {
                Cpu::Hung(why) => Some((*why).to_owned()),
                _ => None,
            });
            let why = why.unwrap_or_else(|| "every CPU turned itself off (PSCI CPU_OFF)".to_owned());
            state.verdict = Some(Verdict::End(Ending::Hung(why)));
            state.halted = true;
        }
        self.changed.notify_all();
    }

    /// Decides what becomes of the machine and stops its vCPUs. The first decision stands, except that
    /// an ending takes the place of a reset that has not happened yet.
    pub(crate) fn decide(&self, verdict: Verdict) {
        {
            let mut state = lock(&self.state);
            match (&state.verdict, &verdict) {
                (None, _) | (Some(Verdict::Reset), Verdict::End(_) | Verdict::Failed(_)) => {
                    state.verdict = Some(verdict);
                }
                _ => {}
            }
            state.halted = true;
        }
        self.changed.notify_all();
        self.kickers.iter().flatten().for_each(|kicker| kicker.kick());
    }

    /// True once vCPUs are to stop.
    pub(crate) fn halted(&self) -> bool {
        lock(&self.state).halted
    }

    /// Waits for a verdict and for all vCPUs to have stopped; `None` if that takes longer than `limit`.
    pub(crate) fn settled(&self, limit: Duration) -> Option<Verdict> {
        let state = lock(&self.state);
        let wait = self.changed.wait_timeout_while(state, limit, |s| s.verdict.is_none() || s.running > 0);
        let (mut state, timeout) = wait.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() { None } else { state.verdict.take() }
    }

    /// The vCPUs that are on, if no other will be unless one of them or a verdict turns it on.
    pub(crate) fn steady(&self) -> Option<Vec<usize>> {
        let state = lock(&self.state);
        let mut on = Vec::new();
        for (index, cpu) in state.cpus.iter().enumerate() {
            match cpu {
                Cpu::On => on.push(index),
                Cpu::Off | Cpu::Hung(_) => {}
                Cpu::Pending(_) | Cpu::Resuming(_) => return None,
            }
        }
        (!state.halted).then_some(on)
    }

    /// Turns vCPU 0 on at `start` and the others off, as far as they are not the backend's to turn on: power-on and
    /// reset. A verdict that came meanwhile keeps the machine halted.
    pub(crate) fn restart(&self, start: Start) {
        let mut state = lock(&self.state);
        state.cpus.fill(if self.own_psci { Cpu::Pending(start) } else { Cpu::Off });
        if let Some(boot) = state.cpus.first_mut() {
            *boot = Cpu::Pending(start);
        }
        state.halted = state.verdict.is_some();
        self.changed.notify_all();
    }

    /// Ends all threads waiting in [`Power::next`].
    pub(crate) fn quit(&self) {
        lock(&self.state).quit = true;
        self.changed.notify_all();
    }
}
