//! A device's registers, over either transport, and guest memory as the hostile driver uses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use armlet_base::{IrqLine, MmioDevice, RamKind, RamRegion};
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::acts::Act;
use super::*;
use crate::gic::testing::Port;
use crate::pci::tests::{Seen, bridge};
use crate::virtio::mmio::MmioTransport;
use crate::virtio::pci::PciTransport;
use crate::virtio::testing::Wire;

pub const RAM: u64 = 0x4000_0000;
pub const RAM_LEN: u64 = 0x2_0000;
/// Queues that are set up, if the device has them; each has a page of rings.
pub const QUEUES: u64 = 5;
/// Elements of each.
pub const SIZE: u16 = 16;
/// An indirect table.
pub const TABLES: u64 = RAM + QUEUES * 0x1000;
pub const BUFFERS: u64 = RAM + 0x1_0000;

/// Where a guest puts the registers of the function in slot 1.
const WINDOW: u64 = 0x1000_0000;
const ECAM: u64 = 1 << 15;

/// Random, and the same at every run.
pub fn generator() -> TestRng {
    TestRng::deterministic_rng(RngAlgorithm::ChaCha)
}

/// Offsets and widths of registers.
struct Layout {
    device_features: (u64, u64),
    driver_features: (u64, u64),
    status: (u8, u64),
    select: (u8, u64),
    size: (u8, u64),
    rings: [u64; 3],
    ready: (u8, u64),
    reset: (u8, u64),
    /// Where queue 0 is notified, and how far it is to the next one's place; with none the number is written.
    notify: (u64, u64),
}

const MMIO: Layout = Layout {
    device_features: (0x14, 0x10),
    driver_features: (0x24, 0x20),
    status: (4, 0x70),
    select: (4, 0x30),
    size: (4, 0x38),
    rings: [0x80, 0x90, 0xa0],
    ready: (4, 0x44),
    reset: (4, 0xc0),
    notify: (0x50, 0),
};

const PCI: Layout = Layout {
    device_features: (0, 4),
    driver_features: (8, 12),
    status: (1, 0x14),
    select: (2, 0x16),
    size: (2, 0x18),
    rings: [0x20, 0x28, 0x30],
    ready: (2, 0x1c),
    reset: (2, 0x3a),
    notify: (0x3000, 4),
};

pub struct Front {
    ram: Arc<GuestRam>,
    registers: Port,
    layout: Layout,
    /// The device is reset by its transport's.
    whole: Arc<dyn MmioDevice>,
    /// Chains offered so far on each queue.
    offered: [AtomicU16; QUEUES as usize],
    /// Notifications within which something was used.
    answered: AtomicUsize,
}

impl Front {
    pub fn new(device: impl VirtioDevice + 'static, service: Service, pci: bool) -> Self {
        let region = RamRegion { gpa: RAM, len: RAM_LEN, kind: RamKind::ReadWrite };
        let (ram, device) = (Arc::new(GuestRam::new(&[region]).unwrap()), Arc::new(device));
        let (registers, whole, layout): (Arc<dyn MmioDevice>, Arc<dyn MmioDevice>, _) = if pci {
            let mut bridge = bridge(&Arc::new(Seen::default()));
            bridge.plug(Arc::new(PciTransport::new(device, ram.clone(), service, bridge.wiring(1))));
            let bridge = Arc::new(bridge);
            (bridge.window(WINDOW), bridge.ecam(), PCI)
        } else {
            let irq = IrqLine::new(Arc::new(Wire::default()), 48);
            let device = Arc::new(MmioTransport::new(device, ram.clone(), service, irq));
            (device.clone(), device, MMIO)
        };
        let front = Self {
            ram,
            registers: Port(registers, 0),
            layout,
            whole,
            offered: Default::default(),
            answered: AtomicUsize::new(0),
        };
        front.place();
        front
    }

    /// Behind PCI a reset of the machine forgets where the registers are.
    fn place(&self) {
        if self.layout.notify.1 != 0 {
            let config = |size, at, value| self.whole.write(armlet_base::Access { cpu: 0, size }, at, value);
            config(4, ECAM + 0x20, WINDOW);
            config(2, ECAM + 4, 6);
        }
    }

