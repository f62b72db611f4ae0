//! System registers as MRS and MSR see them: a row per register says who may access it and what that does
//! (Arm ARM D24, and the access pseudocode of each register there).

mod control;
mod ident;

use std::sync::OnceLock;

use armlet_arm::SysReg;
use armlet_arm::esr::Ec;
use armlet_arm::feature::{Feature, FeatureSet};
use armlet_arm::sysreg::Encoding;

use crate::cpu::{Cpu, Raised};
use crate::sys::{debug, pmu, timer};

/// What MRS does.
#[derive(Clone, Copy)]
pub enum Read {
    /// UNDEFINED: the register is write-only.
    None,
    /// Reads state.
    Stored(SysReg),
    /// Reads through a function.
    Computed(fn(&mut Cpu, Encoding) -> u64),
}

/// What MSR does.
#[derive(Clone, Copy)]
pub enum Write {
    /// UNDEFINED: the register is read-only.
    None,
    /// Writes are ignored.
    Ignored,
    /// Writes state.
    Stored(SysReg),
    /// Writes the bits of state in the mask; the others keep their values.
    Masked(SysReg, u64),
    /// Writes through a function.
    Computed(fn(&mut Cpu, Encoding, u64)),
}

/// Who may access from EL0.
#[derive(Clone, Copy)]
pub enum El0 {
    /// Nobody: UNDEFINED.
    Undefined,
    /// Everybody.
    Allowed,
    /// Allowed if the function says so, else trapped to EL1 with EC 0x18.
    If(fn(&Cpu) -> bool),
}

/// One register.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its encoding.
    pub reg: Encoding,
    /// Arm's name.
    pub name: &'static str,
    /// The feature that brings it.
    pub feature: Option<Feature>,
    /// What MRS does.
    pub read: Read,
    /// What MSR does.
    pub write: Write,
    /// MRS at EL0.
    pub el0_read: El0,
    /// MSR at EL0.
    pub el0_write: El0,
    /// A write may change what lowered code depends on: the block ends after it.
    pub leaves: bool,
}

impl Row {
    /// A register with state of its own, read and written as it is.
    pub const fn stored(reg: SysReg) -> Self {
        Self { read: Read::Stored(reg), write: Write::Stored(reg), ..Self::at(reg.encoding(), reg.name()) }
    }

    /// A register with no accesses yet.
    pub const fn at(reg: Encoding, name: &'static str) -> Self {
        Self {
            reg,
            name,
            feature: None,
            read: Read::None,
            write: Write::None,
            el0_read: El0::Undefined,
            el0_write: El0::Undefined,
            leaves: false,
        }
    }

    /// A register by its five fields, with no accesses yet.
    pub const fn new(name: &'static str, op0: u8, op1: u8, crn: u8, crm: u8, op2: u8) -> Self {
        Self::at(Encoding::new(op0, op1, crn, crm, op2), name)
    }

    /// Read through a function.
    pub const fn read(self, read: fn(&mut Cpu, Encoding) -> u64) -> Self {
        Self { read: Read::Computed(read), ..self }
    }

    /// Written through a function.
    pub const fn write(self, write: fn(&mut Cpu, Encoding, u64)) -> Self {
        Self { write: Write::Computed(write), ..self }
    }

    /// Written only in the bits of `mask`.
    pub const fn masked(self, mask: u64) -> Self {
        match self.read {
            Read::Stored(reg) => Self { write: Write::Masked(reg, mask), ..self },
            _ => panic!("a mask needs state"),
        }
    }

    /// UNDEFINED when written.
    pub const fn read_only(self) -> Self {
        Self { write: Write::None, ..self }
    }

    /// Reads as zero, writes are ignored.
    pub const fn raz_wi(self) -> Self {
        Self { read: Read::Computed(|_, _| 0), write: Write::Ignored, ..self }
    }

    /// Accessible from EL0 by these rules.
    pub const fn el0(self, read: El0, write: El0) -> Self {
        Self { el0_read: read, el0_write: write, ..self }
    }

    /// Ends the block after a write.
    pub const fn leaves(self) -> Self {
        Self { leaves: true, ..self }
    }

    /// Exists only with this feature.
    pub const fn needs(self, feature: Feature) -> Self {
        Self { feature: Some(feature), ..self }
    }

    /// The rule for an access from EL0.
    pub fn el0_rule(&self, read: bool) -> El0 {
        if read { self.el0_read } else { self.el0_write }
    }
}

