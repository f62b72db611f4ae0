//! PrimeCell general-purpose I/O PL061 (DDI 0190): eight lines, of which others drive some.
//!
//! Lines that nobody drives are low. The outputs lead nowhere.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_base::{Access, Alarm, AlarmQueue, IrqLine, MmioDevice};

use crate::mmio::{self, GuestErrors};

/// GPIODATA is at every word up to here: bits 9 to 2 of the address say which lines it is about.
const GPIODATA_END: u64 = 0x400;
const GPIODIR: u64 = 0x400;
const GPIOIS: u64 = 0x404;
const GPIOIBE: u64 = 0x408;
const GPIOIEV: u64 = 0x40c;
const GPIOIE: u64 = 0x410;
const GPIORIS: u64 = 0x414;
const GPIOMIS: u64 = 0x418;
const GPIOIC: u64 = 0x41c;
const GPIOAFSEL: u64 = 0x420;
/// GPIOPeriphID0, the first identification register.
const GPIOPERIPHID0: u64 = 0xfe0;
/// GPIOPeriphID0 to 3 and GPIOPCellID0 to 3.
const IDS: [u8; 8] = [0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

/// Bytes of the register frame.
pub const SIZE: u64 = 0x1000;

/// A PL061.
pub struct Pl061 {
    state: Mutex<State>,
    irq: IrqLine,
    errors: GuestErrors,
}

/// A bit for each line.
#[derive(Clone, Copy, Default)]
struct State {
    /// What is driven from outside.
    inputs: u8,
    /// What the guest drives, where it does.
    outputs: u8,
    direction: u8,
    by_level: u8,
    both_edges: u8,
    high_or_rising: u8,
    enabled: u8,
    /// Edges that were seen.
    edges: u8,
    alternate: u8,
}

impl State {
    fn levels(&self) -> u8 {
        self.inputs & !self.direction | self.outputs & self.direction
    }

    /// GPIORIS.
    fn raised(&self) -> u8 {
        let active = !(self.levels() ^ self.high_or_rising);
        self.by_level & active | !self.by_level & self.edges
    }

    /// Does something to the lines, and sees the edges that come of it.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.levels();
        change(self);
        let after = self.levels();
        let wanted = self.both_edges | !(after ^ self.high_or_rising);
        self.edges |= (before ^ after) & wanted & !self.by_level;
    }
}

impl Pl061 {
    /// All lines low; interrupts go to `irq`.
    pub fn new(irq: IrqLine) -> Self {
        Self { state: Mutex::default(), irq, errors: GuestErrors::default() }
    }

    /// Accesses to registers that do not exist.
    pub fn errors(&self) -> &GuestErrors {
        &self.errors
    }

    /// Drives a line (0 to 7) from outside.
    pub fn drive(&self, line: u8, level: bool) {
        let bit = 1u8.checked_shl(line.into()).unwrap_or(0);
        let mut state = self.state();
        state.change(|state| state.inputs = if level { state.inputs | bit } else { state.inputs & !bit });
        self.signal(&state);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, state: &State) {
        self.irq.set(state.raised() & state.enabled != 0);
    }

    fn register(&self, offset: u64) -> Option<u8> {
        let state = self.state();
        Some(match offset {
            ..GPIODATA_END => state.levels() & (offset >> 2) as u8,
            GPIODIR => state.direction,
            GPIOIS => state.by_level,
            GPIOIBE => state.both_edges,
            GPIOIEV => state.high_or_rising,
            GPIOIE => state.enabled,
            GPIORIS => state.raised(),
            GPIOMIS => state.raised() & state.enabled,
            GPIOAFSEL => state.alternate,
            _ => return mmio::id_register(&IDS, GPIOPERIPHID0, offset).map(|id| id as u8),
        })
    }

    fn set_register(&self, offset: u64, value: u8) -> Option<()> {
        let mut state = self.state();
        match offset {
            ..GPIODATA_END => {
                let lines = (offset >> 2) as u8;
                state.change(|state| state.outputs = state.outputs & !lines | value & lines);
            }
            GPIODIR => state.change(|state| state.direction = value),
            GPIOIS => state.by_level = value,
            GPIOIBE => state.both_edges = value,
            GPIOIEV => state.high_or_rising = value,
            GPIOIE => state.enabled = value,
            GPIOIC => state.edges &= !value,
            GPIOAFSEL => state.alternate = value,
            _ => return None,
        }
        self.signal(&state);
        Some(())
    }
}

impl MmioDevice for Pl061 {
    fn read(&self, access: Access, offset: u64) -> u64 {
        mmio::read(&self.errors, access, offset, |offset, size| {
            if size <= 4 && offset.is_multiple_of(4) { self.register(offset).map(u64::from) } else { None }
        })
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        mmio::write(&self.errors, access, offset, value, |offset, size, value| {
            if size <= 4 && offset.is_multiple_of(4) { self.set_register(offset, value as u8) } else { None }
        });
    }

