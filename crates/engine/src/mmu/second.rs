//! Second-level TLB: finished translations of all address spaces, blocks as one entry, so that a miss
//! of the first level seldom walks tables.
//!
//! The first level may hold 4 KiB pieces of a block only while the block is in here: whoever loses a
//! block hears of it and drops the pieces. So maintenance by one address finds all that a block left.

use armlet_arm::mmu::{Rights, Translation};
use bytemuck::zeroed_box;

const WAYS: usize = 4;
const INDEX_BITS: u32 = 13;
const ENTRIES: usize = WAYS << INDEX_BITS;

// A key holds page number [36:0], log2 of size in pages [41:37], the address space's number [57:42], global, valid.
const PAGE: u64 = (1 << 37) - 1;
const SIZE_SHIFT: u32 = 37;
const SPACE_SHIFT: u32 = 42;
const GLOBAL: u64 = 1 << 58;
const VALID: u64 = 1 << 59;
// A value holds the physical address of the first page, the rights [6:0] and whether it is Normal memory.
const NORMAL: u64 = 1 << 7;

/// What the second level knows of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Physical address.
    pub pa: u64,
    /// What is allowed.
    pub rights: Rights,
    /// Normal rather than Device memory.
    pub normal: bool,
    /// The same under every ASID.
    pub global: bool,
}

impl Found {
    /// Of a fresh translation.
    pub fn new(translation: &Translation) -> Self {
        Self {
            pa: translation.pa,
            rights: translation.rights,
            normal: !translation.attributes.is_device(),
            global: translation.global,
        }
    }
}

/// A run of 4 KiB pages of virtual address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    /// Virtual address of the first.
    pub va: u64,
    /// How many.
    pub count: u64,
}

/// The second level. Addresses given to it have no tag: bit 55 and above are equal.
pub struct Second {
    keys: Box<[u64; ENTRIES]>,
    values: Box<[u64; ENTRIES]>,
    /// Bit n: entries of 2^n pages may be present.
    sizes: u32,
    /// The number of each ASID's address space, 0 for none. An ASID that is forgotten gets a new number, so that
    /// nothing need be looked for.
    spaces: Box<[u16; 1 << 16]>,
    last_space: u16,
    /// Entries of the upper half that are not global may be present.
    private_upper: bool,
    victim: usize,
}

impl Default for Second {
    fn default() -> Self {
        Self {
            keys: zeroed_box(),
            values: zeroed_box(),
            spaces: zeroed_box(),
            last_space: 0,
            sizes: 0,
            private_upper: false,
            victim: 0,
        }
    }
}

impl Second {
    /// The number of the address space of `asid`, a new one if it has none.
    fn space_of(&mut self, asid: u16) -> u16 {
        let space = &mut self.spaces[usize::from(asid)];
        if *space == 0 {
            if self.last_space == u16::MAX {
                self.spaces.fill(0);
                self.last_space = 0;
                self.keys.fill(0);
            }
            self.last_space += 1;
            self.spaces[usize::from(asid)] = self.last_space;
        }
        self.spaces[usize::from(asid)]
    }

    fn key(va: u64, size: u32, space: Option<u16>) -> u64 {
        let page = (va >> 12 & PAGE) >> size << size;
        let space = space.map_or(GLOBAL, |space| u64::from(space) << SPACE_SHIFT);
        VALID | space | u64::from(size) << SIZE_SHIFT | page
    }

