//! The steps of Newton-Raphson iterations for reciprocals and reciprocal square roots.

use crate::add::sub;
use crate::context::FpContext;
use crate::float::{Float, neg};
use crate::fused::fused;
use crate::muldiv::{div, mul};
use crate::nan::process_nans;
use crate::round::round;
use crate::unpack::unpack;

/// `2 - a * b`, rounded once: `FPRecipStepFused`.
pub fn recip_step<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    step(cx, a, b, F::two(false), F::two(false), 0)
}

/// `(3 - a * b) / 2`, rounded once: `FPRSqrtStepFused`.
pub fn rsqrt_step<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    step(cx, a, b, F::three(false), F::one_point_five(false), 1)
}

/// `(from - a * b) / 2^halvings`. `undefined` is the result for infinity times zero.
fn step<F: Float>(cx: &mut FpContext, a: F, b: F, from: F, undefined: F, halvings: i32) -> F {
    // The negation comes before all else, so that also a NaN changes its sign.
    let a = neg(a);
    let (ua, ub) = (unpack(cx, a), unpack(cx, b));
    if let Some(nan) = process_nans(cx, [(ua, a), (ub, b)]) {
        return nan;
    }
    let infinite = ua.is_infinity() || ub.is_infinity();
    if infinite && (ua.is_zero() || ub.is_zero()) {
        return undefined;
    }
    if infinite {
        return F::infinity(ua.sign ^ ub.sign);
    }
    let from = unpack(cx, from);
    match fused(from, ua, ub) {
        Some(mut number) => {
            number.exp -= halvings;
            round(cx, number)
        }
        None => F::zero(cx.zero_sum_sign()),
    }
}

/// `2 - a * b`, with the product rounded: `FPRecipStep`, the `VRECPS` of AArch32.
///
/// `cx` is that of [`FpContext::standard`].
pub fn recip_step_unfused<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    match product(cx, a, b) {
        Ok(product) => sub(cx, F::two(false), product),
        Err(nan) => nan,
    }
}

/// `(3 - a * b) / 2`, with the product rounded: `FPRSqrtStep`, the `VRSQRTS` of AArch32.
///
/// `cx` is that of [`FpContext::standard`].
pub fn rsqrt_step_unfused<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    match product(cx, a, b) {
        Ok(product) => halved_sub(cx, F::three(false), product),
        Err(nan) => nan,
    }
}

/// The rounded product, zero for infinity times zero, or the result for NaN operands.
fn product<F: Float>(cx: &mut FpContext, a: F, b: F) -> Result<F, F> {
    let (ua, ub) = (unpack(cx, a), unpack(cx, b));
    if let Some(nan) = process_nans(cx, [(ua, a), (ub, b)]) {
        return Err(nan);
    }
    if (ua.is_infinity() && ub.is_zero()) || (ua.is_zero() && ub.is_infinity()) {
        return Ok(F::zero(false));
    }
    Ok(mul(cx, a, b))
}

/// `(a - b) / 2`, rounded to nearest, for an `a` of 3: `FPHalvedSub`.
///
/// That function rounds after halving. It is the same as long as the difference neither overflows, which takes
/// more than a 3, nor is so small that half of it is a denormal.
fn halved_sub<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    let difference = sub(cx, a, b);
    div(cx, difference, F::two(false))
}
