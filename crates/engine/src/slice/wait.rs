//! WFI and WFE in virtual time: nobody sleeps, time is skipped.

use std::time::Duration;

use crate::cpu::Cpu;
use crate::port::Port;

impl Cpu {
    /// WFI: skips the time to the next alarm until one leads to an interrupt, masked or not. With no alarm
    /// set the PE sleeps, as only the world outside can wake it. False if a kick came first.
    pub(crate) fn skip_to_interrupt(&mut self) -> bool {
        while self.port.signals() & (Port::IRQ | Port::FIQ) == 0 {
            let (now, here) = (self.time_ns(), self.retired_here());
            let Some(slice) = &mut self.slice else { return true };
            if self.port.signals() & Port::KICK != 0 {
                // The slice ends before the WFI, which is to run again.
                slice.end_at(here);
                return false;
            }
            match slice.time.next_alarm() {
                Some(at) => self.skip_to(at.max(now)),
                None => self.port.nap(Port::ENDS_WFI, Duration::ZERO),
            }
            self.answer_timers();
        }
        true
    }

    /// WFE: skips the time to the next event of the event stream, `stream` from now, if there is one and
    /// nothing comes before.
    pub(crate) fn skip_to_event(&mut self, stream: Option<Duration>) {
        let Some(until) = stream else { return };
        if self.port.signals() & self.unmasked() != 0 {
            return;
        }
        let at = self.time_ns().saturating_add(until.as_nanos() as u64);
        let alarm = self.slice.as_ref().and_then(|slice| slice.time.next_alarm());
        self.skip_to(alarm.map_or(at, |alarm| alarm.min(at)));
        self.answer_timers();
    }

    /// Makes it `at_ns`, if that is to come, and rings what is due.
    fn skip_to(&mut self, at_ns: u64) {
        let now = self.time_ns();
        if let Some(slice) = &mut self.slice {
            let at = at_ns.max(now);
            slice.skipped += at - now;
            slice.time.set_now(at);
            slice.time.ring_due();
        }
    }
}
