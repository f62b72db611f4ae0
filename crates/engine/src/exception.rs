//! Raising and taking exceptions (Arm ARM D1.3, AArch64.TakeException).

use armlet_arm::esr::{self, Ec};
use armlet_arm::{Feature, Pstate, SysReg};

use crate::cpu::{Cpu, Raised, sp_bank};
use crate::run::Stop;
use crate::sys::bits::{sctlr, tcr};
use crate::sys::step::Step;
use crate::world::{Note, World};

/// The four kinds of vectors; the discriminant is the offset in a vector group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u16)]
pub enum Vector {
    /// Synchronous.
    #[default]
    Synchronous = 0x000,
    /// IRQ.
    Irq = 0x080,
    /// FIQ.
    Fiq = 0x100,
    /// SError.
    SError = 0x180,
}

/// An exception about to be taken to EL1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Exception {
    /// Which vector.
    pub vector: Vector,
    /// ESR_EL1; not written for interrupts.
    pub esr: u64,
    /// FAR_EL1, where it is written.
    pub far: Option<u64>,
    /// Preferred return address.
    pub elr: u64,
}

impl Cpu {
    /// Raises a synchronous exception at the current instruction.
    #[cold]
    pub fn raise(&mut self, ec: Ec, iss: u64, far: Option<u64>) -> Raised {
        self.raise_returning_to(self.insn_pc(), ec, iss, far)
    }

    /// Raises a synchronous exception with another preferred return address.
    #[cold]
    pub fn raise_returning_to(&mut self, elr: u64, ec: Ec, iss: u64, far: Option<u64>) -> Raised {
        self.raised = Exception { vector: Vector::Synchronous, esr: esr::esr(ec, iss), far, elr };
        Raised
    }

    /// The current instruction is UNDEFINED.
    #[cold]
    pub fn undefined(&mut self) -> Raised {
        self.raise(Ec::Unknown, 0, None)
    }

    /// Takes the exception in [`Cpu::raised`] to EL1.
    pub fn take_exception(&mut self, world: &mut dyn World) {
        let exception = self.raised;
        let from = self.pstate;
        let group = match (from.el(), from.contains(Pstate::SP)) {
            (0, _) => 0x400,
            (_, false) => 0x000,
            (_, true) => 0x200,
        };
        self.pmu_sync(self.retired);
        self.sys[SysReg::SPSR_EL1] = self.spsr();
        self.sys[SysReg::ELR_EL1] = exception.elr;
        if matches!(exception.vector, Vector::Synchronous | Vector::SError) {
            self.sys[SysReg::ESR_EL1] = exception.esr;
        }
        if let Some(far) = exception.far {
            self.sys[SysReg::FAR_EL1] = far;
        }
        self.pstate = self.exception_entry_pstate(from);
        self.switch_sp(sp_bank(from), SysReg::SP_EL1);
        self.pc = self.sys[SysReg::VBAR_EL1].wrapping_add(group + exception.vector as u64);
        self.exclusive = None;
        self.ctl.step = Step::Idle;
        let dead_end = &mut self.ctl.dead_end;
        let again = exception.elr == self.pc && self.retired == dead_end.retired;
        *dead_end = DeadEnd { retired: self.retired, times: if again { dead_end.times + 1 } else { 0 } };
        self.mode_changed();
        if world.notes() {
            let (pc, esr, far) = (exception.elr, exception.esr, exception.far.unwrap_or(0));
            world.note(Note::Exception { pc, esr, far, from_el: from.el(), vector: exception.vector });
        }
    }

    /// PSTATE on entry to EL1 from `from`.
    fn exception_entry_pstate(&self, from: Pstate) -> Pstate {
        let mut new = from & (Pstate::PAN | Pstate::DIT) | Pstate::RESET_EL1H;
        if self.has(Feature::PAN) && !self.sctlr(sctlr::SPAN) {
            new |= Pstate::PAN;
        }
        if self.has(Feature::SSBS) && self.sctlr(sctlr::DSSBS) {
            new |= Pstate::SSBS;
        }
        new
    }

