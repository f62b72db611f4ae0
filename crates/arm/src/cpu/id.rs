//! Identification registers (Arm ARM D24.2), computed from a model's feature set.

use super::CpuModel;
use crate::feature::Feature::{self, *};
use crate::sysreg::Encoding;

/// Number of hardware breakpoints.
pub const BREAKPOINTS: usize = 6;
/// Number of watchpoints.
pub const WATCHPOINTS: usize = 4;
/// The breakpoints from this number on can compare context.
pub const FIRST_CONTEXT_BREAKPOINT: usize = 4;

/// A value at the low bit of a field.
pub(super) const fn at(value: u64, low: u32) -> u64 {
    value << low
}

impl CpuModel {
    /// The value for the last feature of `steps` that the model has; 0 if it has none.
    pub(super) fn level(&self, steps: &[(Feature, u64)]) -> u64 {
        steps.iter().rfind(|(feature, _)| self.features.has(*feature)).map_or(0, |&(_, value)| value)
    }

    /// ID_AA64PFR0_EL1 without its GIC field, which the machine decides.
    pub fn id_aa64pfr0(&self) -> u64 {
        let fp = self.level(&[(FP16, 1)]);
        at(self.level(&[(AA32EL0, 1)]) + 1, 0)
            | at(self.level(&[(AA32EL1, 1)]) + 1, 4)
            | at(fp, 16)
            | at(fp, 20)
            | at(self.level(&[(DIT, 1)]), 48)
            | at(self.level(&[(CSV2, 1), (CSV2_3, 3)]), 56)
            | at(self.level(&[(CSV3, 1)]), 60)
    }

    /// ID_AA64PFR1_EL1.
    pub fn id_aa64pfr1(&self) -> u64 {
        at(self.level(&[(SSBS, 1), (SSBS2, 2)]), 4)
    }

    /// ID_AA64DFR0_EL1.
    pub fn id_aa64dfr0(&self) -> u64 {
        let version = if self.features.has(DPB) { 8 } else { 6 };
        at(version, 0)
            | at(self.level(&[(PMUv3, 1), (PMUv3p1, 4)]), 8)
            | at(BREAKPOINTS as u64 - 1, 12)
            | at(WATCHPOINTS as u64 - 1, 20)
            | at((BREAKPOINTS - FIRST_CONTEXT_BREAKPOINT) as u64 - 1, 28)
            | at(if self.features.has(DoubleLock) { 0 } else { 0xf }, 36)
    }

    /// ID_AA64ISAR0_EL1.
    pub fn id_aa64isar0(&self) -> u64 {
        at(self.level(&[(AES, 1), (PMULL, 2)]), 4)
            | at(self.level(&[(SHA1, 1)]), 8)
            | at(self.level(&[(SHA256, 1), (SHA512, 2)]), 12)
            | at(self.level(&[(CRC32, 1)]), 16)
            | at(self.level(&[(LSE, 2)]), 20)
            | at(self.level(&[(RDM, 1)]), 28)
            | at(self.level(&[(SHA3, 1)]), 32)
            | at(self.level(&[(DotProd, 1)]), 44)
            | at(self.level(&[(FHM, 1)]), 48)
            | at(self.level(&[(FlagM, 1), (FlagM2, 2)]), 52)
            | at(self.level(&[(TLBIOS, 1), (TLBIRANGE, 2)]), 56)
            | at(self.level(&[(RNG, 1)]), 60)
    }

    /// ID_AA64ISAR1_EL1.
    pub fn id_aa64isar1(&self) -> u64 {
        at(self.level(&[(DPB, 1), (DPB2, 2)]), 0)
            | at(self.level(&[(JSCVT, 1)]), 12)
            | at(self.level(&[(FCMA, 1)]), 16)
            | at(self.level(&[(LRCPC, 1), (LRCPC2, 2)]), 20)
            | at(self.level(&[(FRINTTS, 1)]), 32)
            | at(self.level(&[(SB, 1)]), 36)
            | at(self.level(&[(SPECRES, 1)]), 40)
            | at(self.level(&[(BF16, 1)]), 44)
            | at(self.level(&[(I8MM, 1)]), 52)
            | at(self.level(&[(XS, 1)]), 56)
    }

    /// ID_AA64ISAR2_EL1.
    pub fn id_aa64isar2(&self) -> u64 {
        at(self.level(&[(WFxT, 2)]), 0) | at(self.level(&[(CLRBHB, 1)]), 28)
    }

    /// ID_AA64MMFR0_EL1.
    pub fn id_aa64mmfr0(&self) -> u64 {
        at(self.pa_range(), 0)
            | at(self.level(&[(ASID16, 2)]), 4)
            | at(self.level(&[(GRAN16K, 1)]), 20)
            | at(if self.features.has(GRAN64K) { 0 } else { 0xf }, 24)
            | at(if self.features.has(GRAN4K) { 0 } else { 0xf }, 28)
            | at(self.level(&[(ECV, 1)]), 60)
    }

    /// ID_AA64MMFR1_EL1.
    pub fn id_aa64mmfr1(&self) -> u64 {
        at(self.level(&[(HAF, 1), (HDBS, 2)]), 0)
            | at(self.level(&[(HPDS, 1)]), 12)
            | at(self.level(&[(PAN, 1), (PAN2, 2), (PAN3, 3)]), 20)
    }

    /// ID_AA64MMFR2_EL1.
    pub fn id_aa64mmfr2(&self) -> u64 {
        at(self.level(&[(TTCNP, 1)]), 0)
            | at(self.level(&[(UAO, 1)]), 4)
            | at(self.level(&[(LSE2, 1)]), 32)
            | at(self.level(&[(TTL, 1)]), 48)
            | at(self.level(&[(BBM, 2)]), 52)
            | at(self.level(&[(E0PD, 1)]), 60)
    }

