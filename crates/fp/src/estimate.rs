//! Estimates of reciprocals and reciprocal square roots, good to eight bits.

use crate::context::{DZC, FpContext, IXC, OFC, UFC};
use crate::float::Float;
use crate::nan::{invalid, process_nan};
use crate::unpack::{Kind, unpack};

/// The estimate of `2^17 / a` for `a` in 256..512, in 256..512: `RecipEstimate`.
fn recip_table(a: u32) -> u32 {
    // The middle of the interval that `a` stands for, in nine fraction bits.
    let middle = a * 2 + 1;
    ((1 << 19) / middle).div_ceil(2)
}

/// The estimate of `2^13 / sqrt(a)` for `a` in 128..512, in 256..512: `RecipSqrtEstimate`.
fn rsqrt_table(a: u32) -> u32 {
    let middle = if a < 256 { a * 2 + 1 } else { ((a >> 1 << 1) + 1) * 2 };
    // The largest b with middle * b^2 < 2^28. That is never below the 512 the architecture searches from.
    let b = ((1u32 << 28) - 1).div_euclid(middle).isqrt();
    b.div_ceil(2)
}

/// `a` as a fraction of 2^32, whose reciprocal is estimated: `UnsignedRecipEstimate`.
pub fn unsigned_recip_estimate(a: u32) -> u32 {
    if a >> 31 == 0 { u32::MAX } else { recip_table(a >> 23) << 23 }
}

/// `a` as a fraction of 2^32, whose reciprocal square root is estimated: `UnsignedRSqrtEstimate`.
pub fn unsigned_rsqrt_estimate(a: u32) -> u32 {
    if a >> 30 == 0 { u32::MAX } else { rsqrt_table(a >> 23) << 23 }
}

/// An estimate of `1 / a`: `FPRecipEstimate`.
pub fn recip_estimate<F: Float>(cx: &mut FpContext, a: F) -> F {
    let u = unpack(cx, a);
    match u.kind {
        Kind::Quiet | Kind::Signalling => return process_nan(cx, a),
        Kind::Infinity => return F::zero(u.sign),
        Kind::Zero => {
            cx.raise(DZC);
            return F::infinity(u.sign);
        }
        Kind::Finite => (),
    }
    if u.exp < -F::BIAS - 1 {
        cx.raise(OFC | IXC);
        let infinite = cx.rounding.overflows_to_infinity(u.sign);
        return if infinite { F::infinity(u.sign) } else { F::max_normal(u.sign) };
    }
    if cx.flushes::<F>() && u.exp >= F::BIAS - 1 {
        cx.raise(UFC);
        return F::zero(u.sign);
    }
    // The leading one and the eight bits below it.
    let estimate = recip_table((u.sig >> 55) as u32);
    let fraction = u64::from(estimate & 0xff) << F::FRAC_BITS >> 8;
    // The biased exponent is 2 * BIAS - 1 - (exp + BIAS). At 0 and -1 the result is a denormal.
    match F::BIAS - 1 - u.exp {
        -1 => F::from_fields(u.sign, 0, (1 << F::FRAC_BITS | fraction) >> 2),
        0 => F::from_fields(u.sign, 0, (1 << F::FRAC_BITS | fraction) >> 1),
        exp => F::from_fields(u.sign, exp as u64, fraction),
    }
}

/// An estimate of `1 / sqrt(a)`: `FPRSqrtEstimate`.
pub fn rsqrt_estimate<F: Float>(cx: &mut FpContext, a: F) -> F {
    let u = unpack(cx, a);
    match u.kind {
        Kind::Quiet | Kind::Signalling => return process_nan(cx, a),
        Kind::Zero => {
            cx.raise(DZC);
            return F::infinity(u.sign);
        }
        _ if u.sign => return invalid(cx),
        Kind::Infinity => return F::zero(false),
        Kind::Finite => (),
    }
    // With an even biased exponent the operand counts as 0.5 to 1, with an odd one as 0.25 to 0.5.
    let biased = u.exp + F::BIAS;
    let scaled = if biased % 2 == 0 { u.sig >> 55 } else { u.sig >> 56 };
    let fraction = u64::from(rsqrt_table(scaled as u32) & 0xff) << F::FRAC_BITS >> 8;
    let exp = (3 * F::BIAS - 1 - biased).div_euclid(2);
    F::from_fields(false, exp as u64, fraction)
}

/// The power of two that scales the operand to near one, with its sign: `FPRecpX`.
pub fn recpx<F: Float>(cx: &mut FpContext, a: F) -> F {
    let u = unpack(cx, a);
    if u.is_nan() {
        return process_nan(cx, a);
    }
    let exp = match a.exp_field() {
        0 => F::EXP_MAX - 1,
        exp => F::EXP_MAX - exp,
    };
    F::from_fields(u.sign, exp, 0)
}
