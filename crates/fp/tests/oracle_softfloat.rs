//! Against Berkeley SoftFloat: results and flags of what IEEE 754 defines, in all rounding modes.
//!
//! SoftFloat is built for the host here, so NaNs are only compared for being NaNs, and integers only where
//! the conversion is valid. The test against a processor compares those to the bit.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod common;

use armlet_fp::*;
use common::{Rng, operand, operands, pattern};
use softfloat_rs as sf;

/// The modes, with SoftFloat's numbers for them.
const MODES: [(Rounding, u8); 4] = [
    (Rounding::Nearest, sf::softfloat_round_near_even),
    (Rounding::Zero, sf::softfloat_round_minMag),
    (Rounding::MinusInf, sf::softfloat_round_min),
    (Rounding::PlusInf, sf::softfloat_round_max),
];
const TIES_AWAY: (Rounding, u8) = (Rounding::TiesAway, sf::softfloat_round_near_maxMag);

/// What SoftFloat makes of `op` by a rounding mode, with the flags as FPSR has them.
fn theirs<R>(mode: u8, op: impl FnOnce() -> R) -> (R, u32) {
    // SAFETY: The helpers access variables of the thread.
    unsafe {
        sf::softfloat_detectTininess_write_helper(sf::softfloat_tininess_beforeRounding);
        sf::softfloat_roundingMode_write_helper(mode);
        sf::softfloat_exceptionFlags_write_helper(0);
    }
    let result = op();
    // SAFETY: As above.
    let raised = unsafe { sf::softfloat_exceptionFlags_read_helper() };
    let map = [
        (sf::softfloat_flag_inexact, IXC),
        (sf::softfloat_flag_underflow, UFC),
        (sf::softfloat_flag_overflow, OFC),
        (sf::softfloat_flag_infinite, DZC),
        (sf::softfloat_flag_invalid, IOC),
    ];
    (result, map.iter().filter(|(theirs, _)| raised & theirs != 0).map(|(_, mine)| mine).sum())
}

/// What this crate makes of it, from flags of zero and from IXC set, which chooses other fast paths.
fn mine<R>(rounding: Rounding, op: impl Fn(&mut FpContext) -> R) -> [(R, u32); 2] {
    [0, IXC].map(|flags| {
        let mut cx = FpContext::from_fpcr(0, flags);
        cx.rounding = rounding;
        let result = op(&mut cx);
        (result, cx.flags)
    })
}

/// Compares an operation that gives a number.
#[track_caller]
fn check<F: Float>(
    (rounding, mode): (Rounding, u8),
    op: impl Fn(&mut FpContext) -> F,
    oracle: impl FnOnce() -> F,
    what: impl Fn() -> String,
) {
    let expected = theirs(mode, oracle);
    let [clean, again] = mine(rounding, op);
    let same = |a: F, b: F| a == b || (a.is_nan() && b.is_nan());
    let good = same(clean.0, expected.0)
        && clean.1 == expected.1
        && same(again.0, expected.0)
        && again.1 == expected.1 | IXC;
    assert!(good, "{} {rounding:?}: {clean:x?} and {again:x?}, not {expected:x?}", what());
}

/// Compares an operation that gives something else. Its result counts only if the operation is valid.
#[track_caller]
fn check_plain<R: PartialEq + std::fmt::Debug>(
    (rounding, mode): (Rounding, u8),
    op: impl Fn(&mut FpContext) -> R,
    oracle: impl FnOnce() -> R,
    what: impl Fn() -> String,
) {
    let expected = theirs(mode, oracle);
    let [clean, again] = mine(rounding, op);
    let valid = expected.1 & IOC == 0;
    let good = clean.1 == expected.1
        && again.1 == expected.1 | IXC
        && (!valid || (clean.0 == expected.0 && again.0 == expected.0));
    assert!(good, "{} {rounding:?}: {clean:x?} and {again:x?}, not {expected:x?}", what());
}

/// A call of SoftFloat.
macro_rules! call {
    ($function:ident($($argument:expr),*)) => {
        // SAFETY: The functions of SoftFloat take and return plain values.
        unsafe { sf::$function($($argument),*) }
    };
}

