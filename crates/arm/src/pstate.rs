//! PSTATE as SPSR_ELx holds it (Arm ARM D1.4, C5.2.19 "SPSR_EL1").

use bitflags::bitflags;

bitflags! {
    /// Process state in SPSR_EL1 layout, AArch64 view.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Pstate: u64 {
        /// Negative.
        const N = 1 << 31;
        /// Zero.
        const Z = 1 << 30;
        /// Carry.
        const C = 1 << 29;
        /// Overflow.
        const V = 1 << 28;
        /// Tag check override (FEAT_MTE).
        const TCO = 1 << 25;
        /// Data independent timing (FEAT_DIT).
        const DIT = 1 << 24;
        /// User access override (FEAT_UAO).
        const UAO = 1 << 23;
        /// Privileged access never (FEAT_PAN).
        const PAN = 1 << 22;
        /// Software step.
        const SS = 1 << 21;
        /// Illegal execution state.
        const IL = 1 << 20;
        /// Speculative store bypass safe (FEAT_SSBS).
        const SSBS = 1 << 12;
        /// Debug exception mask.
        const D = 1 << 9;
        /// SError mask.
        const A = 1 << 8;
        /// IRQ mask.
        const I = 1 << 7;
        /// FIQ mask.
        const F = 1 << 6;
        /// Execution state: AArch32.
        const NRW = 1 << 4;
        /// Exception level, low bit of two.
        const EL_LO = 1 << 2;
        /// Exception level, high bit of two.
        const EL_HI = 1 << 3;
        /// Stack pointer select: SP_ELx rather than SP_EL0.
        const SP = 1 << 0;
        /// D, A, I and F together.
        const DAIF = 0xf << 6;
        /// N, Z, C and V together.
        const NZCV = 0xf << 28;
        const _ = !0;
    }
}

impl Pstate {
    /// EL1 with SP_EL1 and all interrupts masked: where a guest kernel starts.
    pub const RESET_EL1H: Self = Self::DAIF.union(Self::EL_LO).union(Self::SP);

    /// The exception level, 0 to 3.
    pub fn el(self) -> u8 {
        (self.bits() >> 2 & 3) as u8
    }

    /// This state at another exception level.
    pub fn with_el(self, el: u8) -> Self {
        Self::from_bits_retain(self.bits() & !0xc | u64::from(el & 3) << 2)
    }
}
