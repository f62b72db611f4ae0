//! Addition and subtraction.

use crate::context::FpContext;
use crate::float::{Float, neg};
use crate::nan::{invalid, process_nans};
use crate::round::{Number, round, shift_right_jam};
use crate::unpack::{Unpacked, unpack};

/// `a + b`: `FPAdd`.
#[inline]
pub fn add<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    match F::host_add(cx, a, b) {
        Some(sum) => sum,
        None => add_slow(cx, a, b, false),
    }
}

/// `a - b`: `FPSub`.
#[inline]
pub fn sub<F: Float>(cx: &mut FpContext, a: F, b: F) -> F {
    match F::host_add(cx, a, neg(b)) {
        Some(difference) => difference,
        None => add_slow(cx, a, b, true),
    }
}

/// The sum, or with `negate` the difference. A NaN operand keeps its sign in both.
fn add_slow<F: Float>(cx: &mut FpContext, a: F, b: F, negate: bool) -> F {
    let (ua, mut ub) = (unpack(cx, a), unpack(cx, b));
    if let Some(nan) = process_nans(cx, [(ua, a), (ub, b)]) {
        return nan;
    }
    ub.sign ^= negate;
    if ua.is_infinity() && ub.is_infinity() && ua.sign != ub.sign {
        invalid(cx)
    } else if ua.is_infinity() {
        F::infinity(ua.sign)
    } else if ub.is_infinity() {
        F::infinity(ub.sign)
    } else if ua.is_zero() && ub.is_zero() && ua.sign == ub.sign {
        F::zero(ua.sign)
    } else {
        match sum(ua, ub) {
            Some(number) => round(cx, number),
            None => F::zero(cx.zero_sum_sign()),
        }
    }
}

/// The sum of two finite numbers or zeros, or `None` if it is zero.
fn sum(a: Unpacked, b: Unpacked) -> Option<Number> {
    let (big, small) = if (a.exp, a.sig) >= (b.exp, b.sig) { (a, b) } else { (b, a) };
    // One bit of headroom for the carry. A significand leaves at least ten zero bits below it: two numbers
    // that cancel by more than one bit are at most one place apart and lose nothing to the shift.
    let aligned = shift_right_jam(small.sig >> 1, (big.exp - small.exp) as u32);
    let sig = if big.sign == small.sign { (big.sig >> 1) + aligned } else { (big.sig >> 1) - aligned };
    if sig == 0 {
        return None;
    }
    let shift = sig.leading_zeros();
    Some(Number { sign: big.sign, exp: big.exp + 1 - shift as i32, sig: sig << shift })
}
