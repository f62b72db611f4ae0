//! The outer loop of a PE: signals, block look-up, execution, exceptions.

use std::sync::atomic::Ordering;

use armlet_arm::Pstate;
use armlet_arm::esr::{Ec, ec_of};

use crate::aarch32::ItState;
use crate::block::{Block, Key, MAX_INSNS, Mode};
use crate::cache::Cache;
use crate::code::Code;
use crate::cpu::{Cpu, Raised};
use crate::interp::{self, Exit};
use crate::jit::Jit;
use crate::lower::Stretch;
use crate::uop::{Op, Uop};
use crate::world::World;

/// Why [`Cpu::run`] returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Another thread raised [`crate::Port::KICK`].
    Kicked,
    /// A firmware call answered [`crate::CallOutcome::Stop`]; the world knows why.
    World,
    /// The PE can't get out of where it is.
    Dead(String),
}

impl Cpu {
    /// Runs until something stops the PE. `code` is this PE's cache, kept by the caller between runs.
    pub fn run(&mut self, code: &mut Code, world: &mut dyn World) -> Stop {
        self.enter_guest();
        let stop = match self.slice {
            None => self.run_guest(code, world),
            Some(_) => self.run_sliced(code, world),
        };
        self.leave_guest();
        stop
    }

    fn run_guest(&mut self, code: &mut Code, world: &mut dyn World) -> Stop {
        loop {
            self.report_progress();
            if self.signalled()
                && let Some(stop) = self.answer_signals(code, world)
            {
                return stop;
            }
            let Code { blocks, jit } = code;
            let stop = match jit {
                Some(jit) if self.can_compile() => self.run_jit(jit, blocks, world),
                _ => self.run_blocks(blocks, jit.as_deref_mut(), world),
            };
            if let Some(stop) = stop.or_else(|| self.detect_dead_end()) {
                return stop;
            }
        }
    }

    /// Lets other threads see how far the PE is.
    #[inline(always)]
    pub(crate) fn report_progress(&self) {
        self.port.progress.store(self.retired, Ordering::Relaxed);
    }

    /// Interprets from pc on until the outer loop is needed.
    pub(crate) fn run_blocks(
        &mut self,
        blocks: &mut Cache,
        jit: Option<&mut Jit>,
        world: &mut dyn World,
    ) -> Option<Stop> {
        self.mmu.code_requests.apply(blocks, jit);
        match self.find_block(blocks, world) {
            Ok(Some(id)) => self.run_chain(id, blocks, world),
            Ok(None) => self.run_crossing(world),
            Err(Raised) => {
                self.take_exception(world);
                None
            }
        }
    }

    /// Runs block `id` and those it is linked to, until a signal or a look-up is due.
    fn run_chain(&mut self, mut id: u32, code: &mut Cache, world: &mut dyn World) -> Option<Stop> {
        loop {
            let exit = interp::exec(self, world, code, &mut id);
            let block = code.block(id);
            match exit {
                Exit::Link(n) => {
                    self.retired += u64::from(block.insns);
                    if self.signalled() {
                        return None;
                    }
                    id = match code.follow(id, n) {
                        Some(next) => next,
                        None => self.make_link(id, n, code, world)?,
                    };
                }
                Exit::Branch | Exit::Next => {
                    self.retired += u64::from(block.insns);
                    return None;
                }
                Exit::Raised => {
                    self.note_itstate(&block.uops);
                    self.retired += self.insns_done();
                    self.take_exception(world);
                    return None;
                }
                Exit::Stop(stop) => {
                    self.retired += u64::from(block.insns);
                    return Some(stop);
                }
            }
        }
    }

    /// Finds the successor by link `n` and links it. `None` sends the caller back to the outer loop,
    /// which meets any fetch fault again and takes it.
    pub(crate) fn make_link(
        &mut self,
        from: u32,
        n: usize,
        code: &mut Cache,
        world: &mut dyn World,
    ) -> Option<u32> {
        let source = code.block(from).generation;
        let to = self.find_block(code, world).ok().flatten()?;
        // Lowering may have emptied the cache.
        if code.block(from).generation == source {
            code.link(from, n, to);
        }
        Some(to)
    }

    /// Where the code at pc is: guest physical address and offset in guest memory.
    pub(crate) fn locate_code(&mut self, world: &mut dyn World) -> Result<(u64, usize), Raised> {
        self.delta = 0;
        if !self.pc.is_multiple_of(4) && !self.mode().has(Mode::AARCH32) {
            return Err(self.raise(Ec::PcAlignment, 0, Some(self.pc)));
        }
        self.fetch(world)
    }

