//! Traces: what is compiled as one. A trace begins like a block and goes on along direct branches and
//! past conditional ones, within the page.

use std::sync::atomic::Ordering;

use armlet_base::GuestRam;

use crate::block::{Key, MAX_INSNS, Mode, Shape, Starts};
use crate::cpu::Cpu;
use crate::lower::Stretch;
use crate::uop::{Op, Uop};

/// Most segments of a trace.
const MAX_SEGMENTS: usize = 16;
/// Bytes of guest code that share a bit of [`Trace::lines`].
pub const LINE: u64 = 64;

/// A run of instructions that follow each other, lowered like a block.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Where it begins in the page.
    pub offset: u16,
    /// Number of its first uop.
    pub first: u16,
    /// Instructions of the trace before it.
    pub before: u16,
    /// Its instructions.
    pub insns: u16,
    /// Its bytes.
    pub bytes: u16,
    /// Where they start.
    pub starts: Starts,
}

/// A trace, lowered.
#[derive(Default)]
pub struct Trace {
    /// All uops. The last uop of a segment leaves it.
    pub uops: Vec<Uop>,
    /// Its segments; the first one begins at the trace's address.
    pub segments: Vec<Segment>,
    /// Instructions.
    pub insns: u16,
    /// The lines of the page that it was made of, a bit each.
    pub lines: u64,
}

impl Trace {
    /// Makes the trace that begins at `key`, whose word is at `offset` of guest memory.
    pub fn form(&mut self, cpu: &Cpu, key: Key, mode: Mode, offset: usize) {
        self.uops.clear();
        self.segments.clear();
        (self.insns, self.lines) = (0, 0);
        let page = offset & !0xfff;
        let mut at = (offset & 0xfff) as u16;
        debug_assert_eq!(u64::from(at), key.pa() & 0xfff);
        while self.segments.len() < MAX_SEGMENTS && !self.segments.iter().any(|s| s.offset == at) {
            let room = MAX_INSNS - usize::from(self.insns);
            let stretch = Stretch { mode, ..cpu.stretch(page + usize::from(at)) };
            if stretch.crosses() {
                break;
            }
            let first = self.uops.len() as u16;
            let Shape { insns, bytes, starts } = stretch.lower_into(&mut self.uops, cpu.limit_block(room));
            self.segments.push(Segment { offset: at, first, before: self.insns, insns, bytes, starts });
            self.note_lines(at, bytes);
            self.insns += insns;
            match self.next(at, bytes) {
                Some(next) if usize::from(self.insns) < MAX_INSNS => at = next,
                _ => break,
            }
        }
    }

    /// Where the trace goes on after a segment, if it does.
    fn next(&self, at: u16, bytes: u16) -> Option<u16> {
        let last = self.uops.last()?;
        let to = i64::from(at) + last.imm;
        let (inside, end) = (to >> 12 == 0, at + bytes);
        match last.op {
            Op::Jump => inside.then_some(to as u16),
            // A loop's end: both ways are left to links.
            op if op.is_conditional() && to <= i64::from(end) && inside => None,
            op if op.is_conditional() => (end < 4096).then_some(end),
            _ => None,
        }
    }

    fn note_lines(&mut self, at: u16, bytes: u16) {
        let (first, last) = (u64::from(at) / LINE, (u64::from(at + bytes) - 1) / LINE);
        self.lines |= u64::MAX >> (63 - (last - first)) << first;
    }

    /// The guest's code that it was made of, from the page at `page` of guest memory.
    pub fn source<'a>(
        segments: &'a [Segment],
        ram: &'a GuestRam,
        page: usize,
    ) -> impl Iterator<Item = u16> + 'a {
        segments.iter().flat_map(move |segment| {
            let first = page + usize::from(segment.offset);
            (0..usize::from(segment.bytes) / 2).map(move |n| ram.load(first + n * 2, Ordering::Relaxed))
        })
    }

    /// Number of the segment of a uop.
    pub fn segment_of(segments: &[Segment], uop: usize) -> usize {
        segments.partition_point(|s| usize::from(s.first) <= uop) - 1
    }
}
