//! The ITS's tables in guest memory (IHI 0069H, 5.2). What their entries look like is the ITS's own affair; they are
//! eight bytes each, and a guest that writes some itself gets other interrupts than it wanted and nothing worse.

use std::sync::atomic::Ordering;

use armlet_base::{GuestRam, RamKind};

use super::spec::*;

/// Bytes of every entry.
const ENTRY: u64 = 8;

/// Loads an entry of any table.
pub fn load(ram: &GuestRam, at: u64) -> Option<u64> {
    let (_, offset, left) = ram.find(at)?;
    (left >= ENTRY).then(|| ram.load(offset, Ordering::Acquire))
}

/// Stores one; nothing happens where no writable memory is.
pub fn store(ram: &GuestRam, at: u64, entry: u64) {
    if let Some((RamKind::ReadWrite, offset, left)) = ram.find(at)
        && left >= ENTRY
    {
        ram.store(offset, entry, Ordering::Release);
    }
}

/// Address of entry `index` of the table that a GITS_BASER describes.
pub fn entry(ram: &GuestRam, baser: u64, index: u64) -> Option<u64> {
    if baser & VALID == 0 {
        return None;
    }
    let page = match baser >> 8 & 3 {
        0 => 0x1000,
        1 => 0x4000,
        _ => 0x1_0000,
    };
    // Pages of 64 KiB leave low bits of the address free for high ones.
    let base = match page {
        0x1_0000 => baser & 0xffff_ffff_0000 | (baser >> 12 & 0xf) << 48,
        _ => baser & 0xffff_ffff_f000 & !(page - 1),
    };
    let len = ((baser & 0xff) + 1) * page;
    if baser & BASER_INDIRECT == 0 {
        return (index < len / ENTRY).then(|| base + index * ENTRY);
    }
    // The first level has the addresses of pages of entries.
    let (first, second) = (index / (page / ENTRY), index % (page / ENTRY));
    if first >= len / ENTRY {
        return None;
    }
    let second_level = load(ram, base + first * ENTRY)?;
    (second_level & VALID != 0).then(|| (second_level & ADDRESS & !(page - 1)) + second * ENTRY)
}

/// A device: where its interrupt translation table is, and bits of its EventIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    pub table: u64,
    pub bits: u32,
}

impl Device {
    const TABLE: u64 = 0x000f_ffff_ffff_ff00;

    pub fn encode(self) -> u64 {
        VALID | self.table & Self::TABLE | u64::from(self.bits - 1)
    }

    pub fn decode(entry: u64) -> Option<Self> {
        let device = Self { table: entry & Self::TABLE, bits: (entry & 0x1f) as u32 + 1 };
        (entry & VALID != 0 && device.bits <= ID_BITS).then_some(device)
    }

    /// Address of the entry of an event.
    pub fn event(self, event: u32) -> Option<u64> {
        (event >> self.bits == 0).then(|| self.table + u64::from(event) * ENTRY)
    }
}

/// Where an event leads: an LPI, and the collection that says whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    pub intid: u32,
    pub collection: u16,
}

impl Translation {
    pub fn encode(self) -> u64 {
        VALID | u64::from(self.collection) << 32 | u64::from(self.intid)
    }

    pub fn decode(entry: u64) -> Option<Self> {
        (entry & VALID != 0).then_some(Self { intid: entry as u32, collection: (entry >> 32) as u16 })
    }
}

/// The entry of a collection: the number of its CPU.
pub fn encode_collection(cpu: u16) -> u64 {
    VALID | u64::from(cpu)
}

pub fn decode_collection(entry: u64) -> Option<usize> {
    (entry & VALID != 0).then_some((entry & 0xffff) as usize)
}
