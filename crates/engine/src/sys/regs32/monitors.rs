//! The generic timer and the performance monitors.

use armlet_arm::SysReg::*;
use armlet_arm::feature::Feature::V8;
use armlet_arm::sysreg::Encoding;

use super::{Name, Row};
use crate::cpu::{Cpu, Raised};
use crate::sys::regs::{self, El0};

/// A timer register: CRm and opc2 are those of AArch64.
const fn timer(name: &'static str, op1: u8, crm: u8, op2: u8) -> Row {
    Row::same(name, Name::cp15(0, 14, crm, op2), Encoding::new(3, op1, 14, crm, op2)).user()
}

const fn timer64(name: &'static str, opc1: u8, crm: u8, op2: u8) -> Row {
    Row::same(name, Name::wide(15, opc1, 14), Encoding::new(3, 3, 14, crm, op2)).user()
}

/// A register of the performance monitors, likewise.
const fn pmu(name: &'static str, op1: u8, crm: u8, op2: u8) -> Row {
    Row::same(name, Name::cp15(0, 9, crm, op2), Encoding::new(3, op1, 9, crm, op2)).user()
}

const PMCCNTR: Encoding = PMCCNTR_EL0.encoding();

/// The rows of this group.
pub const ROWS: &[Row] = &[
    timer("CNTFRQ", 3, 0, 0),
    timer("CNTKCTL", 0, 1, 0),
    timer("CNTP_TVAL", 3, 2, 0),
    timer("CNTP_CTL", 3, 2, 1),
    timer("CNTV_TVAL", 3, 3, 0),
    timer("CNTV_CTL", 3, 3, 1),
    timer64("CNTPCT", 0, 0, 1).read_only(),
    timer64("CNTVCT", 1, 0, 2).read_only(),
    timer64("CNTP_CVAL", 2, 2, 2),
    timer64("CNTV_CVAL", 3, 3, 2),
    pmu("PMCR", 3, 12, 0),
    pmu("PMCNTENSET", 3, 12, 1),
    pmu("PMCNTENCLR", 3, 12, 2),
    pmu("PMOVSR", 3, 12, 3),
    pmu("PMSWINC", 3, 12, 4).write_only(),
    pmu("PMSELR", 3, 12, 5),
    pmu("PMCEID0", 3, 12, 6).read_only(),
    pmu("PMCEID1", 3, 12, 7).read_only(),
    pmu("PMCCNTR", 3, 13, 0).write(write_cycles).el0(CYCLES_READ, CYCLES_WRITE),
    Row::same("PMCCNTR", Name::wide(15, 0, 9), PMCCNTR).user(),
    pmu("PMXEVTYPER", 3, 13, 1),
    pmu("PMXEVCNTR", 3, 13, 2),
    pmu("PMUSERENR", 3, 14, 0),
    pmu("PMINTENSET", 0, 14, 1),
    pmu("PMINTENCLR", 0, 14, 2),
    pmu("PMOVSSET", 3, 14, 3),
    timer("PMCCFILTR", 3, 15, 7).needs(V8),
];

/// PMEVCNTRn and PMEVTYPERn, which version 3 of the monitors has.
pub fn numbered() -> impl Iterator<Item = Row> {
    [("PMEVCNTR", 8), ("PMEVTYPER", 12)]
        .into_iter()
        .flat_map(|(name, crm)| (0..6).map(move |n| timer(name, 3, crm, n).needs(V8)))
}

const CYCLES_READ: El0 = El0::If(|cpu| cpu.may_use(true));
const CYCLES_WRITE: El0 = El0::If(|cpu| cpu.may_use(false));

impl Cpu {
    /// PMUSERENR's say on PMCCNTR.
    fn may_use(&self, read: bool) -> bool {
        const EN: u64 = 1 << 0;
        const CR: u64 = 1 << 2;
        self.sys[PMUSERENR_EL0] & if read { EN | CR } else { EN } != 0
    }
}

/// MCR of PMCCNTR: the upper word stays.
fn write_cycles(cpu: &mut Cpu, _: Name, value: u64) -> Result<(), Raised> {
    let row = regs::rows().iter().find(|row| row.reg == PMCCNTR);
    if let Some((regs::Read::Computed(read), regs::Write::Computed(write))) = row.map(|r| (r.read, r.write)) {
        let upper = read(cpu, PMCCNTR) & !0xffff_ffff;
        write(cpu, PMCCNTR, upper | value & 0xffff_ffff);
    }
    Ok(())
}
