//! Lowering of accesses to coprocessors 14 and 15, which are the system registers.
//!
//! A register is looked up here, once: what remains at run time is the access itself and the traps that control
//! registers decide. CONSTRAINED UNPREDICTABLE: an MRC to R15 of any register sets the flags, as one of DBGDSCRint
//! does; an MRRC to one register leaves the upper word there.

use armlet_arm::SysReg;
use armlet_arm::aarch32::{Insn, Op as I};
use armlet_arm::sysreg::Encoding;

use super::{Flow, Lowering, slot};
use crate::sys::instructions::{self, SysOp};
use crate::sys::regs::El0;
use crate::sys::regs32::{self, Name, Read, Row, Write};
use crate::uop::{Op, Slot, SystemOp, Uop, ZERO};

/// CNTVCT, which is read all the time.
const CNTVCT: Name = Name::wide(15, 1, 14);
/// Barriers that were operations of CP15 before they were instructions.
const BARRIERS: [(Name, SystemOp); 3] = [
    (Name::cp15(0, 7, 5, 4), SystemOp::Isb),
    (Name::cp15(0, 7, 10, 4), SystemOp::Dsb),
    (Name::cp15(0, 7, 10, 5), SystemOp::Dmb),
];
/// Registers of the debug communication channel, for LDC and STC.
const DTR: Name = Name::cp14(0, 0, 5, 0);

