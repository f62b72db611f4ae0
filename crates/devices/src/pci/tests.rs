//! A function with two kinds of registers, as a guest finds and moves it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use armlet_base::{IrqLine, IrqSink, Message, MessageSink};
use proptest::prelude::*;

use super::*;
use crate::gic::testing::Port;

const ID: Identity =
    Identity { vendor: 0x1234, device: 0x5678, revision: 9, class: 0x01_0802, subsystem: (0xaaaa, 0xbbbb) };
/// The memory window.
const WINDOW: u64 = 0x1000_0000;
const HIGH: u64 = 0x80_0000_0000;

/// Wires and messages, as they came.
#[derive(Default)]
pub struct Seen {
    pub wires: Mutex<Vec<(u32, bool)>>,
    pub messages: Mutex<Vec<Message>>,
}

impl Seen {
    pub fn take_messages(&self) -> Vec<Message> {
        std::mem::take(&mut self.messages.lock().unwrap())
    }

    pub fn take_wires(&self) -> Vec<(u32, bool)> {
        std::mem::take(&mut self.wires.lock().unwrap())
    }
}

impl IrqSink for Seen {
    fn set_level(&self, intid: u32, level: bool) {
        self.wires.lock().unwrap().push((intid, level));
    }
}

impl MessageSink for Seen {
    fn send(&self, message: Message) -> bool {
        self.messages.lock().unwrap().push(message);
        true
    }
}

pub fn bridge(seen: &Arc<Seen>) -> HostBridge {
    HostBridge::new([35, 36, 37, 38].map(|intid| IrqLine::new(seen.clone(), intid)), seen.clone())
}

/// Remembers the last write: base address register, offset, value.
struct Scratch(Endpoint, Mutex<(usize, u64, u64)>, AtomicU64);

impl Function for Scratch {
    fn endpoint(&self) -> &Endpoint {
        &self.0
    }

    fn read(&self, bar: usize, _: Access, offset: u64) -> u64 {
        (bar as u64) << 32 | offset
    }

    fn write(&self, bar: usize, _: Access, offset: u64, value: u64) {
        *self.1.lock().unwrap() = (bar, offset, value);
    }

    fn reset(&self) {
        self.2.fetch_add(1, Ordering::Relaxed);
        self.0.reset();
    }
}

struct Rig {
    seen: Arc<Seen>,
    functions: [Arc<Scratch>; 2],
    ecam: Port,
    window: Port,
    high: Port,
}

/// Two functions, in slots 3 and 7, which share a wire.
fn rig() -> Rig {
    let seen = Arc::new(Seen::default());
    let mut bridge = bridge(&seen);
    let functions = [3, 7].map(|slot| {
        let endpoint = Endpoint::new(&ID, bridge.wiring(slot)).with_pin();
        let endpoint = endpoint.with_bar(0, Bar::Memory32 { len: 0x100 }).with_msix(1, 3);
        let endpoint = endpoint.with_bar(4, Bar::Memory64 { len: 0x1_0000_0000 });
        let function = Arc::new(Scratch(endpoint, Mutex::default(), AtomicU64::new(0)));
        bridge.plug(function.clone());
        function
    });
    let bridge = Arc::new(bridge);
    let (window, high) = (Port(bridge.window(WINDOW), 0), Port(bridge.window(HIGH), 0));
    Rig { seen, functions, ecam: Port(bridge.ecam(), 0), window, high }
}

impl Rig {
    fn at(slot: u64, register: u64) -> u64 {
        slot << 15 | register
    }

    fn r(&self, register: u64) -> u32 {
        self.ecam.r32(Self::at(3, register))
    }

    fn w(&self, register: u64, value: u32) {
        self.ecam.w32(Self::at(3, register), value);
    }

    /// Memory decoding, and messages allowed.
    fn enable(&self) {
        self.ecam.write(2, Self::at(3, 4), 6);
    }

    /// The table of MSI-X at the window's start, with this in Message Control.
    fn vectors(&self, control: u32) {
        self.w(0x14, WINDOW as u32);
        self.enable();
        self.ecam.write(2, Self::at(3, 0x42), control.into());
    }

    fn entry(&self, vector: u64, control: u32) {
        for (word, value) in [0x802_0040, 1, 100 + vector as u32, control].into_iter().enumerate() {
            self.window.w32(16 * vector + 4 * word as u64, value);
        }
    }
}

#[test]
fn a_guest_finds_functions_by_their_identity() {
    let rig = rig();
    assert_eq!(rig.r(0), 0x5678_1234);
    assert_eq!(rig.r(8), 0x0108_0209);
    assert_eq!(rig.r(0x2c), 0xbbbb_aaaa);
    assert_eq!(rig.ecam.read(1, Rig::at(3, 0x3d)), 1, "INTA#");
    assert_eq!(rig.ecam.read(2, Rig::at(7, 2)), 0x5678);
    assert_eq!(rig.ecam.r32(0), 0x0008_1b36, "the bridge itself");
    // Nobody in slot 4, function 1 of slot 3, bus 1.
    for nowhere in [Rig::at(4, 0), Rig::at(3, 0) | 1 << 12, Rig::at(3, 0) | 1 << 20] {
        assert_eq!(rig.ecam.r32(nowhere), !0);
        rig.ecam.w32(nowhere, 1);
    }
    rig.w(0, 0xffff_ffff);
    assert_eq!(rig.r(0), 0x5678_1234, "an identity stays");
    assert_eq!((rig.r(0x100), rig.r(0xffc)), (0, 0), "no extended capabilities");
    assert_eq!(rig.r(0x34), 0x40);
    assert_eq!(rig.r(0x40), 0x0002_0011, "MSI-X with three vectors and nothing behind it");
    assert_eq!((rig.r(0x44), rig.r(0x48)), (1, 0x801), "its table and its pending bits");
}

