//! Lowering of branches.

use armlet_arm::a64::BranchOp;
use armlet_arm::a64::fields::{bit, bits, rd, rn, signed};

use super::{Flow, Lowering, x};
use crate::uop::{Op, Slot, Uop};

impl Lowering<'_> {
    pub(super) fn branch(&mut self, op: BranchOp, w: u32) -> Flow {
        let wide = bit(w, 31);
        match op {
            BranchOp::B => self.jump(Op::Jump, signed(w, 25, 0) * 4),
            BranchOp::Bl => self.jump(Op::Call, signed(w, 25, 0) * 4),
            BranchOp::BCond => {
                self.jump_if(Op::JumpIf, 0, bits(w, 3, 0), signed(w, 23, 5) * 4);
            }
            BranchOp::Cbz => {
                let op = if wide { Op::JumpIfZero64 } else { Op::JumpIfZero32 };
                self.jump_if(op, x(rd(w)), 0, signed(w, 23, 5) * 4);
            }
            BranchOp::Cbnz => {
                let op = if wide { Op::JumpIfNotZero64 } else { Op::JumpIfNotZero32 };
                self.jump_if(op, x(rd(w)), 0, signed(w, 23, 5) * 4);
            }
            BranchOp::Tbz | BranchOp::Tbnz => {
                let op = if op == BranchOp::Tbz { Op::JumpIfBitClear } else { Op::JumpIfBitSet };
                let number = bits(w, 31, 31) << 5 | bits(w, 23, 19);
                self.jump_if(op, x(rd(w)), number, signed(w, 18, 5) * 4);
            }
            BranchOp::Br => self.jump_reg(Op::JumpReg, x(rn(w)), 0),
            BranchOp::Blr => self.jump_reg(Op::CallReg, x(rn(w)), 0),
            BranchOp::Ret => self.jump_reg(Op::JumpReg, x(rn(w)), 2),
        }
        Flow::End
    }

    /// A direct branch. Links never leave the page: executors turn a jump out of it into a look-up.
    fn jump(&mut self, op: Op, offset: i64) {
        let imm = self.target(offset);
        self.emit(Uop { c: 4, imm, ..Uop::new(op) });
    }

    /// A conditional branch by link 0, and the way past it by link 1.
    fn jump_if(&mut self, op: Op, a: Slot, flags: u32, offset: i64) {
        let imm = self.target(offset);
        self.emit(Uop { a, c: 4, flags: flags as u8, imm, ..Uop::new(op) });
    }

    fn jump_reg(&mut self, op: Op, a: Slot, hint: u8) {
        self.emit(Uop { a, c: 4, flags: hint, ..Uop::new(op) });
    }
}
