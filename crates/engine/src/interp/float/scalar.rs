//! What scalars do with NZCV and general registers.

use armlet_arm::a64::fields::CONDITIONS;
use armlet_fp::{Float, from_fixed, to_fixed};

use super::convert::{fbits, rounding};
use super::lanes::{context, finish, low, vector};
use crate::cpu::Cpu;
use crate::uop::Uop;
use crate::uop::float::{SIGNALLING, TO16, ZERO_B};

/// Whether condition `c` holds.
#[inline(always)]
fn holds(cpu: &Cpu, u: &Uop) -> bool {
    CONDITIONS[(u.c & 15) as usize] >> (cpu.nzcv >> 28) & 1 != 0
}

/// NZCV by comparison.
#[inline(always)]
pub fn compare<F: Float>(cpu: &mut Cpu, u: &Uop) {
    compare_to::<F>(cpu, u);
    cpu.nzcv = cpu.x[(u.dst & 63) as usize] as u32;
}

/// The same flags to a general register alone.
#[inline(always)]
pub fn compare_to<F: Float>(cpu: &mut Cpu, u: &Uop) {
    let mut cx = context(cpu, u);
    let b = if u.flags & ZERO_B != 0 { F::zero(false) } else { low(cpu, u.b) };
    let nzcv = armlet_fp::compare::<F>(&mut cx, low(cpu, u.a), b, u.imm & SIGNALLING != 0);
    cpu.x[(u.dst & 63) as usize] = u64::from(nzcv) << 28;
    cpu.fpsr |= cx.flags;
}

/// NZCV by comparison or from the immediate. Without the comparison there are no exceptions either.
#[inline(always)]
pub fn compare_if<F: Float>(cpu: &mut Cpu, u: &Uop) {
    if holds(cpu, u) {
        compare::<F>(cpu, u);
    } else {
        cpu.nzcv = (u.imm as u32 & 15) << 28;
    }
}

/// One of two scalars.
#[inline(always)]
pub fn select<F: Float>(cpu: &mut Cpu, u: &Uop) {
    let from = if holds(cpu, u) { u.a } else { u.b };
    cpu.v[(u.dst & 63) as usize] = low::<F>(cpu, from).bits().into();
}

/// To an integer or fixed-point number in a general register: whether unsigned, and its width.
#[inline(always)]
pub fn to_general<F: Float>(cpu: &mut Cpu, u: &Uop, (unsigned, width): (bool, u32)) {
    let mut cx = context(cpu, u);
    let rounding = rounding(&cx, u.imm);
    let width = if u.imm & TO16 != 0 { 16 } else { width };
    let value = to_fixed::<F>(&mut cx, low(cpu, u.a), fbits(u.imm), unsigned, rounding, width);
    cpu.x[(u.dst & 63) as usize] = value;
    cpu.fpsr |= cx.flags;
}

/// From an integer or fixed-point number in a general register.
#[inline(always)]
pub fn from_general<F: Float>(cpu: &mut Cpu, u: &Uop, (unsigned, width): (bool, u32)) {
    let mut cx = context(cpu, u);
    let value = cpu.x[(u.a & 63) as usize];
    let result = from_fixed::<F>(&mut cx, value, fbits(u.imm), unsigned, width);
    finish(cpu, u, &cx, result.bits().into());
}

/// FJCVTZS.
pub fn to_int_js(cpu: &mut Cpu, u: &Uop) {
    let mut cx = context(cpu, u);
    let (value, exact) = armlet_fp::to_int_js(&mut cx, low(cpu, u.a));
    cpu.x[(u.dst & 63) as usize] = value.into();
    cpu.nzcv = u32::from(exact) << 30;
    cpu.fpsr |= cx.flags;
}

/// Bits to a general register.
#[inline(always)]
pub fn move_to_general<F: Float>(cpu: &mut Cpu, u: &Uop) {
    cpu.x[(u.dst & 63) as usize] = low::<F>(cpu, u.a).bits();
}

/// Bits from a general register.
#[inline(always)]
pub fn move_from_general<F: Float>(cpu: &mut Cpu, u: &Uop) {
    let value = F::from_low_bits(cpu.x[(u.a & 63) as usize]);
    cpu.v[(u.dst & 63) as usize] = value.bits().into();
}

/// The upper half of a vector to a general register.
#[inline(always)]
pub fn move_top_to_general(cpu: &mut Cpu, u: &Uop) {
    cpu.x[(u.dst & 63) as usize] = (vector(cpu, u.a) >> 64) as u64;
}

/// A general register to the upper half of a vector.
#[inline(always)]
pub fn move_top_from_general(cpu: &mut Cpu, u: &Uop) {
    let low = vector(cpu, u.dst) & u128::from(u64::MAX);
    cpu.v[(u.dst & 63) as usize] = u128::from(cpu.x[(u.a & 63) as usize]) << 64 | low;
}
