//! First-level soft TLB: direct-mapped sets of 4 KiB pages, one per view of the address space.
//!
//! A set answers for one exception level, PAN state and address space, so that a hit needs no further
//! check. Sets are swapped, not flushed, when any of these change; see [`super::Mmu`].

use std::ops::Range;

use bytemuck::Zeroable;

/// Tag of no page: its low bits can't be those of a masked address.
pub const NONE: u64 = !0;
/// In a tag: only aligned accesses are allowed, which the slow path checks. No fast path matches it.
pub const ALIGNED_ONLY: u64 = 1 << 11;
/// Entries for data in one set: as many as 32 MiB have pages. Those never used take no memory of the host.
const DATA: usize = 8192;
/// Words unused at the end of each array of data entries, so that what one look-up reads comes from different
/// banks and sets of the host's cache.
const STAGGER: usize = 10;
/// Entries that are cleared together, if any of them was used.
const BLOCK: usize = 64;
/// Words of bits for blocks.
const BLOCKS: usize = DATA / BLOCK / 64;
/// Jumps remembered in one set.
const JUMPS: usize = 1 << 14;
/// Jumps up to which they are forgotten one by one rather than all places.
const FEW_JUMPS: usize = 1024;
/// Jumps of one page lie in one run of this length.
const JUMPS_OF_PAGE: usize = 1024;
/// Pages told apart by [`Set::jump_pages`].
const JUMP_PAGES: usize = 1 << 13;
/// As many jumps, or more: they are not counted any more.
const MANY_JUMPS: u8 = u8::MAX;
/// Entries for code in one set.
const CODE: usize = 256;
/// Pages up to which a range is dropped slot by slot rather than by a scan.
const FEW_PAGES: u64 = 64;
/// Pages up to which the jumps of a range are dropped page by page.
const MANY_PAGES: u64 = 2048;

/// [`Entry::pa`]: Normal memory, so unaligned accesses don't fault for its type.
pub const NORMAL: u64 = 1 << 0;
/// [`Entry::pa`]: belongs to the current ASID only.
pub const PRIVATE: u64 = 1 << 1;

/// What is cached for one page. A tag equals the page's virtual address, ignored top byte included, if
/// the access is allowed without further checks, else `NONE`.
#[derive(Clone, Copy, Debug, Zeroable)]
#[repr(C)]
pub struct Entry {
    /// Tag for loads, or for fetches.
    pub read: u64,
    /// Tag for stores.
    pub write: u64,
    /// Host address of the memory minus the virtual address, wrapping.
    pub host: u64,
    /// Guest physical address of the page, with `NORMAL` and `PRIVATE`.
    pub pa: u64,
}

impl Entry {
    const EMPTY: Self = Self { read: NONE, write: NONE, host: 0, pa: 0 };

    /// Guest physical address of `va`, which lies in the page.
    #[inline(always)]
    pub fn pa_of(&self, va: u64) -> u64 {
        self.pa & !0xfff | va & 0xfff
    }

    /// True if it maps one of `pages` pages from `first` on, whatever the top byte of its address.
    fn within(&self, first: u64, pages: u64) -> bool {
        // A page is never writable without being readable.
        self.read != NONE && (self.read.wrapping_sub(first) << 8 >> 20) < pages
    }
}

/// Where generated code goes on for a branch to a virtual address.
#[derive(Clone, Copy, Debug, Zeroable)]
#[repr(C)]
pub struct Jump {
    /// The branch target as it is in the register, `NONE` if nothing is known.
    pub va: u64,
    /// Host address of the generated code.
    pub host: u64,
}

impl Jump {
    const EMPTY: Self = Self { va: NONE, host: 0 };

    /// True if it leads into one of `pages` pages from `first` on, whatever the top byte of its address.
    fn within(&self, first: u64, pages: u64) -> bool {
        self.va != NONE && (self.va.wrapping_sub(first) << 8 >> 20) < pages
    }

    /// What of `(va ^ va >> 10) << 2` is the distance of the jump's entry.
    pub const INDEX_MASK: i32 = ((JUMPS - 1) * size_of::<Self>()) as i32;
}

