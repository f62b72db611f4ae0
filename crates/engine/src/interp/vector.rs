//! AdvSIMD integer ops.

use crate::cpu::Cpu;
use crate::uop::{Uop, VectorOp};

/// Runs one vector uop.
pub fn exec(cpu: &mut Cpu, op: VectorOp, u: &Uop) {
    match op {
        VectorOp::MovI => {
            let half = u128::from(u.imm as u64);
            cpu.v[(u.dst & 63) as usize] = if u.flags & 4 != 0 { half << 64 | half } else { half };
        }
    }
}
