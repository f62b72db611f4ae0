//! The JIT: uops to host code. Tier 1, a baseline compiler for x86-64.
//!
//! A trace is compiled in one pass over its uops. The hottest guest registers live in host
//! registers across all code (`layout::MAPPED`), the others in memory; flags stay in the host's flags as
//! long as they can (`emit::flags`); what no lowering exists for, and whatever is rare, is done by the
//! interpreter, uop by uop, through one thunk. Code is keyed by physical address and mode and contains
//! no virtual address.
//!
//! A trace is entered with a budget of instructions, which it pays in advance; when the budget is used
//! up the PE looks up. Traces of one page are linked by patched jumps; all other branches go through
//! the jumps remembered in the set of the soft TLB in use ([`crate::mmu::Set`]).

mod call;
mod constants;
mod context;
mod emit;
mod helped;
pub mod host;
mod layout;
mod listing;
mod memory;
mod pool;
mod run;
mod stats;
mod table;
mod thunks;
mod trace;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use armlet_x64::{Asm, Level};

pub use context::{Context, RawFlags};
pub use host::Host;
pub use listing::{CodeWatch, ListedInsn, Listing, Mark};
pub use stats::{DEFAULT_CODE_BYTES, LEAST_CODE_BYTES, MOST_CODE_BYTES, Stats};

use crate::block::{Key, Mode};
use crate::cpu::Cpu;
use constants::Constants;
use emit::{Emitter, Task};
use helped::Helped;
use memory::CodeMemory;
use table::{Site, Table, Unit};
use thunks::Thunks;
use trace::Trace;

/// INT3: what stands where no code is meant to run.
const INT3: u8 = 0xcc;
/// Bytes of a trace before its entry from the same page, which is aligned.
const FAR_BYTES: usize = 14;
/// More than the code of any trace.
const MOST_TRACE_BYTES: usize = 128 << 10;

/// The JIT of one PE.
pub struct Jit {
    host: Host,
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
    /// What `stats.helper_uops` are, if somebody wants to know.
    helped: Option<Box<Helped>>,
    watch: Option<Arc<dyn CodeWatch>>,
    /// Jumps in the sets of the soft TLB may lead to dropped code.
    pub(crate) jumps_stale: bool,
}

impl Jit {
    /// A JIT with `bytes` of code memory, for this host.
    pub fn new(bytes: usize) -> io::Result<Self> {
        Self::at_level(bytes, Level::Avx512)
    }

    /// The same, with vector instructions of `most` at most.
    pub fn at_level(bytes: usize, most: Level) -> io::Result<Self> {
        let host = Host::detect(most).ok_or(io::ErrorKind::Unsupported)?;
        let mut memory = CodeMemory::new(bytes.max(LEAST_CODE_BYTES).next_multiple_of(4096))?;
        let (thunks, end) = Thunks::build(&mut memory, 0, host.level, call::helpers());
        // Apart from code: what is written near code slows down its execution.
        let constants = end.next_multiple_of(4096);
        let start = constants + Constants::BYTES;
        let emitter = emit::Buffers::new(Constants::at(memory.address(constants)));
        let mut asm = Asm::default();
        asm.set_level(host.level);
        memory.put(end, &vec![INT3; start - end]);
        Ok(Self {
            host,
            memory,
            thunks,
            start,
            at: start,
            table: Table::default(),
            asm,
            trace: Trace::default(),
            emitter,
            stats: Stats::default(),
            helped: None,
            watch: None,
            jumps_stale: false,
        })
    }

    /// What it has done so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Counts what generated code leaves to the interpreter from now on.
    pub fn count_helped(&mut self) {
        self.helped = Some(Box::default());
    }

    /// What was left to the interpreter, and how often.
    pub fn helped(&self) -> impl Iterator<Item = (crate::uop::Op, u64)> {
        self.helped.iter().flat_map(|helped| helped.counts())
    }

