//! A driver for the PCI transport, as Linux's and as firmware's work.

use std::sync::Arc;

use armlet_base::{GuestRam, RamKind, RamRegion};

use super::super::rng::Rng;
use super::super::testing::{DATA, RAM, RAM_LEN, VERSION_1};
use super::*;
use crate::gic::testing::Port;
use crate::pci::tests::{Seen, bridge};

const WINDOW: u64 = 0x1000_0000;
/// Where the registers go in the window.
const AT: u64 = 0x4000;
const SLOT: usize = 5;
const ECAM: u64 = (SLOT as u64) << 15;
const ADDRESSES: [u64; 3] = [RAM, RAM + 0x1000, RAM + 0x2000];

struct Rig {
    seen: Arc<Seen>,
    ram: Arc<GuestRam>,
    ecam: Port,
    window: Port,
}

/// An entropy source that gives sevens, at its place in the window.
fn rig() -> Rig {
    let seen = Arc::new(Seen::default());
    let region = RamRegion { gpa: RAM, len: RAM_LEN, kind: RamKind::ReadWrite };
    let ram = Arc::new(GuestRam::new(&[region]).unwrap());
    let mut bridge = bridge(&seen);
    let rng = Rng::new(Box::new(|bytes| {
        bytes.fill(7);
        true
    }));
    let transport = PciTransport::new(Arc::new(rng), ram.clone(), Service::Inline, bridge.wiring(SLOT));
    bridge.plug(Arc::new(transport));
    let bridge = Arc::new(bridge);
    let rig = Rig { seen, ram, ecam: Port(bridge.ecam(), 0), window: Port(bridge.window(WINDOW), 0) };
    rig.ecam.w32(ECAM + 0x14, WINDOW as u32);
    rig.ecam.w32(ECAM + 0x20, (WINDOW + AT) as u32);
    rig.ecam.write(2, ECAM + 4, 6);
    rig
}

impl Rig {
    fn r(&self, size: u8, register: u64) -> u64 {
        self.window.read(size, AT + register)
    }

    fn w(&self, size: u8, register: u64, value: u64) {
        self.window.write(size, AT + register, value);
    }

    /// The capabilities by kind: their offset in configuration space.
    fn capabilities(&self) -> Vec<(u8, u64)> {
        let mut found = Vec::new();
        let mut at = self.ecam.read(1, ECAM + 0x34);
        while at != 0 {
            if self.ecam.read(1, ECAM + at) == 9 {
                found.push((self.ecam.read(1, ECAM + at + 3) as u8, at));
            }
            at = self.ecam.read(1, ECAM + at + 1);
        }
        found
    }

    /// Up to DRIVER_OK, with the queue's vector.
    fn start(&self, vector: u64) {
        self.w(1, 0x14, 0);
        self.w(1, 0x14, 1);
        self.w(1, 0x14, 3);
        for half in 0..2 {
            self.w(4, 8, half);
            self.w(4, 12, (VERSION_1 | 1 << 40) >> (32 * half) & 0xffff_ffff);
        }
        self.w(1, 0x14, 11);
        assert_eq!(self.r(1, 0x14), 11);
        self.set_up(vector);
        self.w(1, 0x14, 15);
    }

    fn set_up(&self, vector: u64) {
        self.w(2, 0x16, 0);
        self.w(2, 0x1a, vector);
        for (register, address) in [0x20, 0x28, 0x30].into_iter().zip(ADDRESSES) {
            self.ram.zero(address, 0x1000).unwrap();
            self.w(4, register, address & 0xffff_ffff);
            self.w(4, register + 4, address >> 32);
        }
        self.w(2, 0x1c, 1);
        assert_eq!(self.r(2, 0x1c), 1);
    }

