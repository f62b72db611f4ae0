//! PrimeCell real-time clock PL031 (DDI 0224): seconds since 1970 and an alarm on one of them.
//!
//! The clock runs from the start and RTCCR cannot stop it. A reset forgets the alarm but keeps the
//! time, as a battery would.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use armlet_base::{Access, Alarm, AlarmQueue, IrqLine, MmioDevice};

use crate::mmio::{self, GuestErrors};

const RTCDR: u64 = 0x000;
const RTCMR: u64 = 0x004;
const RTCLR: u64 = 0x008;
const RTCCR: u64 = 0x00c;
const RTCIMSC: u64 = 0x010;
const RTCRIS: u64 = 0x014;
const RTCMIS: u64 = 0x018;
const RTCICR: u64 = 0x01c;
/// RTCPeriphID0, the first identification register.
const RTCPERIPHID0: u64 = 0xfe0;
/// RTCPeriphID0 to 3 and RTCPCellID0 to 3.
const IDS: [u8; 8] = [0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

const NS: u128 = 1_000_000_000;

/// Bytes of the register frame.
pub const SIZE: u64 = 0x1000;

/// A PL031.
pub struct Pl031 {
    clock: Arc<Clock>,
}

struct Clock {
    state: Mutex<State>,
    alarms: Arc<AlarmQueue>,
    key: u64,
    irq: IrqLine,
    errors: GuestErrors,
    /// UTC in nanoseconds when the machine's clock was at zero.
    utc_at_zero: u128,
}

#[derive(Default)]
struct State {
    /// What RTCLR adds to UTC.
    adjust: u32,
    matches: u32,
    mask: bool,
    raised: bool,
    level: bool,
    /// When the alarm is due on the machine's clock.
    due: Option<u64>,
}

/// UTC of the host since 1970; zero if the host's clock is before that.
pub fn host_utc() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

impl Pl031 {
    /// A clock that shows `utc` (since 1970) now, drives its interrupt on `irq`, and keeps its alarm
    /// in `alarms` under `key`, which must be no one else's.
    pub fn new(utc: Duration, alarms: Arc<AlarmQueue>, key: u64, irq: IrqLine) -> Self {
        let since_zero = u128::from(alarms.clock().now_ns());
        let clock = Clock {
            state: Mutex::default(),
            alarms,
            key,
            irq,
            errors: GuestErrors::default(),
            utc_at_zero: utc.as_nanos().saturating_sub(since_zero),
        };
        Self { clock: Arc::new(clock) }
    }

    /// Accesses to registers that do not exist.
    pub fn errors(&self) -> &GuestErrors {
        &self.clock.errors
    }
}

impl MmioDevice for Pl031 {
    fn read(&self, access: Access, offset: u64) -> u64 {
        mmio::read(&self.clock.errors, access, offset, |offset, size| {
            // UEFI's driver looks at identification by the byte.
            let low = size <= 4 && offset.is_multiple_of(4);
            if low { self.clock.read(offset).map(u64::from) } else { None }
        })
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        mmio::write(&self.clock.errors, access, offset, value, |offset, size, value| {
            if size == 4 { self.clock.write(offset, value as u32) } else { None }
        });
    }

    fn reset(&self) {
        let mut state = self.clock.state();
        *state = State { adjust: state.adjust, level: state.level, ..State::default() };
        self.clock.alarms.set(self.clock.key, None, &self.clock);
        self.clock.drive(&mut state);
    }

    fn awaits_host(&self) -> bool {
        false
    }
}

impl Alarm for Clock {
    fn ring(&self) {
        let mut state = self.state();
        if state.due.is_some_and(|due| due <= self.alarms.clock().now_ns()) {
            state.due = None;
            state.raised = true;
            self.drive(&mut state);
        }
    }
}

impl Clock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// UTC in whole seconds.
    fn utc(&self) -> u128 {
        (self.utc_at_zero + u128::from(self.alarms.clock().now_ns())) / NS
    }

    fn drive(&self, state: &mut State) {
        let level = state.raised && state.mask;
        if level != state.level {
            state.level = level;
            self.irq.set(level);
        }
    }

    /// Sets the alarm to the next time RTCDR equals RTCMR, which may be now.
    fn arm(self: &Arc<Self>, state: &mut State) {
        let utc = self.utc();
        let wait = state.matches.wrapping_sub((utc as u32).wrapping_add(state.adjust));
        if wait == 0 {
            state.raised = true;
            state.due = None;
        } else {
            let due = (utc + u128::from(wait)) * NS - self.utc_at_zero;
            state.due = u64::try_from(due).ok();
        }
        self.alarms.set(self.key, state.due, self);
    }

    fn read(&self, offset: u64) -> Option<u32> {
        let state = self.state();
        let value = match offset {
            RTCDR => (self.utc() as u32).wrapping_add(state.adjust),
            RTCMR => state.matches,
            RTCLR => (self.utc() as u32).wrapping_add(state.adjust),
            RTCCR => 1,
            RTCIMSC => state.mask.into(),
            RTCRIS => state.raised.into(),
            RTCMIS => (state.raised && state.mask).into(),
            // Write-only.
            RTCICR => 0,
            _ => return mmio::id_register(&IDS, RTCPERIPHID0, offset).map(|id| id as u32),
        };
        Some(value)
    }

    fn write(self: &Arc<Self>, offset: u64, value: u32) -> Option<()> {
        let mut state = self.state();
        match offset {
            RTCMR => {
                state.matches = value;
                self.arm(&mut state);
            }
            RTCLR => {
                state.adjust = value.wrapping_sub(self.utc() as u32);
                self.arm(&mut state);
            }
            RTCIMSC => state.mask = value & 1 != 0,
            RTCICR => state.raised &= value & 1 == 0,
            RTCDR | RTCCR | RTCRIS | RTCMIS => {}
            _ => return None,
        }
        self.drive(&mut state);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use armlet_base::IrqSink;
    use proptest::prelude::*;

    use super::*;

    struct Wire(Mutex<mpsc::Sender<bool>>);

    impl IrqSink for Wire {
        fn set_level(&self, intid: u32, level: bool) {
            assert_eq!(intid, 34);
            self.0.lock().unwrap().send(level).unwrap();
        }
    }

    fn rtc(utc: Duration) -> (Pl031, mpsc::Receiver<bool>) {
        let (tx, rx) = mpsc::channel();
        let alarms = Arc::new(AlarmQueue::new(armlet_base::Clock::default()));
        let irq = IrqLine::new(Arc::new(Wire(Mutex::new(tx))), 34);
        (Pl031::new(utc, alarms, 7, irq), rx)
    }

    const WORD: Access = Access { cpu: 0, size: 4 };

    fn r(rtc: &Pl031, offset: u64) -> u32 {
        rtc.read(WORD, offset) as u32
    }

    fn w(rtc: &Pl031, offset: u64, value: u32) {
        rtc.write(WORD, offset, value.into());
    }

    #[test]
    fn shows_the_time_it_was_given_and_takes_another() {
        let (rtc, _rx) = rtc(Duration::from_secs(1_700_000_000));
        assert!((1_700_000_000..1_700_000_060).contains(&r(&rtc, RTCDR)));
        assert_eq!(r(&rtc, RTCCR), 1);
        w(&rtc, RTCCR, 0);
        assert_eq!(r(&rtc, RTCCR), 1, "cannot be stopped");
        w(&rtc, RTCLR, u32::MAX - 100);
        assert!(r(&rtc, RTCDR) >= u32::MAX - 100);
        w(&rtc, RTCMR, 5);
        w(&rtc, RTCIMSC, 1);
        rtc.reset();
        assert!(r(&rtc, RTCDR) >= u32::MAX - 100, "reset keeps the time");
        assert_eq!((r(&rtc, RTCMR), r(&rtc, RTCIMSC)), (0, 0), "but not the alarm");
        let ids: Vec<_> = (0..8).map(|i| r(&rtc, 0xfe0 + 4 * i)).collect();
        assert_eq!(ids, [0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
        assert_eq!(rtc.errors().count(), 0);
        assert_eq!(rtc.read(Access { cpu: 0, size: 1 }, RTCPERIPHID0 + 16), 0x0d, "by the byte");
        rtc.read(Access { cpu: 0, size: 1 }, RTCDR + 1);
        assert_eq!(rtc.errors().count(), 1);
    }

    #[test]
    fn the_alarm_rings_when_the_second_begins() {
        let (rtc, rx) = rtc(Duration::from_millis(1_000_900));
        w(&rtc, RTCIMSC, 1);
        w(&rtc, RTCMR, 1001);
        assert!(rx.recv_timeout(Duration::from_secs(20)).unwrap());
        assert!(r(&rtc, RTCDR) >= 1001);
        assert_eq!((r(&rtc, RTCRIS), r(&rtc, RTCMIS)), (1, 1));
        w(&rtc, RTCIMSC, 0);
        assert!(!rx.try_recv().unwrap(), "masked");
        assert_eq!((r(&rtc, RTCRIS), r(&rtc, RTCMIS)), (1, 0));
        w(&rtc, RTCICR, 1);
        w(&rtc, RTCIMSC, 1);
        assert!(rx.try_recv().is_err(), "cleared");
    }

    #[test]
    fn a_match_with_this_second_rings_at_once() {
        let (rtc, rx) = rtc(Duration::from_secs(1000));
        w(&rtc, RTCIMSC, 1);
        w(&rtc, RTCMR, 4000);
        assert!(rx.try_recv().is_err());
        w(&rtc, RTCLR, 4000);
        assert!(rx.try_recv().unwrap());
        rtc.reset();
        assert!(!rx.try_recv().unwrap(), "reset lowers the line");
    }

    proptest! {
        #[test]
        fn no_access_panics(
            utc in prop_oneof![any::<u64>(), Just(0), Just(4_294_967_295)],
            ops in proptest::collection::vec(
                (prop_oneof![8 => (0..9_u64).prop_map(|o| o * 4), 1 => any::<u64>()], 0..10_u8, any::<Option<u64>>()),
                1..40,
            ),
        ) {
            let (rtc, _rx) = rtc(Duration::from_secs(utc));
            for (offset, size, value) in ops {
                let access = Access { cpu: 0, size: if size > 8 { 4 } else { size } };
                match value {
                    None => { rtc.read(access, offset); }
                    Some(value) => rtc.write(access, offset, value),
                }
                let state = rtc.clock.state();
                prop_assert_eq!(state.level, state.raised && state.mask);
            }
        }
    }
}
