//! What guest memory held when traces were made of it, page by page.
//!
//! A guest that puts all code in doubt (ICIALLU, at every new page of code in 32-bit Linux) has mostly changed none of
//! it. So a page is compared with its copy when it is next entered, all its traces at once. Within a page links stay: it
//! is entered by look-ups alone.

use std::sync::atomic::Ordering;

use armlet_base::GuestRam;

/// Words of a page.
const WORDS: usize = 4096 / 8;
/// Words of a line.
const LINE_WORDS: usize = super::trace::LINE as usize / 8;

/// All of a page, as it was at some time.
pub struct Copy([u64; WORDS]);

impl Copy {
    /// That of the page at `offset` of guest memory.
    pub fn new(ram: &GuestRam, offset: usize) -> Self {
        Self(std::array::from_fn(|n| ram.load(offset + n * 8, Ordering::Relaxed)))
    }
}

/// What the traces of a page were made of.
pub struct Source {
    /// When it was last known to be what guest memory holds.
    pub epoch: u32,
    /// Lines that the copy holds: all those that traces depend on.
    pub lines: u64,
    copy: Box<[u64; WORDS]>,
}

impl Source {
    /// That of no trace.
    pub fn new(epoch: u32) -> Self {
        Self { epoch, lines: 0, copy: Box::new([0; WORDS]) }
    }

    /// Takes lines of a newer copy.
    pub fn take(&mut self, newer: &Copy, lines: u64) {
        for n in each(lines).flat_map(words) {
            self.copy[n] = newer.0[n];
        }
        self.lines |= lines;
    }

    /// Lines that the page at `offset` of guest memory holds no more.
    pub fn changed(&self, ram: &GuestRam, offset: usize) -> u64 {
        self.differing(self.lines, |n| ram.load(offset + n * 8, Ordering::Relaxed))
    }

    /// Those of `lines` that are something else in a newer copy.
    pub fn differs(&self, newer: &Copy, lines: u64) -> u64 {
        self.differing(self.lines & lines, |n| newer.0[n])
    }

    fn differing(&self, lines: u64, word: impl Fn(usize) -> u64) -> u64 {
        let differs = |line: &usize| words(*line).fold(0, |all, n| all | self.copy[n] ^ word(n)) != 0;
        each(lines).filter(differs).fold(0, |found, line| found | 1 << line)
    }
}

/// The numbers of the words of a line.
fn words(line: usize) -> std::ops::Range<usize> {
    line * LINE_WORDS..(line + 1) * LINE_WORDS
}

/// The numbers of the bits that are set.
fn each(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(lowest)
    })
}
