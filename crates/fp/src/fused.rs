//! Fused multiply-add.

use crate::context::FpContext;
use crate::convert::convert_nan;
use crate::float::Float;
use crate::nan::{invalid, process_nan, process_nans};
use crate::round::{Number, round, shift_right_jam_wide};
use crate::unpack::{Kind, Unpacked, unpack};

/// `addend + a * b`, rounded once: `FPMulAdd`.
#[inline]
pub fn mul_add<F: Float>(cx: &mut FpContext, addend: F, a: F, b: F) -> F {
    match F::host_mul_add(cx, addend, a, b) {
        Some(result) => result,
        None => mul_add_slow(cx, addend, a, b),
    }
}

fn mul_add_slow<F: Float>(cx: &mut FpContext, addend: F, a: F, b: F) -> F {
    let (uc, ua, ub) = (unpack(cx, addend), unpack(cx, a), unpack(cx, b));
    let nan = process_nans(cx, [(uc, addend), (ua, a), (ub, b)]);
    finish(cx, uc, ua, ub, nan)
}

/// `addend + a * b` with halves multiplied into a single: `FPMulAddH`.
pub fn mul_add_half(cx: &mut FpContext, addend: u32, a: u16, b: u16) -> u32 {
    let (uc, ua, ub) = (unpack(cx, addend), unpack(cx, a), unpack(cx, b));
    // `FPProcessNaNs3H`: the order of `FPProcessNaNs3`, across two formats.
    let mut nan = None;
    for kind in [Kind::Signalling, Kind::Quiet] {
        if nan.is_some() {
            break;
        }
        if uc.kind == kind {
            nan = Some(process_nan(cx, addend));
        } else if ua.kind == kind || ub.kind == kind {
            let half = process_nan(cx, if ua.kind == kind { a } else { b });
            nan = Some(convert_nan(half));
        }
    }
    finish(cx, uc, ua, ub, nan)
}

/// The rest of `FPMulAdd` and `FPMulAddH`, given the result for NaN operands.
#[inline]
fn finish<F: Float>(cx: &mut FpContext, uc: Unpacked, ua: Unpacked, ub: Unpacked, nan: Option<F>) -> F {
    let undefined = (ua.is_infinity() && ub.is_zero()) || (ua.is_zero() && ub.is_infinity());
    if let Some(nan) = nan {
        return if uc.kind == Kind::Quiet && undefined { invalid(cx) } else { nan };
    }
    let sign = ua.sign ^ ub.sign;
    let infinite = ua.is_infinity() || ub.is_infinity();
    let zero = ua.is_zero() || ub.is_zero();
    if undefined || (uc.is_infinity() && infinite && uc.sign != sign) {
        invalid(cx)
    } else if uc.is_infinity() {
        F::infinity(uc.sign)
    } else if infinite {
        F::infinity(sign)
    } else if uc.is_zero() && zero && uc.sign == sign {
        F::zero(sign)
    } else {
        match fused(uc, ua, ub) {
            Some(number) => round(cx, number),
            None => F::zero(cx.zero_sum_sign()),
        }
    }
}

/// `c + a * b` of finite numbers or zeros, or `None` if it is zero.
pub(crate) fn fused(c: Unpacked, a: Unpacked, b: Unpacked) -> Option<Number> {
    let sign = a.sign ^ b.sign;
    // All of the product, and the addend, with the leading one at bit 126: one bit of headroom for a carry.
    // The product has zeros in its low 21 bits or more, so that, as in a plain sum, what cancels by more
    // than one bit was exact.
    let mut product = u128::from(a.sig) * u128::from(b.sig);
    let mut exp = a.exp + b.exp;
    if product >> 127 != 0 {
        product >>= 1;
        exp += 1;
    }
    let addend = u128::from(c.sig) << 63;
    if product == 0 {
        return Number::from_wide(c.sign, c.exp, addend);
    }
    if addend == 0 {
        return Number::from_wide(sign, exp, product);
    }
    let (big, big_exp, big_sign, small, small_exp) = if (exp, product) >= (c.exp, addend) {
        (product, exp, sign, addend, c.exp)
    } else {
        (addend, c.exp, c.sign, product, exp)
    };
    let aligned = shift_right_jam_wide(small, (big_exp - small_exp) as u32);
    let wide = if sign == c.sign { big + aligned } else { big - aligned };
    Number::from_wide(big_sign, big_exp, wide)
}
