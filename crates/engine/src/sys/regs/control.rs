//! Control, translation, exception and thread registers.

use armlet_arm::SysReg::{self, *};
use armlet_arm::sysreg::Encoding;
use armlet_arm::{Feature, Pstate};

use super::{El0, Row};
use crate::cpu::Cpu;
use crate::port::Port;
use crate::sys::bits::{sctlr, tcr};

/// The rows of this group. NZCV, DAIF, FPCR, FPSR, CurrentEL and SPSel are lowered directly and have rows
/// for completeness.
pub const ROWS: &[Row] = &[
    Row::stored(SCTLR_EL1).write(write_sctlr).leaves(),
    Row::stored(ACTLR_EL1),
    Row::stored(CPACR_EL1).write(write_cpacr).leaves(),
    Row::stored(TTBR0_EL1).write(write_ttbr0).leaves(),
    Row::stored(TTBR1_EL1).write(write_ttbr1).leaves(),
    Row::stored(TCR_EL1).write(write_tcr).leaves(),
    Row::stored(SPSR_EL1),
    Row::stored(ELR_EL1),
    Row::stored(SP_EL0),
    Row::stored(AFSR0_EL1).masked(0),
    Row::stored(AFSR1_EL1).masked(0),
    Row::stored(ESR_EL1),
    Row::stored(FAR_EL1),
    Row::stored(PAR_EL1),
    Row::stored(MAIR_EL1).write(write_mair).leaves(),
    Row::stored(AMAIR_EL1).masked(0),
    Row::stored(VBAR_EL1).masked(!0x7ff),
    Row::new("RVBAR_EL1", 3, 0, 12, 0, 1).read(|_, _| 0),
    Row::new("ISR_EL1", 3, 0, 12, 1, 0).read(isr),
    Row::stored(CONTEXTIDR_EL1).write(write_contextidr).leaves(),
    Row::stored(TPIDR_EL1),
    Row::stored(TPIDR_EL0).el0(El0::Allowed, El0::Allowed),
    Row::stored(SCXTNUM_EL1).needs(Feature::CSV2_3),
    Row::stored(SCXTNUM_EL0)
        .el0(El0::If(|cpu| !cpu.sctlr(sctlr::TSCXT)), El0::If(|cpu| !cpu.sctlr(sctlr::TSCXT)))
        .needs(Feature::CSV2_3),
    Row::stored(TPIDRRO_EL0).el0(El0::Allowed, El0::Undefined),
    Row::new("PAN", 3, 0, 4, 2, 3).read(pan).write(set_pan).leaves().needs(Feature::PAN),
    Row::new("UAO", 3, 0, 4, 2, 4).read(uao).write(set_uao).leaves().needs(Feature::UAO),
    Row::new("DIT", 3, 3, 4, 2, 5)
        .read(|cpu, _| (cpu.pstate & Pstate::DIT).bits())
        .write(|cpu, _, value| cpu.set_pstate_bits(Pstate::DIT, value))
        .el0(El0::Allowed, El0::Allowed)
        .needs(Feature::DIT),
    Row::new("SSBS", 3, 3, 4, 2, 6)
        .read(|cpu, _| (cpu.pstate & Pstate::SSBS).bits())
        .write(|cpu, _, value| cpu.set_pstate_bits(Pstate::SSBS, value))
        .el0(El0::Allowed, El0::Allowed)
        .needs(Feature::SSBS2),
];

impl Cpu {
    /// True if all of `bits` are set in SCTLR_EL1.
    #[inline(always)]
    pub(crate) fn sctlr(&self, bits: u64) -> bool {
        self.sys[SCTLR_EL1] & bits == bits
    }

    /// What of SCTLR_EL1, or SCTLR, is fixed at 1.
    pub(in crate::sys) fn sctlr_ones(&self) -> u64 {
        if self.el1_is_aarch32() {
            return self.sctlr32_bits().1;
        }
        // ITD is not offered, which reads as 0 where EL0 can be in AArch32 state.
        if self.has(Feature::AA32EL0) { sctlr::RES1 } else { sctlr::RES1 | sctlr::ITD }
    }

