//! Strict mode: code that changes without instruction cache maintenance is noticed.
//!
//! The architecture has a guest announce changed code, and stores never check for code. For guests that do not
//! announce it a bitmap tells which pages of guest memory hold code. No soft TLB allows stores to those without
//! the slow path, which asks for the lines that it is about to write to be dropped: by this PE before its next
//! instruction, by the others when this one says DSB. Pages stay in the bitmap for good, so stores to a page that
//! held code once are slow.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::block::Block;
use crate::cpu::Cpu;
use crate::mmu::Invalidate;
use crate::uop::{Op, SystemOp, Uop};
#[cfg(jit)]
use crate::world::World;

/// Bytes dropped together.
const LINE: u64 = 64;

/// A bit for each page of guest memory.
struct Bits(Box<[AtomicU64]>);

impl Bits {
    fn new(pages: usize) -> Self {
        Self((0..pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    fn has(&self, page: usize) -> bool {
        self.0[page / 64].load(Ordering::SeqCst) >> (page % 64) & 1 != 0
    }

    fn add(&self, page: usize) {
        self.0[page / 64].fetch_or(1 << (page % 64), Ordering::SeqCst);
    }
}

/// The pages of guest memory that hold code.
pub struct CodePages {
    /// Stores to it take the slow path from their next miss on.
    slow: Bits,
    /// All PEs know that.
    known: Bits,
}

impl CodePages {
    /// None of `bytes` of guest memory hold code.
    pub fn new(bytes: usize) -> Self {
        let pages = bytes.div_ceil(4096);
        Self { slow: Bits::new(pages), known: Bits::new(pages) }
    }

    /// True if stores to the page at `offset` must take the slow path.
    pub fn has(&self, offset: usize) -> bool {
        self.slow.has(offset >> 12)
    }
}

impl Cpu {
    /// The page at `offset` of guest memory, whose physical address is `pa`, is about to be lowered: from here on
    /// no store to it goes unnoticed.
    #[inline]
    pub(crate) fn note_code(&mut self, pa: u64, offset: usize) {
        if let Some(pages) = self.vm.code_pages()
            && !pages.known.has(offset >> 12)
        {
            self.watch_code(pa & !0xfff, offset >> 12);
        }
    }

    #[cold]
    fn watch_code(&mut self, pa: u64, page: usize) {
        let vm = self.vm.clone();
        let Some(pages) = vm.code_pages() else { return };
        pages.slow.add(page);
        self.mmu.invalidate(Invalidate::Stores { pa });
        self.have_done(Invalidate::Stores { pa });
        // Two PEs may do this at once; whoever finds it done may rely on it.
        pages.known.add(page);
    }

    /// Stores to `len` bytes at `pa`, at `offset` of guest memory, are about to happen, by the slow path.
    #[inline]
    pub(crate) fn note_store(&mut self, pa: u64, offset: usize, len: usize) {
        if self.vm.code_pages().is_some_and(|pages| pages.has(offset)) {
            let lines = pa / LINE..=(pa + len.max(1) as u64 - 1) / LINE;
            lines.for_each(|line| self.drop_code_line(line * LINE));
        }
    }

    /// True if the instruction that runs changed code, in strict mode: the next one must be looked up.
    #[cfg(jit)]
    #[inline]
    pub(crate) fn changed_code(&self) -> bool {
        !self.mmu.code_requests.is_empty() && self.vm.code_pages().is_some()
    }

    /// In strict mode, cuts a block behind its first store: the next instruction is looked up. `lower` makes a
    /// block of so many instructions at most.
    pub(crate) fn cut_block(&self, limit: usize, lower: impl Fn(usize) -> Block) -> Block {
        let block = lower(limit);
        if self.vm.code_pages().is_none() {
            return block;
        }
        let store = block.uops.iter().find(|uop| may_store(uop));
        match store.map(|uop| block.starts.before(uop.delta) + 1) {
            Some(insns) if insns < block.insns.into() => lower(insns as usize),
            _ => block,
        }
    }

    /// Ends the trace that runs behind the instruction that uop `index` of it is part of. Its other uops are run
    /// by `exec`, which says if one of them leaves the trace.
    #[cfg(jit)]
    pub(crate) fn finish_insn<E>(
        &mut self,
        uops: &[Uop],
        index: usize,
        world: &mut dyn World,
        exec: impl Fn(&mut Self, &mut dyn World, &Uop) -> Option<E>,
    ) -> Option<E> {
        let delta = uops[index].delta;
        for uop in uops[index + 1..].iter().take_while(|uop| uop.delta == delta) {
            if let Some(exit) = exec(self, world, uop) {
                return Some(exit);
            }
        }
        self.delta = delta;
        self.pc = self.pc.wrapping_add(self.starts.next(delta));
        None
    }
}

/// True for what may store to memory, and for a few others.
fn may_store(uop: &Uop) -> bool {
    use Op::*;
    matches!(
        uop.op,
        Store8
            | Store16
            | Store32
            | Store64
            | StorePair32
            | StorePair64
            | VStore8
            | VStore16
            | VStore32
            | VStore64
            | VStore128
            | VStorePair32
            | VStorePair64
            | VStorePair128
            | Memory(_)
            | System(SystemOp::DcZva)
    )
}
