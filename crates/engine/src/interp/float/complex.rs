//! Complex arithmetic on pairs of lanes, the real part in the lower one.

use armlet_fp::neg;

use super::lanes::{Lane, context, count, finish, vector};
use crate::cpu::Cpu;
use crate::uop::Uop;
use crate::uop::float::{ELEMENT, ROT_SHIFT};

/// FCMLA. Rotations by 0 and 180 degrees multiply by the real part of `a`, the others by its imaginary part.
pub fn mul_add<F: Lane>(cpu: &mut Cpu, u: &Uop) {
    let mut cx = context(cpu, u);
    let (a, b) = (F::split(vector(cpu, u.a)), F::split(vector(cpu, u.b)));
    let mut result = F::split(vector(cpu, u.c));
    let lanes = count::<F>(u.flags);
    for real in (0..lanes).step_by(2) {
        let from = if u.flags & ELEMENT != 0 { (u.imm & 1) as usize * 2 } else { real };
        let (re, im) = (b[from], b[from + 1]);
        let (factor, re, im) = match u.imm >> ROT_SHIFT & 3 {
            0 => (a[real], re, im),
            1 => (a[real + 1], neg(im), re),
            2 => (a[real], neg(re), neg(im)),
            _ => (a[real + 1], im, neg(re)),
        };
        result[real] = armlet_fp::mul_add(&mut cx, result[real], factor, re);
        result[real + 1] = armlet_fp::mul_add(&mut cx, result[real + 1], factor, im);
    }
    result[lanes..].fill(F::zero(false));
    finish(cpu, u, &cx, F::join(result));
}

/// FCADD: `b` rotated by 90 or 270 degrees.
pub fn add<F: Lane>(cpu: &mut Cpu, u: &Uop) {
    let mut cx = context(cpu, u);
    let (a, b) = (F::split(vector(cpu, u.a)), F::split(vector(cpu, u.b)));
    let mut result = [F::zero(false); 4];
    for real in (0..count::<F>(u.flags)).step_by(2) {
        let (re, im) = match u.imm >> ROT_SHIFT & 3 {
            1 => (neg(b[real + 1]), b[real]),
            _ => (b[real + 1], neg(b[real])),
        };
        result[real] = armlet_fp::add(&mut cx, a[real], re);
        result[real + 1] = armlet_fp::add(&mut cx, a[real + 1], im);
    }
    finish(cpu, u, &cx, F::join(result));
}