    /// ID_AA64MMFR0_EL1.PARange, also the largest effective TCR_EL1.IPS.
    pub fn pa_range(&self) -> u64 {
        match self.pa_bits {
            ..36 => 0,
            36..40 => 1,
            40..42 => 2,
            42..44 => 3,
            44..48 => 4,
            48..52 => 5,
            _ => 6,
        }
    }

    /// CTR_EL0: lines of 64 bytes; DIC=0, so that guests announce new code by IC IVAU, and IDC=1, so that
    /// they need not clean data for it. Armv7 had neither.
    pub fn ctr(&self) -> u64 {
        1 << 31 | at(self.level(&[(V8, 1)]), 28) | 4 << 24 | 4 << 20 | 4 << 16 | at(self.l1ip.into(), 14) | 4
    }

    /// CLIDR_EL1: separate level 1, unified level 2, which is the point of coherency.
    pub fn clidr(&self) -> u64 {
        0x0a20_0023
    }

    /// CCSIDR_EL1 of the cache that CSSELR_EL1 selects; 0 for one there is not.
    pub fn ccsidr(&self, csselr: u64) -> u64 {
        let cache = match csselr & 0xf {
            0 => self.caches[0],
            1 => self.caches[1],
            2 => self.caches[2],
            _ => return 0,
        };
        at(u64::from(cache.sets) - 1, 13) | at(u64::from(cache.ways) - 1, 3) | 2
    }

    /// Value of a register of the ID space op0=3, op1=0, CRn=0, CRm=1 to 7. AArch32's registers are RAZ where
    /// there is no AArch32, unallocated ones everywhere. `None` outside the space.
    pub fn id_register(&self, reg: Encoding) -> Option<u64> {
        if (reg.op0(), reg.op1(), reg.crn()) != (3, 0, 0) || !(1..=7).contains(&reg.crm()) {
            return None;
        }
        Some(match (reg.crm(), reg.op2()) {
            (3, n @ 0..=2) => self.mvfr(n).unwrap_or(0),
            (1..=3, n) if self.features.has(AA32EL0) => self.id_register32(reg.crm(), n),
            (4, 0) => self.id_aa64pfr0(),
            (4, 1) => self.id_aa64pfr1(),
            (5, 0) => self.id_aa64dfr0(),
            (6, 0) => self.id_aa64isar0(),
            (6, 1) => self.id_aa64isar1(),
            (6, 2) => self.id_aa64isar2(),
            (7, 0) => self.id_aa64mmfr0(),
            (7, 1) => self.id_aa64mmfr1(),
            (7, 2) => self.id_aa64mmfr2(),
            _ => 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::model;

    /// Reset values of the Cortex-A72 TRM (100095, 4.3), with its crypto extension, but for what armlet
    /// leaves out: EL2 and EL3 (PFR0), big-endian and Secure memory (MMFR0).
    #[test]
    fn cortex_a72_says_what_its_manual_does() {
        let a72 = model("cortex-a72").unwrap();
        assert_eq!(a72.id_aa64pfr0(), 0x22, "the manual says 0x2222");
        assert_eq!(a72.id_aa64dfr0(), 0x1030_5106);
        assert_eq!(a72.id_aa64isar0(), 0x0001_1120);
        assert_eq!(a72.id_aa64mmfr0(), 0x1124 & !0xff00);
        for zero in [a72.id_aa64pfr1(), a72.id_aa64isar1(), a72.id_aa64mmfr1(), a72.id_aa64mmfr2()] {
            assert_eq!(zero, 0);
        }
        assert_eq!(a72.ctr(), 0x8444_c004 | 1 << 28);
        assert_eq!(a72.ccsidr(0) & 0x0fff_ffff, 0x001f_e00a);
        assert_eq!(a72.ccsidr(1) & 0x0fff_ffff, 0x001f_e012);
        assert_eq!(a72.ccsidr(2) & 0x0fff_ffff, 0x007f_e07a);
    }

    /// Reset values of the Neoverse N1 TRM (100616, B2), but for what armlet leaves out.
    #[test]
    fn neoverse_n1_says_what_its_manual_does() {
        let n1 = model("neoverse-n1").unwrap();
        // RAS, FP16 (FP and AdvSIMD), EL3 and EL2 are missing.
        assert_eq!(n1.id_aa64pfr0(), 0x1100_0000_1011_1112 & !0x1011_1100);
        assert_eq!(n1.id_aa64pfr1(), 0x20);
        // No statistical profiling; PMUv3 rather than its v8.1 extension.
        assert_eq!(n1.id_aa64dfr0(), 0x1_1030_5408 & !0x1_0000_0f00 | 0x100);
        assert_eq!(n1.id_aa64isar0(), 0x0000_1000_1021_1120);
        assert_eq!(n1.id_aa64isar1(), 0x10_0001);
        assert_eq!(n1.id_aa64mmfr0(), 0x0010_1125 & !0xff00);
        // No EL2 (XNX, VH, VMIDBits), no LORegions, HPDS rather than HPDS2.
        assert_eq!(n1.id_aa64mmfr1(), 0x1021_2122 & !0x1001_2ff0 | 0x1000);
        // No IESB.
        assert_eq!(n1.id_aa64mmfr2(), 0x11);
    }

    #[test]
    fn max_turns_page_table_isolation_off() {
        let max = model("max").unwrap();
        assert_eq!(max.id_aa64mmfr2() >> 60, 1);
        assert_eq!(max.id_aa64pfr0() >> 56, 0x13);
    }
}