    fn reset(&self) {
        let mut state = self.state();
        *state = State { inputs: state.inputs, ..State::default() };
        self.signal(&state);
    }

    fn awaits_host(&self) -> bool {
        false
    }
}

/// A button on a line of a PL061: high while it is down.
pub struct Button {
    gpio: Arc<Pl061>,
    line: u8,
    alarms: Arc<AlarmQueue>,
    key: u64,
}

/// How long a press lasts: longer than a driver waits for the contact to settle.
const PRESS_NS: u64 = 100_000_000;

impl Button {
    /// A button on `line` of `gpio`, which is let go by an alarm of `key` in `alarms`.
    pub fn new(gpio: Arc<Pl061>, line: u8, alarms: Arc<AlarmQueue>, key: u64) -> Arc<Self> {
        Arc::new(Self { gpio, line, alarms, key })
    }

    /// Presses the button and lets it go after 100 ms of the machine's time.
    pub fn press(self: &Arc<Self>) {
        self.gpio.drive(self.line, true);
        let until = self.alarms.clock().now_ns().saturating_add(PRESS_NS);
        self.alarms.set(self.key, Some(until), self);
    }
}

impl Alarm for Button {
    fn ring(&self) {
        self.gpio.drive(self.line, false);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use armlet_base::IrqSink;
    use proptest::prelude::*;

    use super::*;

    struct Wire(Sender<bool>);
    impl IrqSink for Wire {
        fn set_level(&self, _: u32, level: bool) {
            self.0.send(level).unwrap();
        }
    }

    fn gpio() -> (Pl061, Receiver<bool>) {
        let (tx, rx) = channel();
        (Pl061::new(IrqLine::new(Arc::new(Wire(tx)), 39)), rx)
    }

    fn w(gpio: &Pl061, offset: u64, value: u8) {
        gpio.write(Access { cpu: 0, size: 4 }, offset, value.into());
    }

    fn r(gpio: &Pl061, offset: u64) -> u64 {
        gpio.read(Access { cpu: 0, size: 4 }, offset)
    }

    #[test]
    fn data_is_masked_by_its_address() {
        let (gpio, _rx) = gpio();
        w(&gpio, GPIODIR, 0x0f);
        w(&gpio, 0x3fc, 0xff);
        assert_eq!(r(&gpio, 0x3fc), 0x0f, "inputs are low");
        w(&gpio, 0x004, 0);
        assert_eq!(r(&gpio, 0x3fc), 0x0e);
        gpio.drive(7, true);
        assert_eq!((r(&gpio, 0x80 << 2), r(&gpio, 0x40 << 2)), (0x80, 0));
        assert_eq!((r(&gpio, 0xfe0), r(&gpio, 0xffc)), (0x61, 0xb1));
    }

    #[test]
    fn edges_are_kept_until_cleared_and_levels_follow() {
        let (gpio, rx) = gpio();
        let last = || rx.try_iter().last();
        w(&gpio, GPIOIBE, 8);
        w(&gpio, GPIOIE, 8);
        assert_eq!(last(), Some(false));
        gpio.drive(3, true);
        assert_eq!((last(), r(&gpio, GPIOMIS)), (Some(true), 8));
        w(&gpio, GPIOIC, 8);
        assert_eq!(last(), Some(false));
        gpio.drive(3, false);
        assert_eq!(last(), Some(true), "the other edge");
        w(&gpio, GPIOIC, 8);
        w(&gpio, GPIOIS, 8);
        w(&gpio, GPIOIEV, 8);
        gpio.drive(3, true);
        w(&gpio, GPIOIC, 8);
        assert_eq!(last(), Some(true), "a level can't be cleared");
        gpio.drive(3, false);
        assert_eq!((last(), r(&gpio, GPIORIS)), (Some(false), 0));
        [GPIOIS, GPIOIBE, GPIOIEV].iter().for_each(|register| w(&gpio, *register, 0));
        gpio.drive(3, true);
        assert_eq!(r(&gpio, GPIORIS), 0, "falling edges only");
    }

    proptest! {
        #[test]
        fn no_access_panics(
            ops in proptest::collection::vec((any::<u16>(), 0..10_u8, any::<Option<u64>>()), 1..40),
        ) {
            let (gpio, _rx) = gpio();
            for (offset, size, value) in ops {
                let access = Access { cpu: 0, size };
                match value {
                    None => { gpio.read(access, offset.into()); }
                    Some(value) => gpio.write(access, offset.into(), value),
                }
                gpio.drive(size, value.is_some());
            }
        }
    }
}
