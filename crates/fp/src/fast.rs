//! Arithmetic by the host, where that provably gives the same bits and the same flags.
//!
//! Hosts round to nearest by IEEE 754. So their results can be taken as they are in that mode, when all
//! operands and the result are zeros or normal numbers well inside the range of the format: then no control
//! of FPCR matters, and the only flag an operation may raise is IXC. Whether it does need not be known once IXC is
//! set, which it is nearly always, and else follows from integer or error-free arithmetic.

use crate::context::{FpContext, IXC, Rounding};

/// Whether the host computes with the precision of the format (the x87 does not).
const HOST_IS_EXACT: bool = !cfg!(all(target_arch = "x86", not(target_feature = "sse2")));

/// The operations of the host on a format; `None` where the slow path must decide.
#[doc(hidden)]
pub trait Host: Sized {
    fn host_add(_cx: &mut FpContext, _a: Self, _b: Self) -> Option<Self> {
        None
    }
    fn host_mul(_cx: &mut FpContext, _a: Self, _b: Self) -> Option<Self> {
        None
    }
    fn host_div(_cx: &mut FpContext, _a: Self, _b: Self) -> Option<Self> {
        None
    }
    fn host_sqrt(_cx: &mut FpContext, _a: Self) -> Option<Self> {
        None
    }
    fn host_mul_add(_cx: &mut FpContext, _c: Self, _a: Self, _b: Self) -> Option<Self> {
        None
    }
}

impl Host for u16 {}

/// Whether the context lets the host round.
#[inline]
fn nearest(cx: &FpContext) -> bool {
    HOST_IS_EXACT && cx.rounding == Rounding::Nearest
}

/// Sets IXC if `inexact()`, which is not asked when it is set already.
#[inline]
fn note(cx: &mut FpContext, inexact: impl FnOnce() -> bool) {
    if cx.flags & IXC == 0 && inexact() {
        cx.flags |= IXC;
    }
}

/// What both formats have: predicates on operands, addition, and the shape of the other operations.
macro_rules! host {
    ($bits:ty, $float:ty, $frac:literal, $mul_inexact:path, $div_inexact:path, $sqrt_inexact:path, $mul_add:path) => {
        impl Host for $bits {
            #[inline]
            fn host_add(cx: &mut FpContext, a: Self, b: Self) -> Option<Self> {
                if !nearest(cx) {
                    return None;
                }
                let (x, y) = (<$float>::from_bits(a), <$float>::from_bits(b));
                let sum = x + y;
                // What cancels to zero was exact, and all signs of zero are as the host has them.
                if !(inside!($bits, $frac, a) || is_zero!(a))
                    || !(inside!($bits, $frac, b) || is_zero!(b))
                    || !(inside!($bits, $frac, sum.to_bits()) || is_zero!(sum.to_bits()))
                {
                    return None;
                }
                note(cx, || {
                    // Knuth's TwoSum: the rounding error of a sum, itself exact.
                    let part = sum - x;
                    (x - (sum - part)) + (y - part) != 0.0
                });
                Some(sum.to_bits())
            }

            #[inline]
            fn host_mul(cx: &mut FpContext, a: Self, b: Self) -> Option<Self> {
                if !nearest(cx) || !inside!($bits, $frac, a) || !inside!($bits, $frac, b) {
                    return zero_product!($bits, $frac, a, b).then_some((a ^ b) & !(<$bits>::MAX >> 1));
                }
                let product = (<$float>::from_bits(a) * <$float>::from_bits(b)).to_bits();
                if !inside!($bits, $frac, product) {
                    return None;
                }
                note(cx, || $mul_inexact(a, b, product));
                Some(product)
            }

            #[inline]
            fn host_div(cx: &mut FpContext, a: Self, b: Self) -> Option<Self> {
                if !nearest(cx) || !inside!($bits, $frac, a) || !inside!($bits, $frac, b) {
                    return None;
                }
                let quotient = (<$float>::from_bits(a) / <$float>::from_bits(b)).to_bits();
                if !inside!($bits, $frac, quotient) {
                    return None;
                }
                note(cx, || $div_inexact(a, b, quotient));
                Some(quotient)
            }

            #[inline]
            fn host_sqrt(cx: &mut FpContext, a: Self) -> Option<Self> {
                if !nearest(cx) || !inside!($bits, $frac, a) || a >> (<$bits>::BITS - 1) != 0 {
                    return None;
                }
                let root = <$float>::from_bits(a).sqrt().to_bits();
                note(cx, || $sqrt_inexact(a, root));
                Some(root)
            }

            #[inline]
            fn host_mul_add(cx: &mut FpContext, c: Self, a: Self, b: Self) -> Option<Self> {
                if !nearest(cx)
                    || !(inside!($bits, $frac, c) || is_zero!(c))
                    || !inside!($bits, $frac, a)
                    || !inside!($bits, $frac, b)
                {
                    // A product of zero leaves the addend, unless that is a zero too.
                    return (zero_product!($bits, $frac, a, b) && inside!($bits, $frac, c)).then_some(c);
                }
                $mul_add(cx, c, a, b)
            }
        }
    };
}

