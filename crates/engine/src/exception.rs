//! Raising and taking exceptions (Arm ARM D1.3, AArch64.TakeException).

use armlet_arm::esr::{self, Ec};
use armlet_arm::{Pstate, SysReg};

use crate::cpu::{Cpu, Raised, sp_bank};
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
        self.mode_changed();
        if world.notes() {
            let (pc, esr, far) = (exception.elr, exception.esr, exception.far.unwrap_or(0));
            world.note(Note::Exception { pc, esr, far, from_el: from.el(), vector: exception.vector });
        }
    }

    /// PSTATE on entry to EL1 from `from`.
    fn exception_entry_pstate(&self, from: Pstate) -> Pstate {
        let kept = from & (Pstate::PAN | Pstate::DIT | Pstate::UAO);
        kept | Pstate::RESET_EL1H
    }
}
