//! Arithmetic and comparison on elements of one size, in pairs and across lanes.

use super::lanes::{Bytes, Lane, Operands, ops};
use crate::uop::VectorOp;

/// All ones for true.
macro_rules! mask {
    ($condition:expr) => {
        T::from($condition).wrapping_neg()
    };
}

/// `value`, wide, brought into the range of the element.
macro_rules! clamp {
    ($value:expr) => {{
        let value = $value;
        let result = value.clamp(T::MIN.into(), T::MAX.into());
        (result as T, result != value)
    }};
}

ops! {
    Add: two unsigned |a, b| a.wrapping_add(b);
    Sub: two unsigned |a, b| a.wrapping_sub(b);
    Mul: two unsigned |a, b| a.wrapping_mul(b);
    Mla: three unsigned |c, a, b| c.wrapping_add(a.wrapping_mul(b));
    Mls: three unsigned |c, a, b| c.wrapping_sub(a.wrapping_mul(b));
    Pmul: two unsigned |a, b| {
        (0..T::BITS).fold(0, |product, n| product ^ (a << n & mask!(b >> n & 1 != 0)))
    };

    // Halves of sums and differences, from the carry-less and the carry part, so that nothing overflows.
    Shadd: two signed |a, b| (a & b).wrapping_add((a ^ b) >> 1);
    Uhadd: two unsigned |a, b| (a & b).wrapping_add((a ^ b) >> 1);
    Srhadd: two signed |a, b| (a | b).wrapping_sub((a ^ b) >> 1);
    Urhadd: two unsigned |a, b| (a | b).wrapping_sub((a ^ b) >> 1);
    Shsub: two signed |a, b| (a >> 1).wrapping_sub(b >> 1).wrapping_sub(!a & b & 1);
    Uhsub: two unsigned |a, b| (a >> 1).wrapping_sub(b >> 1).wrapping_sub(!a & b & 1);

    Sqadd: two_sat signed |a, b| (a.saturating_add(b), a.saturating_add(b) != a.wrapping_add(b));
    Uqadd: two_sat unsigned |a, b| (a.saturating_add(b), a.saturating_add(b) != a.wrapping_add(b));
    Sqsub: two_sat signed |a, b| (a.saturating_sub(b), a.saturating_sub(b) != a.wrapping_sub(b));
    Uqsub: two_sat unsigned |a, b| (a.saturating_sub(b), a < b);
    Suqadd: three_sat signed |c, a, _| {
        let sum = c.saturating_add_unsigned(a as U);
        (sum, sum != c.wrapping_add(a))
    };
    Usqadd: three_sat unsigned |c, a, _| {
        let sum = c.saturating_add_signed(a as S);
        (sum, sum != c.wrapping_add(a))
    };
    // Products of the highest two have one bit more than the doubled element: double by shifting less.
    Sqdmulh: two_sat signed |a, b| clamp!((W::from(a) * W::from(b)) >> (T::BITS - 1));
    Sqrdmulh: two_sat signed |a, b| {
        clamp!((W::from(a) * W::from(b) + (1 << (T::BITS - 2))) >> (T::BITS - 1))
    };
    Sqrdmlah: three_sat signed |c, a, b| {
        clamp!(((W::from(c) << (T::BITS - 1)) + W::from(a) * W::from(b) + (1 << (T::BITS - 2))) >> (T::BITS - 1))
    };
    Sqrdmlsh: three_sat signed |c, a, b| {
        clamp!(((W::from(c) << (T::BITS - 1)) - W::from(a) * W::from(b) + (1 << (T::BITS - 2))) >> (T::BITS - 1))
    };

    Cmgt: two signed |a, b| mask!(a > b);
    Cmge: two signed |a, b| mask!(a >= b);
    Cmhi: two unsigned |a, b| mask!(a > b);
    Cmhs: two unsigned |a, b| mask!(a >= b);
    Cmeq: two unsigned |a, b| mask!(a == b);
    Cmtst: two unsigned |a, b| mask!(a & b != 0);
    Cmgt0: one signed |a| mask!(a > 0);
    Cmge0: one signed |a| mask!(a >= 0);
    Cmeq0: one signed |a| mask!(a == 0);
    Cmle0: one signed |a| mask!(a <= 0);
    Cmlt0: one signed |a| mask!(a < 0);

    Smax: two signed |a, b| a.max(b);
    Umax: two unsigned |a, b| a.max(b);
    Smin: two signed |a, b| a.min(b);
    Umin: two unsigned |a, b| a.min(b);
    Sabd: two signed |a, b| a.max(b).wrapping_sub(a.min(b));
    Uabd: two unsigned |a, b| a.max(b) - a.min(b);
    Saba: three signed |c, a, b| c.wrapping_add(a.max(b).wrapping_sub(a.min(b)));
    Uaba: three unsigned |c, a, b| c.wrapping_add(a.max(b) - a.min(b));

    Abs: one signed |a| a.wrapping_abs();
    Neg: one signed |a| a.wrapping_neg();
    Sqabs: one_sat signed |a| (a.saturating_abs(), a == T::MIN);
    Sqneg: one_sat signed |a| (a.saturating_neg(), a == T::MIN);
    Cls: one signed |a| ((a ^ a >> 1).leading_zeros() - 1) as T;
    Clz: one unsigned |a| a.leading_zeros() as T;
    Cnt: one unsigned |a| a.count_ones() as T;
    Rbit: one unsigned |a| a.reverse_bits();

    Addp: pairs unsigned |a, b| a.wrapping_add(b);
    Smaxp: pairs signed |a, b| a.max(b);
    Umaxp: pairs unsigned |a, b| a.max(b);
    Sminp: pairs signed |a, b| a.min(b);
    Uminp: pairs unsigned |a, b| a.min(b);
    Saddlp: pairs_long signed |_, a, b| a + b;
    Uaddlp: pairs_long unsigned |_, a, b| a + b;
    Sadalp: pairs_long signed |c, a, b| c.wrapping_add(a + b);
    Uadalp: pairs_long unsigned |c, a, b| c.wrapping_add(a + b);

    Addv: across unsigned |a, b| a.wrapping_add(b);
    Saddlv: across_long signed |a, b| a.wrapping_add(b);
    Uaddlv: across_long unsigned |a, b| a.wrapping_add(b);
    Smaxv: across signed |a, b| a.max(b);
    Umaxv: across unsigned |a, b| a.max(b);
    Sminv: across signed |a, b| a.min(b);
    Uminv: across unsigned |a, b| a.min(b);

    Sdot: own any sdot;
    Udot: own any udot;
}

macro_rules! dot {
    ($name:ident, $byte:ty, $word:ty) => {
        fn $name(o: &Operands, d: &mut Bytes) -> bool {
            let product = |n| <$word>::from(<$byte>::get(&o.a, n)) * <$word>::from(<$byte>::get(&o.b, n));
            for n in 0..4 {
                let sum = product(4 * n) + product(4 * n + 1) + product(4 * n + 2) + product(4 * n + 3);
                <$word>::get(&o.c, n).wrapping_add(sum).put(d, n);
            }
            false
        }
    };
}
dot!(sdot, i8, i32);
dot!(udot, u8, u32);
