//! Bits of the control registers, by Arm's names (Arm ARM D24.2).

/// SCTLR_EL1.
#[allow(missing_docs)]
pub mod sctlr {
    pub const M: u64 = 1 << 0;
    pub const A: u64 = 1 << 1;
    pub const C: u64 = 1 << 2;
    pub const SA: u64 = 1 << 3;
    pub const SA0: u64 = 1 << 4;
    pub const CP15BEN: u64 = 1 << 5;
    pub const ITD: u64 = 1 << 7;
    pub const SED: u64 = 1 << 8;
    pub const UMA: u64 = 1 << 9;
    pub const ENRCTX: u64 = 1 << 10;
    pub const I: u64 = 1 << 12;
    pub const DZE: u64 = 1 << 14;
    pub const UCT: u64 = 1 << 15;
    pub const NTWI: u64 = 1 << 16;
    pub const NTWE: u64 = 1 << 18;
    pub const WXN: u64 = 1 << 19;
    pub const TSCXT: u64 = 1 << 20;
    pub const SPAN: u64 = 1 << 23;
    pub const UCI: u64 = 1 << 26;
    pub const DSSBS: u64 = 1 << 44;
    pub const EPAN: u64 = 1 << 57;
    /// LSMAOE, nTLSMD, EIS, EOS and SED, for what no model has: EL0 has no big-endian data while EL1 is in AArch64
    /// state.
    pub const RES1: u64 = 1 << 29 | 1 << 28 | 1 << 22 | 1 << 11 | SED;
    /// At reset: everything off, nothing of EL0's trapped, SP checked.
    pub const RESET: u64 = RES1 | TSCXT | SPAN | NTWE | NTWI | SA0 | SA;
    /// What follows from translation rather than from traps.
    pub const TRANSLATION: u64 = M | A | C | I | WXN | SPAN | EPAN;
}

/// SCTLR of AArch32, the lower half of SCTLR_EL1 (Arm ARM G8.2.126).
#[allow(missing_docs)]
pub mod sctlr32 {
    pub use super::sctlr::{A, C, ENRCTX, I, M, NTWE, NTWI, SED, SPAN, WXN};
    pub use armlet_arm::mmu::sctlr32::{AFE, EE, TRE, UWXN};

    pub const CP15BEN: u64 = 1 << 5;
    /// SWP is enabled; before Armv8.
    pub const SW: u64 = 1 << 10;
    /// Branch prediction is; before Armv8.
    pub const Z: u64 = 1 << 11;
    pub const V: u64 = 1 << 13;
    pub const TE: u64 = 1 << 30;
    /// nTLSMD, LSMAOE and what else is RES1 without their features. ITD is not offered.
    pub const RES1: u64 = 1 << 22 | 1 << 11 | 3 << 3;
    /// The same before Armv8.
    pub const RES1_V7: u64 = 1 << 23 | 1 << 22 | 1 << 18 | 1 << 16 | 1 << 6 | 3 << 3;
    /// At reset, beside those: everything off, CP15 barriers on, nothing of EL0's trapped.
    pub const RESET: u64 = CP15BEN | SPAN | NTWI | NTWE;
    /// What follows from translation.
    pub const TRANSLATION: u64 = armlet_arm::mmu::sctlr32::TRANSLATION | C | SPAN;
}

/// TTBCR of AArch32, the lower half of TCR_EL1.
#[allow(missing_docs)]
pub mod ttbcr {
    pub use armlet_arm::mmu::ttbcr::{A1, EAE, EPD0, EPD1, PD0, PD1};
    /// Fields with short descriptors.
    pub const SHORT: u64 = PD0 | PD1 | armlet_arm::mmu::ttbcr::N;
    /// Fields with long ones: T0SZ and T1SZ, EPD0 and EPD1, A1, cacheability and shareability of walks.
    pub const LONG: u64 = EAE | 0x3f80_0000 | A1 | 7 << 16 | 0x3f80 | 7;
}

/// TCR_EL1.
#[allow(missing_docs)]
pub mod tcr {
    pub const TBI0: u64 = 1 << 37;
    pub const TBI1: u64 = 1 << 38;
    pub const HA: u64 = 1 << 39;
    pub const HD: u64 = 1 << 40;
    pub const HPD: u64 = 3 << 41;
    pub const E0PD: u64 = 3 << 55;
    /// Fields that every model has.
    pub const BASE: u64 = 0xffff_ffbf | 7 << 32 | 1 << 36 | TBI0 | TBI1;
}

/// CNTKCTL_EL1.
#[allow(missing_docs)]
pub mod cntkctl {
    pub const EL0PCTEN: u64 = 1 << 0;
    pub const EL0VCTEN: u64 = 1 << 1;
    pub const EVNTEN: u64 = 1 << 2;
    pub const EVNTDIR: u64 = 1 << 3;
    pub const EL0VTEN: u64 = 1 << 8;
    pub const EL0PTEN: u64 = 1 << 9;
    /// Everything there is.
    pub const ALL: u64 = 0x3ff;
}

/// MDSCR_EL1.
#[allow(missing_docs)]
pub mod mdscr {
    pub const SS: u64 = 1 << 0;
    pub const TDCC: u64 = 1 << 12;
    pub const KDE: u64 = 1 << 13;
    pub const MDE: u64 = 1 << 15;
}
