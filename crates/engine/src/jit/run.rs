//! The run loop over generated code.

use super::call::Session;
use super::context::RawFlags;
use super::table::unit_of;
use super::thunks::{BRANCH, Why};
use super::{Jit, Stale, layout};
use crate::block::{Key, Mode};
use crate::cache::Cache;
use crate::cpu::{Cpu, Raised};
use crate::run::Stop;
use crate::world::World;

/// Instructions that run before the PE looks up, but for those of the last trace.
const BUDGET: i32 = 8192;

/// How generated code was left.
enum Left {
    /// At `cpu.pc`, for a look-up.
    Lookup,
    /// At `cpu.pc`, the budget being used up.
    Poll,
    /// By a site that is not linked, to `cpu.pc`.
    Site(u32),
    /// By a uop, to `cpu.pc`; stops if it says so.
    Uop(Option<Stop>),
    /// Before a trace that is for the interpreter, at `cpu.pc`.
    Interpret,
}

impl Cpu {
    /// Runs generated code from pc on until the outer loop is needed: a signal, an exception, a stop.
    pub(crate) fn run_jit(
        &mut self,
        jit: &mut Jit,
        blocks: &mut Cache,
        world: &mut dyn World,
    ) -> Option<Stop> {
        self.mmu.code_requests.apply(blocks, Some(jit));
        self.forget_stale_jumps(jit);
        let mut entry = match self.enter_by_address(jit, world) {
            Ok(Some(entry)) => entry,
            Ok(None) => return self.run_crossing(world),
            Err(Raised) => {
                self.take_exception(world);
                return None;
            }
        };
        loop {
            match self.run_from(jit, world, entry) {
                Left::Uop(stop) => return stop,
                // In virtual time a trace may be longer than what is left of the slice.
                Left::Poll if self.slice.is_some() && self.budget() != 0 => {
                    let key = Key::new(0, self.mode());
                    return self.run_rest(self.budget(), key, world);
                }
                Left::Poll => return None,
                Left::Interpret if self.slice.is_some() => {
                    return self.interpret_sliced(blocks, Some(jit), world);
                }
                Left::Interpret => return self.run_blocks(blocks, Some(jit), world),
                Left::Lookup | Left::Site(_) if self.must_look() => return None,
                Left::Site(site) => entry = self.link(jit, site)?,
                // Any fault of the fetch is met again by the outer loop.
                Left::Lookup => entry = self.enter_by_address(jit, world).ok().flatten()?,
            }
        }
    }

    /// Address of the code for pc, compiled now if need be; remembered as a jump. `None` if the instruction there goes on
    /// in the next page.
    fn enter_by_address(&mut self, jit: &mut Jit, world: &mut dyn World) -> Result<Option<u64>, Raised> {
        let (pa, offset) = self.locate_code(world)?;
        let key = Key::new(pa, self.mode());
        let at = match jit.table.find_entry(key) {
            Some(at) => at,
            None if self.stretch(offset).crosses() => return Ok(None),
            None => {
                let id = self.unit(jit, key, offset);
                let at = jit.table.unit(id).far;
                jit.table.note_entry(key, at);
                at
            }
        };
        let entry = jit.memory.address(at as usize);
        self.mmu.set.fill_jump(self.pc | self.t32_bit(), entry);
        Ok(Some(entry))
    }

    /// The trace of `key`, compiled now if need be.
    fn unit(&mut self, jit: &mut Jit, key: Key, offset: usize) -> u32 {
        let id = jit.find(key, &self.ram, offset & !0xfff).unwrap_or_else(|| {
            self.note_code(key.pa(), offset);
            jit.compile(self, key, self.mode(), offset)
        });
        self.forget_stale_jumps(jit);
        id
    }

    /// Once code was dropped no jump may lead to it.
    pub(crate) fn forget_stale_jumps(&mut self, jit: &mut Jit) {
        match std::mem::take(&mut jit.stale) {
            Stale::Nothing => {}
            Stale::Range(code) => self.mmu.drop_jumps_to(&code),
            Stale::All => self.mmu.clear_jumps(),
        }
    }

