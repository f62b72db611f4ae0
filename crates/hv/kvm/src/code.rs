//! The instruction that a vCPU left the guest at, for logs and for calls: KVM does not tell it.

use armlet_arm::esr::fsc;
use armlet_arm::mmu::{Access, Format, Kind, Regime, Tables, ttbcr};
use armlet_arm::syndrome::{self, Transfer};
use armlet_arm::{FeatureSet, Pstate, SysReg};
use armlet_base::{GuestRam, RamKind};
use armlet_hv::HvError;

use crate::one_reg;
use crate::vcpu::KvmVcpu;

/// Level of the translation tables at which a hypervisor maps pages.
const LAST_LEVEL: u8 = 3;

/// An instruction in its instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    A64(u32),
    A32(u32),
    /// 16 bits, or 32 with the first half in the upper half of the word.
    T32(u32),
}

impl Code {
    /// ESR_EL2 of a data abort that this load or store causes at `gpa`.
    pub fn data_abort(self, ram: &GuestRam, gpa: u64, write: bool) -> u64 {
        let (transfer, narrow) = match self {
            Self::A64(word) => (Transfer::of_a64(word), false),
            Self::A32(word) => (Transfer::of_a32(word), false),
            Self::T32(word) => (Transfer::of_t32(word), word >> 16 == 0),
        };
        let memory = ram.find(gpa).is_some_and(|(kind, ..)| kind != RamKind::Hidden);
        let status = if memory { fsc::PERMISSION } else { fsc::TRANSLATION };
        syndrome::data_abort(transfer, write, status | LAST_LEVEL, narrow)
    }

    /// The immediate of an HVC or SMC (Arm ARM C6.2.120, C6.2.299, F5.1.52, F5.1.185).
    pub fn immediate(self) -> u16 {
        match self {
            Self::A64(word) => (word >> 5) as u16,
            Self::A32(word) if word & 0x0ff0_00f0 == 0x0140_0070 => {
                (word >> 4 & 0xfff0) as u16 | (word & 0xf) as u16
            }
            Self::T32(word) if word & 0xfff0_f000 == 0xf7e0_8000 => {
                (word >> 4 & 0xf000) as u16 | (word & 0xfff) as u16
            }
            Self::A32(_) | Self::T32(_) => 0,
        }
    }

    /// True for SMC, which a guest may use in place of HVC.
    pub fn is_smc(self) -> bool {
        match self {
            Self::A64(word) => word & 0xffe0_001f == 0xd400_0003,
            Self::A32(word) => word & 0x0ff0_00f0 == 0x0160_0070,
            Self::T32(word) => word & 0xfff0_f000 == 0xf7f0_8000,
        }
    }
}

/// Guest memory for a walk that changes nothing.
struct ReadOnly<'a>(&'a GuestRam);

impl Tables for ReadOnly<'_> {
    fn read(&self, pa: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        self.0.read(pa, &mut bytes).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    fn exchange(&self, _: u64, old: u64, _: u64) -> Option<u64> {
        Some(old)
    }
}

/// A look at an address that needs no permission and leaves no trace.
const LOOK: Access = Access { kind: Kind::Maintain, probe: true, ..Access::READ };

impl KvmVcpu {
    /// The instruction at `pc`, if it is in guest memory.
    pub(crate) fn code_at(&self, pc: u64) -> Result<Option<Code>, HvError> {
        let pstate = Pstate::from_bits_retain(self.get(one_reg::PSTATE)?);
        let regime = self.regime(pstate.is_aarch32())?;
        let half = |va| -> Option<u32> {
            let pa = regime.translate(&ReadOnly(&self.shared.ram), va, LOOK).ok()?.pa;
            let mut bytes = [0; 2];
            self.shared.ram.read(pa, &mut bytes).ok()?;
            Some(u16::from_le_bytes(bytes).into())
        };
        let word = || Some(half(pc)? | half(pc.wrapping_add(2))? << 16);
        Ok(match (pstate.is_aarch32(), pstate.contains(Pstate::T)) {
            (false, _) => word().map(Code::A64),
            (true, false) => word().map(Code::A32),
            (true, true) => half(pc).and_then(|first| {
                let long = first >> 11 >= 0b11101;
                let second = if long { half(pc.wrapping_add(2))? } else { return Some(Code::T32(first)) };
                Some(Code::T32(first << 16 | second))
            }),
        })
    }

    /// How the guest translates addresses just now.
    fn regime(&self, aarch32: bool) -> Result<Regime, HvError> {
        let sys = |reg| self.get(one_reg::of(reg));
        let tcr = sys(SysReg::TCR_EL1)?;
        // EL1 may be in AArch64 state while EL0 is not, but never the other way round.
        let format = match aarch32 && self.shared.mode.is_aarch32() {
            false => Format::Vmsa64,
            true if tcr & ttbcr::EAE != 0 => Format::Long,
            true => Format::Short {
                dacr: sys(SysReg::DACR32_EL2)? as u32,
                contextidr: sys(SysReg::CONTEXTIDR_EL1)? as u32,
            },
        };
        Ok(Regime {
            format,
            sctlr: sys(SysReg::SCTLR_EL1)?,
            tcr,
            mair: sys(SysReg::MAIR_EL1)?,
            ttbr: [sys(SysReg::TTBR0_EL1)?, sys(SysReg::TTBR1_EL1)?],
            features: FeatureSet::ALL,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immediates_of_calls() {
        assert_eq!(Code::A64(0xd400_0002).immediate(), 0);
        assert_eq!(Code::A64(0xd400_0002 | 0xabcd << 5).immediate(), 0xabcd);
        assert_eq!(Code::A32(0xe140_0070).immediate(), 0);
        assert_eq!(Code::A32(0xe14a_bc7d).immediate(), 0xabcd);
        assert_eq!(Code::T32(0xf7e0_8000).immediate(), 0);
        assert_eq!(Code::T32(0xf7ea_8bcd).immediate(), 0xabcd);
        let smc = [Code::A64(0xd400_0003), Code::A32(0xe160_0070), Code::T32(0xf7f0_8000)];
        assert!(smc.into_iter().all(Code::is_smc));
        let hvc = [Code::A64(0xd400_0002), Code::A32(0xe140_0070), Code::T32(0xf7e0_8000)];
        assert!(!hvc.into_iter().any(Code::is_smc));
    }
}