/// The entries of one view. Generated code reads it.
#[derive(Zeroable)]
#[repr(C)]
pub struct Set {
    /// The mode that `jumps` are good for.
    pub(crate) jump_mode: u64,
    jumps: [Jump; JUMPS],
    /// [`Entry::read`] of the data entries, and so on: apart, so that the number of an entry is all that
    /// generated code computes.
    read: [u64; DATA + STAGGER],
    write: [u64; DATA + STAGGER],
    host: [u64; DATA + STAGGER],
    pa: [u64; DATA + STAGGER],
    code: [Entry; CODE],
    /// For each page number, mixed to one below [`JUMP_PAGES`], how many jumps there are into such pages, or more.
    jump_pages: [u8; JUMP_PAGES],
    /// Blocks of data entries that entries were filled into since the set was last empty.
    used: [u64; BLOCKS],
    /// There may be entries in `code`: 0 or 1.
    code_used: u64,
    /// Jumps filled in since there was none.
    jumps_used: u64,
    /// Where the first of them are.
    jumps_at: [u16; FEW_JUMPS],
    /// Bit n: something may be known of the lower (0) or the upper (1) half of the address space.
    halves: u64,
    /// Something that is not private to an ASID may be known: 0 or 1.
    global: u64,
    /// [`super::Mmu::epoch`] when it was last known to hold nothing stale.
    pub(super) epoch: u64,
}

impl Set {
    /// What of `va >> 12` is the number of the page's data entry.
    pub const INDEX_MASK: i32 = DATA as i32 - 1;
    /// The same for BEXTR: the first bit in `va`, and in the second byte how many there are.
    pub const INDEX_BITS: u64 = 12 | (DATA.trailing_zeros() as u64) << 8;
    /// Offset of the tags for loads, 8 bytes each.
    pub const READ_OFFSET: usize = std::mem::offset_of!(Self, read);
    /// Offset of the tags for stores.
    pub const WRITE_OFFSET: usize = std::mem::offset_of!(Self, write);
    /// Offset of the host addresses.
    pub const HOST_OFFSET: usize = std::mem::offset_of!(Self, host);
    /// Offset of the jumps.
    pub const JUMPS_OFFSET: usize = std::mem::offset_of!(Self, jumps);

    /// An empty set.
    pub fn new() -> Box<Self> {
        let mut set: Box<Self> = bytemuck::zeroed_box();
        // An entry of zeros matches page 0 alone. The first one is asked for it, and the last one, for an access
        // that wraps around.
        set.put(0, Entry::EMPTY);
        set.put(DATA - 1, Entry::EMPTY);
        set.code[0] = Entry::EMPTY;
        // The same holds for jumps.
        set.jumps[0] = Jump::EMPTY;
        set
    }

    /// Where it is, for as long as it lives.
    #[inline(always)]
    pub(super) fn address(&self) -> u64 {
        &raw const *self as u64
    }

    /// Number of the data entry for `va`.
    #[inline(always)]
    fn index(va: u64) -> usize {
        (va >> 12) as usize % DATA
    }

