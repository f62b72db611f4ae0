//! Exits as one observer sees them, whatever the backend.

use armlet_arm::smccc::Conduit;
use armlet_arm::sysreg::Encoding;

/// Something a vCPU did that left plain execution. Logs print one line for each.
///
/// The syndrome of an access is ESR_EL2 as a hypervisor finds it when the access is a data abort taken to it;
/// `None` where the backend can't tell. It says more than size and direction: which register, for instance
/// ([`armlet_arm::syndrome`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitEvent {
    /// A device was read.
    MmioRead {
        /// Guest program counter.
        pc: u64,
        /// Guest physical address.
        gpa: u64,
        /// Width in bytes.
        size: u8,
        /// What the device answered.
        value: u64,
        /// The syndrome, see [`ExitEvent`].
        syndrome: Option<u64>,
    },
    /// A device (or a read-only region) was written.
    MmioWrite {
        /// Guest program counter.
        pc: u64,
        /// Guest physical address.
        gpa: u64,
        /// Width in bytes.
        size: u8,
        /// What was written.
        value: u64,
        /// The syndrome, see [`ExitEvent`].
        syndrome: Option<u64>,
    },
    /// An access or fetch where nothing is mapped; the guest takes an external abort.
    UnmappedAccess {
        /// Guest program counter.
        pc: u64,
        /// Guest physical address.
        gpa: u64,
        /// The instruction fetch itself, not a load or store.
        fetch: bool,
        /// A store.
        write: bool,
    },
    /// A firmware call.
    Call {
        /// Guest program counter of the call.
        pc: u64,
        /// HVC or SMC.
        conduit: Conduit,
        /// The instruction's immediate.
        imm: u16,
        /// W0 on entry: the SMCCC function identifier.
        function: u32,
        /// X0 on return.
        result: u64,
    },
    /// The guest took an exception.
    Exception {
        /// Where it happened: the preferred return address.
        pc: u64,
        /// ESR_EL1, or 0 for an interrupt.
        esr: u64,
        /// FAR_EL1, for aborts.
        far: u64,
        /// Exception level it came from.
        from_el: u8,
        /// Vector name: `synchronous`, `IRQ`, `FIQ`, `SError`.
        vector: &'static str,
    },
    /// An MRS or MSR that trapped or is UNDEFINED.
    SysRegTrap {
        /// Guest program counter.
        pc: u64,
        /// Which register.
        reg: Encoding,
        /// MRS rather than MSR.
        read: bool,
    },
    /// WFI put the vCPU to sleep.
    Wfi {
        /// Guest program counter.
        pc: u64,
    },
}

impl ExitEvent {
    /// Guest program counter.
    pub fn pc(&self) -> u64 {
        match *self {
            Self::MmioRead { pc, .. }
            | Self::MmioWrite { pc, .. }
            | Self::UnmappedAccess { pc, .. }
            | Self::Call { pc, .. }
            | Self::Exception { pc, .. }
            | Self::SysRegTrap { pc, .. }
            | Self::Wfi { pc } => pc,
        }
    }
}

/// Sees every exit of every vCPU: the exit log, counters, traces.
pub trait Observer: Send + Sync {
    /// Called on the vCPU's thread.
    fn exit(&self, cpu: usize, event: &ExitEvent);
}
