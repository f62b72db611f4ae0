//! System registers: encodings, names and the storage index of those that are plain state.

use std::fmt;

/// The encoding of a system register or system instruction: op0, op1, CRn, CRm, op2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Encoding(u16);

impl Encoding {
    /// From the five fields, as an MRS/MSR/SYS instruction spells them.
    pub const fn new(op0: u8, op1: u8, crn: u8, crm: u8, op2: u8) -> Self {
        Self(
            (op0 as u16 & 3) << 14
                | (op1 as u16 & 7) << 11
                | (crn as u16 & 15) << 7
                | (crm as u16 & 15) << 3
                | op2 as u16 & 7,
        )
    }

    /// From bits `[20:5]` of an MRS, MSR (register), SYS or SYSL instruction.
    pub const fn from_insn(insn: u32) -> Self {
        Self((insn >> 5) as u16)
    }

    /// From the 16-bit form op0:op1:CRn:CRm:op2.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The 16-bit form op0:op1:CRn:CRm:op2.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// op0.
    pub const fn op0(self) -> u8 {
        (self.0 >> 14) as u8
    }
    /// op1.
    pub const fn op1(self) -> u8 {
        (self.0 >> 11 & 7) as u8
    }
    /// CRn.
    pub const fn crn(self) -> u8 {
        (self.0 >> 7 & 15) as u8
    }
    /// CRm.
    pub const fn crm(self) -> u8 {
        (self.0 >> 3 & 15) as u8
    }
    /// op2.
    pub const fn op2(self) -> u8 {
        (self.0 & 7) as u8
    }

    /// The ISS of a trapped access (EC 0x18), without IL: Op0, Op2, Op1, CRn, Rt, CRm, Direction.
    pub const fn trap_iss(self, rt: u8, read: bool) -> u64 {
        (self.op0() as u64) << 20
            | (self.op2() as u64) << 17
            | (self.op1() as u64) << 14
            | (self.crn() as u64) << 10
            | (rt as u64 & 31) << 5
            | (self.crm() as u64) << 1
            | read as u64
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}_{}_c{}_c{}_{}", self.op0(), self.op1(), self.crn(), self.crm(), self.op2())
    }
}

macro_rules! sysregs {
    ($($name:ident = ($op0:literal, $op1:literal, $crn:literal, $crm:literal, $op2:literal);)*) => {
        /// System registers that hold state of their own. The discriminant indexes [`SysRegs`].
        #[allow(non_camel_case_types, missing_docs, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum SysReg { $($name),* }

        impl SysReg {
            /// Every register, in index order.
            pub const ALL: &'static [SysReg] = &[$(SysReg::$name),*];

            /// The encoding an MRS or MSR names it by.
            pub const fn encoding(self) -> Encoding {
                match self { $(SysReg::$name => Encoding::new($op0, $op1, $crn, $crm, $op2)),* }
            }

            /// Arm's name.
            pub const fn name(self) -> &'static str {
                match self { $(SysReg::$name => stringify!($name)),* }
            }
        }
    };
}