/// All rows, in order of encoding.
pub fn rows() -> &'static [Row] {
    static ALL: OnceLock<Vec<Row>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = [ident::ROWS, control::ROWS, timer::ROWS, pmu::ROWS, debug::ROWS].concat();
        all.sort_by_key(|row| row.reg);
        all
    })
}

/// The number of the row of `reg` on a CPU with `features`.
pub fn find(reg: Encoding, features: FeatureSet) -> Option<u16> {
    let number = rows().binary_search_by_key(&reg, |row| row.reg).ok()?;
    rows()[number].feature.is_none_or(|feature| features.has(feature)).then_some(number as u16)
}

/// True for the ID space op0=3, op1=0, CRn=0, CRm=0 to 7, whose unallocated registers are RAZ at EL1.
pub fn is_id(reg: Encoding) -> bool {
    (reg.op0(), reg.op1(), reg.crn()) == (3, 0, 0) && reg.crm() <= 7
}

/// True for the encodings of `ICC_*_EL1`, which the interrupt controller answers (IHI 0069, 12.2).
pub fn is_gic(reg: Encoding) -> bool {
    (reg.op0(), reg.op1()) == (3, 0)
        && match (reg.crn(), reg.crm()) {
            (4, 6) => reg.op2() == 0,
            (12, 8..=12) => true,
            _ => false,
        }
}

impl Cpu {
    /// MRS of row `number` into a general register; `rt` is for the syndrome of a trap.
    pub(crate) fn read_row(&mut self, number: usize, rt: u8) -> Result<u64, Raised> {
        let row = &rows()[number];
        self.check_el0(row, rt, true)?;
        match row.read {
            Read::Stored(reg) => Ok(self.sys[reg]),
            Read::Computed(read) => Ok(read(self, row.reg)),
            Read::None => Err(self.undefined()),
        }
    }

    /// MSR of row `number`.
    pub(crate) fn write_row(&mut self, number: usize, rt: u8, value: u64) -> Result<(), Raised> {
        let row = &rows()[number];
        self.check_el0(row, rt, false)?;
        match row.write {
            Write::Stored(reg) => self.sys[reg] = value,
            Write::Masked(reg, mask) => self.sys[reg] = self.sys[reg] & !mask | value & mask,
            Write::Computed(write) => write(self, row.reg, value),
            Write::Ignored => {}
            Write::None => return Err(self.undefined()),
        }
        Ok(())
    }

    fn check_el0(&mut self, row: &Row, rt: u8, read: bool) -> Result<(), Raised> {
        if self.pstate.el() != 0 {
            return Ok(());
        }
        match row.el0_rule(read) {
            El0::Allowed => Ok(()),
            El0::If(allowed) if allowed(self) => Ok(()),
            El0::If(_) => Err(self.sysreg_trap(row.reg, rt, read)),
            El0::Undefined => Err(self.undefined()),
        }
    }

    /// Traps an access to a system register or a system instruction to EL1.
    #[cold]
    pub(crate) fn sysreg_trap(&mut self, reg: Encoding, rt: u8, read: bool) -> Raised {
        self.raise(Ec::SysReg, reg.trap_iss(rt, read), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_distinct() {
        for pair in rows().windows(2) {
            assert!(pair[0].reg < pair[1].reg, "{} and {}", pair[0].name, pair[1].name);
        }
    }

    #[test]
    fn every_register_of_el1_and_el0_is_reachable() {
        for &reg in SysReg::ALL {
            // op1 = 4 is EL2's, which no model has.
            let expected = reg.encoding().op1() != 4;
            let row = rows().iter().find(|row| row.reg == reg.encoding());
            assert_eq!(row.is_some(), expected, "{}", reg.name());
            if let Some(row) = row {
                assert_eq!(row.name, reg.name());
            }
        }
    }

    #[test]
    fn access_rules_follow_the_encoding() {
        for row in rows() {
            let el0 = !matches!((row.el0_read, row.el0_write), (El0::Undefined, El0::Undefined));
            // op1 says the lowest exception level that may ever access: 3 is EL0.
            assert_eq!(el0, row.reg.op1() == 3, "{}", row.name);
            assert!(matches!(row.reg.op0(), 2 | 3), "{}", row.name);
            assert!(!is_gic(row.reg), "{}", row.name);
            if matches!(row.read, Read::None) {
                assert!(!matches!(row.el0_read, El0::Allowed), "{}", row.name);
            }
        }
    }
}
