//! What fuzz targets of virtio devices share: a driver, a device that echoes, a network that does, and a disk in memory.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use armlet_base::{Access, GuestRam, IrqLine, MmioDevice, RamKind, RamRegion};
use armlet_devices::virtio::mmio::MmioTransport;
use armlet_devices::virtio::{Broken, Request, Service, VirtioDevice, Virtqueue};
use armlet_disk::{Disk, VolatileSlice};
use armlet_net::{Card, Header, MAX_FRAME, Network, Offloads};
use libfuzzer_sys::arbitrary;

/// Guest memory: a page of rings for each queue, buffers from [`BUFFERS`] on.
pub const RAM: u64 = 0x4000_0000;
/// Bytes of it.
pub const RAM_LEN: u64 = 0x1_0000;
/// Where buffers go.
pub const BUFFERS: u64 = RAM + 0x8000;
/// Elements of a queue.
pub const SIZE: u16 = 16;
/// Queues that are set up, if the device has them.
pub const QUEUES: usize = 5;

/// Where descriptors, driver area and device area of a queue are.
pub fn rings(queue: usize) -> [u64; 3] {
    let page = RAM + 0x1000 * (queue % QUEUES) as u64;
    [page, page + 0x400, page + 0x800]
}

/// A descriptor as a fuzzer makes it: somewhere in guest memory or anywhere, any flags, the next one in the table or
/// just behind it.
#[derive(arbitrary::Arbitrary, Debug)]
pub struct Descriptor {
    inside: bool,
    at: u64,
    len: u32,
    long: bool,
    flags: u8,
    next: u8,
}

/// What a driver does.
#[derive(arbitrary::Arbitrary, Debug)]
pub enum Act {
    /// Writes to the buffers.
    Memory { at: u16, bytes: Vec<u8> },
    /// Writes any descriptor.
    Describe { queue: u8, index: u8, descriptor: Descriptor },
    /// Offers what may be a chain.
    Offer { queue: u8, head: u8 },
    /// Offers a chain that is well made, of buffers by place and length, after a reset if the device asks for one.
    Chain { queue: u8, readable: Vec<(u8, u16)>, writable: Vec<(u8, u16)> },
    /// Resets the device and starts it again.
    Start { features: u64 },
}

/// A driver.
pub struct Driver {
    ram: Arc<GuestRam>,
    device: MmioTransport,
    offered: [AtomicU16; QUEUES],
}

impl Driver {
    /// Over `device`, served within the notification.
    pub fn new(device: impl VirtioDevice + 'static) -> Self {
        Self::over(Arc::new(device))
    }

    /// Over a device that others may do something with, too.
    pub fn over(device: Arc<dyn VirtioDevice>) -> Self {
        let region = RamRegion { gpa: RAM, len: RAM_LEN, kind: RamKind::ReadWrite };
        let ram = Arc::new(GuestRam::new(&[region]).unwrap());
        let irq = IrqLine::unconnected();
        let device = MmioTransport::new(device, ram.clone(), Service::Inline, irq);
        Self { ram, device, offered: Default::default() }
    }

    /// Reads a register.
    pub fn read(&self, offset: u64, size: u8) {
        self.device.read(Access { cpu: 0, size: 1 << (size & 3) }, offset % 0x200);
    }

    /// Writes a register.
    pub fn write(&self, offset: u64, size: u8, value: u64) {
        let size = if matches!(size, 1 | 2 | 4 | 8) { size } else { 4 };
        self.device.write(Access { cpu: 0, size }, offset % 0x200, value);
    }

    fn set(&self, offset: u64, value: u64) {
        self.write(offset, 4, value & 0xffff_ffff);
    }

    /// The status register.
    pub fn status(&self) -> u64 {
        self.device.read(Access { cpu: 0, size: 4 }, 0x70)
    }

    /// Writes guest memory, as far as it goes.
    pub fn put(&self, gpa: u64, bytes: &[u8]) {
        let room = (RAM + RAM_LEN - gpa) as usize;
        self.ram.write(gpa, &bytes[..bytes.len().min(room)]).unwrap();
    }

    /// Resets the device and starts it with those of `features` that it has; its queues are ready then.
    pub fn start(&self, features: u64) {
        self.set(0x70, 0);
        self.offered.iter().for_each(|offered| offered.store(0, Ordering::Relaxed));
        self.put(RAM, &[0; 0x1000 * QUEUES]);
        self.set(0x70, 3);
        let mut offered = 0;
        for half in 0..2 {
            self.set(0x14, half);
            offered |= self.device.read(Access { cpu: 0, size: 4 }, 0x10) << (32 * half);
        }
        let features = features & offered | 1 << 32;
        for half in 0..2 {
            self.set(0x24, half);
            self.set(0x20, features >> (32 * half));
        }
        self.set(0x70, 11);
        for queue in 0..QUEUES {
            self.set(0x30, queue as u64);
            self.set(0x38, SIZE.into());
            for (low, address) in [0x80, 0x90, 0xa0].into_iter().zip(rings(queue)) {
                self.set(low, address);
                self.set(low + 4, address >> 32);
            }
            self.set(0x44, 1);
        }
        self.set(0x70, 15);
    }

    /// Writes a descriptor of a queue.
    pub fn describe(&self, queue: usize, index: u16, at: u64, len: u32, flags: u16, next: u16) {
        let tail = u64::from(len) | u64::from(flags) << 32 | u64::from(next) << 48;
        let place = rings(queue)[0] + 16 * u64::from(index % SIZE);
        self.put(place, &[at.to_le_bytes(), tail.to_le_bytes()].concat());
    }

