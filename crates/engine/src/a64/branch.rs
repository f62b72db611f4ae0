//! Lowering of branches.

use armlet_arm::a64::BranchOp;
use armlet_arm::a64::fields::{bits, signed};

use super::{Flow, Lowering};
use crate::uop::{Op, Uop};

impl Lowering {
    pub(super) fn branch(&mut self, op: BranchOp, w: u32) -> Flow {
        match op {
            BranchOp::B => self.jump(0, self.target(signed(w, 25, 0) * 4)),
            BranchOp::Bl => {
                self.op_imm(Op::PcRel, 30, 0, self.target(4));
                self.jump(0, self.target(signed(w, 25, 0) * 4));
            }
            BranchOp::BCond => {
                let imm = self.target(signed(w, 23, 5) * 4);
                self.emit(Uop { a: bits(w, 3, 0) as u8, imm, ..Uop::new(Op::JumpIf) });
                self.jump(1, self.target(4));
            }
        }
        Flow::End
    }

    /// A direct branch to `imm` bytes from the block's start, by link `n`. Links never leave the page:
    /// executors turn a jump out of it into a look-up.
    fn jump(&mut self, n: u8, imm: i64) {
        self.emit(Uop { flags: n, imm, ..Uop::new(Op::Jump) });
    }
}
