//! Vectors as lanes, and functions applied to them.

use armlet_fp::{Float, FpContext};

use crate::cpu::Cpu;
use crate::uop::Uop;
use crate::uop::float::{ELEMENT, Q, SCALAR, STANDARD, ZERO_B};

/// A format that fills vectors. There are at most four lanes; those that a vector has not are ignored.
pub trait Lane: Float {
    /// The lanes of a vector.
    fn split(vector: u128) -> [Self; 4];
    /// The vector of lanes.
    fn join(lanes: [Self; 4]) -> u128;
}

impl Lane for u32 {
    #[inline(always)]
    fn split(v: u128) -> [Self; 4] {
        [v as u32, (v >> 32) as u32, (v >> 64) as u32, (v >> 96) as u32]
    }

    #[inline(always)]
    fn join([a, b, c, d]: [Self; 4]) -> u128 {
        u128::from(u64::from(d) << 32 | u64::from(c)) << 64 | u128::from(u64::from(b) << 32 | u64::from(a))
    }
}

impl Lane for u64 {
    #[inline(always)]
    fn split(v: u128) -> [Self; 4] {
        [v as u64, (v >> 64) as u64, 0, 0]
    }

    #[inline(always)]
    fn join([a, b, ..]: [Self; 4]) -> u128 {
        u128::from(b) << 64 | u128::from(a)
    }
}

/// Number of lanes that `flags` speak of.
#[inline(always)]
pub fn count<F: Lane>(flags: u8) -> usize {
    let in_64 = 64 / F::BITS as usize;
    match flags & (SCALAR | Q) {
        0 => in_64,
        Q => in_64 * 2,
        _ => 1,
    }
}

/// A vector slot.
#[inline(always)]
pub fn vector(cpu: &Cpu, slot: u8) -> u128 {
    cpu.v[(slot & 63) as usize]
}

/// The low lane of a vector slot.
#[inline(always)]
pub fn low<F: Float>(cpu: &Cpu, slot: u8) -> F {
    F::from_low_bits(vector(cpu, slot) as u64)
}

/// The controls and flags an op starts from.
#[inline(always)]
pub fn context(cpu: &Cpu, u: &Uop) -> FpContext {
    if u.flags & STANDARD != 0 {
        FpContext::standard(cpu.fpcr, cpu.fpsr)
    } else {
        FpContext::from_fpcr(cpu.fpcr, cpu.fpsr)
    }
}

/// Ends an op: its result and the exceptions it raised.
#[inline(always)]
pub fn finish(cpu: &mut Cpu, u: &Uop, cx: &FpContext, result: u128) {
    cpu.v[(u.dst & 63) as usize] = result;
    cpu.fpsr |= cx.flags;
}

/// The lanes of operand `b`, which may be zeros or copies of one element.
#[inline(always)]
fn lanes_b<F: Lane>(cpu: &Cpu, u: &Uop) -> [F; 4] {
    let b = F::split(vector(cpu, u.b));
    match u.flags & (ELEMENT | ZERO_B) {
        0 => b,
        ELEMENT => [b[(u.imm & 3) as usize]; 4],
        _ => [F::zero(false); 4],
    }
}

/// Whether an op has one lane, and `b` is plain: the case that is worth a way of its own.
#[inline(always)]
fn plain_scalar(u: &Uop) -> bool {
    u.flags & (SCALAR | ELEMENT | ZERO_B) == SCALAR
}

/// `dst = f(a)`.
#[inline(always)]
pub fn map1<F: Lane>(cpu: &mut Cpu, u: &Uop, f: impl Fn(&mut FpContext, F) -> F) {
    let mut cx = context(cpu, u);
    let result = if u.flags & SCALAR != 0 {
        f(&mut cx, low(cpu, u.a)).bits().into()
    } else {
        let a = F::split(vector(cpu, u.a));
        let mut result = [F::zero(false); 4];
        for n in 0..count::<F>(u.flags) {
            result[n] = f(&mut cx, a[n]);
        }
        F::join(result)
    };
    finish(cpu, u, &cx, result);
}

/// `dst = f(a, b)`.
#[inline(always)]
pub fn map2<F: Lane>(cpu: &mut Cpu, u: &Uop, f: impl Fn(&mut FpContext, F, F) -> F) {
    let mut cx = context(cpu, u);
    let result = if plain_scalar(u) {
        f(&mut cx, low(cpu, u.a), low(cpu, u.b)).bits().into()
    } else {
        let (a, b) = (F::split(vector(cpu, u.a)), lanes_b::<F>(cpu, u));
        let mut result = [F::zero(false); 4];
        for n in 0..count::<F>(u.flags) {
            result[n] = f(&mut cx, a[n], b[n]);
        }
        F::join(result)
    };
    finish(cpu, u, &cx, result);
}

/// `dst = f(c, a, b)`.
#[inline(always)]
pub fn map3<F: Lane>(cpu: &mut Cpu, u: &Uop, f: impl Fn(&mut FpContext, F, F, F) -> F) {
    let mut cx = context(cpu, u);
    let result = if plain_scalar(u) {
        f(&mut cx, low(cpu, u.c), low(cpu, u.a), low(cpu, u.b)).bits().into()
    } else {
        let (c, a, b) = (F::split(vector(cpu, u.c)), F::split(vector(cpu, u.a)), lanes_b::<F>(cpu, u));
        let mut result = [F::zero(false); 4];
        for n in 0..count::<F>(u.flags) {
            result[n] = f(&mut cx, c[n], a[n], b[n]);
        }
        F::join(result)
    };
    finish(cpu, u, &cx, result);
}

/// `dst = a compared with b`: all ones where `f` holds.
#[inline(always)]
pub fn test2<F: Lane>(cpu: &mut Cpu, u: &Uop, f: impl Fn(&mut FpContext, F, F) -> bool) {
    map2::<F>(cpu, u, |cx, a, b| F::from_low_bits(u64::from(f(cx, a, b)).wrapping_neg()));
}

/// `dst = f` of adjacent lanes, first those of `a`, then those of `b`.
#[inline(always)]
pub fn pairs<F: Lane>(cpu: &mut Cpu, u: &Uop, f: impl Fn(&mut FpContext, F, F) -> F) {
    let mut cx = context(cpu, u);
    let (a, b) = (F::split(vector(cpu, u.a)), F::split(vector(cpu, u.b)));
    let mut result = [F::zero(false); 4];
    let half = count::<F>(u.flags) / 2;
    for n in 0..half {
        result[n] = f(&mut cx, a[2 * n], a[2 * n + 1]);
        result[half + n] = f(&mut cx, b[2 * n], b[2 * n + 1]);
    }
    finish(cpu, u, &cx, F::join(result));
}

/// `dst = f` over the lanes of `a`, as the pseudocode's `Reduce` halves them.
#[inline(always)]
pub fn across<F: Lane>(cpu: &mut Cpu, u: &Uop, f: impl Fn(&mut FpContext, F, F) -> F) {
    let mut cx = context(cpu, u);
    let a = F::split(vector(cpu, u.a));
    let mut result = f(&mut cx, a[0], a[1]);
    if count::<F>(u.flags) == 4 {
        let upper = f(&mut cx, a[2], a[3]);
        result = f(&mut cx, result, upper);
    }
    finish(cpu, u, &cx, result.bits().into());
}