impl Lowering<'_> {
    /// MCR, MRC, MCRR, MRRC, LDC and STC.
    pub(super) fn coprocessor(&mut self, i: &Insn) -> Flow {
        let wide = matches!(i.op, I::Mcrr | I::Mrrc);
        let (key, read) = match i.op {
            I::Ldc => (DTR, false),
            I::Stc => (DTR, true),
            op => (Name::of(i.coprocessor(), wide), matches!(op, I::Mrc | I::Mrrc)),
        };
        let Some(number) = regs32::find(key, self.features) else { return self.undefined() };
        let row = &regs32::rows()[usize::from(number)];
        let refused = !self.privileged() && matches!(row.el0_rule(read), El0::Undefined);
        if refused || !row.is_defined(read) {
            return self.undefined();
        }
        match i.op {
            I::Mrc => self.read_register(i, row, number),
            I::Mrrc => self.read_wide(i, row, number),
            I::Mcr => self.write_register(i, row, number),
            I::Mcrr => self.write_wide(i, row, number),
            _ => self.channel(i, number),
        }
    }

    /// True if no control register has a say.
    fn is_free(&self, row: &Row, read: bool) -> bool {
        self.privileged() || matches!(row.el0_rule(read), El0::Allowed)
    }

    fn read_register(&mut self, i: &Insn, row: &Row, number: u16) -> Flow {
        let dst = if i.d == 15 { self.temp() } else { slot(i.d) };
        match row.read {
            Read::Low(reg) if self.is_free(row, true) => self.read_half(dst, reg, 0),
            Read::High(reg) if self.is_free(row, true) => self.read_half(dst, reg, 32),
            Read::Gic(reg) => {
                let imm = reg.bits().into();
                self.emit(Uop { dst, imm, ..Uop::new(Op::System(SystemOp::ReadGic)) });
                self.op3(Op::Mov32, dst, dst, ZERO);
            }
            _ => {
                let (c, imm) = (i.d, number.into());
                self.emit(Uop { dst, c, imm, ..Uop::new(Op::System(SystemOp::ReadCp)) });
            }
        }
        if i.d == 15 {
            self.emit(Uop { a: dst, ..Uop::new(Op::System(SystemOp::WriteNzcv)) });
        }
        Flow::Next
    }

    /// A word of plain state, by its lowest bit.
    fn read_half(&mut self, dst: Slot, reg: SysReg, low: i64) {
        let whole = self.temp();
        self.emit(Uop { dst: whole, imm: reg as i64, ..Uop::new(Op::System(SystemOp::ReadReg)) });
        if low == 0 {
            self.op3(Op::Mov32, dst, whole, ZERO);
        } else {
            self.op_imm(Op::LsrI64, dst, whole, low);
        }
    }

    fn read_wide(&mut self, i: &Insn, row: &Row, number: u16) -> Flow {
        let (dst, c) = (slot(i.d), slot(i.a));
        if row.key == CNTVCT && self.privileged() {
            let count = self.temp();
            self.emit(Uop { dst: count, ..Uop::new(Op::System(SystemOp::ReadVirtualCount)) });
            self.op3(Op::Mov32, dst, count, ZERO);
            self.op_imm(Op::LsrI64, c, count, 32);
            return Flow::Next;
        }
        self.emit(Uop { dst, c, imm: number.into(), ..Uop::new(Op::System(SystemOp::ReadCp64)) });
        Flow::Next
    }

    fn write_register(&mut self, i: &Insn, row: &Row, number: u16) -> Flow {
        let (a, c) = (slot(i.d), i.d);
        match row.write {
            Write::Sys(reg) => return self.maintenance(reg, a, c),
            // Registers of threads: nobody looks at the upper half that this clears.
            Write::Low(reg) if is_thread(reg) && self.is_free(row, false) => {
                self.emit(Uop { a, imm: reg as i64, ..Uop::new(Op::System(SystemOp::WriteReg)) });
            }
            Write::Gic(reg) => {
                let imm = reg.bits().into();
                self.emit(Uop { a, imm, ..Uop::new(Op::System(SystemOp::WriteGic)) });
            }
            Write::Ignored if self.is_free(row, false) => {}
            _ => self.emit(Uop { a, c, imm: number.into(), ..Uop::new(Op::System(SystemOp::WriteCp)) }),
        }
        match BARRIERS.iter().find(|(key, _)| *key == row.key) {
            // All kinds of accesses.
            Some((_, barrier)) => {
                self.system_op(*barrier, 15);
                if *barrier == SystemOp::Isb { Flow::Leave } else { Flow::Next }
            }
            None => self.after_write(row),
        }
    }

    fn write_wide(&mut self, i: &Insn, row: &Row, number: u16) -> Flow {
        let (a, b) = (slot(i.d), slot(i.a));
        if let Write::Gic(reg) = row.write {
            let whole = self.temp();
            self.op_imm(Op::LslI64, whole, b, 32);
            self.op3(Op::Orr64, whole, whole, a);
            let imm = reg.bits().into();
            self.emit(Uop { a: whole, imm, ..Uop::new(Op::System(SystemOp::WriteGic)) });
        } else {
            self.emit(Uop { a, b, imm: number.into(), ..Uop::new(Op::System(SystemOp::WriteCp64)) });
        }
        self.after_write(row)
    }

    fn after_write(&self, row: &Row) -> Flow {
        if row.leaves_after() { Flow::Leave } else { Flow::Next }
    }

    /// Cache maintenance, which is that of AArch64.
    fn maintenance(&mut self, reg: Encoding, a: Slot, c: u8) -> Flow {
        let imm = reg.bits().into();
        let (op, flow) = match instructions::find(reg, self.features).map(|row| row.op) {
            Some(SysOp::Ic) => (SystemOp::Ic, Flow::Leave),
            Some(SysOp::Dc) => (SystemOp::Dc, Flow::Next),
            _ => return self.undefined(),
        };
        self.emit(Uop { a, c, imm, ..Uop::new(Op::System(op)) });
        flow
    }

    /// LDC and STC of the debug communication channel: one word by way of a temporary.
    fn channel(&mut self, i: &Insn, number: u16) -> Flow {
        let (value, number, write) = (self.temp(), number.into(), i.op == I::Stc);
        let place = self.place(i, false, false);
        let (a, imm) = (place.a, place.imm);
        if write {
            self.emit(Uop { dst: value, c: 0, imm: number, ..Uop::new(Op::System(SystemOp::ReadCp)) });
            let c = self.reordered(2, value);
            self.check_align(a, imm, 2, true);
            self.emit(Uop { a, c, imm, ..Uop::new(Op::Store32) });
        } else {
            self.check_align(a, imm, 2, false);
            self.emit(Uop { dst: value, a, imm, ..Uop::new(Op::Load32) });
            self.reorder(2, value, value);
            self.emit(Uop { a: value, c: 0, imm: number, ..Uop::new(Op::System(SystemOp::WriteCp)) });
        }
        self.move_base(i, place.moves);
        Flow::Next
    }
}

/// TPIDRURW, TPIDRURO, TPIDRPRW.
fn is_thread(reg: SysReg) -> bool {
    matches!(reg, SysReg::TPIDR_EL0 | SysReg::TPIDRRO_EL0 | SysReg::TPIDR_EL1)
}
