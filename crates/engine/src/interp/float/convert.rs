//! Conversions between formats, and with integers of the size of the lanes.

use armlet_fp::{Float, FpContext, Rounding, convert, convert_rounding, from_fixed, to_fixed};

use super::lanes::{Lane, context, finish, low, map1, vector};
use crate::cpu::Cpu;
use crate::uop::Uop;
use crate::uop::float::{
    DOUBLE, FBITS_SHIFT, HALF, MINUS_INF, NEAREST, PLUS_INF, SCALAR, SINGLE, SIZE, TIES_AWAY, TO_ZERO,
};

/// The rounding mode that `imm` names.
#[inline(always)]
pub fn rounding(cx: &FpContext, imm: i64) -> Rounding {
    match imm & 7 {
        NEAREST => Rounding::Nearest,
        PLUS_INF => Rounding::PlusInf,
        MINUS_INF => Rounding::MinusInf,
        TO_ZERO => Rounding::Zero,
        TIES_AWAY => Rounding::TiesAway,
        _ => cx.rounding,
    }
}

/// The number of fraction bits in `imm`.
#[inline(always)]
pub fn fbits(imm: i64) -> u32 {
    (imm >> FBITS_SHIFT) as u32 & 0xff
}

/// A scalar to the format `To`.
#[inline(always)]
pub fn scalar<To: Float>(cpu: &mut Cpu, u: &Uop) {
    let mut cx = context(cpu, u);
    let result: To = match u.flags & SIZE {
        HALF => convert::<u16, To>(&mut cx, low(cpu, u.a)),
        SINGLE => convert::<u32, To>(&mut cx, low(cpu, u.a)),
        _ => convert::<u64, To>(&mut cx, low(cpu, u.a)),
    };
    finish(cpu, u, &cx, result.bits().into());
}

/// FCVTL: half a vector to the next larger format.
pub fn lengthen(cpu: &mut Cpu, u: &Uop) {
    let mut cx = context(cpu, u);
    let half = (vector(cpu, u.a) >> if u.imm & 1 != 0 { 64 } else { 0 }) as u64;
    let result = if u.flags & SIZE == HALF {
        u32::join([0, 16, 32, 48].map(|at| convert::<u16, u32>(&mut cx, (half >> at) as u16)))
    } else {
        let [low, high] = [0, 32].map(|at| convert::<u32, u64>(&mut cx, (half >> at) as u32));
        u64::join([low, high, 0, 0])
    };
    finish(cpu, u, &cx, result);
}

/// FCVTN: a vector to the next smaller format.
pub fn narrow(cpu: &mut Cpu, u: &Uop) {
    let mut cx = context(cpu, u);
    let a = vector(cpu, u.a);
    let half = if u.flags & SIZE == DOUBLE {
        let [low, high, ..] = u64::split(a);
        [low, high].map(|a| convert::<u64, u32>(&mut cx, a)).map(u64::from)
    } else {
        // Two halves at a time to a word.
        let [a, b, c, d] = u32::split(a).map(|a| convert::<u32, u16>(&mut cx, a)).map(u64::from);
        [b << 16 | a, d << 16 | c]
    };
    write_half(cpu, u, &cx, half);
}

/// FCVTXN: doubles to singles, rounding to odd.
pub fn narrow_odd(cpu: &mut Cpu, u: &Uop) {
    let mut cx = context(cpu, u);
    let mut narrow = |a| u64::from(convert_rounding::<u64, u32>(&mut cx, a, Rounding::Odd));
    let [low, high, ..] = u64::split(vector(cpu, u.a));
    let half = if u.flags & SCALAR != 0 { [narrow(low), 0] } else { [narrow(low), narrow(high)] };
    write_half(cpu, u, &cx, half);
}

/// Writes two words: to the upper half of `dst`, keeping the other, or to the lower one, zeroing the other.
#[inline(always)]
fn write_half(cpu: &mut Cpu, u: &Uop, cx: &FpContext, [low, high]: [u64; 2]) {
    let half = u128::from(high << 32 | low);
    let kept = vector(cpu, u.dst) & u128::from(u64::MAX);
    finish(cpu, u, cx, if u.imm & 1 != 0 { half << 64 | kept } else { half });
}

/// To signed numbers.
#[inline(always)]
pub fn to_signed<F: Lane>(cpu: &mut Cpu, u: &Uop) {
    to_integers::<F>(cpu, u, false);
}

/// To unsigned numbers.
#[inline(always)]
pub fn to_unsigned<F: Lane>(cpu: &mut Cpu, u: &Uop) {
    to_integers::<F>(cpu, u, true);
}

#[inline(always)]
fn to_integers<F: Lane>(cpu: &mut Cpu, u: &Uop, unsigned: bool) {
    map1::<F>(cpu, u, |cx, a| {
        let rounding = rounding(cx, u.imm);
        F::from_low_bits(to_fixed(cx, a, fbits(u.imm), unsigned, rounding, F::BITS))
    });
}

/// From signed numbers.
#[inline(always)]
pub fn from_signed<F: Lane>(cpu: &mut Cpu, u: &Uop) {
    map1::<F>(cpu, u, |cx, a| from_fixed(cx, a.bits(), fbits(u.imm), false, F::BITS));
}

/// From unsigned numbers.
#[inline(always)]
pub fn from_unsigned<F: Lane>(cpu: &mut Cpu, u: &Uop) {
    map1::<F>(cpu, u, |cx, a| from_fixed(cx, a.bits(), fbits(u.imm), true, F::BITS));
}

/// From a signed or unsigned word.
pub fn word_to_double(cpu: &mut Cpu, u: &Uop, unsigned: bool) {
    let mut cx = context(cpu, u);
    let result: u64 = from_fixed(&mut cx, low::<u32>(cpu, u.a).into(), 0, unsigned, 32);
    finish(cpu, u, &cx, result.into());
}

/// To a signed or unsigned word.
pub fn double_to_word(cpu: &mut Cpu, u: &Uop, unsigned: bool) {
    let mut cx = context(cpu, u);
    let rounding = rounding(&cx, u.imm);
    let result = to_fixed::<u64>(&mut cx, low(cpu, u.a), 0, unsigned, rounding, 32);
    finish(cpu, u, &cx, result.into());
}