    /// Asks for 16 bytes of entropy and rings; true if they came.
    fn request(&self) -> bool {
        let [desc, avail, used] = ADDRESSES;
        let mut index = [0; 2];
        self.ram.read(avail + 2, &mut index).unwrap();
        let (old, new) = (u16::from_le_bytes(index), u16::from_le_bytes(index).wrapping_add(1));
        self.ram.write(DATA, &[0; 16]).unwrap();
        let descriptor = [&DATA.to_le_bytes()[..], &16_u32.to_le_bytes(), &[2, 0, 0, 0]].concat();
        self.ram.write(desc, &descriptor).unwrap();
        self.ram.write(avail + 4 + 2 * u64::from(old % 64), &[0, 0]).unwrap();
        self.ram.write(avail + 2, &new.to_le_bytes()).unwrap();
        self.w(2, 0x3000, 0);
        let (mut count, mut data) = ([0; 2], [0; 16]);
        self.ram.read(used + 2, &mut count).unwrap();
        self.ram.read(DATA, &mut data).unwrap();
        u16::from_le_bytes(count) == new && data == [7; 16]
    }
}

#[test]
fn says_what_it_is_and_where_its_registers_are() {
    let rig = rig();
    assert_eq!(rig.ecam.r32(ECAM), 0x1044_1af4);
    assert_eq!(rig.ecam.read(1, ECAM + 8), 1, "no transitional device");
    let kinds: Vec<u8> = rig.capabilities().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [1, 3, 4, 2, 5]);
    for (kind, at) in rig.capabilities() {
        let field = |offset| rig.ecam.r32(ECAM + at + offset);
        let expected = match kind {
            1 => (16, 4, 0, 0x3c),
            2 => (20, 4, 0x3000, 4),
            3 => (16, 4, 0x1000, 1),
            4 => (16, 4, 0x2000, 0x1000),
            _ => (20, 4, 0, 0),
        };
        assert_eq!((field(0) >> 16 & 0xff, field(4) & 0xff, field(8), field(12)), expected);
    }
    assert_eq!((rig.r(2, 0x12), rig.r(2, 0x18), rig.r(2, 0x1e)), (1, 64, 0), "a queue of up to 64");
    rig.w(2, 0x16, 1);
    assert_eq!(rig.r(2, 0x18), 0, "and no second one");
}

#[test]
fn interrupts_by_message_or_by_the_wire() {
    let rig = rig();
    rig.start(1);
    assert!(rig.request());
    assert_eq!(rig.seen.take_wires(), [(36, true)]);
    assert_eq!((rig.r(1, 0x1000), rig.r(1, 0x1000)), (1, 0), "ISR status, which reading clears");
    assert_eq!(rig.seen.take_wires(), [(36, false)]);
    // Vector 1, at its place in the table.
    for (word, value) in [0x802_0040, 0, 80, 0].into_iter().enumerate() {
        rig.window.w32(16 + 4 * word as u64, value);
    }
    rig.ecam.write(2, ECAM + 0x42, 0x8000);
    assert!(rig.request());
    let messages = rig.seen.take_messages();
    assert_eq!((messages.len(), messages[0].data, messages[0].device), (1, 80, 0x28));
    assert!(rig.seen.take_wires().is_empty());
    rig.w(2, 0x1a, 9);
    assert_eq!(rig.r(2, 0x1a), 0xffff, "there is no such vector");
    assert!(rig.request() && rig.seen.take_messages().is_empty());
}

#[test]
fn a_queue_and_the_device_are_reset_at_any_moment() {
    let rig = rig();
    rig.start(0);
    assert!(rig.request());
    rig.w(2, 0x3a, 1);
    assert_eq!((rig.r(2, 0x3a), rig.r(2, 0x1c), rig.r(2, 0x1a)), (0, 0, 0xffff));
    assert!(!rig.request(), "the queue is gone");
    rig.set_up(0);
    assert!(rig.request());
    rig.w(1, 0x14, 0);
    assert_eq!((rig.r(1, 0x14), rig.r(2, 0x1c), rig.r(1, 0x1000)), (0, 0, 0));
    rig.start(0);
    assert!(rig.request());
    rig.ecam.0.reset();
    assert_eq!(rig.window.r32(AT), !0, "it answers nowhere after a system reset");
}

