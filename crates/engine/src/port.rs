//! The door of a PE: everything that other threads do to it goes through here.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use armlet_base::{Alarm, CpuIrqInput};

use crate::mmu::shootdown::Mailbox;

/// Reasons for a PE to look up from its code, as bits of one word that it polls between blocks.
#[derive(Default)]
pub struct Port {
    signals: AtomicU32,
    /// Guards sleeping: a signal is raised before the lock is taken, so no wake-up is lost.
    sleeping: Mutex<()>,
    woken: Condvar,
    /// Instructions retired, as of the last time the PE looked up; for displays on other threads.
    pub progress: Arc<AtomicU64>,
    /// Times the PE fell asleep in WFI and woke from it: odd while it sleeps.
    naps: AtomicU64,
    /// Maintenance that other PEs ask for.
    pub(crate) mail: Mailbox,
}

impl Port {
    /// The IRQ input is high.
    pub const IRQ: u32 = 1 << 0;
    /// The FIQ input is high.
    pub const FIQ: u32 = 1 << 1;
    /// Return from `run`.
    pub const KICK: u32 = 1 << 2;
    /// Messages from other PEs (TLB and instruction-cache maintenance) wait.
    pub const MAIL: u32 = 1 << 3;
    /// A timer's deadline has passed: re-evaluate its output.
    pub const TIMER: u32 = 1 << 4;
    /// The event register: set by SEV and by what the architecture counts as a wake-up event. Not polled.
    pub const EVENT: u32 = 1 << 5;

    /// What ends a WFI: interrupts, masked or not, and what the outer loop must see to.
    pub const ENDS_WFI: u32 = Self::IRQ | Self::FIQ | Self::KICK | Self::TIMER;

    /// The PE itself must look up between any two blocks: it steps, or breakpoints are in use.
    pub const LOOK: u32 = 1 << 6;
    /// Executors run a block at a time: always up in virtual time, see [`crate::slice`].
    pub const BLOCKWISE: u32 = 1 << 7;

    /// Signals that are up.
    #[inline(always)]
    pub fn signals(&self) -> u32 {
        self.signals.load(Ordering::Relaxed)
    }

    /// Address of the word that [`Port::signals`] reads, for generated code.
    #[cfg(jit)]
    pub(crate) fn signals_address(&self) -> u64 {
        self.signals.as_ptr() as u64
    }

    /// Raises signals and wakes the PE if it sleeps.
    pub fn raise(&self, signals: u32) {
        if self.signals.fetch_or(signals, Ordering::SeqCst) & signals != signals {
            drop(self.sleeping.lock().unwrap());
            self.woken.notify_all();
        }
    }

    /// Lowers signals; returns those of them that were up.
    pub fn lower(&self, signals: u32) -> u32 {
        self.signals.fetch_and(!signals, Ordering::SeqCst) & signals
    }

    /// Sleeps until one of `signals` is up, or for `limit` at most. Other PEs don't wait for it meanwhile:
    /// before it runs guest code again, it must answer [`Port::MAIL`].
    pub fn wait(&self, signals: u32, limit: Option<Duration>) {
        self.spin_and_wait(signals, Duration::ZERO, limit);
    }

    /// As [`Port::wait`], after looking for the signals without a break for `spin`.
    fn spin_and_wait(&self, signals: u32, spin: Duration, limit: Option<Duration>) {
        let running = self.mail.set_running(false);
        if !spin.is_zero() && self.spin(signals, spin) {
            self.mail.set_running(running);
            return;
        }
        let guard = self.sleeping.lock().unwrap();
        let asleep = |_: &mut ()| self.signals.load(Ordering::SeqCst) & signals == 0;
        match limit {
            Some(limit) => drop(self.woken.wait_timeout_while(guard, limit, asleep).unwrap()),
            None => drop(self.woken.wait_while(guard, asleep).unwrap()),
        }
        self.mail.set_running(running);
    }

    /// Looks for one of `signals` for this long. True if it came up.
    fn spin(&self, signals: u32, limit: Duration) -> bool {
        let begun = Instant::now();
        loop {
            for _ in 0..32 {
                if self.signals() & signals != 0 {
                    return true;
                }
                std::hint::spin_loop();
            }
            if begun.elapsed() >= limit {
                return false;
            }
        }
    }

    /// Sleeps until one of `signals` is up, as [`Port::asleep`] tells other threads, having looked for it
    /// for `spin`.
    pub(crate) fn nap(&self, signals: u32, spin: Duration) {
        self.naps.fetch_add(1, Ordering::SeqCst);
        self.spin_and_wait(signals, spin, None);
        self.naps.fetch_add(1, Ordering::SeqCst);
    }

    /// A number of its own for each sleep in WFI, as long as none of `signals` is up to end it; `None` if
    /// the PE is awake.
    pub fn asleep(&self, signals: u32) -> Option<u64> {
        let naps = self.naps.load(Ordering::SeqCst);
        (naps % 2 == 1 && self.signals.load(Ordering::SeqCst) & signals == 0).then_some(naps)
    }

    fn set(&self, signal: u32, level: bool) {
        if level {
            self.raise(signal);
        } else {
            self.lower(signal);
        }
    }
}

impl CpuIrqInput for Port {
    fn set_irq(&self, level: bool) {
        self.set(Self::IRQ, level);
    }
    fn set_fiq(&self, level: bool) {
        self.set(Self::FIQ, level);
    }
}

impl Alarm for Port {
    fn ring(&self) {
        self.raise(Self::TIMER);
    }
}
