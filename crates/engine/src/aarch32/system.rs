//! Lowering of exceptions, hints and barriers, and of what reads and writes process state.
//!
//! CONSTRAINED UNPREDICTABLE: at EL0 the SPSRs, banked registers, RFE, SRS and exception returns are UNDEFINED; CPS and SETPAN
//! do nothing there, as the architecture has it.

use armlet_arm::Pstate;
use armlet_arm::aarch32::{Insn, Op as I};

use super::{Flow, Lowering, slot};
use crate::block::Mode;
use crate::uop::{Op, Q, SINK, Slot, SystemOp, Uop, ZERO};

impl Lowering<'_> {
    /// Exception-generating instructions, hints and barriers.
    pub(super) fn event(&mut self, i: &Insn) -> Flow {
        let imm = i64::from(i.imm);
        match i.op {
            I::Svc => self.end_with(SystemOp::Svc32, imm),
            I::Hvc if self.mode.has(Mode::EL1) => self.end_with(SystemOp::Hvc32, imm),
            I::Smc if self.mode.has(Mode::EL1) => self.end_with(SystemOp::Smc32, imm),
            I::Bkpt => self.end_with(SystemOp::Bkpt32, imm),
            // No external debugger is connected: halting is not allowed.
            I::Hvc | I::Smc | I::Udf | I::Hlt => self.undefined(),
            I::Wfi => self.end_with(SystemOp::Wfi32, 0),
            I::Wfe => self.end_with(SystemOp::Wfe32, 0),
            I::Sev => self.system_op(SystemOp::Sev, 0),
            I::Sevl => self.system_op(SystemOp::Sevl, 0),
            I::Clrex => self.system_op(SystemOp::Clrex, 0),
            I::Dmb => self.system_op(SystemOp::Dmb, imm),
            I::Dsb => self.system_op(SystemOp::Dsb, imm),
            I::Isb => {
                self.system_op(SystemOp::Isb, 0);
                Flow::Leave
            }
            // NOP, YIELD, DBG, ESB, CSDB, SB.
            _ => Flow::Next,
        }
    }

    /// Appends a system uop without registers.
    pub(super) fn system_op(&mut self, op: SystemOp, imm: i64) -> Flow {
        self.emit(Uop { imm, c: self.size, ..Uop::new(Op::System(op)) });
        Flow::Next
    }

    fn end_with(&mut self, op: SystemOp, imm: i64) -> Flow {
        self.system_op(op, imm);
        Flow::End
    }

    /// Appends a system uop that reads a register or writes one.
    fn register_op(&mut self, op: SystemOp, dst: Slot, a: Slot, flags: u8, imm: i64) {
        self.emit(Uop { dst, a, flags, imm, ..Uop::new(Op::System(op)) });
    }

    /// Instructions on process state.
    pub(super) fn state(&mut self, i: &Insn) -> Flow {
        let el1 = self.mode.has(Mode::EL1);
        match i.op {
            I::Mrs if !i.spsr() => {
                self.register_op(SystemOp::ReadCpsr, slot(i.d), ZERO, 0, 0);
                Flow::Next
            }
            I::Msr if !i.spsr() => self.write_cpsr(i),
            I::Cps | I::Setpan if !el1 => Flow::Next,
            I::Setend => {
                let (c, flags) = (self.size, (i.imm & 1) as u8);
                self.emit(Uop { c, flags, ..Uop::new(Op::System(SystemOp::SetEnd)) });
                Flow::Leave
            }
            _ if !el1 => self.undefined(),
            I::Mrs => {
                self.register_op(SystemOp::ReadSpsr, slot(i.d), ZERO, 0, 0);
                Flow::Next
            }
            I::Msr => {
                let a = self.operand(i);
                self.register_op(SystemOp::WriteSpsr, SINK, a, i.field_mask(), 0);
                Flow::Next
            }
            I::MrsBanked => {
                self.register_op(SystemOp::ReadBanked, slot(i.d), ZERO, 0, banked(i.banked()));
                Flow::Next
            }
            I::MsrBanked => {
                self.register_op(SystemOp::WriteBanked, SINK, slot(i.m), 0, banked(i.banked()));
                Flow::Next
            }
            I::Cps => {
                self.register_op(SystemOp::Cps, SINK, ZERO, 0, i.imm.into());
                Flow::Leave
            }
            I::Setpan => {
                let imm = Pstate::PAN.bits() as i64;
                self.register_op(SystemOp::SetPstate, SINK, ZERO, (i.imm & 1) as u8, imm);
                Flow::Leave
            }
            I::Rfe => self.rfe(i),
            I::Srs => self.srs(i),
            _ => {
                let saved = self.spsr();
                self.return_to(slot(14), saved)
            }
        }
    }

    /// MSR of APSR or CPSR. Only flags are in the uppermost byte, and no code depends on them.
    fn write_cpsr(&mut self, i: &Insn) -> Flow {
        let a = self.operand(i);
        if i.field_mask() != 8 {
            self.register_op(SystemOp::WriteCpsr, SINK, a, i.field_mask(), 0);
            return Flow::Leave;
        }
        self.register_op(SystemOp::WriteNzcv, SINK, a, 0, 0);
        self.unsigned_field(Q, a, 27, 1);
        Flow::Next
    }

    /// A temporary with SPSR of the mode.
    pub(super) fn spsr(&mut self) -> Slot {
        let dst = self.temp();
        self.register_op(SystemOp::ReadSpsr, dst, ZERO, 0, 0);
        dst
    }

    /// An exception return to `target` with `saved` as CPSR.
    pub(super) fn return_to(&mut self, target: Slot, saved: Slot) -> Flow {
        self.emit(Uop { a: target, b: saved, ..Uop::new(Op::System(SystemOp::ReturnTo32)) });
        Flow::End
    }

    fn rfe(&mut self, i: &Insn) -> Flow {
        let (n, (first, after)) = (slot(i.n), super::multiple::bounds(i.index, 2));
        let (target, saved) = (self.temp(), self.temp());
        self.check_align(n, first, 2, false);
        self.emit(Uop { dst: target, c: saved, a: n, imm: first, ..Uop::new(Op::LoadPair32) });
        self.reorder_pair(target, saved);
        if i.index.wback {
            self.op_imm(Op::AddI32, n, n, after);
        }
        self.return_to(target, saved)
    }

    fn srs(&mut self, i: &Insn) -> Flow {
        let (first, after) = super::multiple::bounds(i.index, 2);
        let stack = banked((i.imm as u8 & 0x1f, 13));
        let base = self.temp();
        let saved = self.spsr();
        self.register_op(SystemOp::ReadBanked, base, ZERO, 0, stack);
        self.check_align(base, first, 2, true);
        let (c, b) = (self.reordered(2, slot(14)), self.reordered(2, saved));
        self.emit(Uop { a: base, b, c, imm: first, ..Uop::new(Op::StorePair32) });
        if i.index.wback {
            self.op_imm(Op::AddI32, base, base, after);
            self.register_op(SystemOp::WriteBanked, SINK, base, 0, stack);
        }
        Flow::Next
    }
}

/// A register of another mode as uops name it.
pub(super) fn banked((mode, n): (u8, u8)) -> i64 {
    i64::from(mode & 0x1f) << 5 | i64::from(n & 0x1f)
}
