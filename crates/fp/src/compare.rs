//! Comparison.

use std::cmp::Ordering;

use crate::context::{FpContext, IDC, IOC};
use crate::float::Float;

/// The order of two operands, or `None` if one is a NaN. Flushes denormals as `FPUnpack` does.
#[inline]
fn order<F: Float>(cx: &mut FpContext, a: F, b: F) -> Option<Ordering> {
    let (a, b) = (key(cx, a), key(cx, b));
    Some(a?.cmp(&b?))
}

/// An integer that orders as the operand does.
#[inline]
fn key<F: Float>(cx: &mut FpContext, a: F) -> Option<i64> {
    if a.is_nan() {
        return None;
    }
    // The magnitudes of a format order as integers, through denormals, normals and infinity.
    let mut magnitude = (a.bits() & !(1 << (F::BITS - 1))) as i64;
    if a.is_denormal() && cx.flushes::<F>() {
        if F::BITS != 16 {
            cx.raise(IDC);
        }
        magnitude = 0;
    }
    Some(if a.sign() { -magnitude } else { magnitude })
}

/// Compares and gives the flags N, Z, C and V in bits 3 to 0: `FPCompare`.
///
/// `signal_all_nans` makes quiet NaNs an invalid operation too, as `FCMPE` does.
#[inline]
pub fn compare<F: Float>(cx: &mut FpContext, a: F, b: F, signal_all_nans: bool) -> u8 {
    match order(cx, a, b) {
        // Looked up, as the outcome of a comparison is not predictable: less, equal, greater.
        Some(order) => [0b1000, 0b0110, 0b0010][(order as i8 + 1) as usize],
        None => {
            if signal_all_nans || a.is_signalling() || b.is_signalling() {
                cx.raise(IOC);
            }
            0b0011
        }
    }
}

/// Whether `a == b`; only a signalling NaN is an invalid operation: `FPCompareEQ`.
#[inline]
pub fn compare_eq<F: Float>(cx: &mut FpContext, a: F, b: F) -> bool {
    compare(cx, a, b, false) & 0b0100 != 0
}

/// Whether `a >= b`; any NaN is an invalid operation: `FPCompareGE`.
#[inline]
pub fn compare_ge<F: Float>(cx: &mut FpContext, a: F, b: F) -> bool {
    matches!(compare(cx, a, b, true), 0b0110 | 0b0010)
}

/// Whether `a > b`; any NaN is an invalid operation: `FPCompareGT`.
#[inline]
pub fn compare_gt<F: Float>(cx: &mut FpContext, a: F, b: F) -> bool {
    compare(cx, a, b, true) == 0b0010
}
