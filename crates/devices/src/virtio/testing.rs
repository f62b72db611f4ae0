//! A driver for tests: it reaches a device through its registers and through guest memory, as a guest does.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use armlet_base::{Access, GuestRam, IrqLine, IrqSink, MmioDevice, RamKind, RamRegion};
use virtio_bindings::virtio_config::*;
use virtio_bindings::virtio_mmio::*;
use virtio_bindings::virtio_ring::{VRING_DESC_F_NEXT, VRING_DESC_F_WRITE};

use super::mmio::MmioTransport;
use super::{Service, VirtioDevice};

pub const RAM: u64 = 0x4000_0000;
pub const RAM_LEN: u64 = 0x10_0000;
/// Where buffers go.
pub const DATA: u64 = RAM + 0x4_0000;
/// Elements of each queue.
pub const SIZE: u32 = 8;
/// Queues that are set up, if the device has them.
const QUEUES: usize = 8;
pub const NEXT: u16 = VRING_DESC_F_NEXT as u16;
pub const WRITE: u16 = VRING_DESC_F_WRITE as u16;
pub const VERSION_1: u64 = 1 << VIRTIO_F_VERSION_1;
const WORD: Access = Access { cpu: 0, size: 4 };
const PATIENCE: Duration = Duration::from_secs(30);

/// An interrupt wire that remembers how often it rose.
#[derive(Default)]
pub struct Wire {
    state: Mutex<(bool, usize)>,
    changed: Condvar,
}

impl IrqSink for Wire {
    fn set_level(&self, _: u32, level: bool) {
        let mut state = self.state.lock().unwrap();
        state.1 += usize::from(level && !state.0);
        state.0 = level;
        self.changed.notify_all();
    }
}

impl Wire {
    pub fn level(&self) -> bool {
        self.state.lock().unwrap().0
    }

    pub fn rises(&self) -> usize {
        self.state.lock().unwrap().1
    }

    /// Waits for an interrupt of a device that is served by a thread.
    pub fn wait(&self) {
        let state = self.state.lock().unwrap();
        let state = self.changed.wait_timeout_while(state, PATIENCE, |state| !state.0).unwrap().0;
        assert!(state.0, "no interrupt came");
    }
}

/// A descriptor: address, length, flags, next.
pub type Descriptor = (u64, u32, u16, u16);

pub struct Driver {
    pub ram: Arc<GuestRam>,
    pub wire: Arc<Wire>,
    pub device: Arc<MmioTransport>,
    /// Requests offered so far on each queue.
    offered: [u16; QUEUES],
    taken: [u16; QUEUES],
}

impl Driver {
    pub fn new(device: impl VirtioDevice + 'static, service: Service) -> Self {
        Self::over(Arc::new(device), service)
    }

    /// Over a device that the test does something with, too.
    pub fn over(device: Arc<dyn VirtioDevice>, service: Service) -> Self {
        let region = RamRegion { gpa: RAM, len: RAM_LEN, kind: RamKind::ReadWrite };
        let ram = Arc::new(GuestRam::new(&[region]).unwrap());
        let wire = Arc::new(Wire::default());
        let irq = IrqLine::new(wire.clone(), 48);
        let device = Arc::new(MmioTransport::new(device, ram.clone(), service, irq));
        Self { ram, wire, device, offered: [0; QUEUES], taken: [0; QUEUES] }
    }

    /// With features agreed on, queues set up, and the device running.
    pub fn started(device: impl VirtioDevice + 'static, service: Service, features: u64) -> Self {
        let mut driver = Self::new(device, service);
        driver.start(features);
        driver
    }

    pub fn r(&self, offset: u32) -> u32 {
        self.device.read(WORD, offset.into()) as u32
    }

    pub fn w(&self, offset: u32, value: u32) {
        self.device.write(WORD, offset.into(), value.into());
    }

    pub fn start(&mut self, features: u64) {
        (self.offered, self.taken) = ([0; QUEUES], [0; QUEUES]);
        self.negotiate(features | VERSION_1);
        for queue in 0..QUEUES as u32 {
            self.w(VIRTIO_MMIO_QUEUE_SEL, queue);
            if self.r(VIRTIO_MMIO_QUEUE_NUM_MAX) != 0 {
                self.set_up(queue);
            }
        }
        self.w(VIRTIO_MMIO_STATUS, self.status() | VIRTIO_CONFIG_S_DRIVER_OK);
    }

