//! Saturating, parallel and DSP arithmetic of AArch32.

use crate::cpu::Cpu;
use crate::uop::{DspOp, GE, Uop};

/// Runs one DSP uop.
pub fn exec(cpu: &mut Cpu, op: DspOp, u: &Uop) {
    let word = |slot: u8| cpu.x[usize::from(slot & 63)] as u32;
    let (a, b, ge) = (word(u.a), word(u.b), word(GE));
    let result = match op {
        DspOp::Sel => {
            let mask = (0..4).filter(|n| ge >> n & 1 != 0).map(|n| 0xff << (n * 8)).sum::<u32>();
            a & mask | b & !mask
        }
    };
    cpu.x[usize::from(u.dst & 63)] = result.into();
}
