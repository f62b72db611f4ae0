//! Lowering of exception generating and system instructions.

use armlet_arm::a64::SystemOp as Insn;
use armlet_arm::a64::fields::bits;

use super::{Flow, Lowering};
use crate::uop::{Op, SystemOp, Uop};

impl Lowering {
    pub(super) fn system(&mut self, op: Insn, w: u32) -> Flow {
        let imm = i64::from(bits(w, 20, 5));
        match op {
            Insn::Cfinv => return self.flag_op(Op::Cfinv),
            Insn::Axflag => return self.flag_op(Op::Axflag),
            Insn::Xaflag => return self.flag_op(Op::Xaflag),
            Insn::Svc => self.system_op(SystemOp::Svc, imm),
            Insn::Hvc => self.system_op(SystemOp::Hvc, imm),
        }
        Flow::End
    }

    fn flag_op(&mut self, op: Op) -> Flow {
        self.emit(Uop::new(op));
        Flow::Next
    }

    fn system_op(&mut self, op: SystemOp, imm: i64) {
        self.emit(Uop { imm, ..Uop::new(Op::System(op)) });
    }
}
