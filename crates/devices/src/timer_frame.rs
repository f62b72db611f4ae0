//! The memory-mapped generic timer: a CNTBaseN frame (Arm ARM DDI 0487, chapter I2 and section I5.7).
//!
//! One physical and one virtual timer on the machine's counter. The virtual offset is zero, so both
//! counters are one. CNTEL0ACR is only stored: an access does not say which exception level made it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use armlet_base::clock::ticks_to_ns;
use armlet_base::{Access, Alarm, AlarmQueue, IrqLine, MmioDevice};

use crate::mmio::{self, GuestErrors};

const CNTPCT: u64 = 0x000;
const CNTVCT: u64 = 0x008;
const CNTFRQ: u64 = 0x010;
const CNTEL0ACR: u64 = 0x014;
const CNTVOFF: u64 = 0x018;
/// The physical timer's registers; the virtual timer's follow at [`TIMER`] bytes from them.
const CNTP_CVAL: u64 = 0x020;
const CNTV_CTL_END: u64 = 0x040;
/// CounterID0 to 11: nothing to tell.
const COUNTERID: u64 = 0xfd0;

/// Bytes of one timer's registers: CVAL, TVAL, CTL.
const TIMER: u64 = 0x10;
const CVAL: u64 = 0x0;
const TVAL: u64 = 0x8;
const CTL: u64 = 0xc;

const CTL_ENABLE: u32 = 1 << 0;
const CTL_IMASK: u32 = 1 << 1;
const CTL_ISTATUS: u32 = 1 << 2;
/// EL0PCTEN, EL0VCTEN, EL0VTEN, EL0PTEN.
const EL0ACR_MASK: u32 = 0x303;

/// Bytes of the register frame.
pub const SIZE: u64 = 0x1000;

/// A CNTBaseN frame.
pub struct TimerFrame {
    /// Physical, virtual.
    timers: [Arc<Timer>; 2],
    el0acr: AtomicU32,
    errors: GuestErrors,
}

struct Timer {
    state: Mutex<State>,
    hz: u32,
    alarms: Arc<AlarmQueue>,
    key: u64,
    irq: IrqLine,
}

#[derive(Clone, Copy, Default)]
struct State {
    compare: u64,
    /// ENABLE and IMASK.
    ctl: u32,
    level: bool,
    /// The deadline in the alarm queue.
    armed: Option<u64>,
}

impl TimerFrame {
    /// Timers that count `hz` on the clock of `alarms`, drive their interrupts on `physical` and
    /// `virtual_`, and keep their alarms under the two `keys`, which must be no one else's.
    ///
    /// # Panics
    /// If `hz` is zero: a mistake of the board.
    pub fn new(
        hz: u32,
        alarms: Arc<AlarmQueue>,
        keys: [u64; 2],
        physical: IrqLine,
        virtual_: IrqLine,
    ) -> Self {
        assert_ne!(hz, 0, "a timer that does not count");
        let timer =
            |key, irq| Arc::new(Timer { state: Mutex::default(), hz, alarms: alarms.clone(), key, irq });
        Self {
            timers: [timer(keys[0], physical), timer(keys[1], virtual_)],
            el0acr: AtomicU32::new(0),
            errors: GuestErrors::default(),
        }
    }

    /// Accesses to registers that do not exist.
    pub fn errors(&self) -> &GuestErrors {
        &self.errors
    }

    fn read_register(&self, offset: u64, size: u8) -> Option<u64> {
        let [physical, _] = &self.timers;
        if !matches!(size, 4 | 8) {
            return None;
        }
        // The half of a 64-bit register that a word access at `offset` reads.
        let part = |value: u64| if size == 8 { value } else { value >> (8 * (offset & 4)) & 0xffff_ffff };
        match (offset & !4, offset, size) {
            (CNTPCT | CNTVCT, ..) => Some(part(physical.count())),
            (CNTVOFF, ..) => Some(0),
            (_, CNTFRQ, 4) => Some(physical.hz.into()),
            (_, CNTEL0ACR, 4) => Some(self.el0acr.load(Ordering::Relaxed).into()),
            (_, CNTP_CVAL..CNTV_CTL_END, _) => {
                let (timer, register) = self.timer(offset);
                match (register, size) {
                    (CVAL, _) | (4, 4) => Some(part(timer.state().compare)),
                    (TVAL, 4) => Some(timer.state().compare.wrapping_sub(timer.count()) & 0xffff_ffff),
                    (CTL, 4) => Some(timer.read_ctl().into()),
                    _ => None,
                }
            }
            (_, COUNTERID..SIZE, 4) => Some(0),
            _ => None,
        }
    }

