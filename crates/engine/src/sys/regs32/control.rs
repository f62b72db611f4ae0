//! Identification, control, translation, fault and thread registers.

use armlet_arm::SysReg::{self, *};
use armlet_arm::feature::Feature::{self, *};
use armlet_arm::sysreg::Encoding;

use super::{Name, Row, Write};
use crate::cpu::{Cpu, Raised};
use crate::sys::bits::{sctlr32, ttbcr};
use crate::sys::regs::El0;

const fn p15(opc1: u8, crn: u8, crm: u8, opc2: u8) -> Name {
    Name::cp15(opc1, crn, crm, opc2)
}

/// A view of the register of AArch64 with the same state.
const fn same(name: &'static str, key: Name, reg: SysReg) -> Row {
    Row::same(name, key, reg.encoding())
}

/// An identification register that is in AArch64 too.
const fn ident(name: &'static str, key: Name, op1: u8, crm: u8, op2: u8) -> Row {
    Row::same(name, key, Encoding::new(3, op1, 0, crm, op2)).read_only()
}

/// The rows of this group.
pub const ROWS: &[Row] = &[
    ident("MIDR", p15(0, 0, 0, 0), 0, 0, 0),
    ident("CTR", p15(0, 0, 0, 1), 3, 0, 1),
    Row::new("TCMTR", p15(0, 0, 0, 2)).raz(),
    Row::new("TLBTR", p15(0, 0, 0, 3)).raz(),
    ident("MIDR", p15(0, 0, 0, 4), 0, 0, 0),
    ident("MPIDR", p15(0, 0, 0, 5), 0, 0, 5),
    ident("REVIDR", p15(0, 0, 0, 6), 0, 0, 6),
    ident("MIDR", p15(0, 0, 0, 7), 0, 0, 0),
    ident("CCSIDR", p15(1, 0, 0, 0), 1, 0, 0),
    ident("CLIDR", p15(1, 0, 0, 1), 1, 0, 1),
    ident("AIDR", p15(1, 0, 0, 7), 1, 0, 7),
    same("CSSELR", p15(2, 0, 0, 0), CSSELR_EL1),
    Row::low("SCTLR", p15(0, 1, 0, 0), SCTLR_EL1).write(write_sctlr).leaves(),
    Row::low("ACTLR", p15(0, 1, 0, 1), ACTLR_EL1),
    Row::low("CPACR", p15(0, 1, 0, 2), CPACR_EL1).write(write_cpacr).leaves(),
    // There is no Secure state to keep CP10 and CP11 to itself.
    Row::new("NSACR", p15(0, 1, 1, 2)).read(|_, _| 0xc00).needs(V8),
    Row::low("TTBR0", p15(0, 2, 0, 0), TTBR0_EL1).write(write_ttbr).leaves(),
    Row::low("TTBR1", p15(0, 2, 0, 1), TTBR1_EL1).write(write_ttbr).leaves(),
    same("TTBR0", Name::wide(15, 0, 2), TTBR0_EL1),
    same("TTBR1", Name::wide(15, 1, 2), TTBR1_EL1),
    Row::low("TTBCR", p15(0, 2, 0, 2), TCR_EL1).write(write_ttbcr).leaves(),
    Row::low("DACR", p15(0, 3, 0, 0), DACR32_EL2).write(write_dacr).leaves(),
    Row::low("DFSR", p15(0, 5, 0, 0), ESR_EL1),
    Row::low("IFSR", p15(0, 5, 0, 1), IFSR32_EL2),
    Row::new("ADFSR", p15(0, 5, 1, 0)).raz_wi(),
    Row::new("AIFSR", p15(0, 5, 1, 1)).raz_wi(),
    Row::low("DFAR", p15(0, 6, 0, 0), FAR_EL1),
    Row::high("IFAR", p15(0, 6, 0, 2), FAR_EL1),
    Row::low("PAR", p15(0, 7, 4, 0), PAR_EL1),
    same("PAR", Name::wide(15, 0, 7), PAR_EL1),
    Row { write: Write::Computed(write_mair), ..Row::low("MAIR0", p15(0, 10, 2, 0), MAIR_EL1) }.leaves(),
    Row { write: Write::Computed(write_mair), ..Row::high("MAIR1", p15(0, 10, 2, 1), MAIR_EL1) }.leaves(),
    Row::new("AMAIR0", p15(0, 10, 3, 0)).raz_wi(),
    Row::new("AMAIR1", p15(0, 10, 3, 1)).raz_wi(),
    Row::low("VBAR", p15(0, 12, 0, 0), VBAR_EL1).write(write_vbar),
    Row::new("RVBAR", p15(0, 12, 0, 1)).raz().needs(V8),
    Row::same("ISR", p15(0, 12, 1, 0), Encoding::new(3, 0, 12, 1, 0)).read_only(),
    Row::new("FCSEIDR", p15(0, 13, 0, 0)).raz_wi(),
    Row::low("CONTEXTIDR", p15(0, 13, 0, 1), CONTEXTIDR_EL1).write(write_contextidr).leaves(),
    Row::low("TPIDRURW", p15(0, 13, 0, 2), TPIDR_EL0).el0(El0::Allowed, El0::Allowed),
    Row::low("TPIDRURO", p15(0, 13, 0, 3), TPIDRRO_EL0).el0(El0::Allowed, El0::Undefined),
    Row::low("TPIDRPRW", p15(0, 13, 0, 4), TPIDR_EL1),
    // Of Cortex-A7 and A15: how many CPUs there are; no configuration.
    Row::new("L2CTLR", p15(1, 9, 0, 2)).raz_wi().read(l2ctlr).until(V8),
    Row::new("L2ECTLR", p15(1, 9, 0, 3)).raz_wi().until(V8),
];

