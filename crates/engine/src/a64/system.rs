//! Lowering of exception generating and system instructions.
//!
//! A system register access is looked up here, once: what remains at run time is the access itself and
//! the traps that control registers decide.

use armlet_arm::a64::SystemOp as Insn;
use armlet_arm::a64::fields::{bits, rd};
use armlet_arm::sysreg::Encoding;
use armlet_arm::{Pstate, SysReg};

use super::{Flow, Lowering, x, xd};
use crate::block::Mode;
use crate::sys::instructions::{self, SysOp};
use crate::sys::regs::{self, El0, Read, Row, Write};
use crate::uop::{Op, SystemOp, Uop};

/// PSTATE fields that MRS and MSR name like registers.
mod special {
    use super::Encoding;
    pub const SPSEL: Encoding = Encoding::new(3, 0, 4, 2, 0);
    pub const CURRENT_EL: Encoding = Encoding::new(3, 0, 4, 2, 2);
    pub const NZCV: Encoding = Encoding::new(3, 3, 4, 2, 0);
    pub const DAIF: Encoding = Encoding::new(3, 3, 4, 2, 1);
    pub const FPCR: Encoding = Encoding::new(3, 3, 4, 4, 0);
    pub const FPSR: Encoding = Encoding::new(3, 3, 4, 4, 1);
    pub const CNTVCT: Encoding = Encoding::new(3, 3, 14, 0, 2);
}

