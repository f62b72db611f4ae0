//! CPU models: what `--cpu` names, with their features and identification registers.
//!
//! A model has the optional features of the real part as far as armlet implements them; every
//! identification register is computed from that set, see [`id`] and [`id32`]. What no model has: EL2, EL3,
//! SVE, pointer authentication, memory tagging, big-endian data in AArch64.

pub mod id;
pub mod id32;

use crate::feature::{Feature, FeatureSet};

/// One level-1 or level-2 cache as CCSIDR_EL1 tells it; lines are 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheShape {
    /// Number of sets.
    pub sets: u32,
    /// Associativity.
    pub ways: u32,
}

/// A CPU model.
#[derive(Debug)]
pub struct CpuModel {
    /// Name as `--cpu` takes it.
    pub name: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// Optional features it has.
    pub features: FeatureSet,
    /// MIDR_EL1.
    pub midr: u64,
    /// REVIDR_EL1.
    pub revidr: u64,
    /// Frequency of the generic timer in Hz, CNTFRQ_EL0.
    pub counter_hz: u64,
    /// log2 of the DC ZVA block size in words of 4 bytes, DCZID_EL0.BS.
    pub dczid_bs: u8,
    /// Width of physical addresses in bits.
    pub pa_bits: u8,
    /// Instruction cache policy, CTR_EL0.L1Ip: 2 is VIPT, 3 is PIPT.
    pub l1ip: u8,
    /// FPSID of AArch32.
    pub fpsid: u32,
    /// Level 1 data, level 1 instruction and level 2 unified cache.
    pub caches: [CacheShape; 3],
}

/// The optional features that the engine implements. No model exceeds it.
pub const IMPLEMENTED: FeatureSet = {
    use Feature::*;
    FeatureSet::of(&[
        V8, CRC32, AES, PMULL, SHA1, SHA256, SHA512, SHA3, LSE, RDM, DotProd, LRCPC, LRCPC2, FlagM, FlagM2,
        JSCVT, FCMA, FRINTTS, DPB, DPB2, SB, SPECRES, SSBS, SSBS2, UAO, PAN, PAN2, DIT, HAF, HDBS, HPDS,
        E0PD, TTCNP, TLBIRANGE, TLBIOS, ASID16, GRAN4K, GRAN16K, GRAN64K, PMUv3, DoubleLock, CSV2, CSV2_3,
        CSV3, AA32EL0, AA32EL1,
    ])
};

/// Armv8.0 with the optional instructions that the Cortex-A5x and A72 have.
const ARMV8_0: FeatureSet = {
    use Feature::*;
    FeatureSet::of(&[
        V8, CRC32, AES, PMULL, SHA1, SHA256, ASID16, GRAN4K, GRAN64K, PMUv3, DoubleLock, AA32EL0, AA32EL1,
    ])
};

/// Armv7-A with LPAE, VFPv4, AdvSIMDv2 and division, which no feature names: AArch32 always has them here. Its
/// performance monitors are version 2.
const ARMV7: FeatureSet = {
    use Feature::*;
    FeatureSet::of(&[GRAN4K, PMUv3, DoubleLock, AA32EL0, AA32EL1])
};

/// What Neoverse N1 adds: Armv8.2 and parts of v8.3 to v8.5.
const N1: FeatureSet = {
    use Feature::*;
    FeatureSet::of(&[
        LSE, RDM, DotProd, LRCPC, DPB, SSBS, SSBS2, UAO, PAN, PAN2, HAF, HDBS, HPDS, TTCNP, GRAN16K, CSV2,
        CSV3, FP16, PMUv3p1,
    ])
};

/// FPSID of all models of Armv8: VFP in hardware, version 4.
const FPSID: u32 = 0x4103_4070;

const fn shape(sets: u32, ways: u32) -> CacheShape {
    CacheShape { sets, ways }
}

