//! Floating-point system registers but for FPSCR (Arm ARM G8.2: FPSID, MVFR0 to MVFR2, FPEXC). EL1 has them whatever
//! FPEXC.EN says; CPACR may still deny them.

use armlet_arm::SysReg;

use crate::cpu::{Cpu, Raised};

const FPSID: i64 = 0;
const MVFR2: i64 = 5;
const MVFR0: i64 = 7;
const FPEXC: i64 = 8;

/// FPEXC.EN. No exception is ever pending, so the rest is zero.
const EN: u64 = 1 << 30;

impl Cpu {
    /// VMRS of register `reg`, of an instruction of `bytes` bytes.
    pub(crate) fn read_vfp(&mut self, reg: i64, bytes: u8) -> Result<u64, Raised> {
        self.check_vfp(bytes)?;
        match reg {
            FPSID => Ok(self.model().fpsid.into()),
            FPEXC => Ok(self.sys[SysReg::FPEXC32_EL2] & EN),
            // They stand in reverse order.
            MVFR2..=MVFR0 => match self.model().mvfr((MVFR0 - reg) as u8) {
                Some(value) => Ok(value),
                None => Err(self.undefined_of(bytes)),
            },
            _ => Err(self.undefined_of(bytes)),
        }
    }

    /// VMSR of register `reg`.
    pub(crate) fn write_vfp(&mut self, reg: i64, value: u64, bytes: u8) -> Result<(), Raised> {
        self.check_vfp(bytes)?;
        if reg == FPEXC {
            self.sys[SysReg::FPEXC32_EL2] = value & EN;
            self.mode_changed();
        }
        Ok(())
    }

    fn check_vfp(&mut self, bytes: u8) -> Result<(), Raised> {
        let allowed = self.sys[SysReg::CPACR_EL1] >> 20 & 1 != 0 && self.pstate.el() == 1;
        if allowed { Ok(()) } else { Err(self.undefined_of(bytes)) }
    }
}
