//! The outer loop of a PE: signals, block look-up, execution, exceptions.

use std::sync::atomic::Ordering;

use armlet_arm::esr::Ec;

use crate::a64;
use crate::block::Mode;
use crate::cache::Cache;
use crate::code::Code;
use crate::cpu::{Cpu, Raised};
use crate::interp::{self, Exit};
use crate::jit::Jit;
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
            Ok(id) => self.run_chain(id, blocks, world),
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
                    self.retired += u64::from(self.delta / 2);
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
        let to = self.find_block(code, world).ok()?;
        // Lowering may have emptied the cache.
        if code.block(from).generation == source {
            code.link(from, n, to);
        }
        Some(to)
    }

    /// Where the code at pc is: guest physical address and offset in guest memory.
    pub(crate) fn locate_code(&mut self, world: &mut dyn World) -> Result<(u64, usize), Raised> {
        self.delta = 0;
        if !self.pc.is_multiple_of(4) {
            return Err(self.raise(Ec::PcAlignment, 0, Some(self.pc)));
        }
        self.fetch(world)
    }

    /// The block at pc in the current mode, lowered now if need be.
    pub(crate) fn find_block(&mut self, code: &mut Cache, world: &mut dyn World) -> Result<u32, Raised> {
        let (pa, offset) = self.locate_code(world)?;
        let mode = self.mode();
        if mode.has(Mode::STEP) {
            self.before_instruction()?;
        }
        let key = crate::block::Key::new(pa, mode);
        if let Some(id) = code.find(key) {
            return Ok(id);
        }
        let left = (4096 - (self.pc & 0xfff)) as usize / 4;
        let limit = if mode.has(Mode::STEP) { 1 } else { self.limit_block(left) };
        self.note_code(pa, offset);
        let load = |n| self.vm.ram.load::<u32>(offset + n * 4, Ordering::Relaxed);
        let lower = |limit| a64::lower(key, mode, self.model().features, (0..limit).map(load));
        Ok(code.insert(self.cut_block(limit, lower)))
    }
}
