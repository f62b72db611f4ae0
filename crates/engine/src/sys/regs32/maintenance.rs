//! Cache, TLB and address translation operations, barriers, and the registers of the interrupt controller.

use armlet_arm::feature::Feature::*;
use armlet_arm::sysreg::Encoding;

use super::{Name, Row};
use crate::cpu::{Cpu, Raised};
use crate::sys::bits::{sctlr, sctlr32};
use crate::sys::regs::El0;

const fn c7(crm: u8, opc2: u8) -> Name {
    Name::cp15(0, 7, crm, opc2)
}

/// Cache maintenance that AArch64 has as well.
const fn cache(name: &'static str, crm: u8, opc2: u8, op1: u8) -> Row {
    Row::sys(name, c7(crm, opc2), Encoding::new(1, op1, 7, crm, opc2))
}

/// A barrier from before Armv7. Lowering adds the barrier itself.
const fn barrier(name: &'static str, crm: u8, opc2: u8) -> Row {
    Row::new(name, c7(crm, opc2)).write(check_barrier).el0(El0::Undefined, El0::Allowed)
}

const fn at(name: &'static str, crm: u8, opc2: u8) -> Row {
    Row::new(name, c7(crm, opc2)).write(Cpu::at32)
}

const fn tlbi(name: &'static str, crm: u8, opc2: u8) -> Row {
    Row::new(name, Name::cp15(0, 8, crm, opc2)).write(Cpu::tlbi32).leaves()
}

const fn icc(name: &'static str, crn: u8, crm: u8, opc2: u8) -> Row {
    Row::gic(name, Name::cp15(0, crn, crm, opc2), Encoding::new(3, 0, crn, crm, opc2))
}

const fn sgi(name: &'static str, opc1: u8, op2: u8) -> Row {
    Row::gic(name, Name::wide(15, opc1, 12), Encoding::new(3, 0, 12, 11, op2)).write_only()
}

const RCTX: El0 = El0::If(|cpu| cpu.sctlr(sctlr::ENRCTX));

/// The rows of this group. Branch predictors are invisible.
pub const ROWS: &[Row] = &[
    cache("ICIALLUIS", 1, 0, 0),
    Row::new("BPIALLIS", c7(1, 6)).nop(),
    Row::new("CFPRCTX", c7(3, 4)).nop().el0(El0::Undefined, RCTX).needs(SPECRES),
    Row::new("DVPRCTX", c7(3, 5)).nop().el0(El0::Undefined, RCTX).needs(SPECRES),
    Row::new("CPPRCTX", c7(3, 7)).nop().el0(El0::Undefined, RCTX).needs(SPECRES),
    cache("ICIALLU", 5, 0, 0),
    cache("ICIMVAU", 5, 1, 3),
    barrier("CP15ISB", 5, 4),
    Row::new("BPIALL", c7(5, 6)).nop(),
    Row::new("BPIMVA", c7(5, 7)).nop(),
    cache("DCIMVAC", 6, 1, 0),
    cache("DCISW", 6, 2, 0),
    at("ATS1CPR", 8, 0),
    at("ATS1CPW", 8, 1),
    at("ATS1CUR", 8, 2),
    at("ATS1CUW", 8, 3),
    at("ATS1CPRP", 9, 0).needs(PAN2),
    at("ATS1CPWP", 9, 1).needs(PAN2),
    cache("DCCMVAC", 10, 1, 3),
    cache("DCCSW", 10, 2, 0),
    barrier("CP15DSB", 10, 4),
    barrier("CP15DMB", 10, 5),
    cache("DCCMVAU", 11, 1, 3),
    // Prefetch by address, which Armv7 took out and whose name still does nothing.
    Row::new("MVA prefetch", c7(13, 1)).nop().until(V8),
    cache("DCCIMVAC", 14, 1, 3),
    cache("DCCISW", 14, 2, 0),
    tlbi("TLBIALLIS", 3, 0),
    tlbi("TLBIMVAIS", 3, 1),
    tlbi("TLBIASIDIS", 3, 2),
    tlbi("TLBIMVAAIS", 3, 3),
    tlbi("TLBIMVALIS", 3, 5).needs(V8),
    tlbi("TLBIMVAALIS", 3, 7).needs(V8),
    tlbi("ITLBIALL", 5, 0),
    tlbi("ITLBIMVA", 5, 1),
    tlbi("ITLBIASID", 5, 2),
    tlbi("DTLBIALL", 6, 0),
    tlbi("DTLBIMVA", 6, 1),
    tlbi("DTLBIASID", 6, 2),
    tlbi("TLBIALL", 7, 0),
    tlbi("TLBIMVA", 7, 1),
    tlbi("TLBIASID", 7, 2),
    tlbi("TLBIMVAA", 7, 3),
    tlbi("TLBIMVAL", 7, 5).needs(V8),
    tlbi("TLBIMVAAL", 7, 7).needs(V8),
    icc("ICC_PMR", 4, 6, 0),
    icc("ICC_IAR0", 12, 8, 0).read_only(),
    icc("ICC_EOIR0", 12, 8, 1).write_only(),
    icc("ICC_HPPIR0", 12, 8, 2).read_only(),
    icc("ICC_BPR0", 12, 8, 3),
    icc("ICC_AP0R0", 12, 8, 4),
    icc("ICC_AP1R0", 12, 9, 0),
    icc("ICC_DIR", 12, 11, 1).write_only(),
    icc("ICC_RPR", 12, 11, 3).read_only(),
    icc("ICC_IAR1", 12, 12, 0).read_only(),
    icc("ICC_EOIR1", 12, 12, 1).write_only(),
    icc("ICC_HPPIR1", 12, 12, 2).read_only(),
    icc("ICC_BPR1", 12, 12, 3),
    icc("ICC_CTLR", 12, 12, 4),
    icc("ICC_SRE", 12, 12, 5),
    icc("ICC_IGRPEN0", 12, 12, 6),
    icc("ICC_IGRPEN1", 12, 12, 7),
    sgi("ICC_SGI1R", 0, 5),
    sgi("ICC_ASGI1R", 1, 6),
    sgi("ICC_SGI0R", 2, 7),
];

/// SCTLR.CP15BEN, in the same place of SCTLR_EL1, lets these instructions be.
fn check_barrier(cpu: &mut Cpu, _: Name, _: u64) -> Result<(), Raised> {
    if cpu.sctlr(sctlr32::CP15BEN) { Ok(()) } else { Err(cpu.undefined()) }
}
