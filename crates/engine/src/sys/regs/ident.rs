//! Identification registers that are not plain constants of the model, and those EL0 may read.
//! The ID space proper comes from [`armlet_arm::cpu::id`].

use armlet_arm::SysReg::{CSSELR_EL1, MIDR_EL1, MPIDR_EL1};
use armlet_arm::sysreg::Encoding;

use super::{El0, Row};
use crate::cpu::Cpu;
use crate::sys::bits::sctlr;

/// The rows of this group.
pub const ROWS: &[Row] = &[
    Row::stored(MIDR_EL1).read_only(),
    Row::stored(MPIDR_EL1).read_only(),
    Row::new("REVIDR_EL1", 3, 0, 0, 0, 6).read(|cpu, _| cpu.model().revidr),
    Row::new("ID_PFR1_EL1", 3, 0, 0, 1, 1).read(id_pfr1),
    Row::new("ID_AA64PFR0_EL1", 3, 0, 0, 4, 0).read(|cpu, _| cpu.model().id_aa64pfr0() | gic_field(cpu)),
    Row::new("CCSIDR_EL1", 3, 1, 0, 0, 0).read(|cpu, _| cpu.model().ccsidr(cpu.sys[CSSELR_EL1])),
    Row::new("CLIDR_EL1", 3, 1, 0, 0, 1).read(|cpu, _| cpu.model().clidr()),
    Row::new("AIDR_EL1", 3, 1, 0, 0, 7).read(|_, _| 0),
    Row::stored(CSSELR_EL1).masked(0xf),
    Row::new("CTR_EL0", 3, 3, 0, 0, 1)
        .read(|cpu, _| cpu.model().ctr())
        .el0(El0::If(|cpu| cpu.sctlr(sctlr::UCT)), El0::Undefined),
    Row::new("DCZID_EL0", 3, 3, 0, 0, 7).read(dczid).el0(El0::Allowed, El0::Undefined),
];

fn gic_field(cpu: &Cpu) -> u64 {
    u64::from(cpu.has_gic_registers()) << 24
}

impl Cpu {
    /// The GIC field of ID_AA64PFR0_EL1 and ID_PFR1: whether the interrupt controller has system registers.
    /// ICC_SRE_EL1 tells.
    pub(crate) fn has_gic_registers(&self) -> bool {
        const ICC_SRE_EL1: Encoding = Encoding::new(3, 0, 12, 12, 5);
        self.vm.gic().is_some_and(|gic| gic.read(self.index, ICC_SRE_EL1).is_some())
    }
}

/// ID_PFR1_EL1, where there is AArch32 at EL0.
fn id_pfr1(cpu: &mut Cpu, reg: Encoding) -> u64 {
    match cpu.model().id_register(reg) {
        Some(value) if value != 0 => value | u64::from(cpu.has_gic_registers()) << 28,
        _ => 0,
    }
}

/// DCZID_EL0: the block size, and whether DC ZVA is prohibited here.
fn dczid(cpu: &mut Cpu, _: Encoding) -> u64 {
    let prohibited = cpu.pstate.el() == 0 && !cpu.sctlr(sctlr::DZE);
    u64::from(prohibited) << 4 | u64::from(cpu.model().dczid_bs)
}
