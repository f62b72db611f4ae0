//! Floating-point system registers but for FPSCR (Arm ARM G8.2: FPSID, MVFR0 to MVFR2, FPEXC). EL1 has them whatever
//! FPEXC.EN says; CPACR may still deny them.

use armlet_arm::sysreg::Encoding;
use armlet_arm::{Feature, SysReg};

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
            FPSID => Ok(self.model().fpsid()),
            FPEXC => Ok(self.sys[SysReg::FPEXC32_EL2] & EN),
            MVFR2 if !self.has(Feature::V8) => Err(self.undefined_of(bytes)),
            MVFR2..=MVFR0 => {
                // MVFR0_EL1 to MVFR2_EL1 stand the other way round.
                let encoding = Encoding::new(3, 0, 0, 3, (MVFR0 - reg) as u8);
                Ok(self.model().id_register(encoding).unwrap_or(0))
            }
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