#[test]
fn moving_the_registers_moves_the_doorbells() {
    let rig = rig();
    rig.start(0);
    rig.ecam.w32(ECAM + 0x20, (WINDOW + 0x10_0000) as u32);
    assert!(!rig.request(), "nobody hears the old one");
    rig.window.write(2, 0x10_3000, 0);
    rig.ecam.w32(ECAM + 0x20, (WINDOW + AT) as u32);
    assert!(rig.request());
}

#[test]
fn configuration_space_leads_to_the_registers() {
    let rig = rig();
    let (_, at) = rig.capabilities().into_iter().find(|(kind, _)| *kind == 5).unwrap();
    let access = |bar: u32, offset: u64, len: u32| {
        rig.ecam.write(1, ECAM + at + 4, bar.into());
        rig.ecam.w32(ECAM + at + 8, offset as u32);
        rig.ecam.w32(ECAM + at + 12, len);
    };
    access(4, 0x14, 1);
    rig.ecam.write(1, ECAM + at + 16, 1);
    assert_eq!((rig.r(1, 0x14), rig.ecam.r32(ECAM + at + 16)), (1, 1));
    access(4, 0x12, 2);
    assert_eq!(rig.ecam.read(2, ECAM + at + 16), 1);
    for (bar, offset, len) in [(4, REGISTERS_LEN, 4), (0, 0x14, 1), (1, 0, 4), (4, 0x14, 3), (4, !0, 4)] {
        access(bar, offset, len);
        rig.ecam.w32(ECAM + at + 16, !0);
        assert_eq!(rig.ecam.r32(ECAM + at + 16), 0, "{bar} {offset:#x} {len}");
    }
    assert_eq!(rig.r(1, 0x14), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn the_hosts_doorbells_follow_the_registers() {
    use std::os::fd::BorrowedFd;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Host(Mutex<Vec<(bool, u64)>>);
    impl HostBells for Host {
        fn add(&self, gpa: u64, _: BorrowedFd<'_>) -> bool {
            self.0.lock().unwrap().push((true, gpa));
            true
        }
        fn remove(&self, gpa: u64, _: BorrowedFd<'_>) {
            self.0.lock().unwrap().push((false, gpa));
        }
    }
    let (seen, host) = (Arc::new(Seen::default()), Arc::new(Host::default()));
    let region = RamRegion { gpa: RAM, len: RAM_LEN, kind: RamKind::ReadWrite };
    let ram = Arc::new(GuestRam::new(&[region]).unwrap());
    let rng = Arc::new(Rng::new(Box::new(|_| true)));
    let wiring = bridge(&seen).wiring(SLOT);
    let transport =
        PciTransport::new(rng, ram, Service::Threads, wiring).with_host_bells(host.clone()).unwrap();
    let changes = || std::mem::take(&mut *host.0.lock().unwrap());
    let status = |value| transport.write(REGISTERS_BAR, Access { cpu: 0, size: 1 }, 0x14, value);
    transport.write_config(0x20, 4, 0x1000_4000);
    transport.write_config(4, 2, 6);
    assert_eq!(changes(), [], "the driver is not there yet");
    let word = Access { cpu: 0, size: 4 };
    transport.write(REGISTERS_BAR, word, 8, 1);
    transport.write(REGISTERS_BAR, word, 12, 1);
    status(11);
    status(15);
    assert_eq!(changes(), [(true, 0x1000_7000)]);
    transport.write_config(0x20, 4, 0x2000_0000);
    assert_eq!(changes(), [(false, 0x1000_7000), (true, 0x2000_3000)]);
    transport.write_config(4, 2, 4);
    assert_eq!(changes(), [(false, 0x2000_3000)]);
    transport.write_config(4, 2, 6);
    status(0);
    assert_eq!(changes(), [(true, 0x2000_3000), (false, 0x2000_3000)]);
}
