//! Generated code as those see it who look on: a disassembler, a profiler.

use std::ops::Range;

use crate::block::Mode;
use crate::uop::Uop;

/// Looks on while code is made. Called on the threads of the PEs.
pub trait CodeWatch: Send + Sync {
    /// Code that all traces of PE `cpu` share, told once and before any trace. Nothing is told when code is dropped.
    fn shared(&self, cpu: usize, name: &'static str, address: u64, code: &[u8]);
    /// A trace was compiled.
    fn compiled(&self, listing: &Listing);
}

/// The code from here to the next mark was made for one uop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Offset from the trace's first byte.
    pub at: u32,
    /// Index of the uop; `None` for stubs that ask for links and for what stands between the parts.
    pub uop: Option<usize>,
    /// The code is run seldom and stands behind the trace.
    pub cold: bool,
}

/// A guest instruction of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedInsn {
    /// Its virtual address where the trace was compiled first; other mappings of the page use the same code.
    pub va: u64,
    /// Its word. That of a T32 instruction has the first halfword on top.
    pub word: u32,
    /// Its length in bytes.
    pub bytes: u8,
    /// Its uops.
    pub uops: Range<usize>,
}

/// A trace as it was compiled, before any of its branches was linked.
pub struct Listing<'a> {
    /// Index of the PE.
    pub cpu: usize,
    /// Number of the trace since code was last dropped.
    pub number: u32,
    /// Guest physical address of the first instruction.
    pub pa: u64,
    /// The mode that it was compiled for.
    pub mode: Mode,
    /// Instructions, in the order in which they run.
    pub insns: Vec<ListedInsn>,
    /// Uops.
    pub uops: &'a [Uop],
    /// Address of the host code.
    pub address: u64,
    /// The host code.
    pub code: &'a [u8],
    /// What is what in it, in order. What stands before the first mark is the way in.
    pub marks: &'a [Mark],
}

/// The instructions of a trace whose first word is at `offset` of guest memory, and which `cpu` is about to run.
#[cfg(jit)]
pub(super) fn insns(
    cpu: &crate::cpu::Cpu,
    key: crate::block::Key,
    offset: usize,
    segments: &[super::trace::Segment],
    uops: &[Uop],
) -> Vec<ListedInsn> {
    use std::sync::atomic::Ordering;
    let (va_page, ram_page) = (cpu.pc & !0xfff, offset - (key.pa() & 0xfff) as usize);
    let mut insns = Vec::new();
    for (n, segment) in segments.iter().enumerate() {
        let end = segments.get(n + 1).map_or(uops.len(), |next| next.first.into());
        let mut next = usize::from(segment.first);
        let mut delta = 0;
        for insn in 0..segment.insns {
            let first = next;
            let last = insn + 1 == segment.insns;
            // What ends a segment without being an instruction goes with the last one.
            while next < end && (last || uops[next].delta <= delta) {
                next += 1;
            }
            let behind = (segment.starts.next(delta) / 2) as u8;
            let (place, bytes) = (usize::from(segment.offset) + usize::from(delta) * 2, (behind - delta) * 2);
            let half = |n| u32::from(cpu.vm.ram.load::<u16>(ram_page + place + n, Ordering::Relaxed));
            let word = match (bytes, key.mode().is_t32()) {
                (2, _) => half(0),
                (_, true) => half(0) << 16 | half(2),
                (_, false) => half(2) << 16 | half(0),
            };
            insns.push(ListedInsn { va: va_page + place as u64, word, bytes, uops: first..next });
            delta = behind;
        }
    }
    insns
}
