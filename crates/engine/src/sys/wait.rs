//! WFI, WFE and the event register (Arm ARM D1.7).

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use armlet_arm::SysReg;
use armlet_arm::esr::Ec;
use armlet_base::clock::ticks_to_ns;

use super::bits::{cntkctl, sctlr};
use crate::block::Mode;
use crate::cpu::{Cpu, Raised};
use crate::port::Port;
use crate::world::{Note, World};

/// Interrupts, masked or not, end a WFI.
const INTERRUPTS: u32 = Port::IRQ | Port::FIQ;
/// What the outer loop must see to.
const BUSINESS: u32 = Port::KICK | Port::TIMER;

/// WFE may end at any time; this bounds it where no event stream does.
const WFE_LIMIT: Duration = Duration::from_millis(10);
/// A WFE on an armed monitor waits for a store of another PE, which raises no signal: it looks that often.
const MONITOR_LOOKS: u32 = 200;
/// And after these looks, in naps of this length.
const MONITOR_NAP: Duration = Duration::from_micros(50);

/// How long a WFI looks for an interrupt before the host's thread sleeps: waking one costs as much.
const SPIN: Duration = Duration::from_micros(60);
/// Most credit.
const MOST_CREDIT: u8 = 8;

/// Whether interrupts have ended sleeps soon of late, as those of other PEs do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Naps {
    /// Sleeps that were short less those that were long.
    credit: u8,
}

impl Naps {
    /// How long to look for an interrupt before sleeping, if that may pay at all.
    fn spin(self, may: bool) -> Duration {
        if may && self.credit > 0 { SPIN } else { Duration::ZERO }
    }

    /// A sleep took this long.
    fn took(&mut self, time: Duration) {
        if time < 4 * SPIN {
            self.credit = (self.credit + 1).min(MOST_CREDIT);
        } else {
            self.credit = self.credit.saturating_sub(1);
        }
    }
}

impl Cpu {
    /// WFI. `Ok(false)` means that there is business first and the instruction is to run again.
    pub(crate) fn wait_for_interrupt(&mut self, world: &mut dyn World) -> Result<bool, Raised> {
        // A stepped WFI completes at once.
        if self.port.signals() & INTERRUPTS != 0 || self.ctl.mode.has(Mode::STEP) {
            return Ok(true);
        }
        self.wait_trap(sctlr::NTWI, 0)?;
        if world.notes() {
            world.note(Note::Wfi { pc: self.insn_pc() });
        }
        if self.slice.is_some() {
            return Ok(self.skip_to_interrupt());
        }
        self.sleep_until_interrupt();
        // An interrupt that a timer brings now, and that is not masked, must find the WFI done: it would be run again
        // behind the handler, and sleep for the next one.
        self.answer_timers();
        Ok(self.port.signals() & INTERRUPTS != 0)
    }

    /// Sleeps until an interrupt is pending, masked or not, or the outer loop has business.
    pub(crate) fn sleep_until_interrupt(&mut self) {
        self.post_mail();
        if self.slice.is_some() {
            self.skip_to_interrupt();
        } else {
            let (begun, spin) = (Instant::now(), self.ctl.naps.spin(self.vm.may_spin));
            self.port.nap(Port::ENDS_WFI, spin);
            self.ctl.naps.took(begun.elapsed());
        }
    }

    /// WFE. `Ok(false)` as above.
    pub(crate) fn wait_for_event(&mut self) -> Result<bool, Raised> {
        if self.port.lower(Port::EVENT) != 0 || self.ctl.mode.has(Mode::STEP) {
            return Ok(true);
        }
        // Interrupts that are masked by PSTATE don't end a WFE.
        let wake = self.ctl.poll | Port::EVENT;
        if self.port.signals() & wake & INTERRUPTS != 0 {
            return Ok(true);
        }
        self.wait_trap(sctlr::NTWE, 1)?;
        if self.slice.is_some() {
            self.skip_to_event(self.event_stream());
            return Ok(true);
        }
        let limit = self.event_stream().map_or(WFE_LIMIT, |until| until.min(WFE_LIMIT));
        if self.exclusive.is_armed() {
            self.wait_for_store(wake, limit);
        } else {
            self.post_mail();
            self.port.wait(wake & !Port::MAIL, Some(limit));
        }
        self.port.lower(Port::EVENT);
        Ok(self.port.signals() & BUSINESS == 0)
    }

    /// SEV: sets the event register of every PE.
    pub(crate) fn send_event(&self) {
        self.vm.ports.iter().for_each(|port| port.raise(Port::EVENT));
    }

    /// SEVL, and what the architecture counts as a local event: sets this PE's event register.
    pub(crate) fn send_event_local(&self) {
        if self.port.signals() & Port::EVENT == 0 {
            self.port.raise(Port::EVENT);
        }
    }

    /// Traps WFI (`ti` 0) or WFE (1) from EL0 if SCTLR_EL1 says so.
    fn wait_trap(&mut self, not_trapped: u64, ti: u64) -> Result<(), Raised> {
        if self.pstate.el() == 0 && !self.sctlr(not_trapped) {
            // CV is set and COND is 0b1110.
            return Err(self.raise(Ec::Wfx, 0x1e << 20 | ti, None));
        }
        Ok(())
    }

    /// Sleeps until the monitored location changes, `wake` is up, or the limit has passed.
    fn wait_for_store(&mut self, wake: u32, limit: Duration) {
        for _ in 0..MONITOR_LOOKS {
            if self.port.signals() & wake != 0 || !self.monitor_holds() {
                return;
            }
            std::hint::spin_loop();
        }
        let mut slept = Duration::ZERO;
        while slept < limit && self.port.signals() & wake == 0 && self.monitor_holds() {
            self.port.wait(wake, Some(MONITOR_NAP.min(limit)));
            slept += MONITOR_NAP;
        }
    }

    /// Whether the location that the exclusive monitor guards still holds what was loaded.
    fn monitor_holds(&self) -> bool {
        let ram = &self.vm.ram;
        let (value, size) = (self.exclusive.value(), self.exclusive.size);
        let at = (self.exclusive.at as usize).wrapping_sub(ram.host_base() as usize);
        if !self.exclusive.is_armed() || at.checked_add(size as usize).is_none_or(|end| end > ram.len()) {
            return false;
        }
        let now = match size {
            1 => ram.load::<u8>(at, Ordering::Relaxed).into(),
            2 => ram.load::<u16>(at, Ordering::Relaxed).into(),
            4 => ram.load::<u32>(at, Ordering::Relaxed).into(),
            8 => ram.load::<u64>(at, Ordering::Relaxed).into(),
            _ => ram.load::<u128>(at, Ordering::Relaxed),
        };
        now == value
    }

    /// Time until the event stream's next event (CNTKCTL_EL1.EVNTEN).
    fn event_stream(&self) -> Option<Duration> {
        let control = self.sys[SysReg::CNTKCTL_EL1];
        if control & cntkctl::EVNTEN == 0 {
            return None;
        }
        // The bit of the counter whose transition is the event, to 1 or, with EVNTDIR, to 0.
        let bit = 1 << (control >> 4 & 0xf);
        let phase = self.virtual_count() & (2 * bit - 1);
        let left = match control & cntkctl::EVNTDIR != 0 {
            false if phase < bit => bit - phase,
            false => 3 * bit - phase,
            true => 2 * bit - phase,
        };
        Some(Duration::from_nanos(ticks_to_ns(left, self.model().counter_hz)))
    }
}
