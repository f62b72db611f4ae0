//! What instructions call a register of coprocessor 14 or 15.

use std::fmt;

use armlet_arm::aarch32::Coprocessor;
use armlet_arm::esr::Ec;

/// A register's name: coproc, CRn, opc1, CRm, opc2, or for 64-bit accesses coproc, opc1 and CRm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

const WIDE: u32 = 1 << 24;

impl Name {
    /// From the fields of an MRC or MCR.
    pub const fn new(coproc: u8, opc1: u8, crn: u8, crm: u8, opc2: u8) -> Self {
        Self(
            (coproc as u32 & 15) << 16
                | (crn as u32 & 15) << 12
                | (opc1 as u32 & 15) << 8
                | (crm as u32 & 15) << 4
                | (opc2 as u32 & 7),
        )
    }

    /// A register of CP15.
    pub const fn cp15(opc1: u8, crn: u8, crm: u8, opc2: u8) -> Self {
        Self::new(15, opc1, crn, crm, opc2)
    }

    /// A register of CP14.
    pub const fn cp14(opc1: u8, crn: u8, crm: u8, opc2: u8) -> Self {
        Self::new(14, opc1, crn, crm, opc2)
    }

    /// From the fields of an MRRC or MCRR.
    pub const fn wide(coproc: u8, opc1: u8, crm: u8) -> Self {
        Self(Self::new(coproc, opc1, 0, crm, 0).0 | WIDE)
    }

    /// As an instruction has it; `wide` for MRRC and MCRR.
    pub fn of(register: Coprocessor, wide: bool) -> Self {
        let Coprocessor { coproc, opc1, crn, crm, opc2 } = register;
        if wide { Self::wide(coproc, opc1, crm) } else { Self::new(coproc, opc1, crn, crm, opc2) }
    }

    /// True for 64-bit accesses.
    pub const fn is_wide(self) -> bool {
        self.0 & WIDE != 0
    }

    /// 14 or 15.
    pub const fn coproc(self) -> u8 {
        (self.0 >> 16 & 15) as u8
    }
    /// CRn.
    pub const fn crn(self) -> u8 {
        (self.0 >> 12 & 15) as u8
    }
    /// opc1.
    pub const fn opc1(self) -> u8 {
        (self.0 >> 8 & 15) as u8
    }
    /// CRm.
    pub const fn crm(self) -> u8 {
        (self.0 >> 4 & 15) as u8
    }
    /// opc2.
    pub const fn opc2(self) -> u8 {
        (self.0 & 7) as u8
    }

    /// The exception class of a trapped access.
    pub fn trap_class(self) -> Ec {
        match (self.coproc(), self.is_wide()) {
            (14, false) => Ec::Cp14,
            (14, true) => Ec::Cp14Wide,
            (_, false) => Ec::Cp15,
            (_, true) => Ec::Cp15Wide,
        }
    }

    /// ISS of a trapped access (Arm ARM D24.2.40): CV is set and COND is 0b1110, as for any instruction that was not
    /// skipped. `rt` holds the numbers of Rt and, from bit 5 on, Rt2.
    pub fn trap_iss(self, rt: u16, read: bool) -> u64 {
        let (rt, rt2) = (u64::from(rt & 31), u64::from(rt >> 5 & 31));
        let (opc1, opc2) = (u64::from(self.opc1()), u64::from(self.opc2()));
        let middle = match self.is_wide() {
            true => opc1 << 16 | rt2 << 10,
            false => opc2 << 17 | opc1 << 14 | u64::from(self.crn()) << 10,
        };
        0x1e << 20 | middle | rt << 5 | u64::from(self.crm()) << 1 | u64::from(read)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_wide() {
            return write!(f, "p{}_{}_c{}", self.coproc(), self.opc1(), self.crm());
        }
        write!(f, "p{}_{}_c{}_c{}_{}", self.coproc(), self.opc1(), self.crn(), self.crm(), self.opc2())
    }
}
