//! Lowering of integer data processing.

use armlet_arm::a64::IntegerOp;
use armlet_arm::a64::fields::{bit, bits, rd, rn};

use super::{Flow, Lowering, xd, xsp};
use crate::uop::{Op, SP};

impl Lowering {
    pub(super) fn integer(&mut self, op: IntegerOp, w: u32) -> Flow {
        let wide = bit(w, 31);
        let pick = |op64, op32| if wide { op64 } else { op32 };
        match op {
            IntegerOp::AddImm => self.add_imm(pick(Op::AddI64, Op::AddI32), w, 1),
            IntegerOp::SubImm => self.add_imm(pick(Op::AddI64, Op::AddI32), w, -1),
            IntegerOp::AddsImm => {
                self.op_imm(pick(Op::AddSI64, Op::AddSI32), xd(rd(w)), xsp(rn(w)), imm12(w))
            }
            IntegerOp::SubsImm => {
                self.op_imm(pick(Op::SubSI64, Op::SubSI32), xd(rd(w)), xsp(rn(w)), imm12(w))
            }
            IntegerOp::Movz => {
                let value = u64::from(bits(w, 20, 5)) << (bits(w, 22, 21) * 16);
                self.op_imm(Op::MovI, xd(rd(w)), 0, value as i64);
            }
        }
        Flow::Next
    }

    fn add_imm(&mut self, op: Op, w: u32, sign: i64) {
        let (dst, imm) = (xsp(rd(w)), sign * imm12(w));
        if dst == SP && !(rn(w) == 31 && imm % 16 == 0) {
            self.sp_checked = false;
        }
        self.op_imm(op, dst, xsp(rn(w)), imm);
    }
}

fn imm12(w: u32) -> i64 {
    i64::from(bits(w, 21, 10)) << if bit(w, 22) { 12 } else { 0 }
}
