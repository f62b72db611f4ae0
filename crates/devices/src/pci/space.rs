//! The bytes of a type 0 configuration space (PCI Local Bus 3.0, 6.1), and which of them the guest can change.

use std::ops::Range;

pub const COMMAND: usize = 0x04;
pub const STATUS: usize = 0x06;
const CACHE_LINE_SIZE: usize = 0x0c;
pub const BAR0: usize = 0x10;
const CAPABILITIES: usize = 0x34;
const INTERRUPT_LINE: usize = 0x3c;
const INTERRUPT_PIN: usize = 0x3d;
const FIRST_CAPABILITY: usize = 0x40;
/// Base address registers.
pub const BARS: usize = 6;
/// Bytes of the space. There are no extended capabilities: the rest of a function's 4 KiB reads as zero.
pub const LEN: usize = 256;

/// Command: the function answers in memory space.
pub const COMMAND_MEMORY: u16 = 1 << 1;
/// Command: the function may send messages.
pub const COMMAND_MASTER: u16 = 1 << 2;
/// Command: the function may not drive its wire.
pub const COMMAND_INTX_DISABLE: u16 = 1 << 10;
/// Parity Error Response and SERR# Enable can be set and mean nothing here.
const COMMAND_WRITABLE: u16 = COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_DISABLE | 1 << 6 | 1 << 8;
/// Status: the wire would be driven, did Command allow it.
pub const STATUS_INTERRUPT: u32 = 1 << 3;
const STATUS_CAPABILITIES: u16 = 1 << 4;

const BAR_64: u8 = 2 << 1;
const BAR_PREFETCHABLE: u8 = 1 << 3;

/// Who a function says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Vendor ID.
    pub vendor: u16,
    /// Device ID.
    pub device: u16,
    /// Revision ID.
    pub revision: u8,
    /// Class Code: base class, subclass and interface in 24 bits.
    pub class: u32,
    /// Subsystem Vendor ID and Subsystem ID.
    pub subsystem: (u16, u16),
}

/// What a base address register stands for: registers in memory space. Lengths are powers of two from 16 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Below 4 GiB.
    Memory32 {
        /// Length in bytes.
        len: u32,
    },
    /// Anywhere, prefetchable: takes the register behind it too.
    Memory64 {
        /// Length in bytes.
        len: u64,
    },
}

impl Bar {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match *self {
            Self::Memory32 { len } => len.into(),
            Self::Memory64 { len } => len,
        }
    }

    /// Never: every register stands for something.
    pub fn is_empty(&self) -> bool {
        false
    }
}

pub struct Space {
    bytes: [u8; LEN],
    writable: [u8; LEN],
    bars: [Option<Bar>; BARS],
    /// Where the next capability goes, and where its address goes.
    next: (usize, usize),
}

impl Space {
    pub fn new(identity: &Identity) -> Self {
        let mut space = Self {
            bytes: [0; LEN],
            writable: [0; LEN],
            bars: [None; BARS],
            next: (FIRST_CAPABILITY, CAPABILITIES),
        };
        let Identity { vendor, device, revision, class, subsystem } = *identity;
        for (at, half) in [(0x00, vendor), (0x02, device), (0x2c, subsystem.0), (0x2e, subsystem.1)] {
            space.set(at, &half.to_le_bytes());
        }
        space.set(0x08, &(class << 8 | u32::from(revision)).to_le_bytes());
        space.allow(COMMAND, &COMMAND_WRITABLE.to_le_bytes());
        space.allow(CACHE_LINE_SIZE, &[0xff]);
        space.allow(INTERRUPT_LINE, &[0xff]);
        space
    }

    /// The function has a wire, its first one: INTA#.
    pub fn use_pin(&mut self) {
        self.set(INTERRUPT_PIN, &[1]);
    }

    pub fn set(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Makes bits writable.
    pub fn allow(&mut self, at: usize, mask: &[u8]) {
        self.writable[at..at + mask.len()].copy_from_slice(mask);
    }

    /// Bits of the address that a register does not have say how long the area is (6.2.5.1).
    pub fn add_bar(&mut self, index: usize, bar: Bar) {
        let at = BAR0 + 4 * index;
        assert!(bar.len().is_power_of_two() && bar.len() >= 16, "an impossible length");
        let mask = (!(bar.len() - 1)).to_le_bytes();
        match bar {
            Bar::Memory32 { .. } => self.allow(at, &mask[..4]),
            Bar::Memory64 { .. } => {
                self.set(at, &[BAR_64 | BAR_PREFETCHABLE]);
                self.allow(at, &mask);
            }
        }
        self.bars[index] = Some(bar);
    }

    /// Adds a capability whose registers behind ID and next pointer are `body`; its offset.
    pub fn add_capability(&mut self, id: u8, body: &[u8]) -> usize {
        let (at, link) = self.next;
        let end = at + 2 + body.len();
        assert!(end <= LEN, "no room for the capabilities");
        self.set(link, &[at as u8]);
        self.set(at, &[id, 0]);
        self.set(at + 2, body);
        self.set(STATUS, &STATUS_CAPABILITIES.to_le_bytes());
        self.next = (end.next_multiple_of(4), at + 1);
        at
    }

    /// The bytes at an aligned offset, zeros behind the end.
    pub fn read(&self, offset: usize, size: usize) -> u32 {
        let bytes = self.bytes.get(offset..offset + size).unwrap_or(&[]);
        bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
    }

    pub fn write(&mut self, offset: usize, size: usize, value: u32) {
        for (at, new) in (offset..offset + size).zip(value.to_le_bytes()) {
            if let (Some(byte), Some(mask)) = (self.bytes.get_mut(at), self.writable.get(at)) {
                *byte = *byte & !mask | new & mask;
            }
        }
    }

    /// All that the guest has written is gone.
    pub fn reset(&mut self) {
        for (byte, mask) in self.bytes.iter_mut().zip(&self.writable) {
            *byte &= !mask;
        }
    }

    pub fn command(&self) -> u16 {
        self.read(COMMAND, 2) as u16
    }

    /// Where the function answers now: base address registers by number, and addresses.
    pub fn decoded(&self) -> impl Iterator<Item = (usize, Range<u64>)> + '_ {
        let on = self.command() & COMMAND_MEMORY != 0;
        let there = |(index, bar): (usize, &Option<Bar>)| {
            let (bar, at) = (bar.as_ref()?, BAR0 + 4 * index);
            let low = u64::from(self.read(at, 4) & !0xf);
            let high = if matches!(bar, Bar::Memory64 { .. }) { u64::from(self.read(at + 4, 4)) } else { 0 };
            let start = high << 32 | low;
            Some((index, start..start.checked_add(bar.len())?))
        };
        self.bars.iter().enumerate().filter(move |_| on).filter_map(there)
    }
}