    /// The code at `offset` of guest memory, to run in the current mode.
    pub(crate) fn stretch(&self, offset: usize) -> Stretch<'_> {
        Stretch {
            ram: &self.vm.ram,
            offset,
            mode: self.mode(),
            features: self.model().features,
            beyond: None,
        }
    }

    /// The block at pc in the current mode, lowered now if need be; `None` if an instruction that goes on in the next
    /// page stands there.
    pub(crate) fn find_block(
        &mut self,
        code: &mut Cache,
        world: &mut dyn World,
    ) -> Result<Option<u32>, Raised> {
        let (pa, offset) = self.locate_code(world)?;
        let mode = self.mode();
        if mode.has(Mode::STEP) {
            self.before_instruction()?;
        }
        let key = Key::new(pa, mode);
        if let Some(id) = code.find(key) {
            return Ok(Some(id));
        }
        self.note_code(pa, offset);
        let stretch = self.stretch(offset);
        if stretch.crosses() {
            return Ok(None);
        }
        let limit = if mode.has(Mode::STEP) { 1 } else { self.limit_block(MAX_INSNS) };
        Ok(Some(code.insert(self.cut_block(limit, |limit| stretch.lower(key, limit)))))
    }

    /// Runs the T32 instruction at pc, which goes on in the next page. What it is depends on how both pages are
    /// mapped: its block is not kept.
    pub(crate) fn run_crossing(&mut self, world: &mut dyn World) -> Option<Stop> {
        let block = match self.lower_crossing(world) {
            Ok(block) => block,
            Err(Raised) => {
                self.take_exception(world);
                return None;
            }
        };
        self.run_alone(block, world)
    }

    fn lower_crossing(&mut self, world: &mut dyn World) -> Result<Block, Raised> {
        let first = self.pc;
        // A fault of the second half has its address, but the exception returns to the instruction.
        self.pc = first.wrapping_add(2) & self.address_mask;
        let beyond = self.fetch(world);
        self.pc = first;
        if beyond.is_err() {
            self.raised.elr = first;
        }
        let (_, beyond) = beyond?;
        let beyond = self.vm.ram.load::<u16>(beyond, Ordering::Relaxed);
        let (pa, offset) = self.fetch(world)?;
        let stretch = Stretch { beyond: Some(beyond), ..self.stretch(offset) };
        Ok(stretch.lower(Key::new(pa, self.mode()), 1))
    }

    /// Runs a block that no cache holds.
    pub(crate) fn run_alone(&mut self, block: Block, world: &mut dyn World) -> Option<Stop> {
        let insns = block.insns;
        // No other block is in that cache, so nothing follows this one.
        let mut alone = self.alone.take().unwrap_or_default();
        let mut id = alone.insert(block);
        let exit = interp::exec(self, world, &alone, &mut id);
        if matches!(exit, Exit::Raised) {
            self.note_itstate(&alone.block(id).uops);
        }
        alone.clear();
        self.alone = Some(alone);
        // Wraps if the first instruction of all is a WFI that is to run again.
        self.retired = self.retired.wrapping_add(insns.into());
        self.settle(exit, insns, world)
    }

    /// After a block of `insns` instructions, all counted as retired, was left by `exit`.
    pub(crate) fn settle(&mut self, exit: Exit, insns: u16, world: &mut dyn World) -> Option<Stop> {
        match exit {
            Exit::Link(_) | Exit::Branch | Exit::Next => None,
            Exit::Stop(stop) => Some(stop),
            Exit::Raised => {
                self.retired = self.retired - u64::from(insns) + self.insns_done();
                self.take_exception(world);
                None
            }
        }
    }

    /// An instruction of a block made of `uops` raised an exception: sets its ITSTATE.
    #[inline]
    pub(crate) fn note_itstate(&mut self, uops: &[Uop]) {
        if self.pstate.contains(Pstate::NRW | Pstate::T) {
            let own = |u: &&Uop| u.delta == self.delta && matches!(u.op, Op::Skip | Op::Undefined);
            let mut it = ItState(uops.iter().find(own).map_or(0, |u| u.b));
            if ec_of(self.raised.esr) == Ec::Svc32 as u8 {
                it.advance();
            }
            self.pstate = self.pstate.with_itstate(it.0);
        }
    }
}
