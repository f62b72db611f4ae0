//! The JIT: uops to host code. Tier 1, a baseline compiler for x86-64.
//!
//! A [`trace::Trace`] is compiled in one pass over its uops. The hottest guest registers live in host
//! registers across all code ([`layout::MAPPED`]), the others in memory; flags stay in the host's flags as
//! long as they can ([`emit::flags`]); what no lowering exists for, and whatever is rare, is done by the
//! interpreter, uop by uop, through one thunk. Code is keyed by physical address and mode and contains
//! no virtual address.
//!
//! A trace is entered with a budget of instructions, which it pays in advance; when the budget is used
//! up the PE looks up. Traces of one page are linked by patched jumps; all other branches go through
//! the jumps remembered in the set of the soft TLB in use ([`crate::mmu::Set`]).

mod call;
mod context;
mod emit;
mod layout;
mod memory;
mod run;
mod table;
mod thunks;
mod trace;

use std::io;
use std::time::{Duration, Instant};

use armlet_x64::Asm;

pub use context::{Context, RawFlags};

use crate::block::{Key, Mode};
use crate::cpu::Cpu;
use emit::Emitter;
use memory::CodeMemory;
use table::{Site, Table, Unit};
use thunks::Thunks;
use trace::Trace;

/// Code memory of one PE unless told otherwise.
pub const DEFAULT_CODE_BYTES: usize = 64 << 20;
/// The least code memory that makes sense: room for the longest trace many times over.
pub const LEAST_CODE_BYTES: usize = 1 << 20;
/// More than the code of any trace.
const MOST_TRACE_BYTES: usize = 128 << 10;

/// What the JIT has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Traces compiled.
    pub traces: u64,
    /// Guest instructions compiled.
    pub insns: u64,
    /// Uops compiled.
    pub uops: u64,
    /// Bytes of host code.
    pub bytes: u64,
    /// Time spent forming and compiling traces.
    pub compiling: Duration,
    /// Links made.
    pub links: u64,
    /// Times all code was dropped for lack of room.
    pub evictions: u64,
    /// Traces entered from the run loop.
    pub entries: u64,
    /// Exits, by [`thunks::Why`].
    pub exits: [u64; 4],
    /// Uops run by the interpreter for generated code.
    pub helper_uops: u64,
}

/// The JIT of one PE.
pub struct Jit {
    memory: CodeMemory,
    thunks: Thunks,
    /// Offset of the first byte behind the thunks.
    start: usize,
    /// Offset of the next trace.
    at: usize,
    table: Table,
    asm: Asm,
    trace: Trace,
    emitter: emit::Buffers,
    stats: Stats,
    /// Jumps in the sets of the soft TLB may lead to dropped code.
    pub(crate) jumps_stale: bool,
}

impl Jit {
    /// A JIT with `bytes` of code memory.
    pub fn new(bytes: usize) -> io::Result<Self> {
        let mut memory = CodeMemory::new(bytes.max(LEAST_CODE_BYTES).next_multiple_of(4096))?;
        let (thunks, end) = Thunks::build(&mut memory, 0, call::helpers());
        let start = end.next_multiple_of(64);
        Ok(Self {
            memory,
            thunks,
            start,
            at: start,
            table: Table::default(),
            asm: Asm::default(),
            trace: Trace::default(),
            emitter: emit::Buffers::default(),
            stats: Stats::default(),
            jumps_stale: false,
        })
    }

    /// What it has done so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Drops code that depends on `len` bytes of guest physical memory at `pa`, within one page.
    pub fn invalidate(&mut self, pa: u64, len: u64) {
        self.jumps_stale |= self.table.invalidate(&mut self.memory, pa, len);
    }

    /// Drops all code.
    pub fn clear(&mut self) {
        self.table.clear();
        self.at = self.start;
        self.jumps_stale = true;
    }

    /// Compiles the trace at `key`, whose first word is at `offset` of guest memory.
    fn compile(&mut self, cpu: &Cpu, key: Key, mode: Mode, offset: usize) -> u32 {
        let begun = Instant::now();
        if self.at + MOST_TRACE_BYTES > self.memory.len() {
            self.clear();
            self.stats.evictions += 1;
        }
        self.trace.form(cpu, key, mode, offset);
        let (id, first_site) = (self.table.next_unit(), self.table.next_site());
        self.asm.start(self.memory.address(self.at));
        let emitter =
            Emitter::new(&mut self.asm, &mut self.emitter, &self.thunks, &self.trace, &cpu.vm, mode, id, first_site);
        let done = emitter.emit();
        let code = self.asm.finish();
        assert!(code.len() < MOST_TRACE_BYTES, "a trace is larger than any can be");
        self.memory.put(self.at, code);
        let at = self.at as u32;
        let sites = self.emitter.sites.iter().map(|site| Site {
            jump: at + site.jump,
            stub: at + self.asm.offset_of(site.stub) as u32,
            target: site.target,
            unit: id,
            linked: 0,
        });
        let code = [at, at + done.near as u32, at + self.asm.len() as u32];
        let sites_end = first_site + self.emitter.sites.len() as u32;
        let (insns, lines) = (self.trace.insns, self.trace.lines);
        let unit =
            Unit::new(key, code, insns, lines, &self.trace.uops, &self.trace.segments, first_site..sites_end);
        self.table.insert(unit, sites);
        self.stats.traces += 1;
        self.stats.insns += u64::from(insns);
        self.stats.uops += self.trace.uops.len() as u64;
        self.stats.bytes += self.asm.len() as u64;
        self.at = (self.at + self.asm.len()).next_multiple_of(16);
        self.stats.compiling += begun.elapsed();
        id
    }
}