    /// Shows `watch` all code made from now on, as that of PE `cpu`.
    pub fn watch(&mut self, cpu: usize, watch: Arc<dyn CodeWatch>) {
        let thunks = self.thunks.named();
        for (n, &(name, address)) in thunks.iter().enumerate() {
            let at = self.memory.offset(address);
            let end = thunks.get(n + 1).map_or(self.start, |next| self.memory.offset(next.1));
            watch.shared(cpu, name, address, self.memory.code(at, end - at));
        }
        self.emitter.marks = Some(Vec::new());
        self.watch = Some(watch);
    }

    /// Shows the trace just compiled to whoever looks on.
    fn tell(&self, cpu: &Cpu, key: Key, mode: Mode, offset: usize) {
        let Some(watch) = &self.watch else { return };
        let (segments, uops) = (&self.trace.segments, &self.trace.uops);
        watch.compiled(&Listing {
            cpu: cpu.index,
            number: self.table.next_unit() - 1,
            pa: key.pa(),
            mode,
            insns: listing::insns(cpu, key, offset, segments, uops),
            uops,
            address: self.memory.address(self.at),
            code: self.memory.code(self.at, self.asm.len()),
            marks: self.emitter.marks.as_deref().unwrap_or_default(),
        });
    }

    /// Drops code that depends on `len` bytes of guest physical memory at `pa`, within one page.
    pub fn invalidate(&mut self, pa: u64, len: u64) {
        let dropped = self.table.invalidate(&mut self.memory, pa, len);
        self.stats.dropped += dropped as u64;
        self.jumps_stale |= dropped != 0;
    }

    /// Drops all code.
    pub fn clear(&mut self) {
        self.table.clear();
        self.at = self.start;
        self.jumps_stale = true;
    }

    /// As [`Self::clear`], for the guest.
    pub fn flush(&mut self) {
        self.clear();
        self.stats.flushes += 1;
    }

    /// Compiles the trace at `key`, whose first word is at `offset` of guest memory.
    fn compile(&mut self, cpu: &Cpu, key: Key, mode: Mode, offset: usize) -> u32 {
        let begun = Instant::now();
        let numbered = self.table.next_unit() >> (u32::BITS - call::UOP_BITS) == 0;
        if self.at + MOST_TRACE_BYTES > self.memory.len() || !numbered || self.emitter.constants.is_tight() {
            self.clear();
            self.emitter.constants.clear();
            self.stats.evictions += 1;
        }
        self.trace.form(cpu, key, mode, offset);
        let (id, first_site) = (self.table.next_unit(), self.table.next_site());
        self.asm.start(self.memory.address(self.at));
        let task = Task { trace: &self.trace, cpu, mode, id, first_site };
        let emitter = Emitter::new(&mut self.asm, &mut self.emitter, &self.thunks, &self.host, task);
        let done = emitter.emit();
        let code = self.asm.finish();
        assert!(code.len() < MOST_TRACE_BYTES, "a trace is larger than any can be");
        self.memory.put(self.at, code);
        self.emitter.constants.write(&mut self.memory);
        let at = self.at as u32;
        let sites = self.emitter.sites.iter().map(|site| Site {
            jump: at + site.jump,
            stub: at + self.asm.offset_of(site.stub) as u32,
            target: site.target,
            unit: id,
            linked: 0,
        });
        let code = [at, at + done.near as u32, at + done.inner as u32, at + self.asm.len() as u32];
        let sites_end = first_site + self.emitter.sites.len() as u32;
        let (insns, lines) = (self.trace.insns, self.trace.lines);
        let mut unit =
            Unit::new(key, code, insns, lines, &self.trace.uops, &self.trace.segments, first_site..sites_end);
        unit.resident = done.resident;
        self.table.insert(unit, sites);
        self.stats.traces += 1;
        self.stats.insns += u64::from(insns);
        self.stats.uops += self.trace.uops.len() as u64;
        self.stats.bytes += self.asm.len() as u64;
        self.tell(cpu, key, mode, offset);
        self.at = (self.at + self.asm.len() + FAR_BYTES).next_multiple_of(32) - FAR_BYTES;
        self.stats.compiling += begun.elapsed();
        id
    }
}