/// All models; the first is the default.
pub static MODELS: &[CpuModel] = &[
    CpuModel {
        name: "max",
        description: "every feature armlet implements",
        // Without the OS double lock nobody uses.
        features: IMPLEMENTED.without(FeatureSet::of(&[Feature::DoubleLock])),
        midr: 0x000f_0510,
        revidr: 0,
        counter_hz: 1_000_000_000,
        // 512 bytes: HotSpot fails to clear by larger blocks.
        dczid_bs: 7,
        pa_bits: 48,
        l1ip: 3,
        fpsid: FPSID,
        caches: [shape(256, 4), shape(256, 4), shape(2048, 8)],
    },
    CpuModel {
        name: "cortex-a53",
        description: "Arm Cortex-A53 r0p4, Armv8.0",
        features: ARMV8_0,
        midr: 0x410f_d034,
        revidr: 0x180,
        counter_hz: 62_500_000,
        dczid_bs: 4,
        pa_bits: 40,
        l1ip: 2,
        fpsid: FPSID,
        caches: [shape(128, 4), shape(256, 2), shape(1024, 16)],
    },
    CpuModel {
        name: "cortex-a57",
        description: "Arm Cortex-A57 r1p3, Armv8.0",
        features: ARMV8_0,
        midr: 0x411f_d073,
        revidr: 0,
        counter_hz: 62_500_000,
        dczid_bs: 4,
        pa_bits: 44,
        l1ip: 3,
        fpsid: FPSID,
        caches: [shape(256, 2), shape(256, 3), shape(2048, 16)],
    },
    CpuModel {
        name: "cortex-a72",
        description: "Arm Cortex-A72 r0p3, Armv8.0",
        features: ARMV8_0,
        midr: 0x410f_d083,
        revidr: 0,
        counter_hz: 62_500_000,
        dczid_bs: 4,
        pa_bits: 44,
        l1ip: 3,
        fpsid: FPSID,
        caches: [shape(256, 2), shape(256, 3), shape(1024, 16)],
    },
    CpuModel {
        name: "neoverse-n1",
        description: "Arm Neoverse N1 r4p1, Armv8.2",
        features: ARMV8_0.with(N1).and(IMPLEMENTED).without(FeatureSet::of(&[Feature::AA32EL1])),
        midr: 0x414f_d0c1,
        revidr: 0,
        counter_hz: 62_500_000,
        dczid_bs: 4,
        pa_bits: 48,
        l1ip: 3,
        fpsid: FPSID,
        caches: [shape(256, 4), shape(256, 4), shape(2048, 8)],
    },
    CpuModel {
        name: "cortex-a7",
        description: "Arm Cortex-A7 r0p5, Armv7-A, AArch32 only",
        features: ARMV7,
        midr: 0x410f_c075,
        revidr: 0,
        counter_hz: 62_500_000,
        dczid_bs: 4,
        pa_bits: 40,
        l1ip: 2,
        fpsid: 0x4102_3075,
        caches: [shape(128, 4), shape(256, 2), shape(1024, 8)],
    },
    CpuModel {
        name: "cortex-a15",
        description: "Arm Cortex-A15 r4p0, Armv7-A, AArch32 only",
        features: ARMV7,
        midr: 0x414f_c0f0,
        revidr: 0,
        counter_hz: 62_500_000,
        dczid_bs: 4,
        pa_bits: 40,
        l1ip: 3,
        fpsid: 0x4104_30f0,
        caches: [shape(256, 2), shape(256, 2), shape(2048, 16)],
    },
];

/// The model of this name.
pub fn model(name: &str) -> Option<&'static CpuModel> {
    MODELS.iter().find(|model| model.name == name)
}

impl CpuModel {
    /// True if it has AArch64 state. Those that haven't are of Armv7.
    pub fn has_aarch64(&self) -> bool {
        self.features.has(Feature::V8)
    }

    /// Its optional features in one line, for listings.
    pub fn features_text(&self) -> String {
        self.features.iter().map(Feature::name).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_model_exceeds_what_is_implemented() {
        for model in MODELS {
            assert_eq!(model.features.without(IMPLEMENTED), FeatureSet::EMPTY, "{}", model.name);
            assert!(model.features.has(Feature::GRAN4K));
            assert!(model.has_aarch64() || model.features.has(Feature::AA32EL1));
            assert!(!model.features.has(Feature::AA32EL1) || model.features.has(Feature::AA32EL0));
            assert!(model.dczid_bs <= 9, "DC ZVA blocks are at most 2 KiB");
        }
    }

    #[test]
    fn names_are_distinct_and_max_is_first() {
        assert_eq!(MODELS[0].name, "max");
        for (n, one) in MODELS.iter().enumerate() {
            assert!(MODELS[..n].iter().all(|other| other.name != one.name));
        }
    }

    #[test]
    fn listing_names_features() {
        let text = model("cortex-a53").unwrap().features_text();
        assert!(text.starts_with("V8 CRC32 AES PMULL SHA1 SHA256"), "{text}");
    }
}
