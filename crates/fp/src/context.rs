//! The controls and the cumulative flags of an operation.

use crate::float::Float;

/// FPSR.IOC: an invalid operation.
pub const IOC: u32 = 1 << 0;
/// FPSR.DZC: a division by zero.
pub const DZC: u32 = 1 << 1;
/// FPSR.OFC: an overflow.
pub const OFC: u32 = 1 << 2;
/// FPSR.UFC: an underflow, or a result that was flushed to zero.
pub const UFC: u32 = 1 << 3;
/// FPSR.IXC: an inexact result.
pub const IXC: u32 = 1 << 4;
/// FPSR.IDC: a denormal operand that was flushed to zero.
pub const IDC: u32 = 1 << 7;
/// All the cumulative exception flags of FPSR.
pub const FLAGS: u32 = IOC | DZC | OFC | UFC | IXC | IDC;

const FPCR_AHP: u32 = 1 << 26;
const FPCR_DN: u32 = 1 << 25;
const FPCR_FZ: u32 = 1 << 24;
const FPCR_FZ16: u32 = 1 << 19;

/// How a result is rounded: the `FPRounding` of the pseudocode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To nearest, ties to even.
    Nearest,
    /// Towards plus infinity.
    PlusInf,
    /// Towards minus infinity.
    MinusInf,
    /// Towards zero.
    Zero,
    /// To nearest, ties away from zero. Only for rounding to integers.
    TiesAway,
    /// To odd: truncated, with the last bit set when inexact. Only for [`convert_rounding`](crate::convert_rounding).
    Odd,
}

impl Rounding {
    /// The mode that a two-bit RMode field selects: `FPDecodeRounding`.
    pub fn from_rmode(rmode: u32) -> Self {
        match rmode & 3 {
            0 => Self::Nearest,
            1 => Self::PlusInf,
            2 => Self::MinusInf,
            _ => Self::Zero,
        }
    }

    /// Whether a magnitude with the fraction `rest` below its last place (in units of 2^-64) is incremented.
    #[inline]
    pub(crate) fn increments(self, sign: bool, odd: bool, rest: u64) -> bool {
        const HALF: u64 = 1 << 63;
        match self {
            // No branch: which way a result rounds is not predictable.
            Self::Nearest => (rest > HALF) | ((rest == HALF) & odd),
            Self::TiesAway => rest >= HALF,
            Self::PlusInf => rest != 0 && !sign,
            Self::MinusInf => rest != 0 && sign,
            Self::Zero | Self::Odd => false,
        }
    }

    /// Whether an overflow gives infinity rather than the largest number.
    #[inline]
    pub(crate) fn overflows_to_infinity(self, sign: bool) -> bool {
        match self {
            Self::Nearest | Self::TiesAway => true,
            Self::PlusInf => !sign,
            Self::MinusInf => sign,
            Self::Zero | Self::Odd => false,
        }
    }
}

/// FPCR controls plus the cumulative FPSR flags raised so far.
#[derive(Clone, Copy, Debug)]
pub struct FpContext {
    /// FPCR.RMode.
    pub rounding: Rounding,
    /// FPCR.FZ: flush single and double denormals to zero.
    pub fz: bool,
    /// FPCR.FZ16: flush half denormals to zero, except in conversions between formats.
    pub fz16: bool,
    /// FPCR.DN: every NaN result is the default NaN.
    pub dn: bool,
    /// FPCR.AHP: conversions use the alternative half format, which has no infinities and NaNs.
    pub ahp: bool,
    /// The cumulative flags, at their places in FPSR.
    pub flags: u32,
}

impl FpContext {
    /// The context that FPCR (or the like bits of the AArch32 FPSCR) describes, with the flags of `fpsr`.
    #[inline]
    pub fn from_fpcr(fpcr: u32, fpsr: u32) -> Self {
        Self {
            rounding: Rounding::from_rmode(fpcr >> 22),
            fz: fpcr & FPCR_FZ != 0,
            fz16: fpcr & FPCR_FZ16 != 0,
            dn: fpcr & FPCR_DN != 0,
            ahp: fpcr & FPCR_AHP != 0,
            flags: fpsr & FLAGS,
        }
    }

    /// What AArch32 Advanced SIMD runs with: `StandardFPSCRValue`, where only AHP and FZ16 are programmable.
    #[inline]
    pub fn standard(fpcr: u32, fpsr: u32) -> Self {
        Self { rounding: Rounding::Nearest, fz: true, dn: true, ..Self::from_fpcr(fpcr, fpsr) }
    }

    /// Sets cumulative flags: `FPProcessException` with its trap disabled.
    #[inline]
    pub(crate) fn raise(&mut self, flags: u32) {
        self.flags |= flags;
    }

    /// Whether denormals of the format `F` are flushed in arithmetic.
    #[inline]
    pub(crate) fn flushes<F: Float>(&self) -> bool {
        if F::BITS == 16 { self.fz16 } else { self.fz }
    }

    /// The sign of a sum of opposites, which is an exact zero.
    #[inline]
    pub(crate) fn zero_sum_sign(&self) -> bool {
        self.rounding == Rounding::MinusInf
    }
}
