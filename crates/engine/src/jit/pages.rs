//! What guest memory held when traces were made of it, page by page.
//!
//! A guest that puts all code in doubt (ICIALLU, at every new page of code in 32-bit Linux) has mostly changed none of
//! it. So traces are kept, and a page is compared with its copy when it is next entered. Within a page links stay: it is
//! entered by look-ups alone.

use std::sync::atomic::Ordering;

use armlet_base::GuestRam;

/// Words of a page.
const WORDS: usize = 4096 / 8;
/// Words of a line.
const LINE_WORDS: usize = super::trace::LINE as usize / 8;

/// The traces of a page.
pub struct Page {
    /// Their numbers.
    pub ids: Vec<u32>,
    /// When it was last known to be what guest memory holds.
    pub epoch: u32,
    /// Lines that the copy holds: all those that traces depend on.
    lines: u64,
    copy: Box<[u64; WORDS]>,
}

impl Page {
    /// A page without traces.
    pub fn new(epoch: u32) -> Self {
        Self { ids: Vec::new(), epoch, lines: 0, copy: Box::new([0; WORDS]) }
    }

    /// Takes lines into the copy. The page is at `offset` of guest memory.
    pub fn take(&mut self, ram: &GuestRam, offset: usize, lines: u64) {
        for line in each(lines) {
            for n in line * LINE_WORDS..(line + 1) * LINE_WORDS {
                self.copy[n] = ram.load(offset + n * 8, Ordering::Relaxed);
            }
        }
        self.lines |= lines;
    }

    /// Those lines of the copy that guest memory holds no more.
    pub fn changed(&self, ram: &GuestRam, offset: usize, lines: u64) -> u64 {
        let differs = |line: &usize| {
            let words = line * LINE_WORDS..(line + 1) * LINE_WORDS;
            words.into_iter().any(|n| self.copy[n] != ram.load::<u64>(offset + n * 8, Ordering::Relaxed))
        };
        each(lines & self.lines).filter(differs).fold(0, |changed, line| changed | 1 << line)
    }

    /// Lines of the copy.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// No trace depends on these lines any more.
    pub fn forget(&mut self, lines: u64) {
        self.lines &= !lines;
    }
}

/// The numbers of the bits that are set.
fn each(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(lowest)
    })
}
