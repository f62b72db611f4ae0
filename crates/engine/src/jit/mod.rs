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
mod pages;
mod run;
mod stats;
mod table;
mod thunks;
mod trace;

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use armlet_base::GuestRam;
use armlet_x64::{Asm, Level};

pub use context::{Context, RawFlags};
pub use host::Host;
pub use listing::{CodeWatch, ListedInsn, Listing, Mark};
pub use stats::{DEFAULT_CODE_BYTES, LEAST_CODE_BYTES, MOST_CODE_BYTES, Stats};

use crate::block::{Key, Mode};
use crate::cpu::Cpu;
use constants::Constants;
use emit::{Done, Emitter, Task};
use helped::Helped;
use memory::CodeMemory;
use pages::Copy;
use table::{Site, Table, Unit};
use thunks::Thunks;
use trace::Trace;

/// INT3: what stands where no code is meant to run.
const INT3: u8 = 0xcc;
/// Bytes of a trace before its entry from the same page, which is aligned.
const FAR_BYTES: usize = 14;
/// More than the code of any trace.
const MOST_TRACE_BYTES: usize = 128 << 10;
/// What part of code memory, and of the numbers of traces, is taken back at a time.
const REGIONS: usize = 16;

/// Code that was dropped while jumps in the sets of the soft TLB may still lead to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stale {
    /// None.
    #[default]
    Nothing,
    /// Code within these addresses.
    Range(Range<u64>),
    /// Code anywhere.
    All,
}

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
    /// What of the code that jumps in the sets of the soft TLB lead to was dropped.
    pub(crate) stale: Stale,
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
            stale: Stale::Nothing,
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
    fn tell(&self, cpu: &Cpu, id: u32, key: Key, mode: Mode, offset: usize) {
        let Some(watch) = &self.watch else { return };
        let (segments, uops) = (&self.trace.segments, &self.trace.uops);
        watch.compiled(&Listing {
            cpu: cpu.index,
            number: id,
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
        self.note_dropped(dropped);
    }

    /// Traces were dropped, and no jump may lead to them.
    fn note_dropped(&mut self, traces: usize) {
        self.stats.dropped += traces as u64;
        if traces != 0 {
            self.stale = Stale::All;
        }
    }

    /// Drops all code.
    pub fn clear(&mut self) {
        self.table.clear();
        self.at = self.start;
        self.stale = Stale::All;
    }

    /// The guest says that all code may have changed.
    pub fn flush(&mut self) {
        self.table.doubt(&mut self.memory);
        self.stale = Stale::All;
        self.stats.flushes += 1;
    }

    /// The trace of `key` in the page at `page` of guest memory, if there is one and it still is what memory holds.
    pub(crate) fn find(&mut self, key: Key, ram: &GuestRam, page: usize) -> Option<u32> {
        let id = self.table.find(key)?;
        if !self.table.is_doubted(id) {
            return Some(id);
        }
        let dropped = self.table.verify(&mut self.memory, id, ram, page);
        self.note_dropped(dropped);
        let same = self.table.find(key);
        self.stats.verified += u64::from(same.is_some());
        same
    }

    /// The executors must agree, in virtual time, on when changed code is seen that the guest has not announced.
    pub(crate) fn compare_one_by_one(&mut self) {
        self.table.compare_one_by_one();
    }

    /// Bytes that are free from the place of the next trace on.
    fn room(&self) -> usize {
        match self.table.oldest() {
            Some(oldest) if oldest as usize >= self.at => oldest as usize - self.at,
            // The next trace is aligned, perhaps past the end.
            _ => self.memory.len().saturating_sub(self.at),
        }
    }

    /// Sees to what all traces share: constants and numbers.
    fn make_way(&mut self) {
        if self.emitter.constants.is_tight() {
            self.clear();
            self.emitter.constants.clear();
            self.stats.evictions += 1;
        }
        if self.table.is_full() {
            let left = self.table.numbers() - self.table.numbers() / REGIONS;
            self.evict(|jit| jit.table.numbers() <= left);
        }
    }

    /// Makes room for `bytes` of code. Code memory is a ring: the oldest code goes first, and more of it than must,
    /// so that jumps are not searched too often.
    fn make_room(&mut self, bytes: usize) {
        let enough = bytes + ((self.memory.len() - self.start) / REGIONS).max(MOST_TRACE_BYTES);
        while self.room() < bytes {
            if self.table.oldest().is_some_and(|oldest| oldest as usize >= self.at) {
                // Past the end of memory there is no more.
                self.evict(|jit| jit.room() >= enough || jit.table.oldest() < Some(jit.at as u32));
            } else {
                self.at = self.start;
            }
        }
    }

    /// Drops the oldest traces until it is enough. None of them may be running.
    fn evict(&mut self, mut enough: impl FnMut(&Self) -> bool) {
        let Some(oldest) = self.table.oldest() else { return };
        let (first, mut end) = (oldest as usize, oldest as usize);
        let mut wrapped = false;
        while !enough(self)
            && let Some(to) = self.table.drop_oldest(&mut self.memory)
        {
            wrapped |= (to as usize) < end;
            end = to as usize;
        }
        if cfg!(debug_assertions) && !wrapped {
            self.memory.put(first, &vec![INT3; end - first]);
        }
        self.stale = match self.stale {
            Stale::Nothing if !wrapped => Stale::Range(self.memory.address(first)..self.memory.address(end)),
            _ => Stale::All,
        };
        self.stats.evictions += 1;
    }

    /// Compiles the trace that was formed, for the place and the number that are next. Returns the number.
    fn emit(&mut self, cpu: &Cpu, mode: Mode) -> (u32, Done) {
        let id = self.table.next_unit();
        self.asm.start(self.memory.address(self.at));
        let task = Task { trace: &self.trace, cpu, mode, id, first_site: table::first_site(id) };
        let emitter = Emitter::new(&mut self.asm, &mut self.emitter, &self.thunks, &self.host, task);
        let done = emitter.emit();
        assert!(self.asm.len() < MOST_TRACE_BYTES, "a trace is larger than any can be");
        (id, done)
    }

    /// Compiles the trace at `key`, whose first word is at `offset` of guest memory.
    fn compile(&mut self, cpu: &Cpu, key: Key, mode: Mode, offset: usize) -> u32 {
        let begun = Instant::now();
        self.make_way();
        let by_page = !self.table.compares_one_by_one();
        let copy = by_page.then(|| Copy::new(&cpu.ram, offset & !0xfff));
        self.trace.form(cpu, key, mode, offset);
        let (mut id, mut done) = self.emit(cpu, mode);
        while self.asm.len() > self.room() {
            self.make_room(self.asm.len());
            (id, done) = self.emit(cpu, mode);
        }
        let code = self.asm.finish();
        self.memory.put(self.at, code);
        self.emitter.constants.write(&mut self.memory);
        let at = self.at as u32;
        let sites = self.emitter.sites.iter().map(|site| Site {
            jump: at + site.jump,
            stub: at + self.asm.offset_of(site.stub) as u32,
            target: site.target,
            linked: 0,
        });
        let code = [at, at + done.near as u32, at + done.inner as u32, at + self.asm.len() as u32];
        let (insns, lines) = (self.trace.insns, self.trace.lines);
        let mut unit = Unit::new(key, code, insns, lines, &self.trace.uops, &self.trace.segments, sites);
        unit.resident = done.resident;
        match copy {
            Some(copy) => {
                let dropped = self.table.insert_made_of(&mut self.memory, &copy, unit);
                self.note_dropped(dropped);
            }
            None => {
                let source = Trace::source(&self.trace.segments, &cpu.ram, offset & !0xfff);
                self.table.insert(unit.with_source(source));
            }
        }
        self.stats.traces += 1;
        self.stats.insns += u64::from(insns);
        self.stats.uops += self.trace.uops.len() as u64;
        self.stats.bytes += self.asm.len() as u64;
        self.tell(cpu, id, key, mode, offset);
        self.at = (self.at + self.asm.len() + FAR_BYTES).next_multiple_of(32) - FAR_BYTES;
        self.stats.compiling += begun.elapsed();
        id
    }
}