    /// Links a site to the trace at pc, which lies in the same page. Returns where to go on, or nothing if the instruction
    /// there goes on in the next page.
    fn link(&mut self, jit: &mut Jit, site: u32) -> Option<u64> {
        let record = jit.table.site(site);
        let from = jit.table.unit(unit_of(site)).key;
        let key = Key::new(from.pa() & !0xfff | u64::from(record.target), self.mode());
        let before = (jit.stats.evictions, jit.stats.dropped);
        let id = match self.vm.ram.find(key.pa()) {
            Some((_, offset, _)) if self.stretch(offset).crosses() => return None,
            Some((_, offset, _)) => self.unit(jit, key, offset),
            None => unreachable!("the page that runs is memory"),
        };
        // The site may have been dropped meanwhile.
        if (jit.stats.evictions, jit.stats.dropped) == before {
            let Jit { table, memory, .. } = jit;
            table.link(memory, site, id);
            jit.stats.links += 1;
        }
        Some(jit.memory.address(jit.table.unit(id).far as usize))
    }

    /// Instructions to run before the PE looks up.
    fn grant(&self) -> i32 {
        if self.slice.is_some() { self.budget().min(i32::MAX as u64) as i32 } else { BUDGET }
    }

    fn run_from(&mut self, jit: &mut Jit, world: &mut dyn World, entry: u64) -> Left {
        self.jit.flags = RawFlags::from_nzcv(self.nzcv);
        self.jit.set_fpcr(self.fpcr, self.pstate.is_aarch32());
        let granted = self.grant();
        self.jit.budget = granted;
        jit.stats.entries += 1;
        let thunk = jit.thunks.enter;
        let entered = (self.retired, granted);
        self.jit.signals = self.port.signals_address();
        self.pc |= self.t32_bit();
        let mut session = Session { cpu: self, world, jit, entered, stop: None };
        let result = session.enter(thunk, entry);
        let retired = session.retired();
        let stop = session.stop.take();
        let number = (result >> 32) as u32;
        jit.stats.exits[(result & 7) as usize] += 1;
        let page = self.jit.page;
        if result as u8 == Why::Uop as u8 {
            return Left::Uop(stop);
        }
        self.nzcv = self.jit.flags.nzcv();
        self.fpsr |= self.jit.take_exceptions();
        self.retired = retired;
        self.delta = 0;
        match result as u8 {
            n if n == Why::Poll as u8 => {
                self.arrive_at(page + jit.table.unit(number).offset(), jit.table.unit(number).key);
                Left::Poll
            }
            n if n == Why::Interpret as u8 => {
                // The trace was paid for.
                let unit = jit.table.unit(number);
                self.retired -= u64::from(unit.insns);
                self.arrive_at(page + unit.offset(), unit.key);
                Left::Interpret
            }
            n if n == Why::Link as u8 => {
                let from = jit.table.unit(unit_of(number)).key;
                self.arrive_at(page + u64::from(jit.table.site(number).target), from);
                Left::Site(number)
            }
            _ => {
                if self.mode().has(Mode::AARCH32) {
                    self.exchange_to(self.pc);
                } else if number == BRANCH {
                    self.pc = self.branch_address(self.pc);
                }
                Left::Lookup
            }
        }
    }

    /// pc = `pc`, in the instruction set of `key`.
    fn arrive_at(&mut self, pc: u64, key: Key) {
        self.pc = pc;
        if key.mode().has(Mode::AARCH32) {
            self.choose_t32(key.mode().is_t32());
        }
    }

    /// What program counters of T32 code have in bit 0 within generated code, and branch targets everywhere.
    #[inline]
    pub(super) fn t32_bit(&self) -> u64 {
        self.mode().is_t32().into()
    }

    /// True if the outer loop has something to do before more code runs.
    pub(crate) fn must_look(&self) -> bool {
        (if self.slice.is_some() { self.looks() } else { self.signalled() })
            || !self.mmu.code_requests.is_empty()
            || !self.can_compile()
            || self.detect_dead_end().is_some()
    }

    /// True if code of the current mode can be compiled.
    pub(crate) fn can_compile(&self) -> bool {
        let mode = self.mode();
        !(mode.has(Mode::STEP) || mode.is_t32() && mode.itstate() != 0)
    }
}

const _: () = assert!(layout::BIAS.is_multiple_of(8));
