//! Software step (Arm ARM D2.11) and what else must be looked at before each instruction.
//!
//! With MDSCR_EL1.SS set and debug exceptions enabled, PSTATE.SS says which state the machine is in: set,
//! *active-not-pending*, one instruction may run; clear, *active-pending*, the exception is due.

use armlet_arm::Pstate;
use armlet_arm::esr::{Ec, iss};

use crate::cpu::{Cpu, Raised};

/// Between the start of a stepped instruction and the exception after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// No step is under way.
    #[default]
    Idle,
    /// An instruction runs in the active-not-pending state.
    Running,
    /// It was completed; `true` if it was a load-exclusive.
    Stepped(bool),
}

/// ISS.EX of a software step exception.
const EX: u64 = 1 << 6;

impl Cpu {
    /// True if software step is enabled and active.
    pub(crate) fn step_active(&self) -> bool {
        self.ctl.debug.step && self.debug_enabled()
    }

    /// SSAdvance: the instruction counts as stepped.
    pub(crate) fn step_advance(&mut self) {
        if self.ctl.step == Step::Running {
            // The PE came here by an exception return, which left the monitor clear.
            self.ctl.step = Step::Stepped(self.exclusive.is_armed());
            self.pstate.remove(Pstate::SS);
        }
    }

    /// If the step exception is due, raises it.
    pub(crate) fn step_check(&mut self) -> Result<(), Raised> {
        self.step_advance();
        if !self.step_active() {
            self.ctl.step = Step::Idle;
            return Ok(());
        }
        if self.pstate.contains(Pstate::SS) {
            return Ok(());
        }
        let syndrome = match std::mem::take(&mut self.ctl.step) {
            Step::Stepped(exclusive) => iss::ISV | if exclusive { EX } else { 0 },
            _ => 0,
        };
        let ec = if self.pstate.el() == 0 { Ec::StepLower } else { Ec::Step };
        self.delta = 0;
        Err(self.raise(ec, syndrome | 0b100010, None))
    }

    /// Before an instruction runs in a block of its own, its fetch having succeeded: breakpoints and the
    /// illegal execution state, then a step begins.
    pub(crate) fn before_instruction(&mut self) -> Result<(), Raised> {
        if self.breakpoint_hit() {
            return Err(self.breakpoint());
        }
        if self.pstate.contains(Pstate::IL) {
            return Err(self.raise(Ec::IllegalState, 0, None));
        }
        if self.step_active() {
            self.ctl.step = Step::Running;
        }
        Ok(())
    }
}
