//! Minimum and maximum.

use crate::context::FpContext;
use crate::float::Float;
use crate::nan::process_nans;
use crate::unpack::{Unpacked, unpack};

/// The larger operand, +0 being larger than -0: `FPMax`.
#[inline]
pub fn max<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    select(cx, a, b, true)
}

/// The smaller operand, -0 being smaller than +0: `FPMin`.
#[inline]
pub fn min<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    select(cx, a, b, false)
}

/// The larger operand, or the one that is a number if the other is a quiet NaN: `FPMaxNum`.
#[inline]
pub fn max_num<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    let (a, b) = replace_quiet(a, b, F::infinity(true));
    max(cx, a, b)
}

/// The smaller operand, or the one that is a number if the other is a quiet NaN: `FPMinNum`.
#[inline]
pub fn min_num<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    let (a, b) = replace_quiet(a, b, F::infinity(false));
    min(cx, a, b)
}

/// Puts the value that never wins in place of a quiet NaN, unless both operands are quiet NaNs.
///
/// Next to a signalling NaN this changes nothing, as that is the result either way.
#[inline]
fn replace_quiet<F: Float>(a: F, b: F, neutral: F) -> (F, F) {
    let quiet = |x: F| x.is_nan() && !x.is_signalling();
    match (quiet(a), quiet(b)) {
        (true, false) => (neutral, b),
        (false, true) => (a, neutral),
        _ => (a, b),
    }
}

#[inline]
fn select<F: Float>(cx: &mut FpContext, a: F, b: F, largest: bool) -> F {
    let (ua, ub) = (unpack(cx, a), unpack(cx, b));
    if let Some(nan) = process_nans(cx, [(ua, a), (ub, b)]) {
        return nan;
    }
    let (a, b) = (flushed(ua, a), flushed(ub, b));
    if (key(a) > key(b)) == largest { a } else { b }
}

/// The operand as `FPUnpack` sees it: a flushed denormal has become a zero.
#[inline]
fn flushed<F: Float>(u: Unpacked, a: F) -> F {
    if u.is_zero() { F::zero(u.sign) } else { a }
}

/// An integer that orders as the operand does, -0 just below +0.
#[inline]
fn key<F: Float>(a: F) -> i64 {
    let magnitude = (a.bits() & !(1 << (F::BITS - 1))) as i64;
    if a.sign() { !magnitude } else { magnitude }
}
