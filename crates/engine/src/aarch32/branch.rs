//! Lowering of branches.

use armlet_arm::aarch32::{Insn, Op as I};

use super::{Flow, Lowering, slot};
use crate::uop::{Op, Slot, Uop, ZERO};

/// The hint of an indirect branch that returns from a call.
const RETURN: u8 = 2;

impl Lowering<'_> {
    /// Branches that are taken whenever they are executed, and CBZ and CBNZ.
    pub(super) fn branch(&mut self, i: &Insn) -> Flow {
        match i.op {
            I::B => self.jump(i.offset().into()),
            I::Bl => {
                self.link();
                self.jump(i.offset().into())
            }
            I::Blx => self.call_other_set(i),
            I::BlxReg => {
                let target = self.call_target(i.m);
                self.link();
                self.exchange(target)
            }
            I::Bx | I::Bxj => {
                let target = self.reg(i.m);
                self.exchange_hinted(target, i.m == 14)
            }
            I::Cbz => self.compare_and_branch(Op::JumpIfZero32, i),
            I::Cbnz => self.compare_and_branch(Op::JumpIfNotZero32, i),
            _ => self.table_branch(i),
        }
    }

    fn compare_and_branch(&mut self, op: Op, i: &Insn) -> Flow {
        let imm = self.pc() + i64::from(i.offset());
        self.emit(Uop { a: slot(i.n), c: self.size, imm, ..Uop::new(op) });
        Flow::End
    }

    /// R14 = the return address.
    fn link(&mut self) {
        let imm = self.target(self.size.into()) | i64::from(self.t32());
        self.op_imm(Op::PcRel32, slot(14), ZERO, imm);
    }

    /// The slot of a target that R14 may hold, which is about to change.
    fn call_target(&mut self, m: u8) -> Slot {
        if m != 14 {
            return self.reg(m);
        }
        let target = self.temp();
        self.op3(Op::Mov32, target, slot(14), ZERO);
        target
    }

    /// BLX with a constant: on in the other instruction set.
    fn call_other_set(&mut self, i: &Insn) -> Flow {
        let imm = self.aligned_pc() + i64::from(i.offset()) | i64::from(!self.t32());
        let target = self.temp();
        self.link();
        self.op_imm(Op::PcRel32, target, ZERO, imm);
        self.exchange(target)
    }

    /// TBB and TBH.
    fn table_branch(&mut self, i: &Insn) -> Flow {
        let (entry, target) = (self.temp(), self.temp());
        let base = self.reg(i.n);
        let (op, flags) = if i.op == I::Tbb { (Op::Load8, 0) } else { (Op::Load16, 1) };
        self.emit(Uop { dst: entry, a: base, b: slot(i.m), flags, ..Uop::new(op) });
        if i.op == I::Tbh {
            self.reorder(1, entry, entry);
        }
        // The offset is of halfwords, and the target in T32.
        let imm = self.pc() | 1;
        self.op_imm(Op::LslI32, entry, entry, 1);
        self.op_imm(Op::PcRel32, target, ZERO, imm);
        self.op3(Op::Add32, target, target, entry);
        self.exchange(target)
    }

    /// A branch to `target`, whose bit 0 chooses the instruction set (BXWritePC).
    pub(super) fn exchange_hinted(&mut self, target: Slot, is_return: bool) -> Flow {
        let flags = if is_return { RETURN } else { 0 };
        self.emit(Uop { a: target, c: self.size, flags, ..Uop::new(Op::JumpExchange) });
        Flow::End
    }

    /// A branch to a computed address, in T32 without a change of the instruction set (ALUWritePC).
    pub(super) fn write_pc(&mut self, target: Slot, is_return: bool) -> Flow {
        if !self.t32() {
            return self.exchange_hinted(target, is_return);
        }
        let marked = self.temp();
        self.op_imm(Op::OrrI32, marked, target, 1);
        self.exchange_hinted(marked, is_return)
    }
}