    fn write_register(&self, offset: u64, size: u8, value: u64) -> Option<()> {
        match (offset, size) {
            (CNTEL0ACR, 4) => self.el0acr.store(value as u32 & EL0ACR_MASK, Ordering::Relaxed),
            // Read-only.
            (CNTPCT..CNTEL0ACR, 4) | (CNTVOFF..CNTP_CVAL, 4) | (CNTPCT | CNTVCT | CNTVOFF, 8) => {}
            (CNTP_CVAL..CNTV_CTL_END, 4 | 8) => {
                let (timer, register) = self.timer(offset);
                let mut state = timer.state();
                match (register, size) {
                    (CVAL, 8) => state.compare = value,
                    (CVAL, _) => state.compare = state.compare & !0xffff_ffff | value,
                    (4, 4) => state.compare = state.compare & 0xffff_ffff | value << 32,
                    (TVAL, 4) => state.compare = timer.count().wrapping_add(value as i32 as u64),
                    (CTL, 4) => state.ctl = value as u32 & (CTL_ENABLE | CTL_IMASK),
                    _ => return None,
                }
                timer.update(&mut state);
            }
            _ => return None,
        }
        Some(())
    }

    /// The timer whose register is at `offset`, and the register's offset in the timer.
    fn timer(&self, offset: u64) -> (&Arc<Timer>, u64) {
        (&self.timers[usize::from(offset >= CNTP_CVAL + TIMER)], offset % TIMER)
    }
}

impl MmioDevice for TimerFrame {
    fn read(&self, access: Access, offset: u64) -> u64 {
        mmio::read(&self.errors, access, offset, |offset, size| self.read_register(offset, size))
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        mmio::write(&self.errors, access, offset, value, |offset, size, value| {
            self.write_register(offset, size, value)
        });
    }

    fn reset(&self) {
        self.el0acr.store(0, Ordering::Relaxed);
        for timer in &self.timers {
            let mut state = timer.state();
            (state.compare, state.ctl) = (0, 0);
            timer.update(&mut state);
        }
    }

    fn awaits_host(&self) -> bool {
        false
    }
}

impl Timer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn count(&self) -> u64 {
        self.alarms.clock().ticks(self.hz.into())
    }

    fn read_ctl(self: &Arc<Self>) -> u32 {
        let mut state = self.state();
        let met = self.update(&mut state);
        state.ctl | if met { CTL_ISTATUS } else { 0 }
    }

    /// Drives the interrupt and sets the alarm by what the state is now. Returns ISTATUS.
    fn update(self: &Arc<Self>, state: &mut State) -> bool {
        let met = self.drive(state);
        let waits = state.ctl == CTL_ENABLE && !met;
        let deadline = waits.then(|| ticks_to_ns(state.compare, self.hz.into()));
        if deadline != state.armed {
            state.armed = deadline;
            self.alarms.set(self.key, deadline, self);
        }
        met
    }

    fn drive(&self, state: &mut State) -> bool {
        let met = state.ctl & CTL_ENABLE != 0 && self.count() >= state.compare;
        let level = met && state.ctl & CTL_IMASK == 0;
        if level != state.level {
            state.level = level;
            self.irq.set(level);
        }
        met
    }
}

