//! The neutral state of one CPU, which every backend can load and store.

use crate::pstate::Pstate;
use crate::sysreg::SysRegs;

/// Everything that software on one PE can see of it. AArch32 state is mapped onto it as the
/// architecture does (Arm ARM D1.8.2): R0-R14 and the banked registers on X0-X30.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuState {
    /// X0 to X30.
    pub x: [u64; 31],
    /// Program counter.
    pub pc: u64,
    /// Process state, in SPSR layout.
    pub pstate: Pstate,
    /// V0 to V31.
    pub v: [u128; 32],
    /// Floating-point control.
    pub fpcr: u32,
    /// Floating-point status.
    pub fpsr: u32,
    /// System registers, SP_EL0 and SP_EL1 among them.
    pub sys: SysRegs,
}

impl Default for CpuState {
    fn default() -> Self {
        Self {
            x: [0; 31],
            pc: 0,
            pstate: Pstate::RESET_EL1H,
            v: [0; 32],
            fpcr: 0,
            fpsr: 0,
            sys: SysRegs::default(),
        }
    }
}

impl CpuState {
    /// The stack pointer in use: SP_EL0, or SP_EL1 at EL1 with SPSel set.
    pub fn sp(&self) -> u64 {
        self.sys[self.sp_register()]
    }

    /// Sets the stack pointer in use.
    pub fn set_sp(&mut self, value: u64) {
        let register = self.sp_register();
        self.sys[register] = value;
    }

    fn sp_register(&self) -> crate::SysReg {
        if self.pstate.el() == 1 && self.pstate.contains(Pstate::SP) {
            crate::SysReg::SP_EL1
        } else {
            crate::SysReg::SP_EL0
        }
    }
}
