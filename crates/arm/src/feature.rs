//! Architecture features, by the names of the Arm ARM (A2.2 onwards).

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// An optional feature that a CPU model may have. Everything not listed is absent.
        #[allow(clippy::upper_case_acronyms, non_camel_case_types)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Feature { $($(#[$doc])* $name),* }

        impl Feature {
            /// Every feature armlet knows.
            pub const ALL: &'static [Feature] = &[$(Feature::$name),*];
            /// The name without `FEAT_`.
            pub const fn name(self) -> &'static str {
                match self { $(Feature::$name => stringify!($name)),* }
            }
        }
    };
}

features! {
    /// Armv8, as far as AArch32 tells: LDA and STL and their exclusive forms, SEVL, HLT, VSEL and the like; no SWP. Every
    /// CPU with AArch64 has it, Cortex-A7 and A15 have not.
    V8;
    /// CRC32 instructions.
    CRC32;
    /// AESE, AESD, AESMC, AESIMC.
    AES;
    /// PMULL and PMULL2 on 64-bit elements.
    PMULL;
    /// SHA1 instructions.
    SHA1;
    /// SHA256 instructions.
    SHA256;
    /// SHA512 instructions.
    SHA512;
    /// EOR3, RAX1, XAR, BCAX.
    SHA3;
    /// Large system extensions: CAS, SWP, LDADD and their family.
    LSE;
    /// Rounding doubling multiply accumulate.
    RDM;
    /// SDOT and UDOT.
    DotProd;
    /// LDAPR.
    LRCPC;
    /// LDAPUR and STLUR.
    LRCPC2;
    /// CFINV, RMIF, SETF8, SETF16.
    FlagM;
    /// AXFLAG, XAFLAG.
    FlagM2;
    /// FJCVTZS.
    JSCVT;
    /// FCMLA, FCADD.
    FCMA;
    /// FRINT32Z and its family.
    FRINTTS;
    /// Half-precision arithmetic.
    FP16;
    /// DC CVAP.
    DPB;
    /// DC CVADP.
    DPB2;
    /// Speculation barrier SB.
    SB;
    /// Speculation restriction instructions CFP, DVP, CPP RCTX.
    SPECRES;
    /// PSTATE.SSBS.
    SSBS;
    /// MRS and MSR of SSBS.
    SSBS2;
    /// PSTATE.UAO.
    UAO;
    /// PSTATE.PAN.
    PAN;
    /// AT S1E1RP and AT S1E1WP.
    PAN2;
    /// SCTLR_EL1.EPAN.
    PAN3;
    /// PSTATE.DIT.
    DIT;
    /// Hardware update of the access flag.
    HAF;
    /// Hardware update of the dirty state.
    HDBS;
    /// TCR_EL1.HPD0 and HPD1.
    HPDS;
    /// TCR_EL1.E0PD0 and E0PD1.
    E0PD;
    /// TTBRn_EL1.CnP.
    TTCNP;
    /// TLBI by range.
    TLBIRANGE;
    /// TLBI to the outer shareable domain.
    TLBIOS;
    /// Break-before-make level 2 support.
    BBM;
    /// Translation table level hint.
    TTL;
    /// Common not private context ids: 16-bit ASIDs.
    ASID16;
    /// 16 KiB granule.
    GRAN16K;
    /// 64 KiB granule.
    GRAN64K;
    /// 4 KiB granule.
    GRAN4K;
    /// Performance monitors version 3.
    PMUv3;
    /// PMUv3 for Armv8.1.
    PMUv3p1;
    /// Double lock.
    DoubleLock;
    /// Cache speculation variant 2.
    CSV2;
    /// Cache speculation variant 2, version 3: SCXTNUM_ELx, and branch history of another context does no harm.
    CSV2_3;
    /// Cache speculation variant 3.
    CSV3;
    /// Enhanced counter virtualization: CNTVCTSS, CNTPCTSS.
    ECV;
    /// Random numbers RNDR, RNDRRS.
    RNG;
    /// AArch32 at EL0.
    AA32EL0;
    /// AArch32 at EL1.
    AA32EL1;
    /// Int8 matrix multiply.
    I8MM;
    /// BFloat16.
    BF16;
    /// FMLAL and FMLSL.
    FHM;
    /// Large system extensions 2: 16-byte single-copy atomicity.
    LSE2;
    /// XS attribute.
    XS;
    /// WFE and WFI with timeout.
    WFxT;
    /// CLRBHB.
    CLRBHB;
}

/// A set of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FeatureSet(u64);

const _: () = assert!(Feature::ALL.len() <= 64);

impl FeatureSet {
    /// No features.
    pub const EMPTY: Self = Self(0);
    /// All features armlet knows: what a disassembler accepts.
    pub const ALL: Self = Self(!0);

    /// The set of these features.
    pub const fn of(features: &[Feature]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < features.len() {
            bits |= 1 << features[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    /// Both sets together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// This set without those of `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True if the feature is in the set.
    #[inline(always)]
    pub const fn has(self, feature: Feature) -> bool {
        self.0 >> feature as u8 & 1 != 0
    }

    /// The features in the set.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.iter().copied().filter(move |&f| self.has(f))
    }
}