impl Alarm for Timer {
    fn ring(&self) {
        let mut state = self.state();
        self.drive(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use armlet_base::{Clock, IrqSink};
    use proptest::prelude::*;

    use super::*;

    struct Wire(Mutex<mpsc::Sender<(u32, bool)>>);

    impl IrqSink for Wire {
        fn set_level(&self, intid: u32, level: bool) {
            self.0.lock().unwrap().send((intid, level)).unwrap();
        }
    }

    const P: u32 = 40;
    const V: u32 = 41;
    const HZ: u32 = 62_500_000;
    // Of CNTx_CTL below: 1 is ENABLE, 2 IMASK, 4 ISTATUS.

    fn frame(hz: u32) -> (TimerFrame, mpsc::Receiver<(u32, bool)>) {
        let (tx, rx) = mpsc::channel();
        let wire = Arc::new(Wire(Mutex::new(tx)));
        let alarms = Arc::new(AlarmQueue::new(Clock::default()));
        let line = |intid| IrqLine::new(wire.clone(), intid);
        (TimerFrame::new(hz, alarms, [1, 2], line(P), line(V)), rx)
    }

    fn r(frame: &TimerFrame, size: u8, offset: u64) -> u64 {
        frame.read(Access { cpu: 0, size }, offset)
    }

    fn w(frame: &TimerFrame, size: u8, offset: u64, value: u64) {
        frame.write(Access { cpu: 0, size }, offset, value);
    }

    #[test]
    fn counts_and_says_how_fast() {
        let (frame, _rx) = frame(HZ);
        assert_eq!(r(&frame, 4, CNTFRQ), u64::from(HZ));
        let before = r(&frame, 8, CNTPCT);
        std::thread::sleep(Duration::from_millis(2));
        let after = r(&frame, 8, CNTVCT);
        assert!(after - before >= u64::from(HZ) / 500, "one counter for both");
        // As Linux's arch_timer reads it: high, low, high.
        assert_eq!(r(&frame, 4, CNTVCT + 4), 0);
        assert!(r(&frame, 4, CNTVCT) >= after);
        w(&frame, 4, CNTFRQ, 1);
        w(&frame, 8, CNTPCT, 0);
        assert_eq!((r(&frame, 4, CNTFRQ), r(&frame, 8, CNTVOFF)), (u64::from(HZ), 0), "read-only");
        w(&frame, 4, CNTEL0ACR, u64::MAX);
        assert_eq!(r(&frame, 4, CNTEL0ACR), 0x303);
        assert_eq!(r(&frame, 4, 0xfd0), 0);
        assert_eq!(frame.errors().count(), 0);
        r(&frame, 1, CNTFRQ);
        r(&frame, 4, 0x40);
        assert_eq!(frame.errors().count(), 2);
    }

    #[test]
    fn compare_registers_have_halves() {
        let (frame, _rx) = frame(HZ);
        for timer in [0x20, 0x30] {
            w(&frame, 8, timer, 0x1122_3344_5566_7788);
            assert_eq!(r(&frame, 4, timer), 0x5566_7788);
            assert_eq!(r(&frame, 4, timer + 4), 0x1122_3344);
            w(&frame, 4, timer + 4, 0xaabb_ccdd);
            w(&frame, 4, timer, 1);
            assert_eq!(r(&frame, 8, timer), 0xaabb_ccdd_0000_0001);
        }
    }

    #[test]
    fn the_virtual_timer_fires_once_its_value_runs_out() {
        let (frame, rx) = frame(HZ);
        w(&frame, 4, 0x38, u64::from(HZ) / 200);
        w(&frame, 4, 0x3c, 1);
        let left = r(&frame, 4, 0x38) as i32;
        assert!(left <= HZ as i32 / 200);
        assert_eq!(rx.recv_timeout(Duration::from_secs(20)), Ok((V, true)));
        assert_eq!(r(&frame, 4, 0x3c), 5);
        assert!((r(&frame, 4, 0x38) as i32) <= 0, "it counts on below zero");
        // As Linux's handler: mask, then the next event.
        w(&frame, 4, 0x3c, 3);
        assert_eq!(rx.try_recv(), Ok((V, false)));
        assert_eq!(r(&frame, 4, 0x3c), 7);
        w(&frame, 4, 0x38, u64::from(HZ) / 200);
        w(&frame, 4, 0x3c, 1);
        assert_eq!(rx.recv_timeout(Duration::from_secs(20)), Ok((V, true)));
        w(&frame, 4, 0x3c, 0);
        assert_eq!(rx.try_recv(), Ok((V, false)));
        assert_eq!(r(&frame, 4, 0x3c), 0, "no ISTATUS when disabled");
    }

    #[test]
    fn the_physical_timer_has_a_line_of_its_own() {
        let (frame, rx) = frame(HZ);
        w(&frame, 8, 0x20, 0);
        w(&frame, 4, 0x2c, 1);
        assert_eq!(rx.try_recv(), Ok((P, true)), "the past is now");
        w(&frame, 8, 0x20, u64::MAX);
        assert_eq!(rx.try_recv(), Ok((P, false)));
        assert_eq!(r(&frame, 4, 0x2c), 1);
        w(&frame, 8, 0x20, 0);
        frame.reset();
        assert_eq!((rx.try_recv(), rx.try_recv()), (Ok((P, true)), Ok((P, false))));
        assert_eq!(r(&frame, 4, 0x2c), 0);
    }

    proptest! {
        #[test]
        fn no_access_panics(
            hz in prop_oneof![Just(1), Just(HZ), Just(u32::MAX)],
            ops in proptest::collection::vec(
                (prop_oneof![8 => 0..0x44_u64, 1 => any::<u64>()], 0..10_u8, any::<Option<u64>>()),
                1..60,
            ),
        ) {
            let (frame, _rx) = frame(hz);
            for (offset, size, value) in ops {
                let (offset, size) = if size > 8 { (offset & !3, 4) } else { (offset, size) };
                match value {
                    None => { r(&frame, size, offset); }
                    Some(value) => w(&frame, size, offset, value),
                }
            }
        }
    }
}
