//! Conversion to and from integers and fixed-point numbers.

use crate::context::{FpContext, IOC, IXC, Rounding};
use crate::float::Float;
use crate::integral::split;
use crate::round::{Number, round};
use crate::unpack::{Kind, unpack};

/// Converts to a fixed-point number of `width` bits (16, 32 or 64), `fbits` of them below the point: `FPToFixed`.
///
/// Saturates. The result is zero-extended from `width`.
#[inline]
pub fn to_fixed<F: Float>(
    cx: &mut FpContext,
    a: F,
    fbits: u32,
    unsigned: bool,
    rounding: Rounding,
    width: u32,
) -> u64 {
    let mask = u64::MAX >> (64 - width);
    let u = unpack(cx, a);
    let (integer, rest) = match u.kind {
        Kind::Zero => return 0,
        Kind::Quiet | Kind::Signalling => {
            cx.raise(IOC);
            return 0;
        }
        Kind::Infinity => (u64::MAX, u64::MAX),
        // What is too large for 64 bits is marked by a fraction that no integer of 64 bits leaves.
        Kind::Finite => split(&u, fbits as i32).unwrap_or((u64::MAX, u64::MAX)),
    };
    let too_large = integer == u64::MAX && rest == u64::MAX;
    let up = !too_large && rounding.increments(u.sign, integer & 1 != 0, rest);
    let magnitude = integer + u64::from(up);
    let limit = match (unsigned, u.sign) {
        (true, false) => mask,
        (true, true) => 0,
        (false, false) => mask >> 1,
        (false, true) => (mask >> 1) + 1,
    };
    let (magnitude, flag) = if too_large || magnitude > limit {
        (limit, IOC)
    } else {
        (magnitude, if rest != 0 { IXC } else { 0 })
    };
    cx.raise(flag);
    (if u.sign { magnitude.wrapping_neg() } else { magnitude }) & mask
}

/// Converts from a fixed-point number in the low `width` bits of `value`, by the context's mode: `FixedToFP`.
#[inline]
pub fn from_fixed<F: Float>(cx: &mut FpContext, value: u64, fbits: u32, unsigned: bool, width: u32) -> F {
    let spare = 64 - width;
    let (sign, magnitude) = if unsigned {
        (false, value << spare >> spare)
    } else {
        let value = (value << spare) as i64 >> spare;
        (value < 0, value.unsigned_abs())
    };
    if magnitude == 0 {
        return F::zero(false);
    }
    let shift = magnitude.leading_zeros();
    round(cx, Number { sign, exp: 63 - shift as i32 - fbits as i32, sig: magnitude << shift })
}

/// Converts a double to an integer modulo 2^32, and whether nothing was lost (the flag Z): `FPToFixedJS`.
pub fn to_int_js(cx: &mut FpContext, a: u64) -> (u32, bool) {
    let u = unpack(cx, a);
    match u.kind {
        // Exact only for +0: not for -0, nor for a denormal that was flushed.
        Kind::Zero => return (0, a == 0),
        Kind::Quiet | Kind::Signalling | Kind::Infinity => {
            cx.raise(IOC);
            return (0, false);
        }
        Kind::Finite => (),
    }
    let Some((integer, rest)) = split(&u, 0) else {
        cx.raise(IOC);
        // From 2^84 on a double is a multiple of 2^32.
        let low = if u.exp < 64 + 32 { u.sig << (u.exp - 63) } else { 0 } as u32;
        return (if u.sign { low.wrapping_neg() } else { low }, false);
    };
    let limit = if u.sign { 1 << 31 } else { (1 << 31) - 1 };
    let low = integer as u32;
    if integer > limit {
        cx.raise(IOC);
    } else if rest != 0 {
        cx.raise(IXC);
    }
    (if u.sign { low.wrapping_neg() } else { low }, integer <= limit && rest == 0)
}
