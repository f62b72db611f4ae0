//! Raising and taking exceptions (Arm ARM D1.3, AArch64.TakeException).

use armlet_arm::esr::{self, Ec};
use armlet_arm::pstate::mode32;
use armlet_arm::{Feature, Pstate, SysReg};

use crate::cpu::{Cpu, Raised, sp_bank};
use crate::port::Port;
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
    /// The domain of a data abort with short descriptors (AArch32).
    pub domain: u8,
    /// None at all: the instruction is left to somebody else ([`armlet_base::BusError::Deferred`]).
    pub deferred: bool,
}

impl Raised {
    /// The exception is that of an instruction of `bytes` bytes: ESR_ELx.IL.
    pub(crate) fn of_bytes(self, cpu: &mut Cpu, bytes: u8) -> Self {
        if bytes == 2 {
            cpu.raised.esr &= !esr::IL;
        }
        self
    }
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
        self.raised = Exception { esr: esr::esr(ec, iss), far, elr, ..Exception::default() };
        Raised
    }

    /// The current instruction is UNDEFINED.
    #[cold]
    pub fn undefined(&mut self) -> Raised {
        self.raise(Ec::Unknown, 0, None)
    }

    /// The current instruction, of `bytes` bytes, is UNDEFINED.
    #[cold]
    pub fn undefined_of(&mut self, bytes: u8) -> Raised {
        self.raise(Ec::Unknown, 0, None).of_bytes(self, bytes)
    }

    /// Takes the exception in [`Cpu::raised`] to EL1.
    pub fn take_exception(&mut self, world: &mut dyn World) {
        let exception = self.raised;
        if exception.deferred {
            self.pc = exception.elr;
            self.port.raise(Port::KICK);
            return;
        }
        let from = self.pstate;
        self.pmu_sync(self.retired);
        if self.el1_is_aarch32() {
            self.enter_mode(&exception);
        } else {
            self.enter_el1(&exception);
        }
        self.exclusive.clear();
        self.ctl.step = Step::Idle;
        self.ctl.dead_end.see(&exception, self.pc, self.retired);
        self.mode_changed();
        if world.notes() {
            let (pc, esr, far) = (exception.elr, exception.esr, exception.far.unwrap_or(0));
            world.note(Note::Exception { pc, esr, far, from_el: from.el(), vector: exception.vector });
        }
    }

    /// Takes an exception to EL1 in AArch64 state.
    fn enter_el1(&mut self, exception: &Exception) {
        let from = self.pstate;
        let group = match (from.el(), from.contains(Pstate::SP)) {
            (0, _) if from.is_aarch32() => 0x600,
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
        let new = self.exception_entry_pstate(from);
        self.switch_registers(from, new);
        self.pstate = new;
        self.pc = self.sys[SysReg::VBAR_EL1].wrapping_add(group + exception.vector as u64);
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
        self.pmu_sync(self.retired_here() + 1);
        let saved = Pstate::from_bits_retain(spsr);
        let legal = self.is_legal_return(saved);
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
            saved & if saved.is_aarch32() { mask | AARCH32 } else { mask }
        } else {
            self.pstate.difference(mask) | saved & mask | Pstate::IL
        };
        new.set(Pstate::SS, ss);
        self.set_spsr(new.bits() | spsr & Pstate::NZCV.bits());
        self.pc = match self.pstate.is_aarch32() {
            true if self.pstate.contains(Pstate::T) => target & 0xffff_fffe,
            true => target & 0xffff_fffc,
            false => self.branch_address(target),
        };
        self.exclusive.clear();
        self.send_event_local();
        self.mode_changed();
    }

    /// The opposite of IllegalExceptionReturn for a PE with EL0 and EL1, EL1 in AArch64 state: M[4:0] is EL0t, EL1t, EL1h, or
    /// User mode where there is AArch32 at EL0.
    fn is_legal_return(&self, saved: Pstate) -> bool {
        match saved.bits() as u8 & 0x1f {
            0b00000 | 0b00100 | 0b00101 => true,
            mode32::USR => self.has(Feature::AA32EL0),
            _ => false,
        }
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

    /// An exception whose vector raises one itself, over and over, is a loop without end: says so.
    #[inline]
    pub(crate) fn detect_dead_end(&self) -> Option<Stop> {
        if self.ctl.dead_end.doubt < CERTAIN { None } else { Some(self.dead_end()) }
    }

    #[cold]
    fn dead_end(&self) -> Stop {
        let name = |exception: &Exception| match exception.vector {
            Vector::Synchronous => esr::ec_name(esr::ec_of(exception.esr)),
            Vector::Irq => "IRQ",
            Vector::Fiq => "FIQ",
            Vector::SError => "SError",
        };
        let (cause, last) = (&self.ctl.dead_end.cause, &self.raised);
        let far = |exception: &Exception| {
            exception.far.map(|far| format!(", fault address {far:#x}")).unwrap_or_default()
        };
        let vbar = match self.sys[SysReg::VBAR_EL1] {
            0 => "VBAR_EL1 is 0: the guest has set no vectors".to_owned(),
            vbar => format!("VBAR_EL1 is {vbar:#x}"),
        };
        Stop::Dead(format!(
            "{} at PC {:#x} (syndrome {:#x}{}), and its vector at {:#x} raises an exception itself, for \
             ever: {} at PC {:#x} (syndrome {:#x}{}); {vbar}",
            name(cause),
            cause.elr,
            cause.esr,
            far(cause),
            self.pc,
            name(last),
            last.elr,
            last.esr,
            far(last),
        ))
    }
}

/// Finds out that a vector raises exceptions itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadEnd {
    /// The last exception that no vector raised.
    cause: Exception,
    /// Where the last exception was.
    elr: u64,
    /// Instructions retired then.
    retired: u64,
    /// Sum of [`FAULTS`] and [`FEW`] for the exceptions since the cause.
    doubt: u32,
}

/// The sum at which there is no doubt: 64 times without an instruction, a million times with a few.
const CERTAIN: u32 = 1 << 20;
/// The first instruction of the vector raised the exception.
const FAULTS: u32 = CERTAIN / 64;
/// A later one did, always the same.
const FEW: u32 = 1;
/// Bytes of a vector: more instructions than it holds can't retire on the way to its end.
const VECTOR_LEN: u64 = 0x80;

impl DeadEnd {
    /// An exception is taken to `vector`, when `retired` instructions were.
    fn see(&mut self, exception: &Exception, vector: u64, retired: u64) {
        let passed = retired.wrapping_sub(self.retired);
        let again = if exception.vector != Vector::Synchronous {
            0
        } else if exception.elr == vector && passed == 0 {
            FAULTS
        } else if exception.elr == self.elr
            && exception.elr.wrapping_sub(vector) < VECTOR_LEN
            && passed <= VECTOR_LEN / 4
        {
            FEW
        } else {
            0
        };
        if again == 0 {
            self.cause = *exception;
            self.doubt = 0;
        } else {
            self.doubt = self.doubt.saturating_add(again);
        }
        (self.elr, self.retired) = (exception.elr, retired);
    }
}

/// What an exception return to AArch32 state restores besides.
const AARCH32: Pstate = Pstate::M
    .union(Pstate::T)
    .union(Pstate::E)
    .union(Pstate::IT_HI)
    .union(Pstate::IT_LO)
    .union(Pstate::GE)
    .union(Pstate::Q);