sysregs! {
    // Exception handling and control
    SCTLR_EL1 = (3, 0, 1, 0, 0);
    ACTLR_EL1 = (3, 0, 1, 0, 1);
    CPACR_EL1 = (3, 0, 1, 0, 2);
    TTBR0_EL1 = (3, 0, 2, 0, 0);
    TTBR1_EL1 = (3, 0, 2, 0, 1);
    TCR_EL1 = (3, 0, 2, 0, 2);
    SPSR_EL1 = (3, 0, 4, 0, 0);
    ELR_EL1 = (3, 0, 4, 0, 1);
    SP_EL0 = (3, 0, 4, 1, 0);
    SP_EL1 = (3, 4, 4, 1, 0);
    AFSR0_EL1 = (3, 0, 5, 1, 0);
    AFSR1_EL1 = (3, 0, 5, 1, 1);
    ESR_EL1 = (3, 0, 5, 2, 0);
    FAR_EL1 = (3, 0, 6, 0, 0);
    PAR_EL1 = (3, 0, 7, 4, 0);
    MAIR_EL1 = (3, 0, 10, 2, 0);
    AMAIR_EL1 = (3, 0, 10, 3, 0);
    VBAR_EL1 = (3, 0, 12, 0, 0);
    CONTEXTIDR_EL1 = (3, 0, 13, 0, 1);
    TPIDR_EL1 = (3, 0, 13, 0, 4);
    SCXTNUM_EL1 = (3, 0, 13, 0, 7);
    SCXTNUM_EL0 = (3, 3, 13, 0, 7);
    TPIDR_EL0 = (3, 3, 13, 0, 2);
    TPIDRRO_EL0 = (3, 3, 13, 0, 3);
    CSSELR_EL1 = (3, 2, 0, 0, 0);
    MPIDR_EL1 = (3, 0, 0, 0, 5);
    MIDR_EL1 = (3, 0, 0, 0, 0);
    // Generic timer
    CNTKCTL_EL1 = (3, 0, 14, 1, 0);
    CNTFRQ_EL0 = (3, 3, 14, 0, 0);
    CNTV_CTL_EL0 = (3, 3, 14, 3, 1);
    CNTV_CVAL_EL0 = (3, 3, 14, 3, 2);
    CNTP_CTL_EL0 = (3, 3, 14, 2, 1);
    CNTP_CVAL_EL0 = (3, 3, 14, 2, 2);
    CNTVOFF_EL2 = (3, 4, 14, 0, 3);
    // Performance monitors
    PMCR_EL0 = (3, 3, 9, 12, 0);
    PMCNTENSET_EL0 = (3, 3, 9, 12, 1);
    PMOVSSET_EL0 = (3, 3, 9, 14, 3);
    PMSELR_EL0 = (3, 3, 9, 12, 5);
    PMCCNTR_EL0 = (3, 3, 9, 13, 0);
    PMCCFILTR_EL0 = (3, 3, 14, 15, 7);
    PMUSERENR_EL0 = (3, 3, 9, 14, 0);
    PMINTENSET_EL1 = (3, 0, 9, 14, 1);
    PMEVCNTR0_EL0 = (3, 3, 14, 8, 0);
    PMEVCNTR1_EL0 = (3, 3, 14, 8, 1);
    PMEVCNTR2_EL0 = (3, 3, 14, 8, 2);
    PMEVCNTR3_EL0 = (3, 3, 14, 8, 3);
    PMEVCNTR4_EL0 = (3, 3, 14, 8, 4);
    PMEVCNTR5_EL0 = (3, 3, 14, 8, 5);
    PMEVTYPER0_EL0 = (3, 3, 14, 12, 0);
    PMEVTYPER1_EL0 = (3, 3, 14, 12, 1);
    PMEVTYPER2_EL0 = (3, 3, 14, 12, 2);
    PMEVTYPER3_EL0 = (3, 3, 14, 12, 3);
    PMEVTYPER4_EL0 = (3, 3, 14, 12, 4);
    PMEVTYPER5_EL0 = (3, 3, 14, 12, 5);
    // Self-hosted debug
    MDSCR_EL1 = (2, 0, 0, 2, 2);
    OSLSR_EL1 = (2, 0, 1, 1, 4);
    OSDLR_EL1 = (2, 0, 1, 3, 4);
    OSECCR_EL1 = (2, 0, 0, 6, 2);
    OSDTRRX_EL1 = (2, 0, 0, 0, 2);
    OSDTRTX_EL1 = (2, 0, 0, 3, 2);
    MDCCINT_EL1 = (2, 0, 0, 2, 0);
    DBGCLAIMSET_EL1 = (2, 0, 7, 8, 6);
    DBGBVR0_EL1 = (2, 0, 0, 0, 4);
    DBGBVR1_EL1 = (2, 0, 0, 1, 4);
    DBGBVR2_EL1 = (2, 0, 0, 2, 4);
    DBGBVR3_EL1 = (2, 0, 0, 3, 4);
    DBGBVR4_EL1 = (2, 0, 0, 4, 4);
    DBGBVR5_EL1 = (2, 0, 0, 5, 4);
    DBGBCR0_EL1 = (2, 0, 0, 0, 5);
    DBGBCR1_EL1 = (2, 0, 0, 1, 5);
    DBGBCR2_EL1 = (2, 0, 0, 2, 5);
    DBGBCR3_EL1 = (2, 0, 0, 3, 5);
    DBGBCR4_EL1 = (2, 0, 0, 4, 5);
    DBGBCR5_EL1 = (2, 0, 0, 5, 5);
    DBGWVR0_EL1 = (2, 0, 0, 0, 6);
    DBGWVR1_EL1 = (2, 0, 0, 1, 6);
    DBGWVR2_EL1 = (2, 0, 0, 2, 6);
    DBGWVR3_EL1 = (2, 0, 0, 3, 6);
    DBGWCR0_EL1 = (2, 0, 0, 0, 7);
    DBGWCR1_EL1 = (2, 0, 0, 1, 7);
    DBGWCR2_EL1 = (2, 0, 0, 2, 7);
    DBGWCR3_EL1 = (2, 0, 0, 3, 7);
    // AArch32 state visible at EL1
    DACR32_EL2 = (3, 4, 3, 0, 0);
    IFSR32_EL2 = (3, 4, 5, 0, 1);
    FPEXC32_EL2 = (3, 4, 5, 3, 0);
    SPSR_ABT = (3, 4, 4, 3, 1);
    SPSR_UND = (3, 4, 4, 3, 2);
    SPSR_IRQ = (3, 4, 4, 3, 0);
    SPSR_FIQ = (3, 4, 4, 3, 3);
}

/// Values of all [`SysReg`]s of one CPU.
#[derive(Clone, PartialEq, Eq)]
pub struct SysRegs([u64; SysReg::ALL.len()]);

impl Default for SysRegs {
    fn default() -> Self {
        Self([0; SysReg::ALL.len()])
    }
}

impl std::ops::Index<SysReg> for SysRegs {
    type Output = u64;
    #[inline(always)]
    fn index(&self, reg: SysReg) -> &u64 {
        &self.0[reg as usize]
    }
}

impl std::ops::IndexMut<SysReg> for SysRegs {
    #[inline(always)]
    fn index_mut(&mut self, reg: SysReg) -> &mut u64 {
        &mut self.0[reg as usize]
    }
}

impl fmt::Debug for SysRegs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = SysReg::ALL.iter().filter(|&&reg| self[reg] != 0);
        f.debug_map()
            .entries(set.map(|&reg| (reg.name(), format_args!("{:#x}", self[reg]).to_string())))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_distinct_and_match_instruction_bits() {
        let mut seen: Vec<_> = SysReg::ALL.iter().map(|r| r.encoding()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), SysReg::ALL.len());
        // mrs x0, sctlr_el1 = d5381000
        assert_eq!(Encoding::from_insn(0xd538_1000), SysReg::SCTLR_EL1.encoding());
        // mrs x3, tpidr_el0 = d53bd043
        assert_eq!(Encoding::from_insn(0xd53b_d043), SysReg::TPIDR_EL0.encoding());
    }
}