    /// Numbers of the data entries that may be in use, block by block.
    fn used_blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let used = self.used;
        let is_used = move |n: usize| used[n / 64] >> (n % 64) & 1 != 0;
        (0..DATA / BLOCK).filter(move |&n| is_used(n)).map(|n| n * BLOCK..(n + 1) * BLOCK)
    }

    /// A data entry by number.
    #[inline(always)]
    fn get(&self, n: usize) -> Entry {
        Entry { read: self.read[n], write: self.write[n], host: self.host[n], pa: self.pa[n] }
    }

    /// Replaces a data entry.
    #[inline(always)]
    fn put(&mut self, n: usize, entry: Entry) {
        (self.read[n], self.write[n], self.host[n], self.pa[n]) =
            (entry.read, entry.write, entry.host, entry.pa);
    }

    /// Forgets the entries numbered `data` and `code` if `drops` says so.
    fn drop_at(&mut self, data: usize, code: usize, drops: impl Fn(&Entry) -> bool) {
        if drops(&self.get(data)) {
            self.put(data, Entry::EMPTY);
        }
        if drops(&self.code[code]) {
            self.code[code] = Entry::EMPTY;
        }
    }

    /// Remembers where a branch to `va` goes on.
    pub fn fill_jump(&mut self, va: u64, host: u64) {
        self.halves |= half(va);
        let index = Self::jump_index(va);
        if let Some(at) = self.jumps_at.get_mut(self.jumps_used as usize) {
            *at = index as u16;
        }
        self.jumps_used += 1;
        let old = std::mem::replace(&mut self.jumps[index], Jump { va, host });
        if old.host != 0 {
            self.count_out(old.va, 1);
        }
        let count = &mut self.jump_pages[mixed_page(va)];
        *count = count.saturating_add(1);
    }

    /// `jumps` jumps into the page of `va` are gone.
    fn count_out(&mut self, va: u64, jumps: u8) {
        let count = &mut self.jump_pages[mixed_page(va)];
        if *count != MANY_JUMPS {
            *count = count.saturating_sub(jumps);
        }
    }

    /// Number of the jump for `va`. Generated code computes the same.
    fn jump_index(va: u64) -> usize {
        ((va ^ va >> 10) >> 2) as usize % JUMPS
    }

    /// Forgets all jumps.
    pub fn clear_jumps(&mut self) {
        if self.jumps_used != 0 {
            match self.jumps_at.get(..self.jumps_used as usize) {
                Some(few) => few.iter().for_each(|&at| self.jumps[usize::from(at)] = Jump::EMPTY),
                None => self.jumps.fill(Jump::EMPTY),
            }
            self.jumps_used = 0;
            self.jump_pages.fill(0);
        }
    }

    /// Forgets jumps to code at these addresses.
    #[cfg(jit)]
    pub fn drop_jumps_to(&mut self, code: &Range<u64>) {
        let drop = |jump: &mut Jump| {
            if jump.va != NONE && code.contains(&jump.host) {
                *jump = Jump::EMPTY;
            }
        };
        match self.jumps_at.get(..self.jumps_used as usize) {
            Some(few) => few.iter().for_each(|&at| drop(&mut self.jumps[usize::from(at)])),
            None => self.jumps.iter_mut().for_each(drop),
        }
    }

    /// Forgets jumps into the page of `va`, under any top byte.
    #[inline]
    fn drop_jumps(&mut self, va: u64) {
        if self.jump_pages[mixed_page(va)] != 0 {
            self.find_and_drop_jumps(va);
        }
    }

    #[cold]
    fn find_and_drop_jumps(&mut self, va: u64) {
        let first = Self::jump_index(va) / JUMPS_OF_PAGE * JUMPS_OF_PAGE;
        let mut dropped = 0_u8;
        for jump in &mut self.jumps[first..first + JUMPS_OF_PAGE] {
            // What was never filled in is zeros, which is no jump to page 0.
            if jump.host != 0 && jump.within(va & !0xfff, 1) {
                *jump = Jump::EMPTY;
                dropped = dropped.saturating_add(1);
            }
        }
        self.count_out(va, dropped);
    }

    /// Forgets jumps into a range of pages.
    fn drop_jumps_within(&mut self, first: u64, pages: u64) {
        if self.jumps_used == 0 {
        } else if pages <= MANY_PAGES {
            (0..pages).for_each(|n| self.drop_jumps(first.wrapping_add(n << 12)));
        } else {
            for jump in &mut self.jumps {
                if jump.within(first, pages) {
                    *jump = Jump::EMPTY;
                }
            }
        }
    }

    fn note(&mut self, va: u64, entry: &Entry) {
        self.halves |= half(va);
        self.global |= u64::from(entry.pa & PRIVATE == 0);
    }

    /// True if something may be known of `pages` pages from `first` on, other than what is private to an ASID if
    /// `private` isn't asked for.
    pub fn may_hold(&self, first: u64, pages: u64, private: bool) -> bool {
        let last = first.wrapping_add(pages << 12).wrapping_sub(1);
        let wanted = if pages >> 42 != 0 { 3 } else { half(first) | half(last) };
        self.halves & wanted != 0 && (private || self.global != 0)
    }

    /// What `va` must equal under a tag: the page, and the bits that an aligned access of `size` has clear.
    /// One comparison checks page and alignment.
    #[inline(always)]
    pub fn tag(va: u64, size: usize) -> u64 {
        va & (!0xfff | (size as u64 - 1))
    }

    /// The entry that may hold the page of `va` for data.
    #[inline(always)]
    pub fn data(&self, va: u64) -> Entry {
        self.get(Self::index(va))
    }

    /// The entry that may hold the page of `va` for fetches.
    #[inline(always)]
    pub fn code(&self, va: u64) -> &Entry {
        &self.code[(va >> 12) as usize % CODE]
    }

    /// Fills in the page of `va` for data.
    pub fn fill_data(&mut self, va: u64, entry: Entry) {
        self.note(va, &entry);
        let index = Self::index(va);
        self.used[index / BLOCK / 64] |= 1 << (index / BLOCK % 64);
        self.put(index, entry);
    }

    /// Fills in the page of `va` for fetches.
    pub fn fill_code(&mut self, va: u64, entry: Entry) {
        self.note(va, &entry);
        self.code_used = 1;
        self.code[(va >> 12) as usize % CODE] = entry;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        for block in self.used_blocks() {
            self.read[block.clone()].fill(NONE);
            self.write[block.clone()].fill(NONE);
            self.host[block.clone()].fill(0);
            self.pa[block].fill(0);
        }
        self.used = [0; BLOCKS];
        if self.code_used != 0 {
            self.code.fill(Entry::EMPTY);
            self.code_used = 0;
        }
        self.clear_jumps();
        (self.halves, self.global) = (0, 0);
    }

    /// Forgets `pages` pages from `first` on, under any top byte.
    pub fn drop_range(&mut self, first: u64, pages: u64) {
        if pages > FEW_PAGES {
            self.drop_if(|entry| entry.within(first, pages));
            self.drop_jumps_within(first, pages);
            return;
        }
        for n in 0..pages {
            let page = (first >> 12).wrapping_add(n) as usize;
            self.drop_jumps((page as u64) << 12);
            self.drop_at(page % DATA, page % CODE, |entry| entry.within(first, pages));
        }
    }

    /// Allows no more stores to the page at physical address `pa`.
    pub fn drop_stores(&mut self, pa: u64) {
        for n in self.used_blocks().flatten() {
            if self.pa[n] & !0xfff == pa {
                self.write[n] = NONE;
            }
        }
    }

    /// Forgets what is private to an ASID.
    pub fn drop_private(&mut self) {
        self.drop_if(|entry| entry.pa & PRIVATE != 0);
        self.clear_jumps();
    }

    /// Forgets what is private to an ASID in the slots of `va`.
    pub fn drop_private_at(&mut self, va: u64) {
        let page = (va >> 12) as usize;
        self.drop_jumps(va);
        self.drop_at(page % DATA, page % CODE, |entry| entry.pa & PRIVATE != 0);
    }

    fn drop_if(&mut self, drops: impl Fn(&Entry) -> bool) {
        for n in self.used_blocks().flatten() {
            if drops(&self.get(n)) {
                self.put(n, Entry::EMPTY);
            }
        }
        for entry in &mut self.code {
            if drops(entry) {
                *entry = Entry::EMPTY;
            }
        }
    }
}

