//! The three formats.

use crate::fast::Host;

/// A floating-point format, named by the unsigned integer that holds its bits.
///
/// Sealed: the formats are `u16` (half), `u32` (single) and `u64` (double).
pub trait Float: Copy + Eq + std::fmt::Debug + Host + 'static {
    /// The width of the format.
    const BITS: u32;
    /// The width of the fraction field.
    const FRAC_BITS: u32;
    /// The width of the exponent field.
    const EXP_BITS: u32 = Self::BITS - 1 - Self::FRAC_BITS;
    /// The exponent field of infinities and NaNs.
    const EXP_MAX: u64 = (1 << Self::EXP_BITS) - 1;
    /// What is added to an exponent to make its field.
    const BIAS: i32 = (1 << (Self::EXP_BITS - 1)) - 1;
    /// The fraction field, which is also the largest fraction.
    const FRAC_MASK: u64 = (1 << Self::FRAC_BITS) - 1;
    /// The top bit of the fraction: set in quiet NaNs.
    const QUIET: u64 = 1 << (Self::FRAC_BITS - 1);

    /// The bits, zero-extended.
    fn bits(self) -> u64;
    /// A value from the low bits of `bits`.
    fn from_low_bits(bits: u64) -> Self;

    /// A value from its three fields.
    #[inline]
    fn from_fields(sign: bool, exp: u64, frac: u64) -> Self {
        Self::from_low_bits(u64::from(sign) << (Self::BITS - 1) | exp << Self::FRAC_BITS | frac)
    }

    /// The sign bit.
    #[inline]
    fn sign(self) -> bool {
        self.bits() >> (Self::BITS - 1) != 0
    }

    /// The exponent field.
    #[inline]
    fn exp_field(self) -> u64 {
        self.bits() >> Self::FRAC_BITS & Self::EXP_MAX
    }

    /// The fraction field.
    #[inline]
    fn frac_field(self) -> u64 {
        self.bits() & Self::FRAC_MASK
    }

    /// Whether this is a NaN.
    #[inline]
    fn is_nan(self) -> bool {
        self.exp_field() == Self::EXP_MAX && self.frac_field() != 0
    }

    /// Whether this is a signalling NaN.
    #[inline]
    fn is_signalling(self) -> bool {
        self.is_nan() && self.bits() & Self::QUIET == 0
    }

    /// Whether this is a denormal number.
    #[inline]
    fn is_denormal(self) -> bool {
        self.exp_field() == 0 && self.frac_field() != 0
    }

    /// `FPZero`.
    #[inline]
    fn zero(sign: bool) -> Self {
        Self::from_fields(sign, 0, 0)
    }

    /// `FPInfinity`.
    #[inline]
    fn infinity(sign: bool) -> Self {
        Self::from_fields(sign, Self::EXP_MAX, 0)
    }

    /// `FPMaxNormal`.
    #[inline]
    fn max_normal(sign: bool) -> Self {
        Self::from_fields(sign, Self::EXP_MAX - 1, Self::FRAC_MASK)
    }

    /// `FPTwo`.
    #[inline]
    fn two(sign: bool) -> Self {
        Self::from_fields(sign, Self::BIAS as u64 + 1, 0)
    }

    /// `FPThree`.
    #[inline]
    fn three(sign: bool) -> Self {
        Self::from_fields(sign, Self::BIAS as u64 + 1, Self::QUIET)
    }

    /// `FPOnePointFive`.
    #[inline]
    fn one_point_five(sign: bool) -> Self {
        Self::from_fields(sign, Self::BIAS as u64, Self::QUIET)
    }

    /// `FPDefaultNaN`.
    #[inline]
    fn default_nan() -> Self {
        Self::from_fields(false, Self::EXP_MAX, Self::QUIET)
    }
}

macro_rules! format {
    ($bits:ty, $frac:literal) => {
        impl Float for $bits {
            const BITS: u32 = <$bits>::BITS;
            const FRAC_BITS: u32 = $frac;

            #[inline]
            fn bits(self) -> u64 {
                self.into()
            }

            #[inline]
            fn from_low_bits(bits: u64) -> Self {
                bits as Self
            }
        }
    };
}

format!(u16, 10);
format!(u32, 23);
format!(u64, 52);

/// The operand with a positive sign: `FPAbs`.
#[inline]
pub fn abs<F: Float>(a: F) -> F {
    F::from_low_bits(a.bits() & !(1 << (F::BITS - 1)))
}

/// The operand with the other sign: `FPNeg`.
#[inline]
pub fn neg<F: Float>(a: F) -> F {
    F::from_low_bits(a.bits() ^ 1 << (F::BITS - 1))
}
