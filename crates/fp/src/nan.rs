//! What becomes of NaN operands.

use crate::context::{FpContext, IOC};
use crate::float::Float;
use crate::unpack::{Kind, Unpacked};

/// The result for one NaN operand: `FPProcessNaN`.
#[cold]
pub(crate) fn process_nan<F: Float>(cx: &mut FpContext, a: F) -> F {
    if a.is_signalling() {
        cx.raise(IOC);
    }
    if cx.dn { F::default_nan() } else { F::from_low_bits(a.bits() | F::QUIET) }
}

/// The result if one of the operands is a NaN: `FPProcessNaNs` for two operands, `FPProcessNaNs3` for three.
///
/// The first signalling NaN wins over the first quiet one.
#[inline]
pub(crate) fn process_nans<F: Float, const N: usize>(
    cx: &mut FpContext,
    operands: [(Unpacked, F); N],
) -> Option<F> {
    if !operands.iter().any(|(u, _)| u.is_nan()) {
        return None;
    }
    let first = |kind| operands.iter().find(|(u, _)| u.kind == kind);
    let &(_, a) = first(Kind::Signalling).or_else(|| first(Kind::Quiet))?;
    Some(process_nan(cx, a))
}

/// The default NaN for an invalid operation.
#[cold]
pub(crate) fn invalid<F: Float>(cx: &mut FpContext) -> F {
    cx.raise(IOC);
    F::default_nan()
}