    fn ways(key: u64) -> std::ops::Range<usize> {
        let index = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - INDEX_BITS)) as usize;
        index * WAYS..(index + 1) * WAYS
    }

    fn position(&self, key: u64) -> Option<usize> {
        let ways = Self::ways(key);
        let start = ways.start;
        self.keys[ways].iter().position(|&k| k == key).map(|way| start + way)
    }

    /// What is known of `va` in the address space `asid`.
    pub fn find(&self, va: u64, asid: u16) -> Option<Found> {
        let own = Some(self.spaces[usize::from(asid)]);
        let spaces = if va >> 63 != 0 { [None, own] } else { [own, None] };
        let mut sizes = self.sizes;
        while sizes != 0 {
            let size = sizes.trailing_zeros();
            sizes &= sizes - 1;
            for space in spaces {
                if let Some(at) = self.position(Self::key(va, size, space)) {
                    let value = self.values[at];
                    let within = va & ((1 << (size + 12)) - 1);
                    return Some(Found {
                        pa: (value & !0xfff) + within,
                        rights: Rights::from_bits_truncate(value as u8 & !(NORMAL as u8)),
                        normal: value & NORMAL != 0,
                        global: space.is_none(),
                    });
                }
            }
        }
        None
    }

    /// Adds a translation of `va`. Returns a block that had to make room.
    pub fn insert(&mut self, va: u64, translation: &Translation, asid: u16) -> Option<Pages> {
        let size = u32::from(translation.size) - 12;
        let space = (!translation.global).then(|| self.space_of(asid));
        let key = Self::key(va, size, space);
        self.sizes |= 1 << size;
        self.private_upper |= !translation.global && va >> 63 != 0;
        let ways = Self::ways(key);
        let small = |k: u64| k >> SIZE_SHIFT & 31 == 0;
        let (at, lost) = if let Some(at) = self.position(key) {
            (at, None)
        } else if let Some(way) = self.keys[ways.clone()].iter().position(|&k| k == 0) {
            (ways.start + way, None)
        } else {
            self.victim = self.victim.wrapping_add(1);
            let turn = |n: usize| ways.start + (self.victim + n) % WAYS;
            let at = (0..WAYS).map(turn).find(|&at| small(self.keys[at])).unwrap_or(turn(0));
            (at, pages_of(self.keys[at]).filter(|pages| pages.count > 1))
        };
        self.keys[at] = key;
        let first = translation.pa >> translation.size << translation.size;
        let normal = if translation.attributes.is_device() { 0 } else { NORMAL };
        self.values[at] = first | u64::from(translation.rights.bits()) | normal;
        lost
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if self.sizes != 0 {
            self.keys.fill(0);
            (self.sizes, self.private_upper) = (0, false);
        }
    }

    /// Forgets what is private to `asid`.
    pub fn remove_asid(&mut self, asid: u16) {
        self.spaces[usize::from(asid)] = 0;
    }

    /// Forgets what maps any of `pages` globally or for `asid`; for every ASID if that is `None`. Tells
    /// `lost` of blocks.
    pub fn remove(&mut self, pages: Pages, asid: Option<u16>, mut lost: impl FnMut(Pages)) {
        let everyone = asid.is_none() && (pages.va >> 63 == 0 || self.private_upper);
        if pages.count > 8 || everyone {
            self.scan(pages, asid, lost);
            return;
        }
        for n in 0..pages.count {
            let va = pages.va.wrapping_add(n << 12);
            let mut sizes = self.sizes;
            while sizes != 0 {
                let size = sizes.trailing_zeros();
                sizes &= sizes - 1;
                let own = asid.map(|asid| Some(self.spaces[usize::from(asid)]));
                for space in [None].into_iter().chain(own) {
                    if let Some(at) = self.position(Self::key(va, size, space)) {
                        if size > 0 {
                            pages_of(self.keys[at]).into_iter().for_each(&mut lost);
                        }
                        self.keys[at] = 0;
                    }
                }
            }
        }
    }

    fn scan(&mut self, pages: Pages, asid: Option<u16>, mut lost: impl FnMut(Pages)) {
        let first = pages.va >> 12 & PAGE;
        let own = asid.map(|asid| self.spaces[usize::from(asid)]);
        for key in self.keys.iter_mut() {
            let ours = *key & GLOBAL != 0 || own.is_none_or(|own| (*key >> SPACE_SHIFT) as u16 == own);
            if *key == 0 || !ours {
                continue;
            }
            let size = *key >> SIZE_SHIFT & 31;
            // Either run begins inside the other, counting modulo the address space.
            let ahead = (*key & PAGE).wrapping_sub(first) & PAGE;
            let behind = first.wrapping_sub(*key & PAGE) & PAGE;
            if ahead < pages.count || behind < 1 << size {
                if size > 0 {
                    pages_of(*key).into_iter().for_each(&mut lost);
                }
                *key = 0;
            }
        }
    }
}

