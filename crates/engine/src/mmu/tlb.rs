//! First-level soft TLB: direct-mapped sets of 4 KiB pages, one per view of the address space.
//!
//! A set answers for one exception level, PAN state and address space, so that a hit needs no further
//! check. Sets are swapped, not flushed, when any of these change; see [`super::Mmu`].

/// Tag of no page: its low bits can't be those of a masked address.
pub const NONE: u64 = !0;
/// Entries for data in one set.
const DATA: usize = 1024;
/// Entries for code in one set.
const CODE: usize = 256;
/// Pages up to which a range is dropped slot by slot rather than by a scan.
const FEW_PAGES: u64 = 64;

/// [`Entry::pa`]: Normal memory, so unaligned accesses don't fault for its type.
pub const NORMAL: u64 = 1 << 0;
/// [`Entry::pa`]: belongs to the current ASID only.
pub const PRIVATE: u64 = 1 << 1;

/// What is cached for one page. A tag equals the page's virtual address, ignored top byte included, if
/// the access is allowed without further checks, else `NONE`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Entry {
    /// Tag for loads, or for fetches.
    pub read: u64,
    /// Tag for stores.
    pub write: u64,
    /// Offset in guest memory minus the virtual address, wrapping.
    pub addend: u64,
    /// Guest physical address of the page, with `NORMAL` and `PRIVATE`.
    pub pa: u64,
}

impl Entry {
    const EMPTY: Self = Self { read: NONE, write: NONE, addend: 0, pa: 0 };

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

/// The entries of one view.
#[repr(C)]
pub struct Set {
    data: [Entry; DATA],
    code: [Entry; CODE],
    /// Anything was filled in since it was last empty.
    used: bool,
    /// [`super::Mmu::epoch`] when it was last known to hold nothing stale.
    pub(super) epoch: u64,
}

impl Default for Set {
    fn default() -> Self {
        Self { data: [Entry::EMPTY; DATA], code: [Entry::EMPTY; CODE], used: false, epoch: 0 }
    }
}

impl Set {
    /// What `va` must equal under a tag: the page, and the bits that an aligned access of `size` has clear.
    /// One comparison checks page and alignment.
    #[inline(always)]
    pub fn tag(va: u64, size: usize) -> u64 {
        va & (!0xfff | (size as u64 - 1))
    }

    /// The entry that may hold the page of `va` for data.
    #[inline(always)]
    pub fn data(&self, va: u64) -> &Entry {
        &self.data[(va >> 12) as usize % DATA]
    }

    /// The entry that may hold the page of `va` for fetches.
    #[inline(always)]
    pub fn code(&self, va: u64) -> &Entry {
        &self.code[(va >> 12) as usize % CODE]
    }

    /// Fills in the page of `va` for data.
    pub fn fill_data(&mut self, va: u64, entry: Entry) {
        self.used = true;
        self.data[(va >> 12) as usize % DATA] = entry;
    }

    /// Fills in the page of `va` for fetches.
    pub fn fill_code(&mut self, va: u64, entry: Entry) {
        self.used = true;
        self.code[(va >> 12) as usize % CODE] = entry;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if self.used {
            self.data.fill(Entry::EMPTY);
            self.code.fill(Entry::EMPTY);
            self.used = false;
        }
    }

    /// Forgets `pages` pages from `first` on, under any top byte.
    pub fn drop_range(&mut self, first: u64, pages: u64) {
        if !self.used {
            return;
        }
        if pages > FEW_PAGES {
            self.drop_if(|entry| entry.within(first, pages));
            return;
        }
        for n in 0..pages {
            let page = (first >> 12).wrapping_add(n) as usize;
            for entry in [&mut self.data[page % DATA], &mut self.code[page % CODE]] {
                if entry.within(first, pages) {
                    *entry = Entry::EMPTY;
                }
            }
        }
    }

    /// Forgets what is private to an ASID.
    pub fn drop_private(&mut self) {
        self.drop_if(|entry| entry.pa & PRIVATE != 0);
    }

    /// Forgets what is private to an ASID in the slots of `va`.
    pub fn drop_private_at(&mut self, va: u64) {
        let page = (va >> 12) as usize;
        for entry in [&mut self.data[page % DATA], &mut self.code[page % CODE]] {
            if entry.pa & PRIVATE != 0 {
                *entry = Entry::EMPTY;
            }
        }
    }

    fn drop_if(&mut self, drops: impl Fn(&Entry) -> bool) {
        for entry in self.data.iter_mut().chain(&mut self.code) {
            if drops(entry) {
                *entry = Entry::EMPTY;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(va: u64) -> Entry {
        Entry { read: va & !0xfff, write: NONE, addend: 0, pa: PRIVATE }
    }

    #[test]
    fn ranges_match_under_any_top_byte_and_wrap() {
        let mut set = Set::default();
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
    fn private_entries_go_alone() {
        let mut set = Set::default();
        set.fill_data(0x1000, entry(0x1000));
        set.fill_data(0x2000, Entry { pa: 0, ..entry(0x2000) });
        set.drop_private();
        assert_ne!(set.data(0x1000).read, 0x1000);
        assert_eq!(set.data(0x2000).read, 0x2000);
    }
}
