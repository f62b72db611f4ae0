//! PSTATE as SPSR_ELx holds it (Arm ARM D1.4, C5.2.19 "SPSR_EL1"), in either execution state.

use bitflags::bitflags;

/// Modes of AArch32, `M[4:0]` of CPSR and SPSR (Arm ARM G1.9.1). `M[4]` is PSTATE.nRW.
#[allow(missing_docs)]
pub mod mode32 {
    pub const USR: u8 = 0b10000;
    pub const FIQ: u8 = 0b10001;
    pub const IRQ: u8 = 0b10010;
    pub const SVC: u8 = 0b10011;
    pub const MON: u8 = 0b10110;
    pub const ABT: u8 = 0b10111;
    pub const HYP: u8 = 0b11010;
    pub const UND: u8 = 0b11011;
    pub const SYS: u8 = 0b11111;
}

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
        /// AArch32: cumulative saturation.
        const Q = 1 << 27;
        /// AArch32: IT[1:0].
        const IT_LO = 3 << 25;
        /// AArch32: greater than or equal, a bit a byte.
        const GE = 0xf << 16;
        /// AArch32: IT[7:2].
        const IT_HI = 0x3f << 10;
        /// AArch32: data are big-endian. The same bit as D.
        const E = 1 << 9;
        /// AArch32: the T32 instruction set.
        const T = 1 << 5;
        /// AArch32: the mode, with nRW.
        const M = 0x1f;
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

    /// AArch32 in Supervisor mode, A32 instructions, all interrupts masked: where a 32-bit guest starts.
    pub const RESET_SVC: Self = Self::A.union(Self::I).union(Self::F).union(Self::from_bits_retain(0b10011));

    /// The exception level, 0 to 3. AArch32's privileged modes are EL1, Hyp and Monitor 2 and 3.
    #[inline]
    pub fn el(self) -> u8 {
        let m = self.bits() as u8 & 0x1f;
        match m {
            mode32::USR => 0,
            mode32::HYP => 2,
            mode32::MON => 3,
            m if m & 0x10 != 0 => 1,
            m => m >> 2 & 3,
        }
    }

    /// True in AArch32 state.
    #[inline]
    pub fn is_aarch32(self) -> bool {
        self.contains(Self::NRW)
    }

    /// The mode in AArch32 state, one of [`mode32`].
    #[inline]
    pub fn mode32(self) -> u8 {
        self.bits() as u8 & 0x1f
    }

    /// This state in another mode of AArch32.
    pub fn with_mode32(self, mode: u8) -> Self {
        Self::from_bits_retain(self.bits() & !0x1f | u64::from(mode & 0x1f))
    }

    /// ITSTATE (AArch32).
    pub fn itstate(self) -> u8 {
        (self.bits() >> 8 & 0xfc | self.bits() >> 25 & 3) as u8
    }

    /// This state with another ITSTATE (AArch32).
    pub fn with_itstate(self, it: u8) -> Self {
        let it = u64::from(it);
        let rest = self.difference(Self::IT_LO | Self::IT_HI).bits();
        Self::from_bits_retain(rest | (it & 0xfc) << 8 | (it & 3) << 25)
    }

    /// This state at another exception level.
    pub fn with_el(self, el: u8) -> Self {
        Self::from_bits_retain(self.bits() & !0xc | u64::from(el & 3) << 2)
    }
}