#[test]
fn address_registers_tell_their_length_and_take_any_address() {
    let rig = rig();
    for (register, length) in
        [(0x10, 0xffff_ff00_u32), (0x14, 0xffff_f000), (0x18, 0), (0x20, 0xc), (0x24, !0)]
    {
        assert_eq!(rig.r(register), if register == 0x20 { 0xc } else { 0 });
        rig.w(register, !0);
        assert_eq!(rig.r(register), length, "{register:#x}");
    }
    rig.w(0x10, 0x1000_2000);
    rig.w(0x20, 0);
    rig.w(0x24, 0x80);
    assert_eq!(rig.window.r32(0x2000), !0, "nothing answers before decoding is on");
    rig.enable();
    assert_eq!(rig.window.read(8, 0x2010), 0x10);
    assert_eq!(rig.high.read(8, 0x1234_5678), 4 << 32 | 0x1234_5678);
    assert_eq!(rig.window.r32(0x2100), !0, "behind the end");
    rig.window.write(2, 0x2002, 7);
    assert_eq!(*rig.functions[0].1.lock().unwrap(), (0, 2, 7));
    // Moved by single bytes, while it is on.
    rig.ecam.write(1, Rig::at(3, 0x11), 0x30);
    assert_eq!((rig.window.r32(0x2010), rig.window.r32(0x3010)), (!0, 0x10));
    rig.ecam.write(2, Rig::at(3, 4), 0);
    assert_eq!(rig.window.r32(0x3010), !0);
    // Wrapping around, and in a window's place of another.
    rig.w(0x24, !0);
    rig.w(0x20, !0);
    rig.enable();
    assert_eq!(rig.high.r32(0), !0);
}

#[test]
fn messages_wait_while_they_are_masked() {
    let rig = rig();
    let (function, sent) =
        (&rig.functions[0].0, || rig.seen.take_messages().iter().map(|m| m.data).collect::<Vec<_>>());
    rig.vectors(0);
    function.notify(0);
    assert!(sent().is_empty(), "MSI-X is off");
    rig.vectors(0x8000);
    rig.entry(0, 1);
    rig.entry(1, 0);
    function.notify(0);
    assert_eq!((sent(), rig.window.r32(0x800)), (vec![], 1), "vectors begin masked");
    rig.window.w32(12, 0);
    assert_eq!((sent(), rig.window.r32(0x800)), (vec![100], 0));
    rig.vectors(0xc000);
    function.notify(1);
    function.notify(1);
    function.notify(7);
    assert_eq!(rig.window.read(8, 0x800), 2);
    rig.window.w32(0x800, 0);
    assert_eq!(rig.window.r32(0x800), 2, "the guest can't clear it");
    rig.vectors(0x8000);
    assert_eq!(sent(), [101], "two in one");
    rig.ecam.write(2, Rig::at(3, 4), 2);
    function.notify(1);
    assert!(sent().is_empty(), "no bus master");
    rig.enable();
    let message = Message { address: 0x1_0802_0040, data: 101, device: 0x18 };
    assert_eq!(rig.seen.take_messages(), [message]);
    function.notify(0);
    rig.functions[0].reset();
    rig.vectors(0x8000);
    assert_eq!((rig.window.r32(0), rig.window.r32(12)), (0, 1), "a reset leaves vectors masked");
}

#[test]
fn a_shared_wire_is_high_while_anybody_drives_it() {
    let rig = rig();
    let [first, second] = &rig.functions;
    first.0.set_intx(true);
    second.0.set_intx(true);
    assert_eq!(rig.seen.take_wires(), [(38, true)]);
    assert_eq!(rig.r(4) >> 16, 0x18, "Interrupt Status, and a list of capabilities");
    assert_eq!(rig.ecam.read(2, Rig::at(3, 6)), 0x18);
    first.0.set_intx(false);
    assert_eq!(rig.seen.take_wires(), []);
    rig.ecam.write(2, Rig::at(7, 4), 0x400);
    assert_eq!(rig.seen.take_wires(), [(38, false)], "disabled");
    rig.ecam.write(2, Rig::at(7, 4), 0);
    assert_eq!(rig.seen.take_wires(), [(38, true)]);
    rig.ecam.write(2, Rig::at(7, 0x42), 0x8000);
    assert_eq!(rig.seen.take_wires(), [(38, false)], "messages take its place");
    first.0.set_intx(true);
    rig.ecam.0.reset();
    assert_eq!(rig.seen.take_wires(), [(38, true), (38, false)]);
    assert_eq!(first.2.load(Ordering::Relaxed), 1);
}

proptest! {
    #[test]
    fn any_access_is_survived(accesses in proptest::collection::vec((0..3_u8, any::<bool>(), 0..4_u8, any::<u32>(), any::<u64>()), 0..200)) {
        let rig = rig();
        for (port, write, size, offset, value) in accesses {
            let (port, offset) = match port {
                0 => (&rig.ecam, u64::from(offset) % (8 << 15)),
                1 => (&rig.window, u64::from(offset) % 0x2000),
                _ => (&rig.high, u64::from(offset)),
            };
            if write {
                port.write(1 << size, offset, value);
            } else {
                port.read(1 << size, offset);
            }
            rig.functions[0].0.notify(value as usize % 4);
        }
        prop_assert_eq!(rig.r(0), 0x5678_1234);
    }
}
