//! The registers that control stage 1 of EL1&0, and their fields.

use crate::feature::{Feature, FeatureSet};

/// Physical address bits implemented: ID_AA64MMFR0_EL1.PARange is 48 bits.
pub const PA_BITS: u32 = 48;

/// Bits of SCTLR_EL1 that translation and alignment checks depend on.
#[allow(missing_docs)]
pub mod sctlr {
    pub const M: u64 = 1 << 0;
    pub const A: u64 = 1 << 1;
    pub const NAA: u64 = 1 << 6;
    pub const I: u64 = 1 << 12;
    pub const WXN: u64 = 1 << 19;
    pub const EPAN: u64 = 1 << 57;
    /// All of them.
    pub const TRANSLATION: u64 = M | A | NAA | I | WXN | EPAN;
}

/// Bits of TCR_EL1. Those of the lower half; [`Regime`] finds the upper ones.
#[allow(missing_docs)]
pub mod tcr {
    pub const EPD0: u64 = 1 << 7;
    pub const A1: u64 = 1 << 22;
    pub const EPD1: u64 = 1 << 23;
    pub const AS: u64 = 1 << 36;
    pub const TBI0: u64 = 1 << 37;
    pub const TBI1: u64 = 1 << 38;
    pub const HA: u64 = 1 << 39;
    pub const HD: u64 = 1 << 40;
    pub const HPD0: u64 = 1 << 41;
    pub const HPD1: u64 = 1 << 42;
    pub const E0PD0: u64 = 1 << 55;
    pub const E0PD1: u64 = 1 << 56;
}

/// Bits of AArch32's SCTLR, the lower half of SCTLR_EL1, where they differ from [`sctlr`].
#[allow(missing_docs)]
pub mod sctlr32 {
    pub const UWXN: u64 = 1 << 20;
    pub const EE: u64 = 1 << 25;
    pub const TRE: u64 = 1 << 28;
    pub const AFE: u64 = 1 << 29;
    /// All that translation depends on.
    pub const TRANSLATION: u64 =
        super::sctlr::M | super::sctlr::A | super::sctlr::I | super::sctlr::WXN | UWXN | EE | TRE | AFE;
}

/// Bits of AArch32's TTBCR, the lower half of TCR_EL1 (G8.2.163).
#[allow(missing_docs)]
pub mod ttbcr {
    /// With short descriptors.
    pub const N: u64 = 7;
    pub const PD0: u64 = 1 << 4;
    pub const PD1: u64 = 1 << 5;
    /// With long ones.
    pub const EPD0: u64 = super::tcr::EPD0;
    pub const A1: u64 = super::tcr::A1;
    pub const EPD1: u64 = super::tcr::EPD1;
    /// Descriptors are long.
    pub const EAE: u64 = 1 << 31;
}

/// Formats of translation tables, with what only one of them has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// VMSAv8-64: EL1 is in AArch64 state.
    Vmsa64,
    /// VMSAv8-32, short descriptors: TTBCR.EAE is clear.
    Short {
        /// DACR: two bits for each domain.
        dacr: u32,
        /// CONTEXTIDR, whose low byte is the ASID.
        contextidr: u32,
    },
    /// VMSAv8-32, long descriptors.
    Long,
}

/// Translation granules; the discriminant is log2 of the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Granule {
    /// 4 KiB.
    Small = 12,
    /// 16 KiB.
    Medium = 14,
    /// 64 KiB.
    Large = 16,
}

/// Everything stage 1 of EL1&0 depends on besides memory. AArch32's registers are where the architecture maps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regime {
    /// The format of the tables, and what belongs to it.
    pub format: Format,
    /// SCTLR_EL1, or SCTLR.
    pub sctlr: u64,
    /// TCR_EL1, or TTBCR.
    pub tcr: u64,
    /// MAIR_EL1: MAIR0 or PRRR in the lower half, MAIR1 or NMRR in the upper one.
    pub mair: u64,
    /// TTBR0_EL1 and TTBR1_EL1.
    pub ttbr: [u64; 2],
    /// Features of the PE.
    pub features: FeatureSet,
}