/// The ID space c0, c1 to c7. What is not allocated there is RAZ.
pub fn identification() -> impl Iterator<Item = Row> {
    const NAMES: [[&str; 8]; 3] = [
        ["ID_PFR0", "ID_PFR1", "ID_DFR0", "ID_AFR0", "ID_MMFR0", "ID_MMFR1", "ID_MMFR2", "ID_MMFR3"],
        ["ID_ISAR0", "ID_ISAR1", "ID_ISAR2", "ID_ISAR3", "ID_ISAR4", "ID_ISAR5", "ID_MMFR4", "ID_ISAR6"],
        ["RES0", "RES0", "RES0", "RES0", "ID_PFR2", "ID_DFR1", "ID_MMFR5", "RES0"],
    ];
    (0..7 * 8).map(|n| {
        let (m, opc2) = (n / 8, n % 8);
        let name = NAMES.get(m).map_or("RES0", |names| names[opc2]);
        Row::new(name, p15(0, 0, m as u8 + 1, opc2 as u8)).read(identify)
    })
}

fn identify(cpu: &mut Cpu, key: Name) -> u64 {
    const ID_PFR1: (u8, u8) = (1, 1);
    let value = cpu.model().id_register32(key.crm(), key.opc2());
    if (key.crm(), key.opc2()) == ID_PFR1 { value | u64::from(cpu.has_gic_registers()) << 28 } else { value }
}

fn l2ctlr(cpu: &mut Cpu, _: Name) -> u64 {
    (cpu.vm.ports.len() as u64 - 1).min(3) << 24
}

impl Cpu {
    /// Bits of SCTLR that can be written, and those that are fixed at 1 (G8.2.126; DDI 0406, B4.1.130).
    pub(in crate::sys) fn sctlr32_bits(&self) -> (u64, u64) {
        use sctlr32::*;
        let mut mask = M | A | C | CP15BEN | I | V | WXN | UWXN | EE | TRE | AFE | TE;
        if !self.has(Feature::V8) {
            return (mask | SW | Z, RES1_V7);
        }
        mask |= SED | NTWI | NTWE;
        let mut ones = RES1;
        if self.has(Feature::PAN) {
            mask |= SPAN;
        } else {
            ones |= SPAN;
        }
        if self.has(Feature::SPECRES) {
            mask |= ENRCTX;
        }
        (mask, ones)
    }
}

fn write_sctlr(cpu: &mut Cpu, _: Name, value: u64) -> Result<(), Raised> {
    let (mask, ones) = cpu.sctlr32_bits();
    let new = value & mask | ones;
    let changed = cpu.sys[SCTLR_EL1] ^ new;
    cpu.sys[SCTLR_EL1] = new;
    if changed & sctlr32::TRANSLATION != 0 {
        cpu.translation_changed();
    }
    cpu.mode_changed();
    Ok(())
}

/// CPACR: CP10 and CP11 only; AdvSIMD can't be disabled alone.
fn write_cpacr(cpu: &mut Cpu, _: Name, value: u64) -> Result<(), Raised> {
    cpu.sys[CPACR_EL1] = value & 0xf << 20;
    cpu.mode_changed();
    Ok(())
}

fn write_ttbr(cpu: &mut Cpu, key: Name, value: u64) -> Result<(), Raised> {
    let reg = [TTBR0_EL1, TTBR1_EL1][usize::from(key.opc2() & 1)];
    let old = cpu.sys[reg];
    cpu.set_low(reg, value);
    if cpu.sys[reg] != old {
        cpu.ttbr_changed();
    }
    Ok(())
}

/// TTBCR. Bits that only say whose ASID counts, or turn walks off, leave alone what is cached: kernels use them to
/// keep themselves from user memory.
fn write_ttbcr(cpu: &mut Cpu, _: Name, value: u64) -> Result<(), Raised> {
    let long = value & ttbcr::EAE != 0;
    let new = value & if long { ttbcr::LONG } else { ttbcr::SHORT };
    let changed = cpu.sys[TCR_EL1] ^ new;
    cpu.sys[TCR_EL1] = new;
    let walks = if long { ttbcr::EPD0 | ttbcr::EPD1 | ttbcr::A1 } else { ttbcr::PD0 | ttbcr::PD1 };
    if changed & !walks != 0 {
        cpu.translation_changed();
    } else if changed != 0 {
        cpu.walks_changed();
    }
    Ok(())
}

fn write_dacr(cpu: &mut Cpu, _: Name, value: u64) -> Result<(), Raised> {
    let value = value & 0xffff_ffff;
    if std::mem::replace(&mut cpu.sys[DACR32_EL2], value) != value {
        cpu.domains_changed();
    }
    Ok(())
}

/// MAIR0 and MAIR1, or PRRR and NMRR.
fn write_mair(cpu: &mut Cpu, key: Name, value: u64) -> Result<(), Raised> {
    let old = cpu.sys[MAIR_EL1];
    if key.opc2() == 0 {
        cpu.set_low(MAIR_EL1, value)
    } else {
        cpu.set_high(MAIR_EL1, value)
    }
    if cpu.sys[MAIR_EL1] != old {
        cpu.translation_changed();
    }
    Ok(())
}

fn write_vbar(cpu: &mut Cpu, _: Name, value: u64) -> Result<(), Raised> {
    cpu.sys[VBAR_EL1] = value & 0xffff_ffe0;
    Ok(())
}

fn write_contextidr(cpu: &mut Cpu, _: Name, value: u64) -> Result<(), Raised> {
    let value = value & 0xffff_ffff;
    if std::mem::replace(&mut cpu.sys[CONTEXTIDR_EL1], value) != value {
        cpu.contextidr_changed();
    }
    Ok(())
}
