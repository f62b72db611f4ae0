//! Deterministic execution: virtual time that advances by one nanosecond with each retired instruction.
//!
//! A PE on a virtual clock runs in *slices*. A slice ends at an exact number of retired instructions: at
//! the next multiple of [`SLICE`], at the next alarm, or where something that the guest itself just did
//! wants attention. Only there virtual time is looked at, alarms ring and signals are answered, so that
//! nothing depends on how code is cut into blocks or on what executes it. WFI skips the time to the next
//! alarm. Checkpoints come at any count and change nothing for the guest.
//!
//! # For executors
//! Between the steps of the run loop an executor may run any number of whole blocks:
//! - Before each block it compares the block's instructions with [`Cpu::budget`], and returns to the run loop
//!   without running the block if there are more. The run loop then runs the rest, part of a block, on the
//!   interpreter.
//! - It polls no signals but [`Port::LOOK`].
//! - After an IC it returns to the run loop, which drops the code. In host time an ISB may come before that.
//! - [`Cpu::retired`] (as of the block's start) and [`Cpu::delta`] are exact whenever it calls out: a system
//!   op or an access to a device reads the time, and may shorten the slice. So a budget that the executor
//!   keeps elsewhere must be loaded again afterwards. A slice never ends before the end of the block that
//!   runs, if that has no more than [`MAX_INSNS`] instructions and ends where the front end ends blocks.

mod checkpoint;
mod wait;

pub use checkpoint::hash_registers;

use std::sync::Arc;

use armlet_arm::Pstate;
use armlet_base::{Checkpoints, VirtualTime};

use crate::block::{Key, MAX_INSNS};
use crate::cache::Cache;
use crate::code::Code;
use crate::cpu::{Cpu, Raised};
use crate::interp::{self, Exit};
use crate::jit::Jit;
use crate::port::Port;
use crate::run::Stop;
use crate::uop::SystemOp;
use crate::world::World;

/// Most instructions of a slice: how long signals from other threads wait, kicks for instance.
pub const SLICE: u64 = 10_000;

/// Instructions from the one that runs, itself included, to the end of any block it may be in.
const HORIZON: u64 = MAX_INSNS as u64;

/// The state of deterministic execution.
pub struct Slice {
    time: Arc<VirtualTime>,
    /// Nanoseconds of virtual time in which no instruction retired.
    skipped: u64,
    /// The number of retired instructions at which the slice ends.
    end: u64,
    /// The number at which executors stop: the end, or a checkpoint before it.
    stop: u64,
    /// Most instructions of a block.
    block_limit: usize,
    checkpoints: Option<Checkpoints>,
    /// The number of retired instructions at the next checkpoint.
    next_checkpoint: u64,
}

impl Slice {
    /// Driving `time`, from now on.
    pub fn new(time: Arc<VirtualTime>) -> Self {
        let skipped = time.now_ns();
        Self {
            time,
            skipped,
            end: 0,
            stop: 0,
            block_limit: MAX_INSNS,
            checkpoints: None,
            next_checkpoint: u64::MAX,
        }
    }

    /// Makes checkpoints.
    pub fn set_checkpoints(&mut self, checkpoints: Checkpoints) {
        let every = checkpoints.every.max(1);
        self.next_checkpoint = if checkpoints.from == 0 { every } else { checkpoints.from };
        self.checkpoints = Some(Checkpoints { every, ..checkpoints });
    }

    /// Limits blocks that are lowered from now on to `insns` instructions, for tests of independence from
    /// the shape of blocks.
    pub fn set_block_limit(&mut self, insns: usize) {
        self.block_limit = insns.clamp(1, MAX_INSNS);
    }

    /// The number of retired instructions at which executors stop.
    #[cfg(jit)]
    pub(crate) fn stop(&self) -> u64 {
        self.stop
    }

    /// Ends the slice at `count` retired instructions.
    fn end_at(&mut self, count: u64) {
        self.end = count;
        self.stop = count.min(self.next_checkpoint);
    }

