//! Second-level TLB: finished translations of all address spaces, blocks as one entry, so that a miss
//! of the first level seldom walks tables.
//!
//! The first level may hold 4 KiB pieces of a block only while the block is in here: whoever loses a
//! block hears of it and drops the pieces. So maintenance by one address finds all that a block left.

use armlet_arm::mmu::{Rights, Translation};
use bytemuck::zeroed_box;

const WAYS: usize = 4;
const INDEX_BITS: u32 = 12;
const ENTRIES: usize = WAYS << INDEX_BITS;
/// Translations of one address are in one of this many neighbouring places, by the number of the address space, so
/// that those of all spaces are found together.
const NEIGHBOURS: usize = 16;

// A key holds page number [36:0], log2 of size in pages [41:37], the address space's number [57:42], global, valid.
const PAGE: u64 = (1 << 37) - 1;
const SIZE_SHIFT: u32 = 37;
const SPACE_SHIFT: u32 = 42;
const GLOBAL: u64 = 1 << 58;
const VALID: u64 = 1 << 59;
// A value holds the physical address of the first page, the rights [6:0], whether it is Normal memory, and the
// domain [11:8].
const NORMAL: u64 = 1 << 7;
const DOMAIN_SHIFT: u32 = 8;

/// What the second level knows of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Physical address.
    pub pa: u64,
    /// What is allowed as the tables have it, see [`armlet_arm::mmu::Regime::allowed`].
    pub rights: Rights,
    /// The domain, in AArch32.
    pub domain: u8,
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
            domain: translation.domain,
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

    /// The number of the place for `key` of a space that is 0.
    fn place(key: u64) -> usize {
        let what = key & (PAGE | 31 << SIZE_SHIFT);
        (what.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - INDEX_BITS)) as usize
    }

    fn ways(key: u64) -> std::ops::Range<usize> {
        let index = Self::place(key) ^ (key >> SPACE_SHIFT) as usize % NEIGHBOURS;
        index * WAYS..(index + 1) * WAYS
    }

    /// Where a translation of the same pages in any space is.
    fn neighbours(key: u64) -> std::ops::Range<usize> {
        let first = Self::place(key) / NEIGHBOURS * NEIGHBOURS;
        first * WAYS..(first + NEIGHBOURS) * WAYS
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
                        domain: (value >> DOMAIN_SHIFT & 15) as u8,
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
        let domain = u64::from(translation.domain & 15) << DOMAIN_SHIFT;
        self.values[at] = first | domain | u64::from(translation.rights.bits()) | normal;
        lost
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if self.sizes != 0 {
            self.keys.fill(0);
            self.sizes = 0;
        }
    }

    /// Forgets what is private to `asid`.
    pub fn remove_asid(&mut self, asid: u16) {
        self.spaces[usize::from(asid)] = 0;
    }

    /// Forgets what maps any of `pages` globally or for `asid`; for every ASID if that is `None`. Tells
    /// `lost` of blocks.
    pub fn remove(&mut self, pages: Pages, asid: Option<u16>, mut lost: impl FnMut(Pages)) {
        if pages.count > 8 {
            self.scan(pages, asid, lost);
            return;
        }
        for n in 0..pages.count {
            let va = pages.va.wrapping_add(n << 12);
            let mut sizes = self.sizes;
            while sizes != 0 {
                let size = sizes.trailing_zeros();
                sizes &= sizes - 1;
                match asid {
                    Some(asid) => {
                        let own = self.spaces[usize::from(asid)];
                        for key in [Self::key(va, size, None), Self::key(va, size, Some(own))] {
                            if let Some(at) = self.position(key) {
                                self.lose(at, &mut lost);
                            }
                        }
                    }
                    None => self.lose_everywhere(Self::key(va, size, Some(0)), &mut lost),
                }
            }
        }
    }

    /// Forgets entry `at`.
    fn lose(&mut self, at: usize, lost: &mut impl FnMut(Pages)) {
        let key = std::mem::take(&mut self.keys[at]);
        pages_of(key).into_iter().filter(|pages| pages.count > 1).for_each(lost);
    }

    /// Forgets the pages of `key` in all spaces.
    fn lose_everywhere(&mut self, key: u64, lost: &mut impl FnMut(Pages)) {
        const PAGES: u64 = VALID | PAGE | 31 << SIZE_SHIFT;
        for at in Self::neighbours(key) {
            if self.keys[at] & PAGES == key & PAGES {
                self.lose(at, lost);
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
        let rights = Rights::all();
        Translation { pa, size, contiguous: false, global, rights, domain: 9, attributes }
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
        assert_eq!((block.rights, block.domain), (Rights::all(), 9));
        tlb.remove_asid(7);
        assert_eq!(tlb.find(0x1234_5fff, 7), None);
        assert!(tlb.find(KERNEL, 7).is_some());
    }

    #[test]
    fn removing_one_page_reports_its_block() {
        for asid in [Some(9), None] {
            let mut tlb = Second::default();
            tlb.insert(KERNEL + 0x20_0000, &translation(0x4020_0000, 21, true), 7);
            let mut lost = vec![];
            tlb.remove(Pages { va: KERNEL + 0x3f_f000, count: 1 }, asid, |p| lost.push(p));
            assert_eq!(lost, [Pages { va: KERNEL + 0x20_0000, count: 512 }]);
            assert_eq!(tlb.find(KERNEL + 0x20_0000, 7), None);
        }
    }

    #[test]
    fn a_page_goes_from_all_spaces_and_leaves_the_others() {
        let mut tlb = Second::default();
        for asid in 0..50 {
            for page in [0x1234_5000, 0x1234_6000] {
                tlb.insert(page, &translation(0x8000_0000, 12, false), asid);
            }
        }
        let known = |tlb: &Second, page| (0..50).filter(|&asid| tlb.find(page, asid).is_some()).count();
        let before = (known(&tlb, 0x1234_5000), known(&tlb, 0x1234_6000));
        assert_eq!(before, (50, 50));
        tlb.remove(Pages { va: 0x1234_5000, count: 1 }, None, |_| unreachable!());
        assert_eq!((known(&tlb, 0x1234_5000), known(&tlb, 0x1234_6000)), (0, 50));
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