/// The bit of `va`'s half of the address space in [`Set::halves`].
fn half(va: u64) -> u64 {
    1 << (va >> 55 & 1)
}

/// The place of `va`'s page in [`Set::jump_pages`], the same under any top byte.
fn mixed_page(va: u64) -> usize {
    ((va << 8 >> 20).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 51) as usize
}

const _: () = assert!(DATA.is_power_of_two());
const _: () = assert!(JUMPS <= 1 << 16);
const _: () = assert!(JUMP_PAGES == 1 << (64 - 51));

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(va: u64) -> Entry {
        Entry { read: va & !0xfff, write: NONE, host: 0, pa: PRIVATE }
    }

    #[test]
    fn ranges_match_under_any_top_byte_and_wrap() {
        let mut set = Set::new();
        for pages in [3, 300] {
            let vas = [0x4000_0000, 0x5a00_0000_4000_1000, 0x4000_2000, 0x4012_c000];
            vas.iter().for_each(|&va| set.fill_data(va, entry(va)));
            set.fill_code(vas[1], entry(vas[1]));
            set.drop_range(0x4000_0000, pages);
            assert_eq!(vas.map(|va| set.data(va).read == va & !0xfff), [false, false, false, true]);
            assert_ne!(set.code(vas[1]).read, vas[1]);
        }
        let last = !0xfff;
        set.fill_data(last, entry(last));
        set.drop_range(0x00ff_ffff_ffff_f000, 1);
        assert_ne!(set.data(last).read, last);
    }

    #[test]
    fn jumps_of_one_page_go_alone() {
        let mut set = Set::new();
        let pages = [0x4000_0000, 0x4000_1000, 0x5a00_0000_4000_0000, 0xffff_8000_0812_3000];
        for page in pages {
            for word in [0, 1, 513, 1023] {
                let mut set = Set::new();
                set.fill_code(page, entry(page));
                set.fill_jump(page + word * 4, 1);
                set.fill_jump(0x7777_0000, 2);
                let index = Set::jump_index(page + word * 4);
                set.drop_range(page.wrapping_add(0x1000), 1);
                assert_eq!(set.jumps[index].host, 1);
                set.drop_range(page, 1);
                assert_eq!((set.jumps[index].va, set.jump_pages[mixed_page(page)]), (NONE, 0));
                assert_eq!(set.jumps[Set::jump_index(0x7777_0000)].host, 2);
            }
        }
        // One takes the place of another, which counts no more; nor does page 0, where nothing is.
        let (old, new) = (0x4000_0000, 0x5000_0000);
        assert_eq!(Set::jump_index(old), Set::jump_index(new));
        set.fill_jump(old, 1);
        set.fill_jump(new, 2);
        set.drop_range(0, 1);
        assert_eq!([old, new, 0].map(|va| set.jump_pages[mixed_page(va)]), [0, 1, 0]);
        set.fill_data(0x1000, entry(0x1000));
        assert!(set.may_hold(0, 1, true) && !set.may_hold(0, 1, false));
        assert!(!set.may_hold(!0xfff, 1, true) && set.may_hold(!0xfff, 2, true));
    }

    #[test]
    fn private_entries_go_alone() {
        let mut set = Set::new();
        set.fill_data(0x1000, entry(0x1000));
        set.fill_data(0x2000, Entry { pa: 0, ..entry(0x2000) });
        set.drop_private();
        assert_ne!(set.data(0x1000).read, 0x1000);
        assert_eq!(set.data(0x2000).read, 0x2000);
    }
}