    /// The number of retired instructions that `deadline_ns` is at, if it is to come.
    fn count_at(&self, deadline_ns: u64) -> u64 {
        deadline_ns.saturating_sub(self.skipped)
    }
}

/// How many instructions after it an op's effects are seen to: at once if it always ends its block.
fn horizon(op: SystemOp) -> u64 {
    match op {
        SystemOp::Wfi
        | SystemOp::Wfe
        | SystemOp::Eret
        | SystemOp::Hvc
        | SystemOp::Smc
        | SystemOp::Isb
        | SystemOp::ClearDaif
        | SystemOp::WriteDaif
        | SystemOp::WriteGic => 1,
        _ => HORIZON,
    }
}

impl Cpu {
    /// Instructions that may retire before the run loop has something to do; without end if the PE runs in host time.
    #[inline]
    pub fn budget(&self) -> u64 {
        self.slice.as_ref().map_or(u64::MAX, |slice| slice.stop.saturating_sub(self.retired))
    }

    /// The time in nanoseconds at the instruction that runs.
    #[inline]
    pub fn time_ns(&self) -> u64 {
        self.time_at(self.retired_here())
    }

    /// The time in nanoseconds; in virtual time, that after `retired` instructions.
    pub(crate) fn time_at(&self, retired: u64) -> u64 {
        match &self.slice {
            None => self.vm.alarms.clock().now_ns(),
            Some(slice) => slice.skipped.wrapping_add(retired),
        }
    }

    /// Most instructions of a block that is lowered now, if `left` are left of the page.
    pub(crate) fn limit_block(&self, left: usize) -> usize {
        self.slice.as_ref().map_or(left, |slice| left.min(slice.block_limit))
    }

    /// What the executors poll in host time is `poll`; here they run a block at a time.
    #[inline(always)]
    pub(crate) fn limit_poll(&self, poll: u32) -> u32 {
        if self.slice.is_none() { poll } else { Port::LOOK | Port::BLOCKWISE }
    }

    /// Before the instruction that runs reaches out to a device, a timer or the firmware: lets them see
    /// the time.
    #[inline]
    pub(crate) fn publish_time(&self) {
        if let Some(slice) = &self.slice {
            slice.time.set_now(self.time_ns());
        }
    }

    /// After the instruction that runs reached out to a device: sees to what it led to.
    #[inline]
    pub(crate) fn attend(&mut self) {
        if self.slice.is_some() {
            self.shorten_slice(HORIZON);
        }
    }

    /// The same after a system op.
    #[inline]
    pub(crate) fn attend_after(&mut self, op: SystemOp) {
        if self.slice.is_some() {
            self.shorten_slice(horizon(op));
        }
    }

    /// Makes the slice end early for an alarm that is due or an interrupt that can be taken, but not before
    /// `horizon` instructions have run, the current one included.
    #[cold]
    fn shorten_slice(&mut self, horizon: u64) {
        let soonest = self.retired_here().wrapping_add(horizon);
        let interrupted = self.port.signals() & self.unmasked() != 0;
        let Some(slice) = &mut self.slice else { return };
        if interrupted {
            slice.end_at(slice.end.min(soonest));
        } else if let Some(at) = slice.time.next_alarm() {
            slice.end_at(slice.end.min(slice.count_at(at).max(soonest)));
        }
    }

    /// The interrupts that PSTATE does not mask, as signals.
    pub(super) fn unmasked(&self) -> u32 {
        let irq = if self.pstate.contains(Pstate::I) { 0 } else { Port::IRQ };
        let fiq = if self.pstate.contains(Pstate::F) { 0 } else { Port::FIQ };
        irq | fiq
    }

