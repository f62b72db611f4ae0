//! A direct-mapped soft TLB of 4 KiB pages.

/// Tag of no page: its low bits can't be those of a masked address.
const NONE: u64 = !0;
/// Entries of one set.
const ENTRIES: usize = 1024;

/// What is cached for one page. A tag equals the page's virtual address if the access is allowed
/// without further checks, else [`NONE`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Entry {
    /// Tag for loads.
    pub read: u64,
    /// Tag for stores.
    pub write: u64,
    /// Offset in guest memory minus the virtual address, wrapping.
    pub addend: u64,
    /// Guest physical address of the page.
    pub pa: u64,
}

impl Default for Entry {
    fn default() -> Self {
        Self { read: NONE, write: NONE, addend: 0, pa: 0 }
    }
}

/// One set of entries.
pub struct Tlb {
    entries: Box<[Entry; ENTRIES]>,
}

impl Default for Tlb {
    fn default() -> Self {
        Self { entries: Box::new([Entry::default(); ENTRIES]) }
    }
}

impl Tlb {
    /// The entry that may hold the page of `va`.
    #[inline(always)]
    pub fn entry(&self, va: u64) -> &Entry {
        &self.entries[(va >> 12) as usize % ENTRIES]
    }

    /// The same, to fill.
    pub fn entry_mut(&mut self, va: u64) -> &mut Entry {
        &mut self.entries[(va >> 12) as usize % ENTRIES]
    }

    /// What `va` must equal under a tag: the page, and the bits that an aligned access of `size` has clear.
    /// One comparison checks page and alignment.
    #[inline(always)]
    pub fn tag(va: u64, size: usize) -> u64 {
        va & (!0xfff | (size as u64 - 1))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.fill(Entry::default());
    }
}