/// The pages that the entry of `key` maps.
fn pages_of(key: u64) -> Option<Pages> {
    let va = ((key & PAGE) << (64 - 37)) as i64 >> (64 - 37 - 12);
    (key != 0).then_some(Pages { va: va as u64, count: 1 << (key >> SIZE_SHIFT & 31) })
}

#[cfg(test)]
mod tests {
    use armlet_arm::mmu::Attributes;

    use super::*;

    fn translation(pa: u64, size: u8, global: bool) -> Translation {
        let attributes = Attributes { mair: 0xff, shareability: 3 };
        Translation { pa, size, contiguous: false, global, rights: Rights::all(), attributes }
    }

    const KERNEL: u64 = 0xffff_8000_0000_0000;

    #[test]
    fn finds_pages_and_blocks_by_space() {
        let mut tlb = Second::default();
        assert_eq!(tlb.insert(0x1234_5678, &translation(0x8765_4678, 12, false), 7), None);
        assert_eq!(tlb.insert(KERNEL + 0x12_3456, &translation(0x4012_3456, 21, true), 7), None);
        assert_eq!(tlb.find(0x1234_5fff, 7).map(|f| f.pa), Some(0x8765_4fff));
        assert_eq!(tlb.find(0x1234_5fff, 8), None);
        let block = tlb.find(KERNEL + 0x1f_ffff, 8).unwrap();
        assert_eq!((block.pa, block.global, block.normal), (0x401f_ffff, true, true));
        assert_eq!(block.rights, Rights::all());
        tlb.remove_asid(7);
        assert_eq!(tlb.find(0x1234_5fff, 7), None);
        assert!(tlb.find(KERNEL, 7).is_some());
    }

    #[test]
    fn removing_one_page_reports_its_block() {
        for asid in [Some(9), None] {
            for private_upper in [false, true] {
                let mut tlb = Second::default();
                if private_upper {
                    tlb.insert(KERNEL + 0x4000_0000, &translation(0, 12, false), 1);
                }
                tlb.insert(KERNEL + 0x20_0000, &translation(0x4020_0000, 21, true), 7);
                let mut lost = vec![];
                tlb.remove(Pages { va: KERNEL + 0x3f_f000, count: 1 }, asid, |p| lost.push(p));
                assert_eq!(lost, [Pages { va: KERNEL + 0x20_0000, count: 512 }]);
                assert_eq!(tlb.find(KERNEL + 0x20_0000, 7), None);
            }
        }
    }

    #[test]
    fn ranges_leave_their_neighbours() {
        let mut tlb = Second::default();
        for page in 0..64 {
            tlb.insert(page << 12, &translation(page << 12, 12, false), 3);
        }
        tlb.remove(Pages { va: 8 << 12, count: 40 }, Some(3), |_| unreachable!());
        for page in 0..64 {
            assert_eq!(tlb.find(page << 12, 3).is_some(), !(8..48).contains(&page));
        }
        tlb.remove(Pages { va: 0, count: 9 }, Some(4), |_| unreachable!());
        assert!(tlb.find(0, 3).is_some());
    }

    #[test]
    fn no_block_is_lost_in_silence() {
        let mut tlb = Second::default();
        let mut lost = std::collections::HashSet::new();
        for n in 0..10_000u64 {
            lost.extend(tlb.insert(n << 21, &translation(0, 21, false), 3).map(|p| p.va));
        }
        for n in 0..10_000 {
            assert_ne!(tlb.find(n << 21, 3).is_some(), lost.contains(&(n << 21)), "{n}");
        }
    }
}
