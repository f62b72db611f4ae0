//! Floating-point ops.

use armlet_arm::esr::Ec;

use crate::cpu::{Cpu, Raised};
use crate::uop::{FloatOp, Uop};

/// Runs one floating-point uop.
pub fn exec(cpu: &mut Cpu, op: FloatOp, _u: &Uop) -> Result<(), Raised> {
    match op {
        // CV is set and COND is 0b1110 for an A64 instruction.
        FloatOp::Trapped => Err(cpu.raise(Ec::FpAccess, 0x1e << 20, None)),
    }
}
