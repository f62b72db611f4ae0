//! Integer operations that produce flags.

const N: u32 = 1 << 31;
const Z: u32 = 1 << 30;
const C: u32 = 1 << 29;
const V: u32 = 1 << 28;

macro_rules! flags {
    ($int:ty, $adds:ident, $subs:ident) => {
        /// `a + b` and NZCV.
        #[inline(always)]
        pub fn $adds(a: $int, b: $int) -> (u64, u32) {
            let (sum, carry) = a.overflowing_add(b);
            let overflow = (a ^ sum) & (b ^ sum);
            (
                sum.into(),
                nzcv(sum >> (<$int>::BITS - 1) != 0, sum == 0, carry, overflow >> (<$int>::BITS - 1) != 0),
            )
        }

        /// `a - b` and NZCV; C is not-borrow.
        #[inline(always)]
        pub fn $subs(a: $int, b: $int) -> (u64, u32) {
            let (difference, borrow) = a.overflowing_sub(b);
            let overflow = (a ^ b) & (a ^ difference);
            let negative = difference >> (<$int>::BITS - 1) != 0;
            (difference.into(), nzcv(negative, difference == 0, !borrow, overflow >> (<$int>::BITS - 1) != 0))
        }
    };
}
flags!(u64, adds64, subs64);
flags!(u32, adds32, subs32);

/// Packs the four flags.
#[inline(always)]
pub fn nzcv(n: bool, z: bool, c: bool, v: bool) -> u32 {
    u32::from(n) * N | u32::from(z) * Z | u32::from(c) * C | u32::from(v) * V
}
