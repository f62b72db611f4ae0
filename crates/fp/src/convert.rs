//! Conversion between formats.

use crate::context::{FpContext, IOC, Rounding};
use crate::float::Float;
use crate::round::{Number, round_cv};
use crate::unpack::{Kind, unpack_cv};

/// Converts between formats by the context's rounding mode: `FPConvert`.
#[inline]
pub fn convert<From: Float, To: Float>(cx: &mut FpContext, a: From) -> To {
    if let Some(exact) = widened(a) {
        return exact;
    }
    convert_rounding(cx, a, cx.rounding)
}

/// Converts between formats by a given rounding mode: `FPConvert`, for `FCVTXN` with [`Rounding::Odd`].
pub fn convert_rounding<From: Float, To: Float>(cx: &mut FpContext, a: From, rounding: Rounding) -> To {
    let u = unpack_cv(cx, a);
    let alternative_half = To::BITS == 16 && cx.ahp;
    match u.kind {
        Kind::Quiet | Kind::Signalling => {
            if u.kind == Kind::Signalling || alternative_half {
                cx.raise(IOC);
            }
            if alternative_half {
                To::zero(u.sign)
            } else if cx.dn {
                To::default_nan()
            } else {
                convert_nan(a)
            }
        }
        Kind::Infinity if alternative_half => {
            cx.raise(IOC);
            To::from_fields(u.sign, To::EXP_MAX, To::FRAC_MASK)
        }
        Kind::Infinity => To::infinity(u.sign),
        Kind::Zero => To::zero(u.sign),
        Kind::Finite => round_cv(cx, Number { sign: u.sign, exp: u.exp, sig: u.sig }, rounding),
    }
}

/// A normal number in a wider format. It fits there as it is, whatever the controls say.
#[inline]
fn widened<From: Float, To: Float>(a: From) -> Option<To> {
    let exp = a.exp_field();
    if From::BITS >= To::BITS || exp == 0 || exp == From::EXP_MAX {
        return None;
    }
    let exp = (exp as i32 - From::BIAS + To::BIAS) as u64;
    Some(To::from_fields(a.sign(), exp, a.frac_field() << (To::FRAC_BITS - From::FRAC_BITS)))
}

/// A quiet NaN with the sign and the leading payload bits of another: `FPConvertNaN`.
pub(crate) fn convert_nan<From: Float, To: Float>(a: From) -> To {
    let payload = a.frac_field() << (64 - From::FRAC_BITS) >> (64 - To::FRAC_BITS);
    To::from_fields(a.sign(), To::EXP_MAX, payload | To::QUIET)
}