/// TCR_EL1 and TTBRn_EL1 for one half of the virtual address space.
#[derive(Clone, Copy, Debug)]
pub(super) struct Half {
    /// log2 of the granule.
    pub granule: u32,
    /// Bits of virtual address that are translated.
    pub input: u32,
    /// The highest bit of the virtual address that must be in range.
    pub top: u32,
    /// Walks are disabled (EPDn).
    pub disabled: bool,
    /// EL0 has no translations here (E0PDn).
    pub e0pd: bool,
    /// Table descriptors restrict nothing (HPDn).
    pub hpd: bool,
    /// TTBRn_EL1.
    pub ttbr: u64,
}

impl Regime {
    /// The ASID in use.
    pub fn asid(&self) -> u16 {
        if let Format::Short { contextidr, .. } = self.format {
            return (contextidr & 0xff) as u16;
        }
        let ttbr = self.ttbr[usize::from(self.tcr & tcr::A1 != 0)];
        let wide =
            self.format == Format::Vmsa64 && self.tcr & tcr::AS != 0 && self.features.has(Feature::ASID16);
        (ttbr >> 48) as u16 & if wide { 0xffff } else { 0xff }
    }

    /// True if translation is on.
    pub fn enabled(&self) -> bool {
        self.sctlr & sctlr::M != 0
    }

    /// `va` without its tag, if it is one that tables could translate at all: 48 bits, sign-extended, or 32 bits.
    pub fn untag(&self, va: u64) -> Option<u64> {
        if self.format != Format::Vmsa64 {
            return Some(va & 0xffff_ffff);
        }
        let tagged = self.tcr & if va >> 55 & 1 != 0 { tcr::TBI1 } else { tcr::TBI0 } != 0;
        let plain = if tagged { (va << 8) as i64 >> 8 } else { va as i64 };
        ((plain >> 47) == (plain >> 63)).then_some(plain as u64)
    }

    /// Physical address bits that translations may use (TCR_EL1.IPS).
    pub(super) fn output_bits(&self) -> u32 {
        const SIZES: [u32; 8] = [32, 36, 40, 42, 44, 48, 52, 56];
        SIZES[(self.tcr >> 32 & 7) as usize].min(PA_BITS)
    }

    /// Hardware sets the access flag.
    pub(super) fn sets_access_flag(&self) -> bool {
        self.tcr & tcr::HA != 0 && self.features.has(Feature::HAF)
    }

    /// Hardware manages the dirty state.
    pub(super) fn sets_dirty(&self) -> bool {
        self.sets_access_flag() && self.tcr & tcr::HD != 0 && self.features.has(Feature::HDBS)
    }

    /// The half that `va` is in, by bit 55.
    pub(super) fn half(&self, va: u64) -> Half {
        let upper = va >> 55 & 1 != 0;
        let pick = |low: u64, high: u64| self.tcr & if upper { high } else { low } != 0;
        let size = self.tcr >> if upper { 16 } else { 0 } & 0x3f;
        Half {
            granule: self.granule(upper) as u32,
            input: 64 - size.clamp(16, 39) as u32,
            top: if pick(tcr::TBI0, tcr::TBI1) { 55 } else { 63 },
            disabled: pick(tcr::EPD0, tcr::EPD1),
            e0pd: pick(tcr::E0PD0, tcr::E0PD1) && self.features.has(Feature::E0PD),
            hpd: pick(tcr::HPD0, tcr::HPD1) && self.features.has(Feature::HPDS),
            ttbr: self.ttbr[usize::from(upper)],
        }
    }

    /// TG0 or TG1, which encode the same three sizes differently.
    fn granule(&self, upper: bool) -> Granule {
        let field = if upper { self.tcr >> 30 & 3 } else { self.tcr >> 14 & 3 };
        match (upper, field) {
            (false, 1) | (true, 3) if self.features.has(Feature::GRAN64K) => Granule::Large,
            (false, 2) | (true, 1) if self.features.has(Feature::GRAN16K) => Granule::Medium,
            _ => Granule::Small,
        }
    }
}
