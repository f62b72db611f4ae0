//! What a running PE needs of the machine around it.

use armlet_arm::smccc::Conduit;
use armlet_arm::sysreg::Encoding;
use armlet_base::BusError;

use crate::exception::Vector;

/// What a firmware call leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The registers hold the result.
    Continue,
    /// The registers hold the result, and [`crate::Cpu::run`] returns [`crate::Stop::World`].
    Stop,
    /// The same as `Continue`, or as `Stop` if `stop`, once an interrupt is pending, masked or not, or the
    /// PE is kicked.
    Wait {
        /// Whether [`crate::Cpu::run`] returns then.
        stop: bool,
    },
    /// UNDEFINED: nobody implements this conduit.
    Undefined,
}

/// What an instruction word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsnSet {
    /// A64.
    A64,
    /// A32.
    A32,
    /// T32: an instruction of 16 bits, or one of 32 with its first half in the upper half of the word.
    T32,
}

/// The machine around a PE. `pc` is that of the instruction, for logs.
pub trait World {
    /// Reads where no memory is. An error becomes a synchronous external abort.
    fn mmio_read(&mut self, pc: u64, pa: u64, size: u8) -> Result<u64, BusError>;
    /// Writes where no writable memory is.
    fn mmio_write(&mut self, pc: u64, pa: u64, size: u8, value: u64) -> Result<(), BusError>;
    /// Why no instruction can be fetched at `pa`, where no memory is: nobody answers, or somebody else takes care.
    fn refuse_fetch(&mut self, pa: u64) -> BusError {
        BusError::Unmapped(pa)
    }
    /// Tells, if [`World::notes`], which instruction makes the access that comes next. It may stay out where the
    /// code can't be seen.
    fn instruction(&mut self, _set: InsnSet, _word: u32) {}
    /// HVC or SMC; `regs` is X0-X17.
    fn call(&mut self, pc: u64, conduit: Conduit, imm: u16, regs: &mut [u64; 18]) -> CallOutcome;
    /// True if [`World::note`] wants to hear; saves building notes nobody reads.
    fn notes(&self) -> bool;
    /// Something worth a line in a log.
    fn note(&mut self, note: Note);
}

/// A world with no devices and no firmware, for bare programs: every call stops the PE.
pub struct EmptyWorld;

impl World for EmptyWorld {
    fn mmio_read(&mut self, _: u64, pa: u64, _: u8) -> Result<u64, BusError> {
        Err(BusError::Unmapped(pa))
    }
    fn mmio_write(&mut self, _: u64, pa: u64, _: u8, _: u64) -> Result<(), BusError> {
        Err(BusError::Unmapped(pa))
    }
    fn call(&mut self, _: u64, _: Conduit, _: u16, _: &mut [u64; 18]) -> CallOutcome {
        CallOutcome::Stop
    }
    fn notes(&self) -> bool {
        false
    }
    fn note(&mut self, _: Note) {}
}

/// What [`World::note`] hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// An exception was taken to EL1.
    Exception {
        /// Preferred return address.
        pc: u64,
        /// ESR_EL1; 0 for interrupts.
        esr: u64,
        /// FAR_EL1, for aborts.
        far: u64,
        /// Where it came from.
        from_el: u8,
        /// Which vector.
        vector: Vector,
    },
    /// An access or fetch that nothing answers.
    Unmapped {
        /// The instruction.
        pc: u64,
        /// Guest physical address.
        pa: u64,
        /// The fetch itself.
        fetch: bool,
        /// A store.
        write: bool,
    },
    /// A system register access that traps or is UNDEFINED.
    SysReg {
        /// The instruction.
        pc: u64,
        /// The register.
        reg: Encoding,
        /// MRS rather than MSR.
        read: bool,
    },
    /// WFI puts the PE to sleep.
    Wfi {
        /// The instruction.
        pc: u64,
    },
}