    /// Replaces a register; true if that changed it.
    fn replace(&mut self, reg: SysReg, value: u64) -> bool {
        std::mem::replace(&mut self.sys[reg], value) != value
    }

    /// Replaces the bits of `mask` in PSTATE by those of `value`.
    pub(crate) fn set_pstate_bits(&mut self, mask: Pstate, value: u64) {
        self.pstate = Pstate::from_bits_retain(self.pstate.bits() & !mask.bits() | value & mask.bits());
    }
}

fn write_sctlr(cpu: &mut Cpu, _: Encoding, value: u64) {
    use sctlr::*;
    let mut mask = M | A | C | SA | SA0 | UMA | I | DZE | UCT | NTWI | NTWE | WXN | UCI;
    let mut res1 = cpu.sctlr_ones();
    // A bit whose feature is absent reads as the last column says.
    for (feature, bit, absent) in [
        (Feature::AA32EL0, CP15BEN, 0),
        (Feature::SPECRES, ENRCTX, 0),
        (Feature::CSV2_3, TSCXT, TSCXT),
        (Feature::PAN, SPAN, SPAN),
        (Feature::SSBS, DSSBS, 0),
        (Feature::PAN3, EPAN, 0),
    ] {
        if cpu.has(feature) {
            mask |= bit;
        } else {
            res1 |= absent;
        }
    }
    let new = value & mask | res1;
    let changed = cpu.sys[SCTLR_EL1] ^ new;
    cpu.sys[SCTLR_EL1] = new;
    if changed & TRANSLATION != 0 {
        cpu.translation_changed();
    }
    cpu.mode_changed();
}

fn write_cpacr(cpu: &mut Cpu, _: Encoding, value: u64) {
    cpu.sys[CPACR_EL1] = value & 3 << 20;
    cpu.mode_changed();
}

fn write_tcr(cpu: &mut Cpu, _: Encoding, value: u64) {
    let mut mask = tcr::BASE;
    for (feature, bits) in [
        (Feature::HAF, tcr::HA),
        (Feature::HDBS, tcr::HD),
        (Feature::HPDS, tcr::HPD),
        (Feature::E0PD, tcr::E0PD),
    ] {
        if cpu.has(feature) {
            mask |= bits;
        }
    }
    if cpu.replace(TCR_EL1, value & mask) {
        cpu.translation_changed();
    }
}

fn write_ttbr0(cpu: &mut Cpu, _: Encoding, value: u64) {
    if cpu.replace(TTBR0_EL1, value) {
        cpu.ttbr_changed();
    }
}

fn write_ttbr1(cpu: &mut Cpu, _: Encoding, value: u64) {
    if cpu.replace(TTBR1_EL1, value) {
        cpu.ttbr_changed();
    }
}

fn write_mair(cpu: &mut Cpu, _: Encoding, value: u64) {
    if cpu.replace(MAIR_EL1, value) {
        cpu.translation_changed();
    }
}

/// CONTEXTIDR_EL1 takes part in no translation of AArch64, only in breakpoints linked to a context.
fn write_contextidr(cpu: &mut Cpu, _: Encoding, value: u64) {
    cpu.sys[CONTEXTIDR_EL1] = value & 0xffff_ffff;
}

/// ISR_EL1: what is pending, masked or not.
fn isr(cpu: &mut Cpu, _: Encoding) -> u64 {
    let up = cpu.port.signals();
    u64::from(up & Port::IRQ != 0) << 7 | u64::from(up & Port::FIQ != 0) << 6
}

fn pan(cpu: &mut Cpu, _: Encoding) -> u64 {
    (cpu.pstate & Pstate::PAN).bits()
}

fn set_pan(cpu: &mut Cpu, _: Encoding, value: u64) {
    cpu.set_pstate_bits(Pstate::PAN, value);
    cpu.mode_changed();
}

fn uao(cpu: &mut Cpu, _: Encoding) -> u64 {
    (cpu.pstate & Pstate::UAO).bits()
}

fn set_uao(cpu: &mut Cpu, _: Encoding, value: u64) {
    cpu.set_pstate_bits(Pstate::UAO, value);
    cpu.mode_changed();
}