/// The tests of one format against the functions of SoftFloat on it.
macro_rules! format_tests {
    ($name:ident, $bits:ty, $float:ident, $count:literal, $add:ident $sub:ident $mul:ident $div:ident
     $sqrt:ident $mul_add:ident $round:ident $eq:ident $lt_quiet:ident $lt:ident $le:ident
     [$($from:ident $to:ident $int:ty, $unsigned:literal, $width:literal;)*]) => {
        mod $name {
            use super::*;

            fn raw(v: $bits) -> sf::$float {
                sf::$float { v }
            }

            #[test]
            fn arithmetic() {
                let mut rng = Rng::new(u64::from(<$bits>::BITS));
                for n in 0..$count {
                    let mode = MODES[n % 4];
                    let [a, b, c] = operands::<$bits>(&mut rng);
                    let binary = |name| move || format!("{name} {a:#x} {b:#x}");
                    check(mode, |cx| add(cx, a, b), || call!($add(raw(a), raw(b))).v, binary("add"));
                    check(mode, |cx| sub(cx, a, b), || call!($sub(raw(a), raw(b))).v, binary("sub"));
                    check(mode, |cx| mul(cx, a, b), || call!($mul(raw(a), raw(b))).v, binary("mul"));
                    check(mode, |cx| div(cx, a, b), || call!($div(raw(a), raw(b))).v, binary("div"));
                    let what = || format!("sqrt {a:#x}");
                    check(mode, |cx| sqrt(cx, a), || call!($sqrt(raw(a))).v, what);
                    let what = || format!("mul_add {c:#x} + {a:#x} * {b:#x}");
                    let oracle = || call!($mul_add(raw(a), raw(b), raw(c))).v;
                    check(mode, |cx| mul_add(cx, c, a, b), oracle, what);
                    // Negated and by the other product, the step is a fused multiply-add too.
                    let invalid_product = a << 1 == 0 || b << 1 == 0;
                    if !invalid_product && !a.is_nan() && !b.is_nan() {
                        let two = <$bits>::two(false);
                        let oracle = || call!($mul_add(raw(neg(a)), raw(b), raw(two))).v;
                        check(mode, |cx| recip_step(cx, a, b), oracle, binary("recip_step"));
                    }
                }
            }

            #[test]
            fn comparison() {
                let mut rng = Rng::new(3);
                for _ in 0..$count {
                    let [a, b, _] = operands::<$bits>(&mut rng);
                    let what = || format!("compare {a:#x} {b:#x}");
                    let mode = MODES[0];
                    let quiet = || {
                        let (eq, lt) = (call!($eq(raw(a), raw(b))), call!($lt_quiet(raw(a), raw(b))));
                        match (eq, lt, a.is_nan() || b.is_nan()) {
                            (_, _, true) => 0b0011,
                            (true, ..) => 0b0110,
                            (_, true, _) => 0b1000,
                            _ => 0b0010,
                        }
                    };
                    check_plain(mode, |cx| compare(cx, a, b, false), quiet, what);
                    check_plain(mode, |cx| compare_eq(cx, a, b), || call!($eq(raw(a), raw(b))), what);
                    check_plain(mode, |cx| compare_ge(cx, a, b), || call!($le(raw(b), raw(a))), what);
                    check_plain(mode, |cx| compare_gt(cx, a, b), || call!($lt(raw(b), raw(a))), what);
                }
            }

            /// All rounding modes for one operand.
            fn integers_of(a: $bits) {
                for mode in MODES.into_iter().chain([TIES_AWAY]) {
                    for exact in [false, true] {
                        let what = || format!("round_int {a:#x} exact {exact}");
                        let oracle = || call!($round(raw(a), mode.1, exact)).v;
                        check(mode, |cx| round_int(cx, a, mode.0, exact), oracle, what);
                    }
                    $(
                        let what = || format!("{} {a:#x}", stringify!($to));
                        let oracle = || call!($to(raw(a), mode.1, true)) as $int;
                        let op = |cx: &mut FpContext| to_fixed(cx, a, 0, $unsigned, mode.0, $width) as $int;
                        check_plain(mode, op, oracle, what);
                    )*
                }
            }

            #[test]
            fn integers() {
                let mut rng = Rng::new(5);
                for n in 0..$count / 4 {
                    integers_of(operand(&mut rng));
                    let width = [8, 32, 64][n % 3];
                    let value = pattern(&mut rng, width);
                    let value = if n % 2 == 0 { value } else { value.wrapping_neg() };
                    for mode in MODES {
                        $(
                            let what = || format!("{} {value:#x}", stringify!($from));
                            let oracle = || call!($from(value as $int)).v;
                            let op = |cx: &mut FpContext| from_fixed::<$bits>(cx, value, 0, $unsigned, $width);
                            check(mode, op, oracle, what);
                        )*
                    }
                }
            }

            /// All values of a half; of the others those with few bits set.
            #[test]
            fn every_half() {
                for a in 0..=u16::MAX {
                    let a = <$bits>::from(a).rotate_right(16);
                    for mode in MODES {
                        let what = || format!("sqrt {a:#x}");
                        check(mode, |cx| sqrt(cx, a), || call!($sqrt(raw(a))).v, what);
                    }
                    integers_of(a);
                }
            }
        }
    };
}

