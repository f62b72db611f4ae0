//! Debug registers in CP14, and trivial Jazelle (Arm ARM G8.3, DDI 0406 C11.11).
//!
//! No external debugger is connected, so that its side of the communication channel is empty. Vector catch is not
//! offered: DBGVCR is RAZ/WI.

use armlet_arm::SysReg::*;
use armlet_arm::cpu::id::{BREAKPOINTS, WATCHPOINTS};
use armlet_arm::esr::Ec;
use armlet_arm::feature::Feature::DoubleLock;
use armlet_arm::sysreg::Encoding;

use super::{Name, Row};
use crate::cpu::{Cpu, Raised};
use crate::sys::bits::mdscr;
use crate::sys::debug::DCC;
use crate::sys::regs::El0;

/// DBGOSLAR: writing this locks, anything else unlocks.
const KEY: u64 = 0xc5ac_ce55;
/// DBGDSCRext.MOE: how debug was entered last.
const MOE: u64 = 0xf << 2;
/// What of DBGDSCRext is state here, all of it in MDSCR_EL1: MDBGen, HDE, UDCCdis, MOE.
const DSCR: u64 = mdscr::MDE | 1 << 14 | mdscr::TDCC | MOE;
/// DBGDSCRint shows these.
const DSCR_INT: u64 = mdscr::MDE | mdscr::TDCC | MOE;

const fn p14(crn: u8, crm: u8, opc2: u8) -> Name {
    Name::cp14(0, crn, crm, opc2)
}

/// A register that is in AArch64 by the same numbers.
const fn same(name: &'static str, crn: u8, crm: u8, opc2: u8) -> Row {
    Row::same(name, p14(crn, crm, opc2), Encoding::new(2, 0, crn, crm, opc2))
}

/// The rows of this group.
pub const ROWS: &[Row] = &[
    Row::new("DBGDIDR", p14(0, 0, 0)).read(|cpu, _| cpu.model().dbgdidr()).el0(DCC, El0::Undefined),
    Row::new("DBGDSCRint", p14(0, 1, 0))
        .read(|cpu, _| cpu.sys[MDSCR_EL1] & DSCR_INT)
        .el0(DCC, El0::Undefined),
    same("DBGDCCINT", 0, 2, 0),
    Row::new("DBGDTRint", p14(0, 5, 0)).raz_wi().el0(DCC, DCC),
    Row::new("DBGWFAR", p14(0, 6, 0)).raz_wi(),
    Row::new("DBGVCR", p14(0, 7, 0)).raz_wi(),
    same("DBGDTRRXext", 0, 0, 2),
    Row::new("DBGDSCRext", p14(0, 2, 2)).read(|cpu, _| cpu.sys[MDSCR_EL1] & DSCR).write(write_dscr).leaves(),
    same("DBGDTRTXext", 0, 3, 2),
    same("DBGOSECCR", 0, 6, 2),
    Row::new("DBGDRAR", p14(1, 0, 0)).raz().el0(DCC, El0::Undefined),
    Row::new("DBGDRAR", Name::wide(14, 0, 1)).raz().el0(DCC, El0::Undefined),
    Row::new("DBGOSLAR", p14(1, 0, 4)).write(write_oslar).leaves(),
    same("DBGOSLSR", 1, 1, 4).read_only(),
    same("DBGOSDLR", 1, 3, 4),
    same("DBGPRCR", 1, 4, 4),
    Row::new("DBGDSAR", p14(2, 0, 0)).raz().el0(DCC, El0::Undefined),
    Row::new("DBGDSAR", Name::wide(14, 0, 2)).raz().el0(DCC, El0::Undefined),
    Row::new("DBGDEVID2", p14(7, 0, 7)).raz(),
    Row::new("DBGDEVID1", p14(7, 1, 7)).raz(),
    Row::new("DBGDEVID", p14(7, 2, 7)).read(devid),
    same("DBGCLAIMSET", 7, 8, 6),
    same("DBGCLAIMCLR", 7, 9, 6),
    same("DBGAUTHSTATUS", 7, 14, 6).read_only(),
    Row::new("JIDR", Name::cp14(7, 0, 0, 0)).raz(),
    Row::new("JOSCR", Name::cp14(7, 1, 0, 0)).raz_wi(),
    Row::new("JMCR", Name::cp14(7, 2, 0, 0)).raz_wi(),
];

/// The registers of breakpoints and watchpoints.
pub fn numbered() -> impl Iterator<Item = Row> {
    [
        ("DBGBVR", 4, BREAKPOINTS),
        ("DBGBCR", 5, BREAKPOINTS),
        ("DBGWVR", 6, WATCHPOINTS),
        ("DBGWCR", 7, WATCHPOINTS),
    ]
    .into_iter()
    .flat_map(|(name, opc2, count)| (0..count as u8).map(move |n| same(name, 0, n, opc2)))
}

/// DBGDEVID: watchpoints have an address mask, breakpoints have none; the double lock.
fn devid(cpu: &mut Cpu, _: Name) -> u64 {
    0xf10 | u64::from(cpu.has(DoubleLock)) << 20
}

fn write_dscr(cpu: &mut Cpu, _: Name, value: u64) -> Result<(), Raised> {
    cpu.sys[MDSCR_EL1] = cpu.sys[MDSCR_EL1] & !DSCR | value & DSCR;
    cpu.debug_changed();
    Ok(())
}

fn write_oslar(cpu: &mut Cpu, _: Name, value: u64) -> Result<(), Raised> {
    cpu.set_os_lock(value & 0xffff_ffff == KEY);
    Ok(())
}

/// DBGDSCRext.MOE for a debug exception of AArch32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DebugEntry {
    /// A breakpoint.
    Breakpoint = 0b0001,
    /// BKPT.
    Bkpt = 0b0011,
    /// A watchpoint, synchronous.
    Watchpoint = 0b1010,
}

impl DebugEntry {
    /// That of an exception class.
    pub fn of(ec: u8) -> Option<Self> {
        const CLASSES: [(Ec, DebugEntry); 5] = [
            (Ec::Breakpoint, DebugEntry::Breakpoint),
            (Ec::BreakpointLower, DebugEntry::Breakpoint),
            (Ec::Watchpoint, DebugEntry::Watchpoint),
            (Ec::WatchpointLower, DebugEntry::Watchpoint),
            (Ec::Bkpt32, DebugEntry::Bkpt),
        ];
        CLASSES.iter().find(|(class, _)| *class as u8 == ec).map(|(_, entry)| *entry)
    }
}

impl Cpu {
    /// Notes in DBGDSCRext.MOE why a debug exception is taken.
    pub(crate) fn note_debug_entry(&mut self, entry: DebugEntry) {
        self.sys[MDSCR_EL1] = self.sys[MDSCR_EL1] & !MOE | (entry as u64) << 2;
    }
}
