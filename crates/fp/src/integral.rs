//! Rounding to integral values in the same format.

use crate::context::{FpContext, IOC, IXC, Rounding};
use crate::float::Float;
use crate::nan::process_nan;
use crate::unpack::{Kind, Unpacked, unpack};

/// The integer part of a finite number and the fraction below it in units of 2^-64, jammed.
///
/// `scale` is a power of two to multiply by first. `None` if the integer needs more than 64 bits.
#[inline]
pub(crate) fn split(u: &Unpacked, scale: i32) -> Option<(u64, u64)> {
    match u.exp + scale {
        64.. => None,
        63 => Some((u.sig, 0)),
        exp @ 0..63 => Some((u.sig >> (63 - exp), u.sig << (exp + 1))),
        -1 => Some((0, u.sig)),
        // Less than a half; how much less makes no difference to any rounding mode.
        _ => Some((0, 1)),
    }
}

/// A finite number as an integral magnitude below 2^`FRAC_BITS`, and whether that is inexact.
#[inline]
fn integral(u: &Unpacked, rounding: Rounding) -> (u64, bool) {
    let (integer, rest) = split(u, 0).unwrap_or((u64::MAX, 0));
    (integer + u64::from(rounding.increments(u.sign, integer & 1 != 0, rest)), rest != 0)
}

/// The number with an integral magnitude that the format can represent.
#[inline]
fn pack<F: Float>(sign: bool, magnitude: u64) -> F {
    if magnitude == 0 {
        return F::zero(sign);
    }
    let top = magnitude.ilog2();
    // The leading one makes up for the 1 less in the exponent field.
    let base = u64::from(top) + F::BIAS as u64 - 1;
    let fraction = magnitude << (63 - top) >> (63 - F::FRAC_BITS);
    F::from_fields(sign, 0, (base << F::FRAC_BITS) + fraction)
}

/// Rounds to an integral value; `exact` is whether an inexact result sets the flag: `FPRoundInt`.
#[inline]
pub fn round_int<F: Float>(cx: &mut FpContext, a: F, rounding: Rounding, exact: bool) -> F {
    let u = unpack(cx, a);
    match u.kind {
        Kind::Quiet | Kind::Signalling => return process_nan(cx, a),
        Kind::Zero => return F::zero(u.sign),
        Kind::Infinity => return a,
        // Nothing is below the point.
        Kind::Finite if u.exp >= F::FRAC_BITS as i32 => return a,
        Kind::Finite => (),
    }
    let (magnitude, inexact) = integral(&u, rounding);
    if inexact && exact {
        cx.raise(IXC);
    }
    pack(u.sign, magnitude)
}

/// Rounds to an integral value that fits a signed integer of `intsize` bits (32 or 64): `FPRoundIntN`.
///
/// What does not fit becomes the most negative of these integers, and an invalid operation.
pub fn round_int_n<F: Float>(cx: &mut FpContext, a: F, rounding: Rounding, intsize: u32) -> F {
    let u = unpack(cx, a);
    let limit = 1u64 << (intsize - 1);
    let (magnitude, inexact) = match u.kind {
        Kind::Zero => return F::zero(u.sign),
        Kind::Quiet | Kind::Signalling | Kind::Infinity => (u64::MAX, false),
        Kind::Finite if u.exp >= 64 => (u64::MAX, false),
        Kind::Finite => integral(&u, rounding),
    };
    if magnitude > limit || (magnitude == limit && !u.sign) {
        cx.raise(IOC);
        return pack(true, limit);
    }
    if inexact {
        cx.raise(IXC);
    }
    pack(u.sign, magnitude)
}