format_tests!(half, u16, float16_t, 250_000, f16_add f16_sub f16_mul f16_div f16_sqrt f16_mulAdd f16_roundToInt
    f16_eq f16_lt_quiet f16_lt f16_le
    [i32_to_f16 f16_to_i32 i32, false, 32; ui32_to_f16 f16_to_ui32 u32, true, 32;
     i64_to_f16 f16_to_i64 i64, false, 64; ui64_to_f16 f16_to_ui64 u64, true, 64;]);
format_tests!(single, u32, float32_t, 250_000, f32_add f32_sub f32_mul f32_div f32_sqrt f32_mulAdd f32_roundToInt
    f32_eq f32_lt_quiet f32_lt f32_le
    [i32_to_f32 f32_to_i32 i32, false, 32; ui32_to_f32 f32_to_ui32 u32, true, 32;
     i64_to_f32 f32_to_i64 i64, false, 64; ui64_to_f32 f32_to_ui64 u64, true, 64;]);
format_tests!(double, u64, float64_t, 250_000, f64_add f64_sub f64_mul f64_div f64_sqrt f64_mulAdd f64_roundToInt
    f64_eq f64_lt_quiet f64_lt f64_le
    [i32_to_f64 f64_to_i32 i32, false, 32; ui32_to_f64 f64_to_ui32 u32, true, 32;
     i64_to_f64 f64_to_i64 i64, false, 64; ui64_to_f64 f64_to_ui64 u64, true, 64;]);

#[test]
fn conversions() {
    let mut rng = Rng::new(7);
    let odd = (Rounding::Odd, sf::softfloat_round_odd);
    for n in 0..250_000u32 {
        let mode = if n % 5 == 4 { odd } else { MODES[n as usize % 5] };
        let half: u16 = if n < 65536 { n as u16 } else { operand(&mut rng) };
        let (single, double): (u32, u64) = (operand(&mut rng), operand(&mut rng));
        // Also what is on the edges of the next format down.
        let double = if n % 2 == 0 { double } else { common::edge::<u64, u32>(&mut rng) };
        let single = if n % 2 == 0 { single } else { common::edge::<u32, u16>(&mut rng) };
        macro_rules! check_convert {
            ($from:ident: $raw:ident, $function:ident, $to:ty) => {
                check(
                    mode,
                    |cx| convert_rounding::<_, $to>(cx, $from, mode.0),
                    || call!($function(sf::$raw { v: $from })).v,
                    || format!("{} {:#x}", stringify!($function), $from),
                );
                if mode.0 != Rounding::Odd {
                    check(
                        mode,
                        |cx| convert::<_, $to>(cx, $from),
                        || call!($function(sf::$raw { v: $from })).v,
                        || format!("{} {:#x}", stringify!($function), $from),
                    );
                }
            };
        }
        check_convert!(half: float16_t, f16_to_f32, u32);
        check_convert!(half: float16_t, f16_to_f64, u64);
        check_convert!(single: float32_t, f32_to_f16, u16);
        check_convert!(single: float32_t, f32_to_f64, u64);
        check_convert!(double: float64_t, f64_to_f16, u16);
        check_convert!(double: float64_t, f64_to_f32, u32);
    }
}