    /// How often something was used within a notification: with a thread for each queue that is chance.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    pub fn reset(&self) {
        self.whole.reset();
        self.place();
    }

    fn w(&self, (size, at): (u8, u64), value: u64) {
        self.registers.write(size, at, value);
    }

    pub fn needs_reset(&self) -> bool {
        self.registers.read(self.layout.status.0, self.layout.status.1) & 0x40 != 0
    }

    /// Resets the device and starts it with those of `features` that it has; all its queues are ready then, and empty.
    pub fn start(&self, features: u64) {
        let layout = &self.layout;
        self.w(layout.status, 0);
        self.offered.iter().for_each(|offered| offered.store(0, Ordering::Relaxed));
        self.ram.zero(RAM, 0x1000 * QUEUES as usize).unwrap();
        self.w(layout.status, 3);
        for half in 0..2 {
            self.w((4, layout.device_features.0), half);
            let offered = self.registers.read(4, layout.device_features.1);
            self.w((4, layout.driver_features.0), half);
            self.w((4, layout.driver_features.1), features >> (32 * half) & offered | half);
        }
        self.w(layout.status, 11);
        for queue in 0..QUEUES {
            self.w(layout.select, queue);
            self.w(layout.size, SIZE.into());
            for (at, address) in layout.rings.into_iter().zip(rings(queue)) {
                self.w((4, at), address);
                self.w((4, at + 4), 0);
            }
            self.w(layout.ready, 1);
        }
        self.w(layout.status, 15);
    }

    fn put(&self, gpa: u64, bytes: &[u8]) {
        let room = (RAM + RAM_LEN - gpa) as usize;
        self.ram.write(gpa, &bytes[..bytes.len().min(room)]).unwrap();
    }

    pub fn play(&self, act: &Act) {
        match act {
            Act::Describe { queue, index, at, len, flags, next } => {
                self.describe(*queue, *index, (*at, *len), *flags, *next);
            }
            Act::Chain { queue, readable, writable } => {
                // A guest that has made a mistake resets the device and goes on.
                if self.needs_reset() {
                    self.start(!0);
                }
                let parts =
                    readable.iter().map(|part| (part, 0)).chain(writable.iter().map(|part| (part, 2)));
                let last = (readable.len() + writable.len()).saturating_sub(1);
                for (index, (part, write)) in parts.enumerate() {
                    let more = u16::from(index < last);
                    self.describe(*queue, index as u64, *part, write | more, index as u16 + 1);
                }
                self.offer(*queue, 0, 1);
            }
            Act::Command { queue, bytes } => {
                self.put(BUFFERS, bytes);
                let (readable, writable) = (vec![(BUFFERS, bytes.len() as u32)], vec![(BUFFERS + 0x100, 1)]);
                self.play(&Act::Chain { queue: *queue, readable, writable });
            }
            Act::Request { at, bytes } => self.put(BUFFERS + at, bytes),
            Act::Scribble { at, value } => self.put(RAM + at, &value.to_le_bytes()),
            Act::Offer { queue, head, count } => self.offer(*queue, *head, *count),
            Act::Register { offset, size, value } => self.w((*size, *offset), *value),
            Act::ReadRegister { offset, size } => drop(self.registers.read(*size, *offset)),
            Act::ResetQueue { queue } => {
                self.w(self.layout.select, *queue);
                self.w(self.layout.reset, 1);
            }
            Act::Start { features } => self.start(*features),
        }
    }

    fn describe(&self, queue: u64, index: u64, (at, len): (u64, u32), flags: u16, next: u16) {
        let tail = u64::from(len) | u64::from(flags) << 32 | u64::from(next) << 48;
        let place = RAM + 0x1000 * queue + 16 * index;
        self.put(place, &[at.to_le_bytes(), tail.to_le_bytes()].concat());
    }

    fn offer(&self, queue: u64, head: u16, count: u16) {
        let before = self.offered[queue as usize].fetch_add(count, Ordering::Relaxed);
        let [_, avail, used] = rings(queue);
        for nth in 0..count.min(SIZE) {
            self.put(avail + 4 + 2 * u64::from(before.wrapping_add(nth) % SIZE), &head.to_le_bytes());
        }
        self.put(avail + 2, &before.wrapping_add(count).to_le_bytes());
        let used = || {
            let mut index = [0; 2];
            self.ram.read(used + 2, &mut index).unwrap();
            index
        };
        let used_before = used();
        let (at, each) = self.layout.notify;
        if each == 0 {
            self.w((4, at), queue)
        } else {
            self.w((2, at + each * queue), queue)
        }
        self.answered.fetch_add(usize::from(used() != used_before), Ordering::Relaxed);
    }
}

/// Where descriptors, driver area and device area of a queue are.
fn rings(queue: u64) -> [u64; 3] {
    let page = RAM + 0x1000 * queue;
    [page, page + 0x400, page + 0x800]
}