    /// ERET from EL1 (AArch64.ExceptionReturn). pc must be that of the block.
    pub(crate) fn exception_return(&mut self) {
        let spsr = self.sys[SysReg::SPSR_EL1];
        let target = self.sys[SysReg::ELR_EL1];
        self.pmu_sync(self.retired + u64::from(self.delta / 2) + 1);
        let saved = Pstate::from_bits_retain(spsr);
        let legal = is_legal_return(saved);
        let ss = self.return_ss(saved, legal);
        // What both ways restore.
        let mut mask = Pstate::DAIF;
        if self.has(Feature::PAN) {
            mask |= Pstate::PAN;
        }
        let mut new = if legal {
            mask |= Pstate::EL_HI | Pstate::EL_LO | Pstate::SP | Pstate::IL;
            for (feature, bit) in
                [(Feature::UAO, Pstate::UAO), (Feature::DIT, Pstate::DIT), (Feature::SSBS, Pstate::SSBS)]
            {
                if self.has(feature) {
                    mask |= bit;
                }
            }
            saved & mask
        } else {
            self.pstate.difference(mask) | saved & mask | Pstate::IL
        };
        new.set(Pstate::SS, ss);
        self.set_spsr(new.bits() | spsr & Pstate::NZCV.bits());
        self.pc = self.branch_address(target);
        self.exclusive = None;
        self.send_event_local();
        self.mode_changed();
    }

    /// DebugExceptionReturnSS: PSTATE.SS after a return to `saved`.
    fn return_ss(&self, saved: Pstate, legal: bool) -> bool {
        let el = if legal { saved.el() } else { self.pstate.el() };
        self.ctl.debug.step
            && saved.contains(Pstate::SS)
            && !self.debug_enabled()
            && self.debug_enabled_at(el, saved.contains(Pstate::D))
    }

    /// AArch64.BranchAddr: a branch target without the tag that TCR_EL1.TBIn lets it have.
    pub fn branch_address(&self, target: u64) -> u64 {
        let upper = target >> 55 & 1 != 0;
        let ignored = self.sys[SysReg::TCR_EL1] & if upper { tcr::TBI1 } else { tcr::TBI0 } != 0;
        if ignored { ((target << 8) as i64 >> 8) as u64 } else { target }
    }

    /// SPSel: switches between SP_EL0 and SP_EL1 at EL1.
    pub(crate) fn select_sp(&mut self, sp_el1: bool) {
        let old = self.pstate;
        self.pstate.set(Pstate::SP, sp_el1);
        self.switch_sp(sp_bank(old), sp_bank(self.pstate));
        self.mode_changed();
    }

    /// An exception whose vector raises it again before anything retires would loop for ever: says so.
    pub(crate) fn detect_dead_end(&self) -> Option<Stop> {
        const ENOUGH: u32 = 64;
        if self.ctl.dead_end.times < ENOUGH {
            return None;
        }
        let (esr, far) = (self.sys[SysReg::ESR_EL1], self.sys[SysReg::FAR_EL1]);
        Some(Stop::Dead(format!(
            "the exception vector at {:#x} raises an exception itself, for ever: {} (ESR_EL1 {esr:#x}, \
             FAR_EL1 {far:#x}, VBAR_EL1 {:#x})",
            self.pc,
            esr::ec_name(esr::ec_of(esr)),
            self.sys[SysReg::VBAR_EL1],
        )))
    }
}

/// Counts exceptions that return to their own vector with nothing retired in between.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadEnd {
    retired: u64,
    times: u32,
}

/// The opposite of IllegalExceptionReturn for a PE with EL0 and EL1 in AArch64: M[4:0] is EL0t, EL1t or EL1h.
fn is_legal_return(saved: Pstate) -> bool {
    matches!(saved.bits() & 0x1f, 0b00000 | 0b00100 | 0b00101)
}