    pub fn negotiate(&self, features: u64) {
        self.w(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
        self.w(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
        for half in 0..2 {
            self.w(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
            self.w(VIRTIO_MMIO_DRIVER_FEATURES, (features >> (32 * half)) as u32);
        }
        self.w(VIRTIO_MMIO_STATUS, self.status() | VIRTIO_CONFIG_S_FEATURES_OK);
    }

    pub fn status(&self) -> u32 {
        self.r(VIRTIO_MMIO_STATUS)
    }

    pub fn needs_reset(&self) -> bool {
        self.status() & VIRTIO_CONFIG_S_NEEDS_RESET != 0
    }

    /// Where the areas of a queue are: descriptors, driver, device.
    pub fn areas(queue: u32) -> [u64; 3] {
        let base = RAM + 0x4000 * u64::from(queue);
        [base, base + 0x1000, base + 0x2000]
    }

    /// Sets the selected queue up with cleared rings.
    pub fn set_up(&self, queue: u32) {
        let [desc, avail, used] = Self::areas(queue);
        self.ram.zero(desc, 0x4000).unwrap();
        self.set_up_at(SIZE, desc, avail, used);
    }

    pub fn set_up_at(&self, size: u32, desc: u64, avail: u64, used: u64) {
        self.w(VIRTIO_MMIO_QUEUE_NUM, size);
        for (low, address) in [
            (VIRTIO_MMIO_QUEUE_DESC_LOW, desc),
            (VIRTIO_MMIO_QUEUE_AVAIL_LOW, avail),
            (VIRTIO_MMIO_QUEUE_USED_LOW, used),
        ] {
            self.w(low, address as u32);
            self.w(low + 4, (address >> 32) as u32);
        }
        self.w(VIRTIO_MMIO_QUEUE_READY, 1);
    }

    pub fn put(&self, gpa: u64, bytes: &[u8]) {
        self.ram.write(gpa, bytes).unwrap();
    }

    pub fn get(&self, gpa: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.ram.read(gpa, &mut bytes).unwrap();
        bytes
    }

    pub fn put_u16(&self, gpa: u64, value: u16) {
        let (_, offset, _) = self.ram.find(gpa).unwrap();
        self.ram.store(offset, value, Ordering::Release);
    }

    fn get_u16(&self, gpa: u64) -> u16 {
        let (_, offset, _) = self.ram.find(gpa).unwrap();
        self.ram.load(offset, Ordering::Acquire)
    }

    /// Writes descriptor `index` of a table.
    pub fn describe(&self, table: u64, index: u16, (addr, len, flags, next): Descriptor) {
        let at = table + 16 * u64::from(index);
        self.put(at, &addr.to_le_bytes());
        self.put(at + 8, &len.to_le_bytes());
        self.put(at + 12, &flags.to_le_bytes());
        self.put(at + 14, &next.to_le_bytes());
    }

    /// Puts the chain that begins at `head` into the ring, without a word to the device.
    pub fn offer(&mut self, queue: u32, head: u16) {
        let [_, avail, _] = Self::areas(queue);
        let offered = &mut self.offered[queue as usize];
        let slot = u64::from(*offered) % u64::from(SIZE);
        *offered = offered.wrapping_add(1);
        let index = *offered;
        self.put_u16(avail + 4 + 2 * slot, head);
        self.put_u16(avail + 2, index);
    }

    /// Offers a chain of buffers that follow each other, the writable ones last, and notifies the device.
    pub fn request(&mut self, queue: u32, buffers: &[(u64, u32, u16)]) {
        let [table, ..] = Self::areas(queue);
        for (index, (addr, len, flags)) in buffers.iter().enumerate() {
            let last = index + 1 == buffers.len();
            let (flags, next) = if last { (*flags, 0) } else { (*flags | NEXT, index as u16 + 1) };
            self.describe(table, index as u16, (*addr, *len, flags, next));
        }
        self.offer(queue, 0);
        self.w(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
    }

    /// Takes the next used chain: its head, and the bytes written.
    pub fn used(&mut self, queue: u32) -> Option<(u32, u32)> {
        let [_, _, used] = Self::areas(queue);
        let taken = &mut self.taken[queue as usize];
        if self.ram.find(used + 2).map(|(_, at, _)| self.ram.load::<u16>(at, Ordering::Acquire))
            == Some(*taken)
        {
            return None;
        }
        let slot = u64::from(*taken) % u64::from(SIZE);
        *taken = taken.wrapping_add(1);
        let element = self.get(used + 4 + 8 * slot, 8);
        let word = |at: usize| u32::from_le_bytes(element[at..at + 4].try_into().unwrap());
        Some((word(0), word(4)))
    }

    /// What the driver area or the device area says about events.
    pub fn set_used_event(&self, queue: u32, value: u16) {
        self.put_u16(Self::areas(queue)[1] + 4 + 2 * u64::from(SIZE), value);
    }

    pub fn avail_event(&self, queue: u32) -> u16 {
        self.get_u16(Self::areas(queue)[2] + 4 + 8 * u64::from(SIZE))
    }

    pub fn acknowledge(&self) -> u32 {
        let status = self.r(VIRTIO_MMIO_INTERRUPT_STATUS);
        self.w(VIRTIO_MMIO_INTERRUPT_ACK, status);
        status
    }
}
