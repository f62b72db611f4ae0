//! Maintenance yet to be done: what waits in an outbox, a mailbox, or for the code cache. Requests
//! merge, and too many become "everything", so a guest can't make them pile up.

use crate::cache::Cache;
use crate::jit::Jit;

/// What a TLBI removes. Whether last-level only is not told: nothing else is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalidate {
    /// All translations.
    All,
    /// What is private to an ASID.
    Asid(u16),
    /// What maps any of `count` pages of 4 KiB from `va` (untagged) on: global, or of `asid`, or of all
    /// ASIDs.
    Pages {
        /// First page.
        va: u64,
        /// How many.
        count: u64,
        /// Whose.
        asid: Option<u16>,
    },
    /// Leave to store to a page of physical memory without asking, in strict mode: see [`crate::strict`].
    Stores {
        /// Its physical address.
        pa: u64,
    },
}

/// Lines of the instruction cache: those that IC IVAU takes away.
const LINE: u64 = 64;
/// Requests kept apart.
const MOST: usize = 32;

/// Instruction cache maintenance.
#[derive(Clone, Debug, Default)]
pub struct CodeRequests {
    /// Physical pages, with a bit for each line.
    pages: Vec<(u64, u64)>,
    all: bool,
    /// There is something to do: 0 or 1, for generated code.
    pub(crate) any: u32,
}

impl CodeRequests {
    /// True if there is nothing to do.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.any == 0
    }

    /// Everything must go.
    pub fn push_all(&mut self) {
        self.pages.clear();
        self.all = true;
        self.any = 1;
    }

    /// The line at physical address `pa` must go.
    pub fn push_line(&mut self, pa: u64) {
        self.push(pa & !0xfff, 1 << (pa / LINE % 64));
    }

    fn push(&mut self, page: u64, lines: u64) {
        self.any = 1;
        if self.all {
            return;
        }
        if let Some(known) = self.pages.iter_mut().rev().find(|known| known.0 == page) {
            known.1 |= lines;
        } else if self.pages.len() < MOST {
            self.pages.push((page, lines));
        } else {
            self.push_all();
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.all {
            self.push_all();
        }
        for &(page, lines) in &other.pages {
            self.push(page, lines);
        }
    }

    /// Does it all.
    pub fn apply(&mut self, blocks: &mut Cache, mut jit: Option<&mut Jit>) {
        if std::mem::take(&mut self.any) == 0 {
            return;
        }
        if std::mem::take(&mut self.all) {
            blocks.clear();
            if let Some(jit) = &mut jit {
                jit.flush();
            }
        }
        for (page, mut lines) in self.pages.drain(..) {
            while lines != 0 {
                let first = lines.trailing_zeros();
                let run = (lines >> first).trailing_ones();
                let (pa, len) = (page + u64::from(first) * LINE, u64::from(run) * LINE);
                blocks.invalidate(pa, len);
                if let Some(jit) = &mut jit {
                    jit.invalidate(pa, len);
                }
                lines &= !(u64::MAX >> (64 - run) << first);
            }
        }
    }
}

/// Maintenance of both kinds.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// For the TLB.
    pub tlb: Vec<Invalidate>,
    /// For the code cache.
    pub code: CodeRequests,
}

impl Requests {
    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.tlb.is_empty() && self.code.is_empty()
    }

    /// Adds a TLBI.
    pub fn push_tlb(&mut self, what: Invalidate) {
        if self.tlb.contains(&Invalidate::All) || self.tlb.last() == Some(&what) {
            return;
        }
        if what == Invalidate::All || self.tlb.len() == MOST {
            self.tlb.clear();
            self.tlb.push(Invalidate::All);
        } else {
            self.tlb.push(what);
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for &what in &other.tlb {
            self.push_tlb(what);
        }
        self.code.merge(&other.code);
    }

    /// Forgets everything, but keeps its memory.
    pub fn clear(&mut self) {
        self.tlb.clear();
        self.code.pages.clear();
        (self.code.all, self.code.any) = (false, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_become_everything() {
        let mut requests = Requests::default();
        for n in 0..MOST as u64 {
            requests.push_tlb(Invalidate::Pages { va: n << 12, count: 1, asid: None });
            requests.code.push_line(n << 12);
        }
        assert_eq!((requests.tlb.len(), requests.code.all), (MOST, false));
        requests.code.push_line(0x40);
        assert_eq!(requests.code.pages[0], (0, 3));
        let mut merged = Requests::default();
        merged.push_tlb(Invalidate::Asid(1));
        merged.code.push_line(0x100_0000);
        merged.merge(&requests);
        assert_eq!(merged.tlb, [Invalidate::All]);
        assert!(merged.code.all && merged.code.pages.is_empty());
        merged.push_tlb(Invalidate::Asid(2));
        assert_eq!(merged.tlb.len(), 1);
        merged.clear();
        assert!(merged.is_empty());
    }
}