    /// Writes a descriptor that a fuzzer made.
    pub fn describe_any(&self, queue: usize, index: u16, descriptor: &Descriptor) {
        let Descriptor { inside, at, len, long, flags, next } = descriptor;
        let at = if *inside { RAM + at % RAM_LEN } else { *at };
        let len = if *long { *len } else { len & 0xfff };
        self.describe(queue, index, at, len, u16::from(flags & 7), u16::from(next % 18));
    }

    /// Does what a fuzzer says.
    pub fn play(&self, act: &Act) {
        match act {
            Act::Memory { at, bytes } => self.put(BUFFERS + u64::from(*at) % (RAM_LEN / 2), bytes),
            Act::Describe { queue, index, descriptor } => {
                self.describe_any((*queue).into(), (*index).into(), descriptor);
            }
            Act::Offer { queue, head } => self.offer(usize::from(*queue) % (QUEUES + 1), (head % 18).into()),
            Act::Chain { queue, readable, writable } => self.chain((*queue).into(), readable, writable),
            Act::Start { features } => self.start(*features),
        }
    }

    fn chain(&self, queue: usize, readable: &[(u8, u16)], writable: &[(u8, u16)]) {
        if self.status() & 0x40 != 0 {
            self.start(!0);
        }
        let parts = readable.iter().map(|part| (part, 0)).chain(writable.iter().map(|part| (part, 2)));
        let parts: Vec<_> = parts.take(SIZE.into()).collect();
        for (index, ((at, len), write)) in parts.iter().enumerate() {
            let more = u16::from(index + 1 < parts.len());
            let at = BUFFERS + 16 * u64::from(*at);
            self.describe(queue, index as u16, at, (*len).into(), write | more, index as u16 + 1);
        }
        self.offer(queue % QUEUES, 0);
    }

    /// Offers a chain and notifies the device.
    pub fn offer(&self, queue: usize, head: u16) {
        let offered = self.offered[queue % QUEUES].fetch_add(1, Ordering::Relaxed);
        let [_, avail, _] = rings(queue);
        self.put(avail + 4 + 2 * u64::from(offered % SIZE), &head.to_le_bytes());
        self.put(avail + 2, &offered.wrapping_add(1).to_le_bytes());
        self.set(0x50, queue as u64);
    }
}

/// Writes what it reads.
pub struct Echo;

impl VirtioDevice for Echo {
    fn id(&self) -> u32 {
        42
    }
    fn queue_sizes(&self) -> &[u16] {
        &[SIZE, SIZE]
    }
    fn config(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[1, 2, 3])
    }
    fn serve(&self, _: &Virtqueue, request: Request) -> Result<u32, Broken> {
        let mut bytes = vec![0; request.readable.len().min(4096)];
        request.readable.copy_to(&mut bytes);
        Ok(request.writable.copy_from(&bytes) as u32)
    }
}

/// A network that gives every frame back.
#[derive(Default)]
pub struct Mirror(Mutex<Option<Arc<dyn Card>>>);

impl Mirror {
    /// Gives the card a frame; false if there is no room.
    pub fn deliver(&self, header: &Header, frame: &[u8]) -> bool {
        let card = self.0.lock().unwrap().clone();
        card.is_none_or(|card| card.deliver(header, frame))
    }
}

impl Network for Mirror {
    fn attach(&self, card: Arc<dyn Card>) {
        *self.0.lock().unwrap() = Some(card);
    }
    fn offloads(&self) -> Offloads {
        Offloads { checksum: true, tcp4: true, tcp6: true }
    }
    fn send(&self, _: u16, header: &Header, frame: &[u8]) {
        assert!(frame.len() <= MAX_FRAME);
        self.deliver(header, frame);
    }
}

/// A disk in memory that panics where a device asks for what is not there.
pub struct MemoryDisk {
    bytes: Mutex<Vec<u8>>,
    read_only: bool,
}

impl MemoryDisk {
    /// 32 KiB.
    pub fn new(read_only: bool) -> Self {
        Self { bytes: Mutex::new(vec![0xa5; 0x8000]), read_only }
    }
}

impl Disk for MemoryDisk {
    fn size(&self) -> u64 {
        0x8000
    }
    fn read_only(&self) -> bool {
        self.read_only
    }
    fn read(&self, offset: u64, into: &[VolatileSlice]) -> io::Result<()> {
        let (bytes, mut at) = (self.bytes.lock().unwrap(), offset as usize);
        for slice in into {
            slice.copy_from(&bytes[at..at + slice.len()]);
            at += slice.len();
        }
        Ok(())
    }
    fn write(&self, offset: u64, from: &[VolatileSlice]) -> io::Result<()> {
        assert!(!self.read_only, "a write to a read-only disk");
        let (mut bytes, mut at) = (self.bytes.lock().unwrap(), offset as usize);
        for slice in from {
            slice.copy_to(&mut bytes[at..at + slice.len()]);
            at += slice.len();
        }
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.write_zeroes(offset, len, true)
    }
    fn write_zeroes(&self, offset: u64, len: u64, _: bool) -> io::Result<()> {
        assert!(!self.read_only, "a write to a read-only disk");
        self.bytes.lock().unwrap()[offset as usize..(offset + len) as usize].fill(0);
        Ok(())
    }
}