impl Lowering<'_> {
    pub(super) fn system(&mut self, op: Insn, w: u32) -> Flow {
        let imm16 = i64::from(bits(w, 20, 5));
        let crm = bits(w, 11, 8) as u8;
        match op {
            Insn::Svc => self.end_with(SystemOp::Svc, imm16),
            Insn::Hvc => self.end_with(SystemOp::Hvc, imm16),
            Insn::Smc => self.end_with(SystemOp::Smc, imm16),
            Insn::Brk => self.end_with(SystemOp::Brk, imm16),
            // No external debugger is connected: halting is not allowed, and this is not Debug state.
            Insn::Hlt | Insn::Dcps1 | Insn::Dcps2 | Insn::Dcps3 => self.undefined(),
            Insn::Eret if self.mode.has(Mode::EL1) => self.end_with(SystemOp::Eret, 0),
            Insn::Eret => self.undefined(),

            Insn::Nop | Insn::Yield | Insn::Sb => Flow::Next,
            Insn::Wfi => self.end_with(SystemOp::Wfi, 0),
            Insn::Wfe => self.end_with(SystemOp::Wfe, 0),
            Insn::Sev => self.system_op(SystemOp::Sev, 0),
            Insn::Sevl => self.system_op(SystemOp::Sevl, 0),
            Insn::Clrex => self.system_op(SystemOp::Clrex, 0),
            Insn::Dmb => self.system_op(SystemOp::Dmb, crm.into()),
            Insn::Dsb => self.system_op(SystemOp::Dsb, 0),
            Insn::Isb => self.leave_after(SystemOp::Isb, 0),

            Insn::Cfinv => self.flag_op(Op::Cfinv),
            Insn::Xaflag => self.flag_op(Op::Xaflag),
            Insn::Axflag => self.flag_op(Op::Axflag),
            Insn::MsrUao => self.set_pstate(Pstate::UAO, crm, true),
            Insn::MsrPan => self.set_pstate(Pstate::PAN, crm, true),
            Insn::MsrSsbs => self.set_pstate(Pstate::SSBS, crm, false),
            Insn::MsrDit => self.set_pstate(Pstate::DIT, crm, false),
            Insn::MsrSpSel if !self.mode.has(Mode::EL1) => self.undefined(),
            Insn::MsrSpSel => {
                self.emit(Uop { flags: crm & 1, ..Uop::new(Op::System(SystemOp::SetSpSel)) });
                self.sp_checked = false;
                Flow::Leave
            }
            Insn::MsrDaifSet => {
                self.daif(SystemOp::SetDaif, crm, w);
                Flow::Next
            }
            Insn::MsrDaifClr => {
                self.daif(SystemOp::ClearDaif, crm, w);
                Flow::Leave
            }

            Insn::Sys => self.sys(w),
            Insn::Sysl => self.undefined(),
            Insn::Msr => self.access(w, false),
            Insn::Mrs => self.access(w, true),
        }
    }

    fn system_op(&mut self, op: SystemOp, imm: i64) -> Flow {
        self.emit(Uop { imm, ..Uop::new(Op::System(op)) });
        Flow::Next
    }

    fn flag_op(&mut self, op: Op) -> Flow {
        self.emit(Uop::new(op));
        Flow::Next
    }

    fn end_with(&mut self, op: SystemOp, imm: i64) -> Flow {
        self.system_op(op, imm);
        Flow::End
    }

    fn leave_after(&mut self, op: SystemOp, imm: i64) -> Flow {
        self.system_op(op, imm);
        Flow::Leave
    }

    fn set_pstate(&mut self, field: Pstate, value: u8, privileged: bool) -> Flow {
        if privileged && !self.mode.has(Mode::EL1) {
            return self.undefined();
        }
        let imm = field.bits() as i64;
        self.emit(Uop { flags: value & 1, imm, ..Uop::new(Op::System(SystemOp::SetPstate)) });
        Flow::Leave
    }

    fn daif(&mut self, op: SystemOp, value: u8, w: u32) {
        let imm = Encoding::from_insn(w).bits().into();
        self.emit(Uop { flags: value, imm, c: rd(w), ..Uop::new(Op::System(op)) });
    }

    /// SYS: cache, TLB, translation and prediction instructions.
    fn sys(&mut self, w: u32) -> Flow {
        let (reg, rt) = (Encoding::from_insn(w), rd(w));
        let imm = i64::from(reg.bits());
        let Some(row) = instructions::find(reg, self.features) else { return self.undefined() };
        if !self.mode.has(Mode::EL1) {
            if row.el0 == 0 {
                return self.undefined();
            }
            let flags = row.el0.trailing_zeros() as u8;
            self.emit(Uop { imm, flags, c: rt, ..Uop::new(Op::System(SystemOp::CheckSys)) });
        }
        let (op, flow) = match row.op {
            SysOp::Nothing => return Flow::Next,
            SysOp::Ic => (SystemOp::Ic, Flow::Leave),
            SysOp::Tlbi => (SystemOp::Tlbi, Flow::Leave),
            SysOp::Dc => (SystemOp::Dc, Flow::Next),
            SysOp::DcZva => (SystemOp::DcZva, Flow::Next),
            SysOp::At => (SystemOp::At, Flow::Next),
        };
        self.emit(Uop { imm, a: x(rt), c: rt, ..Uop::new(Op::System(op)) });
        flow
    }

    /// MRS and MSR (register).
    fn access(&mut self, w: u32, read: bool) -> Flow {
        let (reg, rt) = (Encoding::from_insn(w), rd(w));
        if let Some(flow) = self.special(reg, rt, read) {
            return flow;
        }
        let el1 = self.mode.has(Mode::EL1);
        if regs::is_gic(reg) && el1 {
            let imm = i64::from(reg.bits());
            let op = if read { SystemOp::ReadGic } else { SystemOp::WriteGic };
            self.emit(Uop { dst: xd(rt), a: x(rt), imm, ..Uop::new(Op::System(op)) });
            return if read { Flow::Next } else { Flow::Leave };
        }
        let Some(number) = regs::find(reg, self.features) else { return self.no_register(reg, rt, read) };
        let row = &regs::rows()[usize::from(number)];
        let rule = row.el0_rule(read);
        let defined = if read { !matches!(row.read, Read::None) } else { !matches!(row.write, Write::None) };
        // The stack pointer in use can't be named.
        let in_use = reg == SysReg::SP_EL0.encoding() && self.mode.has(Mode::SP0);
        if !defined || in_use || !el1 && matches!(rule, El0::Undefined) {
            return self.no_register(reg, rt, read);
        }
        let direct = el1 || matches!(rule, El0::Allowed);
        self.access_row(row, number, rt, read, direct);
        if row.leaves && !read { Flow::Leave } else { Flow::Next }
    }

    fn access_row(&mut self, row: &Row, number: u16, rt: u8, read: bool, direct: bool) {
        let (op, imm) = match (read, row.read, row.write) {
            (true, Read::Stored(reg), _) if direct => (SystemOp::ReadReg, reg as i64),
            (false, _, Write::Stored(reg)) if direct => (SystemOp::WriteReg, reg as i64),
            (true, ..) if direct && row.reg == special::CNTVCT => (SystemOp::ReadVirtualCount, 0),
            (true, ..) => (SystemOp::ReadRow, number.into()),
            (false, ..) => (SystemOp::WriteRow, number.into()),
        };
        self.emit(Uop { dst: xd(rt), a: x(rt), c: rt, imm, ..Uop::new(Op::System(op)) });
    }

    /// Accesses that need no row: fields of PSTATE, FPCR and FPSR.
    fn special(&mut self, reg: Encoding, rt: u8, read: bool) -> Option<Flow> {
        let el1 = self.mode.has(Mode::EL1);
        let imm = i64::from(reg.bits());
        let (op, flow) = match (reg, read) {
            (special::NZCV, true) => (SystemOp::ReadNzcv, Flow::Next),
            (special::NZCV, false) => (SystemOp::WriteNzcv, Flow::Next),
            (special::DAIF, true) => (SystemOp::ReadDaif, Flow::Next),
            (special::DAIF, false) => (SystemOp::WriteDaif, Flow::Leave),
            (special::FPCR | special::FPSR, _) if self.fp_trapped() => return Some(Flow::End),
            (special::FPCR, true) => (SystemOp::ReadFpcr, Flow::Next),
            // Executors may have chosen code by the rounding mode.
            (special::FPCR, false) => (SystemOp::WriteFpcr, Flow::Leave),
            (special::FPSR, true) => (SystemOp::ReadFpsr, Flow::Next),
            (special::FPSR, false) => (SystemOp::WriteFpsr, Flow::Next),
            (special::CURRENT_EL, true) if el1 => {
                self.op_imm(Op::MovI, xd(rt), 0, 1 << 2);
                return Some(Flow::Next);
            }
            (special::SPSEL, true) if el1 => {
                let sp = i64::from(!self.mode.has(Mode::SP0));
                self.op_imm(Op::MovI, xd(rt), 0, sp);
                return Some(Flow::Next);
            }
            (special::SPSEL, false) if el1 => {
                self.sp_checked = false;
                (SystemOp::WriteSpSel, Flow::Leave)
            }
            _ => return None,
        };
        self.emit(Uop { dst: xd(rt), a: x(rt), c: rt, imm, ..Uop::new(Op::System(op)) });
        Some(flow)
    }

    /// A register without a row is UNDEFINED, but in the ID space.
    fn no_register(&mut self, reg: Encoding, rt: u8, read: bool) -> Flow {
        let el1 = self.mode.has(Mode::EL1);
        if read && el1 && regs::is_id(reg) {
            let imm = reg.bits().into();
            self.emit(Uop { dst: xd(rt), imm, ..Uop::new(Op::System(SystemOp::ReadId)) });
            return Flow::Next;
        }
        let flags = u8::from(read);
        self.emit(Uop { imm: reg.bits().into(), flags, ..Uop::new(Op::System(SystemOp::NoReg)) });
        Flow::End
    }
}
