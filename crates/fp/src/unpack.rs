//! From bits to sign, exponent and significand.

use crate::context::{FpContext, IDC};
use crate::float::Float;

/// The `FPType` of the pseudocode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Zero,
    Finite,
    Infinity,
    Quiet,
    Signalling,
}

/// An operand taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unpacked {
    pub kind: Kind,
    pub sign: bool,
    /// A finite number is `sig / 2^63 * 2^exp`. A zero has an exponent below that of every number, so that
    /// sums need not treat it apart.
    pub exp: i32,
    /// The significand with its leading one at bit 63; 0 for all that is not finite.
    pub sig: u64,
}

const ZERO_EXP: i32 = -100_000;

impl Unpacked {
    pub(crate) fn is_zero(&self) -> bool {
        self.kind == Kind::Zero
    }

    pub(crate) fn is_infinity(&self) -> bool {
        self.kind == Kind::Infinity
    }

    pub(crate) fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::Quiet | Kind::Signalling)
    }
}

/// Takes apart an operand of arithmetic: `FPUnpack`.
#[inline]
pub(crate) fn unpack<F: Float>(cx: &mut FpContext, a: F) -> Unpacked {
    unpack_base(cx, a, cx.flushes::<F>(), false)
}

/// Takes apart an operand of a conversion between formats, which heeds AHP but not FZ16: `FPUnpackCV`.
#[inline]
pub(crate) fn unpack_cv<F: Float>(cx: &mut FpContext, a: F) -> Unpacked {
    let half = F::BITS == 16;
    unpack_base(cx, a, cx.fz && !half, cx.ahp && half)
}

/// `FPUnpackBase`, with the controls that apply to the format resolved by the caller.
#[inline]
fn unpack_base<F: Float>(cx: &mut FpContext, a: F, flush: bool, alternative_half: bool) -> Unpacked {
    let (sign, exp, frac) = (a.sign(), a.exp_field(), a.frac_field());
    let fraction = frac << (63 - F::FRAC_BITS);
    let special = |kind| Unpacked { kind, sign, exp: ZERO_EXP, sig: 0 };
    if exp == 0 {
        if frac == 0 {
            return special(Kind::Zero);
        }
        if flush {
            // A flushed half is not reported.
            if F::BITS != 16 {
                cx.raise(IDC);
            }
            return special(Kind::Zero);
        }
        let shift = fraction.leading_zeros();
        return Unpacked {
            kind: Kind::Finite,
            sign,
            exp: 1 - F::BIAS - shift as i32,
            sig: fraction << shift,
        };
    }
    if exp == F::EXP_MAX && !alternative_half {
        return special(match (frac, frac & F::QUIET) {
            (0, _) => Kind::Infinity,
            (_, 0) => Kind::Signalling,
            _ => Kind::Quiet,
        });
    }
    Unpacked { kind: Kind::Finite, sign, exp: exp as i32 - F::BIAS, sig: fraction | 1 << 63 }
}
