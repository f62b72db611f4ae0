//! Multiplication, division and square root.

use crate::context::{DZC, FpContext};
use crate::float::Float;
use crate::nan::{invalid, process_nan, process_nans};
use crate::round::{Number, jam, round};
use crate::unpack::{Unpacked, unpack};

/// `a * b`: `FPMul`.
#[inline]
pub fn mul<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    match F::host_mul(cx, a, b) {
        Some(product) => product,
        None => mul_slow(cx, a, b, false),
    }
}

/// `a * b`, where infinity times zero is two: `FPMulX`.
#[inline]
pub fn mulx<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    match F::host_mul(cx, a, b) {
        Some(product) => product,
        None => mul_slow(cx, a, b, true),
    }
}

fn mul_slow<F: Float>(cx: &mut FpContext, a: F, b: F, extended: bool) -> F {
    let (ua, ub) = (unpack(cx, a), unpack(cx, b));
    if let Some(nan) = process_nans(cx, [(ua, a), (ub, b)]) {
        return nan;
    }
    let sign = ua.sign ^ ub.sign;
    let infinite = ua.is_infinity() || ub.is_infinity();
    let zero = ua.is_zero() || ub.is_zero();
    match (infinite, zero) {
        (true, true) if extended => F::two(sign),
        (true, true) => invalid(cx),
        (true, false) => F::infinity(sign),
        (false, true) => F::zero(sign),
        (false, false) => {
            let wide = u128::from(ua.sig) * u128::from(ub.sig);
            // The product of two significands in [1, 2) is in [1, 4).
            let shift = wide.leading_zeros();
            let exp = ua.exp + ub.exp + 1 - shift as i32;
            round(cx, Number { sign, exp, sig: jam(wide << shift) })
        }
    }
}

/// `a / b`: `FPDiv`.
#[inline]
pub fn div<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    match F::host_div(cx, a, b) {
        Some(quotient) => quotient,
        None => div_slow(cx, a, b),
    }
}

fn div_slow<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    let (ua, ub) = (unpack(cx, a), unpack(cx, b));
    if let Some(nan) = process_nans(cx, [(ua, a), (ub, b)]) {
        return nan;
    }
    let sign = ua.sign ^ ub.sign;
    if (ua.is_infinity() && ub.is_infinity()) || (ua.is_zero() && ub.is_zero()) {
        return invalid(cx);
    }
    if ua.is_infinity() || ub.is_zero() {
        if !ua.is_infinity() {
            cx.raise(DZC);
        }
        return F::infinity(sign);
    }
    if ua.is_zero() || ub.is_infinity() {
        return F::zero(sign);
    }
    let sig = quotient::<F>(ua.sig, ub.sig);
    let shift = sig.leading_zeros();
    round(cx, Number { sign, exp: ua.exp - ub.exp - shift as i32, sig: sig << shift })
}

/// The quotient of two significands in [1, 2), in units of 2^-63, jammed. At most one leading zero.
#[inline]
fn quotient<F: Float>(a: u64, b: u64) -> u64 {
    if F::FRAC_BITS < 30 {
        // Significands of the narrow formats fit in 32 bits, and a quotient of 32 bits is precise enough.
        let (n, d) = (a >> 1, b >> 32);
        (n / d) << 32 | u64::from(n % d != 0)
    } else {
        // Of a quotient of 128 by 64 bits, the divider of the host may do all at once if it fits in 64.
        let (n, d) = (u128::from(a) << 62, u128::from(b));
        let q = n / d;
        (q as u64) << 1 | u64::from(q * d != n)
    }
}

/// The square root: `FPSqrt`.
#[inline]
pub fn sqrt<F: Float>(cx: &mut FpContext, a: F) -> F {
    match F::host_sqrt(cx, a) {
        Some(root) => root,
        None => sqrt_slow(cx, a),
    }
}

fn sqrt_slow<F: Float>(cx: &mut FpContext, a: F) -> F {
    let ua = unpack(cx, a);
    if ua.is_nan() {
        process_nan(cx, a)
    } else if ua.is_zero() {
        F::zero(ua.sign)
    } else if ua.sign {
        invalid(cx)
    } else if ua.is_infinity() {
        F::infinity(false)
    } else {
        let Unpacked { exp, sig, .. } = ua;
        // With an even exponent the radicand is in [1, 4) and so the root in [1, 2).
        let odd = exp.rem_euclid(2) as u32;
        round(cx, Number { sign: false, exp: exp.div_euclid(2), sig: root::<F>(sig, odd) })
    }
}

/// The root of `sig / 2^63 * 2^odd`, in units of 2^-63, jammed.
#[inline]
fn root<F: Float>(sig: u64, odd: u32) -> u64 {
    if F::FRAC_BITS < 30 {
        // 62 bits below the point of the radicand give 31 of the root.
        let radicand = sig >> 1 << odd;
        let root = radicand.isqrt();
        root << 32 | u64::from(root * root != radicand)
    } else {
        let radicand = u128::from(sig) << 61 << odd;
        let root = radicand.isqrt();
        (root as u64) << 1 | u64::from(root * root != radicand)
    }
}
