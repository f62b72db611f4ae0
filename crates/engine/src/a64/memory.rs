//! Lowering of loads, stores and atomics.

use armlet_arm::a64::MemoryOp;
use armlet_arm::a64::fields::{bits, rd, rn};

use super::{Flow, Lowering, x, xd, xsp};
use crate::block::Mode;
use crate::uop::{Op, SP, Uop};

impl Lowering {
    pub(super) fn memory(&mut self, op: MemoryOp, w: u32) -> Flow {
        let imm = i64::from(bits(w, 21, 10)) * 8;
        let a = self.base(rn(w));
        match op {
            MemoryOp::LdrXImm => self.emit(Uop { dst: xd(rd(w)), a, imm, ..Uop::new(Op::Load64) }),
            MemoryOp::StrXImm => self.emit(Uop { c: x(rd(w)), a, imm, ..Uop::new(Op::Store64) }),
        }
        Flow::Next
    }

    /// The slot of a base register, its alignment checked if it is SP.
    pub(super) fn base(&mut self, reg: u8) -> u8 {
        let slot = xsp(reg);
        if slot == SP && self.mode.has(Mode::SP_CHECK) && !self.sp_checked {
            self.emit(Uop { a: SP, ..Uop::new(Op::CheckSp) });
            self.sp_checked = true;
        }
        slot
    }
}