    /// [`Cpu::run`] in virtual time.
    pub(crate) fn run_sliced(&mut self, code: &mut Code, world: &mut dyn World) -> Stop {
        // What happened while the PE did not run is seen to first.
        if let Some(slice) = &mut self.slice {
            slice.end_at(self.retired);
        }
        if let Some(jit) = &mut code.jit {
            jit.compare_one_by_one();
        }
        loop {
            let answer = if self.budget() == 0 {
                self.end_slice(code, world)
            } else if self.looks() {
                self.answer_signals(code, world)
            } else {
                None
            };
            if let Some(stop) = answer {
                return stop;
            }
            let Code { blocks, jit } = code;
            let stop = match jit {
                Some(jit) if self.can_compile() => self.run_jit(jit, blocks, world),
                _ => self.interpret_sliced(blocks, jit.as_deref_mut(), world),
            };
            if let Some(stop) = stop.or_else(|| self.detect_dead_end()) {
                return stop;
            }
        }
    }

    /// Interprets from pc on, as far as the slice goes or until the run loop is needed.
    pub(crate) fn interpret_sliced(
        &mut self,
        code: &mut Cache,
        jit: Option<&mut Jit>,
        world: &mut dyn World,
    ) -> Option<Stop> {
        self.mmu.code_requests.apply(code, jit);
        match self.find_block(code, world) {
            Ok(Some(id)) => self.run_whole_blocks(id, code, world),
            Ok(None) => self.run_crossing(world),
            Err(Raised) => {
                self.take_exception(world);
                None
            }
        }
    }

    pub(crate) fn looks(&self) -> bool {
        self.port.signals() & Port::LOOK != 0
    }

    /// Runs block `id` and those it leads to, as far as they fit the slice; then the rest of the slice.
    fn run_whole_blocks(&mut self, mut id: u32, code: &mut Cache, world: &mut dyn World) -> Option<Stop> {
        loop {
            let budget = self.budget();
            let block = code.block(id);
            if u64::from(block.insns) > budget {
                let key = block.key;
                return if budget == 0 { None } else { self.run_rest(budget, key, world) };
            }
            let exit = interp::exec(self, world, code, &mut id);
            // Wraps if the first instruction of all is a WFI that is to run again.
            self.retired = self.retired.wrapping_add(code.block(id).insns.into());
            id = match exit {
                _ if self.looks() => return self.settle_block(exit, id, code, world),
                Exit::Link(n) => match code.follow(id, n) {
                    Some(next) => next,
                    None => self.make_link(id, n, code, world)?,
                },
                Exit::Branch => self.fetched().and_then(|pa| code.find_fast(Key::new(pa, self.mode())))?,
                exit => return self.settle_block(exit, id, code, world),
            };
        }
    }

    /// After block `id`, counted as retired, was left by `exit`.
    fn settle_block(&mut self, exit: Exit, id: u32, code: &Cache, world: &mut dyn World) -> Option<Stop> {
        let block = code.block(id);
        if matches!(exit, Exit::Raised) {
            self.note_itstate(&block.uops);
        }
        self.settle(exit, block.insns, world)
    }

    /// Runs the `insns` instructions at pc that are left of the slice: fewer than block `key` there has.
    pub(crate) fn run_rest(&mut self, insns: u64, key: Key, world: &mut dyn World) -> Option<Stop> {
        let Ok((pa, offset)) = self.fetch(world) else {
            self.take_exception(world);
            return None;
        };
        self.note_code(pa, offset);
        let stretch = self.stretch(offset);
        if stretch.crosses() {
            return self.run_crossing(world);
        }
        let block = self.cut_block(insns as usize, |limit| stretch.lower(key, limit));
        self.run_alone(block, world)
    }

    /// Between two slices: rings what is due, answers signals, plans the next slice. A checkpoint may come
    /// in between; that changes nothing for the guest.
    fn end_slice(&mut self, code: &mut Code, world: &mut dyn World) -> Option<Stop> {
        self.delta = 0;
        if self.checkpoint() {
            return None;
        }
        self.report_progress();
        self.publish_time();
        if let Some(slice) = &self.slice {
            slice.time.ring_due();
        }
        let stop = self.answer_signals(code, world);
        if let Some(slice) = &mut self.slice {
            let due = slice.time.next_alarm().map_or(u64::MAX, |at| slice.count_at(at));
            let regular = (self.retired / SLICE + 1) * SLICE;
            slice.end_at(due.clamp(self.retired + 1, regular));
        }
        stop
    }
}
