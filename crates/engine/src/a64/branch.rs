//! Lowering of branches.

use armlet_arm::a64::BranchOp;
use armlet_arm::a64::fields::{bit, bits, rd, rn, signed};

use super::{Flow, Lowering, x};
use crate::uop::{Op, Slot, Uop};

impl Lowering {
    pub(super) fn branch(&mut self, op: BranchOp, w: u32) -> Flow {
        let wide = bit(w, 31);
        match op {
            BranchOp::B => self.jump(self.target(signed(w, 25, 0) * 4)),
            BranchOp::Bl => {
                self.link();
                self.jump(self.target(signed(w, 25, 0) * 4));
            }
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
            BranchOp::Br => self.jump_reg(x(rn(w)), 0),
            BranchOp::Blr => {
                let mut to = x(rn(w));
                if to == 30 {
                    // The target is what X30 was before the link.
                    to = self.temp();
                    self.op3(Op::Mov, to, 30, 0);
                }
                self.link();
                self.jump_reg(to, 1);
            }
            BranchOp::Ret => self.jump_reg(x(rn(w)), 2),
        }
        Flow::End
    }

    /// X30 = address of the next instruction.
    fn link(&mut self) {
        self.op_imm(Op::PcRel, 30, 0, self.target(4));
    }

    /// A direct branch to `imm` bytes from the block's start. Links never leave the page: executors turn a
    /// jump out of it into a look-up.
    fn jump(&mut self, imm: i64) {
        self.emit(Uop { imm, ..Uop::new(Op::Jump) });
    }

    /// A conditional branch by link 0, and the way past it by link 1.
    fn jump_if(&mut self, op: Op, a: Slot, flags: u32, offset: i64) {
        let imm = self.target(offset);
        self.emit(Uop { a, flags: flags as u8, imm, ..Uop::new(op) });
    }

    fn jump_reg(&mut self, a: Slot, hint: u8) {
        self.emit(Uop { a, flags: hint, ..Uop::new(Op::JumpReg) });
    }
}
