//! Shifts, by register and by immediate, and their narrowing forms.

use super::lanes::ops;
use crate::uop::VectorOp;

/// `a >> n` for `n` from 1 to the element's width.
macro_rules! right {
    ($a:expr, $n:expr) => {
        ($a >> ($n - 1)) >> 1
    };
}

/// `a >> n`, rounded to nearest, for `n` from 1 to the element's width: the last bit shifted out is added.
macro_rules! round {
    ($a:expr, $n:expr) => {{
        let last = $a >> ($n - 1);
        (last >> 1) + (last & 1)
    }};
}

/// `a << n` saturated as `a`'s type, for any `n`.
macro_rules! left_sat {
    ($a:expr, $n:expr, $limit:expr) => {{
        let (a, n) = ($a, $n);
        let fits = n < T::BITS && (a << n) >> n == a;
        if fits || a == 0 { (if fits { a << n } else { 0 }, false) } else { ($limit, true) }
    }};
}

/// What a signed element saturates to.
macro_rules! limit {
    ($a:expr) => {
        if $a < 0 { T::MIN } else { T::MAX }
    };
}

/// The element `b` as a distance: positive to the left.
macro_rules! distance {
    ($b:expr) => {
        i32::from($b as i8)
    };
}

/// A right shift by register, `n` at least 1 and perhaps beyond the width: all that is left there is the sign.
macro_rules! far_right {
    ($a:expr, $n:expr) => {
        right!($a, $n.min(T::BITS))
    };
}

/// As [`far_right`], rounded: beyond the width even -1 rounds to 0.
macro_rules! far_round {
    ($a:expr, $n:expr) => {
        if $n <= T::BITS { round!($a, $n) } else { 0 }
    };
}

/// `value`, wide, brought into the range of the narrow element.
macro_rules! clamp {
    ($value:expr) => {{
        let value = $value;
        let result = value.clamp(T::MIN.into(), T::MAX.into());
        (result as T, result != value)
    }};
}

/// `a >> n` for `n` from 0 to the narrow element's width, rounded.
macro_rules! round_wide {
    ($a:expr, $n:expr) => {
        if $n == 0 { $a } else { round!($a, $n) }
    };
}

ops! {
    Sshl: two signed |a, b| match distance!(b) {
        n @ 0.. => if (n as u32) < T::BITS { a << n } else { 0 },
        n => far_right!(a, n.unsigned_abs()),
    };
    Ushl: two unsigned |a, b| match distance!(b) {
        n @ 0.. => if (n as u32) < T::BITS { a << n } else { 0 },
        n => far_right!(a, n.unsigned_abs()),
    };
    Srshl: two signed |a, b| match distance!(b) {
        n @ 0.. => if (n as u32) < T::BITS { a << n } else { 0 },
        n => far_round!(a, n.unsigned_abs()),
    };
    Urshl: two unsigned |a, b| match distance!(b) {
        n @ 0.. => if (n as u32) < T::BITS { a << n } else { 0 },
        n => far_round!(a, n.unsigned_abs()),
    };
    Sqshl: two_sat signed |a, b| match distance!(b) {
        n @ 0.. => left_sat!(a, n as u32, limit!(a)),
        n => (far_right!(a, n.unsigned_abs()), false),
    };
    Uqshl: two_sat unsigned |a, b| match distance!(b) {
        n @ 0.. => left_sat!(a, n as u32, T::MAX),
        n => (far_right!(a, n.unsigned_abs()), false),
    };
    Sqrshl: two_sat signed |a, b| match distance!(b) {
        n @ 0.. => left_sat!(a, n as u32, limit!(a)),
        n => (far_round!(a, n.unsigned_abs()), false),
    };
    Uqrshl: two_sat unsigned |a, b| match distance!(b) {
        n @ 0.. => left_sat!(a, n as u32, T::MAX),
        n => (far_round!(a, n.unsigned_abs()), false),
    };

    Sshr: imm signed |a, n| right!(a, n);
    Ushr: imm unsigned |a, n| right!(a, n);
    Srshr: imm signed |a, n| round!(a, n);
    Urshr: imm unsigned |a, n| round!(a, n);
    Ssra: imm_into signed |c, a, n| c.wrapping_add(right!(a, n));
    Usra: imm_into unsigned |c, a, n| c.wrapping_add(right!(a, n));
    Srsra: imm_into signed |c, a, n| c.wrapping_add(round!(a, n));
    Ursra: imm_into unsigned |c, a, n| c.wrapping_add(round!(a, n));
    Sri: imm_into unsigned |c, a, n| right!(a, n) | (c & !right!(T::MAX, n));
    Shl: imm unsigned |a, n| a << n;
    Sli: imm_into unsigned |c, a, n| a << n | (c & !(T::MAX << n));
    SqshlI: imm_sat signed |a, n| left_sat!(a, n, limit!(a));
    UqshlI: imm_sat unsigned |a, n| left_sat!(a, n, T::MAX);
    Sqshlu: imm_sat signed |a, n| {
        let (result, saturated) = {
            type T = U;
            left_sat!(a as T, n, T::MAX)
        };
        if a < 0 { (0, true) } else { (result as S, saturated) }
    };

    Shrn: narrow_imm unsigned |a, n| (a >> n) as T;
    Rshrn: narrow_imm unsigned |a, n| round_wide!(a, n) as T;
    Sqshrn: narrow_imm_sat signed |a, n| clamp!(a >> n);
    Uqshrn: narrow_imm_sat unsigned |a, n| clamp!(a >> n);
    Sqrshrn: narrow_imm_sat signed |a, n| clamp!(round_wide!(a, n));
    Uqrshrn: narrow_imm_sat unsigned |a, n| clamp!(round_wide!(a, n));
    Sqshrun: narrow_imm_sat unsigned |a, n| clamp!((a as SW) >> n);
    Sqrshrun: narrow_imm_sat unsigned |a, n| clamp!(round_wide!(a as SW, n));
}
