//! System registers as MRC, MCR, MRRC and MCRR see them: coprocessors 14 and 15 (Arm ARM G8.2 to G8.5).
//!
//! Most are views of an AArch64 register, by its row in [`super::regs`] or of one half of its state, as the
//! architecture maps them (G1.9.5). A row says who may access it and what that does.
//!
//! CONSTRAINED UNPREDICTABLE: names without a row are UNDEFINED; so is writing what can only be read. A write of a
//! 32-bit view of plain state keeps the other half of it.

mod control;
mod debug;
mod maintenance;
mod monitors;
mod name;

use std::sync::OnceLock;

use armlet_arm::SysReg;
use armlet_arm::feature::{Feature, FeatureSet};
use armlet_arm::sysreg::Encoding;

use super::regs::{self, El0};
use crate::cpu::{Cpu, Raised};

pub use debug::DebugEntry;
pub use name::Name;

/// What MRC or MRRC does.
#[derive(Clone, Copy)]
pub enum Read {
    /// UNDEFINED: the register is write-only.
    None,
    /// Reads an AArch64 register by its row.
    Row(Encoding),
    /// Reads all of the interrupt controller's register.
    Gic(Encoding),
    /// Reads the lower word of state.
    Low(SysReg),
    /// Reads the upper word of state.
    High(SysReg),
    /// Reads through a function.
    Computed(fn(&mut Cpu, Name) -> u64),
}

/// What MCR or MCRR does.
#[derive(Clone, Copy)]
pub enum Write {
    /// UNDEFINED: the register is read-only.
    None,
    /// Writes are ignored.
    Ignored,
    /// Writes an AArch64 register by its row; an MCR zeroes the upper half.
    Row(Encoding),
    /// Writes the interrupt controller's register.
    Gic(Encoding),
    /// Writes the lower word of state.
    Low(SysReg),
    /// Writes the upper word of state.
    High(SysReg),
    /// Is the system instruction of AArch64 with the same argument.
    Sys(Encoding),
    /// Writes through a function.
    Computed(fn(&mut Cpu, Name, u64) -> Result<(), Raised>),
}

/// Who may access from EL0.
#[derive(Clone, Copy)]
pub enum User {
    /// Nobody: UNDEFINED.
    Undefined,
    /// As the rules of the AArch64 row say.
    AsRow,
    /// By these rules, for reads and writes. What is not allowed is trapped, or UNDEFINED if EL1 is in AArch32 state.
    Rules(El0, El0),
}

/// One register.
#[derive(Clone, Copy)]
pub struct Row {
    /// What instructions call it.
    pub key: Name,
    /// Arm's name.
    pub name: &'static str,
    /// What MRC does.
    pub read: Read,
    /// What MCR does.
    pub write: Write,
    /// EL0's accesses.
    pub user: User,
    /// The feature that brings it.
    pub feature: Option<Feature>,
    /// The feature that removed it.
    pub until: Option<Feature>,
    /// A write may change what lowered code depends on: the block ends after it.
    pub leaves: bool,
}

impl Row {
    /// A register with no accesses yet.
    pub const fn new(name: &'static str, key: Name) -> Self {
        Self {
            key,
            name,
            read: Read::None,
            write: Write::None,
            user: User::Undefined,
            feature: None,
            until: None,
            leaves: false,
        }
    }

    /// The same register as in AArch64.
    pub const fn same(name: &'static str, key: Name, reg: Encoding) -> Self {
        Self { read: Read::Row(reg), write: Write::Row(reg), ..Self::new(name, key) }
    }

    /// The lower word of state.
    pub const fn low(name: &'static str, key: Name, reg: SysReg) -> Self {
        Self { read: Read::Low(reg), write: Write::Low(reg), ..Self::new(name, key) }
    }

    /// The upper word of state.
    pub const fn high(name: &'static str, key: Name, reg: SysReg) -> Self {
        Self { read: Read::High(reg), write: Write::High(reg), ..Self::new(name, key) }
    }

    /// A register of the GICv3 CPU interface.
    pub const fn gic(name: &'static str, key: Name, reg: Encoding) -> Self {
        Self { read: Read::Gic(reg), write: Write::Gic(reg), leaves: true, ..Self::new(name, key) }
    }

    /// A write that is a system instruction.
    pub const fn sys(name: &'static str, key: Name, reg: Encoding) -> Self {
        Self { write: Write::Sys(reg), ..Self::new(name, key) }
    }

    /// Read through a function.
    pub const fn read(self, read: fn(&mut Cpu, Name) -> u64) -> Self {
        Self { read: Read::Computed(read), ..self }
    }

    /// Written through a function.
    pub const fn write(self, write: fn(&mut Cpu, Name, u64) -> Result<(), Raised>) -> Self {
        Self { write: Write::Computed(write), ..self }
    }

    /// UNDEFINED when written.
    pub const fn read_only(self) -> Self {
        Self { write: Write::None, ..self }
    }

    /// UNDEFINED when read.
    pub const fn write_only(self) -> Self {
        Self { read: Read::None, ..self }
    }