/// Whether a value is a normal number at least a factor of two from the ends of the range.
///
/// The distance keeps out results that were tiny or overflowed before rounding, and lets TwoSum stay finite.
macro_rules! inside {
    ($bits:ty, $frac:literal, $value:expr) => {{
        const EXP_MAX: $bits = <$bits>::MAX >> 1 >> $frac;
        // Also subtracts the 2 that the least exponent is, so that one comparison does.
        (($value >> $frac) & EXP_MAX).wrapping_sub(2) < EXP_MAX - 4
    }};
}

/// Whether a value is a zero.
macro_rules! is_zero {
    ($value:expr) => {
        $value << 1 == 0
    };
}

/// Whether the product of two values is a zero, without exceptions under any controls.
macro_rules! zero_product {
    ($bits:ty, $frac:literal, $a:expr, $b:expr) => {
        (is_zero!($a) && (is_zero!($b) || inside!($bits, $frac, $b)))
            || (is_zero!($b) && inside!($bits, $frac, $a))
    };
}

host!(u32, f32, 23, single::mul_inexact, single::div_inexact, single::sqrt_inexact, single::mul_add);
host!(u64, f64, 52, double::mul_inexact, double::div_inexact, double::sqrt_inexact, double::mul_add);

/// Singles: their products are exact in double precision.
mod single {
    use crate::context::FpContext;

    #[inline]
    fn wide(a: u32) -> f64 {
        f64::from(f32::from_bits(a))
    }

    #[inline]
    pub fn mul_inexact(a: u32, b: u32, product: u32) -> bool {
        wide(a) * wide(b) != wide(product)
    }

    #[inline]
    pub fn div_inexact(a: u32, b: u32, quotient: u32) -> bool {
        wide(quotient) * wide(b) != wide(a)
    }

    #[inline]
    pub fn sqrt_inexact(a: u32, root: u32) -> bool {
        wide(root) * wide(root) != wide(a)
    }

    #[inline]
    pub fn mul_add(cx: &mut FpContext, c: u32, a: u32, b: u32) -> Option<u32> {
        let (x, y) = (wide(c), wide(a) * wide(b));
        let sum = x + y;
        let part = sum - x;
        let error = (x - (sum - part)) + (y - part);
        // If the sum was inexact, make it odd: rounded a second time, to a format with less than half of its
        // precision, such a sum gives what the exact one would have given.
        let odd = if error == 0.0 || sum.to_bits() & 1 != 0 {
            sum
        } else if (error > 0.0) == (sum > 0.0) {
            f64::from_bits(sum.to_bits() + 1)
        } else {
            f64::from_bits(sum.to_bits() - 1)
        };
        let result = odd as f32;
        if !inside!(u32, 23, result.to_bits()) {
            return None;
        }
        super::note(cx, || error != 0.0 || f64::from(result) != sum);
        Some(result.to_bits())
    }
}

/// Doubles: whether a result is exact is decided on the significands.
mod double {
    use crate::context::{FpContext, IXC};

    /// The significand, without its trailing zeros.
    #[inline]
    fn odd_part(a: u64) -> u64 {
        let sig = a & (u64::MAX >> 12) | 1 << 52;
        sig >> sig.trailing_zeros()
    }

    /// Whether `a * b` is not `c` times a power of two.
    ///
    /// For a `c` that is `a * b` but for rounding, that power is known to be the right one.
    #[inline]
    fn differs(a: u64, b: u64, c: u64) -> bool {
        u128::from(odd_part(a)) * u128::from(odd_part(b)) != u128::from(odd_part(c))
    }

    #[inline]
    pub fn mul_inexact(a: u64, b: u64, product: u64) -> bool {
        differs(a, b, product)
    }

    #[inline]
    pub fn div_inexact(a: u64, b: u64, quotient: u64) -> bool {
        differs(quotient, b, a)
    }

    #[inline]
    pub fn sqrt_inexact(a: u64, root: u64) -> bool {
        differs(root, root, a)
    }

    /// Whether the multiply-add of the host is an instruction, or of a library known to round once.
    const FUSED: bool = cfg!(any(
        target_arch = "aarch64",
        target_feature = "fma",
        target_vendor = "apple",
        all(target_os = "linux", target_env = "gnu"),
    ));

    /// Only with IXC set: that the fused result is exact takes as long to find out as the slow path does.
    #[inline]
    pub fn mul_add(cx: &mut FpContext, c: u64, a: u64, b: u64) -> Option<u64> {
        if !FUSED || cx.flags & IXC == 0 {
            return None;
        }
        let [c, a, b] = [c, a, b].map(f64::from_bits);
        let result = a.mul_add(b, c).to_bits();
        inside!(u64, 52, result).then_some(result)
    }
}
