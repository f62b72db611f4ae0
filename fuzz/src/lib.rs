//! What fuzz targets of virtio devices share: a driver, a device that echoes, and a disk in memory.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use armlet_base::{Access, GuestRam, IrqLine, MmioDevice, RamKind, RamRegion};
use armlet_devices::virtio::mmio::MmioTransport;
use armlet_devices::virtio::{Broken, Request, Service, VirtioDevice, Virtqueue};
use armlet_disk::{Disk, VolatileSlice};

/// Guest memory: rings in the first page, buffers behind.
pub const RAM: u64 = 0x4000_0000;
const SIZE: u32 = 16;
const AVAIL: u64 = RAM + 0x400;
const USED: u64 = RAM + 0x800;

/// A driver of queue 0.
pub struct Driver {
    ram: Arc<GuestRam>,
    device: MmioTransport,
    offered: AtomicU16,
}

impl Driver {
    /// Over `device`, served within the notification.
    pub fn new(device: impl VirtioDevice + 'static) -> Self {
        let region = RamRegion { gpa: RAM, len: 0x1_0000, kind: RamKind::ReadWrite };
        let ram = Arc::new(GuestRam::new(&[region]).unwrap());
        let irq = IrqLine::unconnected();
        let device = MmioTransport::new(Arc::new(device), ram.clone(), Service::Inline, irq);
        Self { ram, device, offered: AtomicU16::new(0) }
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
        let room = (RAM + 0x1_0000 - gpa) as usize;
        self.ram.write(gpa, &bytes[..bytes.len().min(room)]).unwrap();
    }

    /// Resets the device and starts it with those of `features` that it has; queue 0 is ready then.
    pub fn start(&self, features: u64) {
        self.set(0x70, 0);
        self.offered.store(0, Ordering::Relaxed);
        self.put(RAM, &[0; 0x1000]);
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
        self.set(0x30, 0);
        self.set(0x38, SIZE.into());
        for (low, address) in [(0x80, RAM), (0x90, AVAIL), (0xa0, USED)] {
            self.set(low, address);
            self.set(low + 4, address >> 32);
        }
        self.set(0x44, 1);
        self.set(0x70, 15);
    }

    /// Writes a descriptor.
    pub fn describe(&self, index: u64, at: u64, len: u32, flags: u16, next: u16) {
        let tail = u64::from(len) | u64::from(flags) << 32 | u64::from(next) << 48;
        self.put(RAM + 16 * index, &[at.to_le_bytes(), tail.to_le_bytes()].concat());
    }

    /// Offers a chain and notifies the device.
    pub fn offer(&self, head: u16) {
        let offered = self.offered.fetch_add(1, Ordering::Relaxed);
        self.put(AVAIL + 4 + 2 * u64::from(offered % SIZE as u16), &head.to_le_bytes());
        self.put(AVAIL + 2, &offered.wrapping_add(1).to_le_bytes());
        self.set(0x50, 0);
    }
}

/// Writes what it reads.
pub struct Echo;

impl VirtioDevice for Echo {
    fn id(&self) -> u32 {
        42
    }
    fn queue_sizes(&self) -> &[u16] {
        &[16, 8]
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