    /// Reads as zero.
    pub const fn raz(self) -> Self {
        Self { read: Read::Computed(|_, _| 0), ..self }
    }

    /// Reads as zero, writes are ignored.
    pub const fn raz_wi(self) -> Self {
        Self { write: Write::Ignored, ..self.raz() }
    }

    /// Does nothing when written, and can't be read.
    pub const fn nop(self) -> Self {
        Self { write: Write::Ignored, ..self }
    }

    /// Accessible from EL0 as in AArch64.
    pub const fn user(self) -> Self {
        Self { user: User::AsRow, ..self }
    }

    /// Accessible from EL0 by these rules.
    pub const fn el0(self, read: El0, write: El0) -> Self {
        Self { user: User::Rules(read, write), ..self }
    }

    /// Ends the block after a write.
    pub const fn leaves(self) -> Self {
        Self { leaves: true, ..self }
    }

    /// Exists only with this feature.
    pub const fn needs(self, feature: Feature) -> Self {
        Self { feature: Some(feature), ..self }
    }

    /// Exists only without this feature.
    pub const fn until(self, feature: Feature) -> Self {
        Self { until: Some(feature), ..self }
    }

    /// The AArch64 row it is a view of.
    fn row(&self, read: bool) -> Option<&'static regs::Row> {
        let reg = match (read, self.read, self.write) {
            (true, Read::Row(reg), _) | (false, _, Write::Row(reg)) => reg,
            _ => return None,
        };
        regs::rows().binary_search_by_key(&reg, |row| row.reg).ok().map(|n| &regs::rows()[n])
    }

    /// Whether there is such an access at EL1.
    pub fn is_defined(&self, read: bool) -> bool {
        let row = |row: Option<&regs::Row>| {
            row.is_some_and(|row| match read {
                true => !matches!(row.read, regs::Read::None),
                false => !matches!(row.write, regs::Write::None),
            })
        };
        match (read, self.read, self.write) {
            (true, Read::None, _) | (false, _, Write::None) => false,
            (true, Read::Row(_), _) | (false, _, Write::Row(_)) => row(self.row(read)),
            _ => true,
        }
    }

    /// The rule for an access from EL0.
    pub fn el0_rule(&self, read: bool) -> El0 {
        match self.user {
            User::Undefined => El0::Undefined,
            User::AsRow => self.row(read).map_or(El0::Undefined, |row| row.el0_rule(read)),
            User::Rules(reads, writes) => {
                if read {
                    reads
                } else {
                    writes
                }
            }
        }
    }

    /// True if the block must end after a write.
    pub fn leaves_after(&self) -> bool {
        self.leaves || self.row(false).is_some_and(|row| row.leaves)
    }

    fn exists(&self, features: FeatureSet) -> bool {
        let row = |read| self.row(read).and_then(|row| row.feature);
        let needed = [self.feature, row(true), row(false)];
        needed.into_iter().flatten().all(|feature| features.has(feature))
            && self.until.is_none_or(|feature| !features.has(feature))
    }
}

/// All rows, in order of their keys.
pub fn rows() -> &'static [Row] {
    static ALL: OnceLock<Vec<Row>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = [control::ROWS, maintenance::ROWS, monitors::ROWS, debug::ROWS].concat();
        all.extend(control::identification());
        all.extend(monitors::numbered());
        all.extend(debug::numbered());
        all.sort_by_key(|row| row.key);
        all
    })
}

/// The number of the row of `key` on a CPU with `features`.
pub fn find(key: Name, features: FeatureSet) -> Option<u16> {
    let number = rows().binary_search_by_key(&key, |row| row.key).ok()?;
    rows()[number].exists(features).then_some(number as u16)
}

impl Cpu {
    /// MRC or MRRC of row `number`; `rt` holds the numbers of Rt and (from bit 5 on) Rt2, for the syndrome of a trap.
    pub(crate) fn read_cp(&mut self, number: usize, rt: u16) -> Result<u64, Raised> {
        let row = &rows()[number];
        self.check_cp(row, rt, true)?;
        let value = match row.read {
            Read::Low(reg) => self.sys[reg],
            Read::High(reg) => self.sys[reg] >> 32,
            Read::Computed(read) => read(self, row.key),
            Read::Row(reg) => match row.row(true).map(|row| row.read) {
                Some(regs::Read::Stored(state)) => self.sys[state],
                Some(regs::Read::Computed(read)) => read(self, reg),
                _ => return Err(self.undefined()),
            },
            Read::Gic(reg) => match self.vm.gic().and_then(|gic| gic.read(self.index, reg)) {
                Some(value) => value,
                None => return Err(self.undefined()),
            },
            Read::None => return Err(self.undefined()),
        };
        Ok(if row.key.is_wide() { value } else { value & 0xffff_ffff })
    }

