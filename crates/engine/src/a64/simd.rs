//! Lowering of floating point and AdvSIMD data processing.

use armlet_arm::a64::SimdOp;
use armlet_arm::a64::fields::rd;

use super::{Flow, Lowering};
use crate::block::Mode;
use crate::uop::{FloatOp, Op, Uop, VectorOp};

impl Lowering {
    pub(super) fn simd(&mut self, op: SimdOp, w: u32) -> Flow {
        if self.fp_trapped() {
            return Flow::End;
        }
        match op {
            SimdOp::MoviZero => {
                self.emit(Uop { dst: rd(w), flags: 4, ..Uop::new(Op::Vector(VectorOp::MovI)) });
            }
        }
        Flow::Next
    }

    /// If FP instructions trap in this mode, emits the trap.
    pub(super) fn fp_trapped(&mut self) -> bool {
        let trapped = self.mode.has(Mode::FP_TRAP);
        if trapped {
            self.emit(Uop::new(Op::Float(FloatOp::Trapped)));
        }
        trapped
    }
}
