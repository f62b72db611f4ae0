//! Arithmetic between elements of one size and of twice that size.

use super::lanes::ops;
use crate::uop::VectorOp;

/// Twice a product, wide, and if that saturated. Only the product of the two lowest numbers does.
macro_rules! doubled {
    ($a:expr, $b:expr) => {{
        let product = $a * $b;
        (product.saturating_mul(2), product.checked_mul(2).is_none())
    }};
}

ops! {
    Saddl: long signed |a, b| a + b;
    Uaddl: long unsigned |a, b| a + b;
    Ssubl: long signed |a, b| a - b;
    Usubl: long unsigned |a, b| a.wrapping_sub(b);
    Sabdl: long signed |a, b| a.max(b) - a.min(b);
    Uabdl: long unsigned |a, b| a.max(b) - a.min(b);
    Smull: long signed |a, b| a * b;
    Umull: long unsigned |a, b| a * b;
    Saddw: wide signed |a, b| a.wrapping_add(b);
    Uaddw: wide unsigned |a, b| a.wrapping_add(b);
    Ssubw: wide signed |a, b| a.wrapping_sub(b);
    Usubw: wide unsigned |a, b| a.wrapping_sub(b);
    Sabal: long_into signed |c, a, b| c.wrapping_add(a.max(b) - a.min(b));
    Uabal: long_into unsigned |c, a, b| c.wrapping_add(a.max(b) - a.min(b));
    Smlal: long_into signed |c, a, b| c.wrapping_add(a * b);
    Umlal: long_into unsigned |c, a, b| c.wrapping_add(a * b);
    Smlsl: long_into signed |c, a, b| c.wrapping_sub(a * b);
    Umlsl: long_into unsigned |c, a, b| c.wrapping_sub(a * b);
    Sqdmull: long_sat signed |_, a, b| doubled!(a, b);
    Sqdmlal: long_sat signed |c, a, b| {
        let (product, saturated) = doubled!(a, b);
        (c.saturating_add(product), saturated | c.checked_add(product).is_none())
    };
    Sqdmlsl: long_sat signed |c, a, b| {
        let (product, saturated) = doubled!(a, b);
        (c.saturating_sub(product), saturated | c.checked_sub(product).is_none())
    };
    Pmull: long unsigned |a, b| {
        (0..T::BITS).fold(0, |product, n| product ^ (a << n & (b >> n & 1).wrapping_neg()))
    };
    Sshll: long_imm signed |a, n| a << n;
    Ushll: long_imm unsigned |a, n| a << n;

    Addhn: narrow unsigned |a, b| (a.wrapping_add(b) >> T::BITS) as T;
    Raddhn: narrow unsigned |a, b| (a.wrapping_add(b).wrapping_add(1 << (T::BITS - 1)) >> T::BITS) as T;
    Subhn: narrow unsigned |a, b| (a.wrapping_sub(b) >> T::BITS) as T;
    Rsubhn: narrow unsigned |a, b| (a.wrapping_sub(b).wrapping_add(1 << (T::BITS - 1)) >> T::BITS) as T;
}