    /// MCR or MCRR of row `number`.
    pub(crate) fn write_cp(&mut self, number: usize, rt: u16, value: u64) -> Result<(), Raised> {
        let row = &rows()[number];
        self.check_cp(row, rt, false)?;
        match row.write {
            Write::Ignored => {}
            Write::Low(reg) => self.set_low(reg, value),
            Write::High(reg) => self.set_high(reg, value),
            Write::Computed(write) => write(self, row.key, value)?,
            Write::Row(reg) => match row.row(false).map(|row| row.write) {
                Some(regs::Write::Stored(state)) => self.sys[state] = value,
                Some(regs::Write::Masked(state, mask)) => {
                    self.sys[state] = self.sys[state] & !mask | value & mask;
                }
                Some(regs::Write::Computed(write)) => write(self, reg, value),
                Some(regs::Write::Ignored) => {}
                _ => return Err(self.undefined()),
            },
            Write::Gic(reg) => {
                if self.vm.gic().and_then(|gic| gic.write(self.index, reg, value)).is_none() {
                    return Err(self.undefined());
                }
            }
            // Lowered to what it is.
            Write::Sys(_) | Write::None => return Err(self.undefined()),
        }
        Ok(())
    }

    /// Writes the lower word of state.
    pub(super) fn set_low(&mut self, reg: SysReg, value: u64) {
        self.sys[reg] = self.sys[reg] & !0xffff_ffff | value & 0xffff_ffff;
    }

    /// Writes the upper word of state.
    pub(super) fn set_high(&mut self, reg: SysReg, value: u64) {
        self.sys[reg] = self.sys[reg] & 0xffff_ffff | value << 32;
    }

    fn check_cp(&mut self, row: &Row, rt: u16, read: bool) -> Result<(), Raised> {
        if self.pstate.el() != 0 {
            return Ok(());
        }
        match row.el0_rule(read) {
            El0::Allowed => Ok(()),
            El0::If(allowed) if allowed(self) => Ok(()),
            El0::If(_) if !self.el1_is_aarch32() => {
                Err(self.raise(row.key.trap_class(), row.key.trap_iss(rt, read), None))
            }
            _ => Err(self.undefined()),
        }
    }
}

#[cfg(test)]
mod tests {
    use armlet_arm::cpu::{MODELS, model};
    use armlet_arm::esr::Ec;

    use super::*;

    #[test]
    fn keys_are_distinct_and_views_have_rows() {
        for pair in rows().windows(2) {
            assert!(pair[0].key < pair[1].key, "{} and {}", pair[0].name, pair[1].name);
        }
        for row in rows() {
            assert!(row.is_defined(true) || row.is_defined(false), "{}", row.name);
            for read in [true, false] {
                let views = match read {
                    true => matches!(row.read, Read::Row(_)),
                    false => matches!(row.write, Write::Row(_)),
                };
                assert_eq!(row.row(read).is_some(), views, "{}", row.name);
            }
        }
    }

    /// What AArch64 lets EL0 do by the control bits, AArch32 may do too, and nothing else.
    #[test]
    fn only_some_groups_are_for_el0() {
        for row in rows() {
            let open = !matches!((row.el0_rule(true), row.el0_rule(false)), (El0::Undefined, El0::Undefined));
            let group = (row.key.coproc(), row.key.crn());
            let wide = row.key.is_wide();
            let may = wide || matches!(group, (15, 7 | 9 | 13 | 14) | (14, 0..=2));
            assert!(!open || may, "{}", row.name);
        }
    }

    #[test]
    fn armv7_has_what_armv8_removed_and_the_other_way_round() {
        let has = |name: &str, key| find(key, model(name).unwrap().features).is_some();
        for key in [Name::cp15(0, 8, 7, 5), Name::cp15(0, 14, 15, 7), Name::cp15(0, 1, 1, 2)] {
            assert!(has("cortex-a53", key) && !has("cortex-a15", key), "{key:?}");
        }
        assert!(has("cortex-a15", Name::cp15(1, 9, 0, 2)) && !has("cortex-a53", Name::cp15(1, 9, 0, 2)));
        for model in MODELS {
            for key in [Name::cp15(0, 1, 0, 0), Name::cp15(0, 0, 0, 0), Name::wide(15, 1, 14)] {
                assert!(find(key, model.features).is_some());
            }
        }
    }

    #[test]
    fn traps_say_which_register() {
        // MRC p15, 0, R3, c14, c2, 1 and MRRC p15, 1, R4, R5, c14 (ISS of EC 0x03 and 0x04).
        let key = Name::cp15(0, 14, 2, 1);
        assert_eq!(key.trap_class(), Ec::Cp15);
        assert_eq!(key.trap_iss(3, true), 0x1e << 20 | 1 << 17 | 14 << 10 | 3 << 5 | 2 << 1 | 1);
        let key = Name::wide(15, 1, 14);
        assert_eq!(key.trap_class(), Ec::Cp15Wide);
        assert_eq!(key.trap_iss(4 | 5 << 5, false), 0x1e << 20 | 1 << 16 | 5 << 10 | 4 << 5 | 14 << 1);
        assert_eq!(Name::cp14(0, 0, 0, 0).trap_class(), Ec::Cp14);
        assert_eq!(Name::wide(14, 0, 1).trap_class(), Ec::Cp14Wide);
    }
}
