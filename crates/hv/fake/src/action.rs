//! What a script can do.

use std::sync::Arc;

use armlet_arm::CpuState;
use armlet_arm::smccc::Conduit;
use armlet_arm::sysreg::Encoding;
use armlet_hv::{ExitEvent, Stop};

/// Changes a vCPU's state.
pub type StateChange = Arc<dyn Fn(&mut CpuState) + Send + Sync>;

/// Checks a vCPU's state; the error says what is wrong.
pub type StateCheck = Arc<dyn Fn(&CpuState) -> Result<(), String> + Send + Sync>;

/// What a read should give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Any value of any device.
    Anything,
    /// This value.
    Value(u64),
    /// A bus error.
    Unmapped,
}

/// One step of a script. A step that does not go as expected is recorded as failed and ends the vCPU
/// with [`Stop::Dead`].
#[derive(Clone)]
pub enum Action {
    /// Reads a device.
    MmioRead {
        /// Guest physical address.
        gpa: u64,
        /// Width in bytes.
        size: u8,
        /// What should come back.
        expect: Expect,
    },
    /// Reads a device until `value & mask == expect`.
    MmioPoll {
        /// Guest physical address.
        gpa: u64,
        /// Width in bytes.
        size: u8,
        /// Bits that count.
        mask: u64,
        /// What they should become.
        expect: u64,
    },
    /// Writes a device.
    MmioWrite {
        /// Guest physical address.
        gpa: u64,
        /// Width in bytes.
        size: u8,
        /// What to write.
        value: u64,
        /// False if there should be nothing.
        mapped: bool,
    },
    /// Makes a firmware call.
    Call {
        /// HVC or SMC.
        conduit: Conduit,
        /// The instruction's immediate.
        imm: u16,
        /// X0 and what follows; the rest is zero.
        regs: Vec<u64>,
        /// X0 after the call, if it matters.
        expect: Option<u64>,
    },
    /// Repeats an HVC until X0 after it is `until`.
    CallUntil {
        /// X0 and what follows.
        regs: Vec<u64>,
        /// The value that ends it.
        until: u64,
    },
    /// Expects that an HVC with these registers is UNDEFINED.
    CallUndefined {
        /// HVC or SMC.
        conduit: Conduit,
    },
    /// Reads a GIC CPU interface register of the attached controller.
    IccRead(Encoding, Expect),
    /// Writes a GIC CPU interface register of the attached controller.
    IccWrite(Encoding, u64),
    /// Waits until the IRQ input is asserted.
    WaitIrq,
    /// Tells the observers of an event.
    Observe(ExitEvent),
    /// Makes `run` return this.
    Stop(Stop),
    /// Sleeps until kicked; `run` returns [`Stop::Kicked`].
    WaitKick,
    /// Runs without end until kicked; `run` returns [`Stop::Kicked`].
    Spin,
    /// Counts retired instructions.
    Retire(u64),
    /// Changes the vCPU's state.
    SetState(StateChange),
    /// Checks the vCPU's state; the error says what is wrong.
    CheckState(StateCheck),
    /// Panics on the vCPU's thread.
    Panic(&'static str),
    /// Makes `run` fail with an error of the backend.
    Fail(&'static str),
}

impl Action {
    /// A read that must give `value`.
    pub fn read(gpa: u64, size: u8, value: u64) -> Self {
        Self::MmioRead { gpa, size, expect: Expect::Value(value) }
    }

    /// A write to a device.
    pub fn write(gpa: u64, size: u8, value: u64) -> Self {
        Self::MmioWrite { gpa, size, value, mapped: true }
    }

    /// An `HVC #0` that must give `expect` in X0.
    pub fn hvc(regs: &[u64], expect: u64) -> Self {
        Self::Call { conduit: Conduit::Hvc, imm: 0, regs: regs.to_vec(), expect: Some(expect) }
    }

    /// An `HVC #0` that does not come back, or whose result does not matter.
    pub fn hvc_any(regs: &[u64]) -> Self {
        Self::Call { conduit: Conduit::Hvc, imm: 0, regs: regs.to_vec(), expect: None }
    }

    /// Checks the state by a function.
    pub fn check(check: impl Fn(&CpuState) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self::CheckState(Arc::new(check))
    }
}
