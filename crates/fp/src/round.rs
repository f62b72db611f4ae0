//! From sign, exponent and significand back to bits.

use crate::context::{FpContext, IOC, IXC, OFC, Rounding, UFC};
use crate::float::Float;

/// A number other than zero: `sig / 2^63 * 2^exp`, with the leading one of `sig` at bit 63.
///
/// Bit 0 also stands for all that lies below it ("jammed"): no format is wide enough to tell the difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    pub sign: bool,
    pub exp: i32,
    pub sig: u64,
}

impl Number {
    /// The number `sig / 2^126 * 2^exp`, or `None` for zero.
    #[inline]
    pub(crate) fn from_wide(sign: bool, exp: i32, sig: u128) -> Option<Self> {
        if sig == 0 {
            return None;
        }
        let shift = sig.leading_zeros();
        let sig = sig << shift;
        Some(Self { sign, exp: exp + 1 - shift as i32, sig: jam(sig) })
    }
}

/// The upper half, with bit 0 standing for the lower half.
#[inline]
pub(crate) fn jam(wide: u128) -> u64 {
    (wide >> 64) as u64 | u64::from(wide as u64 != 0)
}

/// Shifts right by any distance; bit 0 then also stands for what was shifted out.
#[inline]
pub(crate) fn shift_right_jam(value: u64, distance: u32) -> u64 {
    match distance {
        0 => value,
        1..=63 => value >> distance | u64::from(value << (64 - distance) != 0),
        _ => u64::from(value != 0),
    }
}

/// [`shift_right_jam`] on 128 bits.
#[inline]
pub(crate) fn shift_right_jam_wide(value: u128, distance: u32) -> u128 {
    match distance {
        0 => value,
        1..=127 => value >> distance | u128::from(value << (128 - distance) != 0),
        _ => u128::from(value != 0),
    }
}

/// Rounds the result of arithmetic by the context's mode: `FPRound`.
#[inline]
pub(crate) fn round<F: Float>(cx: &mut FpContext, number: Number) -> F {
    round_base(cx, number, cx.rounding, cx.flushes::<F>(), false)
}

/// Rounds the result of a conversion between formats, which heeds AHP but not FZ16: `FPRoundCV`.
#[inline]
pub(crate) fn round_cv<F: Float>(cx: &mut FpContext, number: Number, rounding: Rounding) -> F {
    let half = F::BITS == 16;
    round_base(cx, number, rounding, cx.fz && !half, cx.ahp && half)
}

/// `FPRoundBase`, with the controls that apply to the format resolved by the caller.
#[inline]
fn round_base<F: Float>(
    cx: &mut FpContext,
    Number { sign, exp, sig }: Number,
    rounding: Rounding,
    flush: bool,
    alternative_half: bool,
) -> F {
    let tiny = (1 - F::BIAS) - exp;
    // Exponent and significand as one integer. The leading one of a normal significand adds 1 to the
    // exponent field, and so does a carry out of rounding, also from the largest denormal.
    let (base, sig) = if tiny <= 0 {
        ((exp + F::BIAS - 1) as u64, sig)
    } else if flush {
        cx.raise(UFC);
        return F::zero(sign);
    } else {
        (0, shift_right_jam(sig, tiny as u32))
    };
    let drop = 63 - F::FRAC_BITS;
    let rest = sig << (64 - drop);
    let mut magnitude = (base << F::FRAC_BITS) + (sig >> drop);
    let inexact = rest != 0;
    if inexact && tiny > 0 {
        cx.raise(UFC);
    }
    if rounding == Rounding::Odd {
        magnitude |= u64::from(inexact);
    } else {
        magnitude += u64::from(rounding.increments(sign, magnitude & 1 != 0, rest));
    }
    let field = magnitude >> F::FRAC_BITS;
    if field >= F::EXP_MAX {
        if !alternative_half {
            cx.raise(OFC | IXC);
            return if rounding.overflows_to_infinity(sign) {
                F::infinity(sign)
            } else {
                F::max_normal(sign)
            };
        }
        if field > F::EXP_MAX {
            cx.raise(IOC);
            return F::from_fields(sign, F::EXP_MAX, F::FRAC_MASK);
        }
    }
    cx.raise(if inexact { IXC } else { 0 });
    F::from_fields(sign, 0, magnitude)
}
