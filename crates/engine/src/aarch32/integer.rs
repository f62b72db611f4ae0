//! Lowering of data processing with one result: arithmetic, logic, shifts, bit fields, extensions.
//!
//! Logical instructions that set flags leave V alone and take C from the shifter: the shift is a uop that sets C, or SetC
//! says what a rotated constant has there. An instruction whose destination is R15 is a branch, or with flags an
//! exception return, which is UNDEFINED at EL0 (CONSTRAINED UNPREDICTABLE, Arm ARM F5.1, "MOV, MOVS").

use armlet_arm::aarch32::{Insn, Op as I, Operand, Shift};

use super::{Flow, Lowering, slot};
use crate::block::Mode;
use crate::uop::{Op, SINK, Slot, SystemOp, Uop, ZERO};

impl Lowering<'_> {
    /// `d = n op operand`, moves and comparisons.
    pub(super) fn data_processing(&mut self, i: &Insn) -> Flow {
        let sets = self.sets_flags(i);
        if i.d == 15 && sets && !is_comparison(i.op) {
            return self.data_return(i);
        }
        let d = match i.op {
            _ if is_comparison(i.op) => SINK,
            _ if i.d == 15 => self.temp(),
            _ => slot(i.d),
        };
        match i.op {
            I::Add | I::Sub | I::Rsb | I::Adc | I::Sbc | I::Rsc | I::Cmp | I::Cmn => {
                self.arithmetic(i, d, sets);
            }
            _ if sets => self.logic_with_flags(i, d),
            _ => self.logic(i, d),
        }
        if i.d == 15 && !is_comparison(i.op) { self.branch_to_result(i, d) } else { Flow::Next }
    }

    /// The result of an instruction with destination R15: in A32 bit 0 chooses the instruction set, in T32 it counts for
    /// nothing (ALUWritePC).
    fn branch_to_result(&mut self, i: &Insn, target: Slot) -> Flow {
        let is_return = matches!(i.op, I::Mov) && i.m == 14 && i.operand == Operand::REGISTER;
        self.write_pc(target, is_return)
    }

    /// `SUBS PC, LR, #imm` and its kind.
    fn data_return(&mut self, i: &Insn) -> Flow {
        if !self.mode.has(Mode::EL1) {
            return self.undefined();
        }
        let (target, saved) = (self.temp(), self.temp());
        match i.op {
            I::Add | I::Sub | I::Rsb | I::Adc | I::Sbc | I::Rsc => self.arithmetic(i, target, false),
            _ => self.logic(i, target),
        }
        self.emit(Uop { dst: saved, ..Uop::new(Op::System(SystemOp::ReadSpsr)) });
        self.return_to(target, saved)
    }

    fn arithmetic(&mut self, i: &Insn, d: Slot, sets: bool) {
        match (i.op, i.operand) {
            (I::Add, Operand::Imm { value, .. }) => self.add_constant(i.n, d, value, sets),
            (I::Sub, Operand::Imm { value, .. }) if !sets => {
                self.add_constant(i.n, d, value.wrapping_neg(), false);
            }
            (I::Sub | I::Cmp, Operand::Imm { value, .. }) => {
                let n = self.reg(i.n);
                self.op_imm(Op::SubSI32, d, n, signed(value));
            }
            (I::Cmn, Operand::Imm { value, .. }) => self.add_constant(i.n, d, value, true),
            _ => {
                let (n, m) = (self.reg(i.n), self.operand(i));
                let (op, a, b) = match (i.op, sets) {
                    (I::Add, false) => (Op::Add32, n, m),
                    (I::Add | I::Cmn, _) => (Op::AddS32, n, m),
                    (I::Sub, false) => (Op::Sub32, n, m),
                    (I::Sub | I::Cmp, _) => (Op::SubS32, n, m),
                    (I::Rsb, false) => (Op::Sub32, m, n),
                    (I::Rsb, _) => (Op::SubS32, m, n),
                    (I::Adc, false) => (Op::Adc32, n, m),
                    (I::Adc, _) => (Op::AdcS32, n, m),
                    (I::Sbc, false) => (Op::Sbc32, n, m),
                    (I::Sbc, _) => (Op::SbcS32, n, m),
                    (_, false) => (Op::Sbc32, m, n),
                    _ => (Op::SbcS32, m, n),
                };
                self.op3(op, d, a, b);
            }
        }
    }

    /// `d = n + value`, where R15 and 0 make it something simpler.
    fn add_constant(&mut self, n: u8, d: Slot, value: u32, sets: bool) {
        if sets {
            let n = self.reg(n);
            self.op_imm(Op::AddSI32, d, n, signed(value));
        } else if n == 15 {
            let imm = self.pc() + signed(value);
            self.op_imm(Op::PcRel32, d, ZERO, imm);
        } else if value == 0 {
            self.op3(Op::Mov32, d, slot(n), ZERO);
        } else {
            self.op_imm(Op::AddI32, d, slot(n), signed(value));
        }
    }

    /// A logical instruction or a move that leaves the flags alone.
    fn logic(&mut self, i: &Insn, d: Slot) {
        match (i.op, i.operand) {
            (I::Mov, Operand::Imm { value, .. }) => self.op_imm(Op::MovI, d, ZERO, value.into()),
            (I::Mvn, Operand::Imm { value, .. }) => self.op_imm(Op::MovI, d, ZERO, (!value).into()),
            (I::Mov, _) => self.shifted_into(d, i),
            (I::Mvn, _) => {
                let m = self.operand(i);
                self.op3(Op::Orn32, d, ZERO, m);
            }
            (op, Operand::Imm { value, .. }) => {
                let n = self.reg(i.n);
                let (op, value) = match op {
                    I::And | I::Tst => (Op::AndI, value),
                    I::Bic => (Op::AndI, !value),
                    I::Orr => (Op::OrrI32, value),
                    I::Orn => (Op::OrrI32, !value),
                    _ => (Op::EorI32, value),
                };
                self.op_imm(op, d, n, value.into());
            }
            _ => {
                let (n, m) = (self.reg(i.n), self.operand(i));
                self.op3(logic_op(i.op), d, n, m);
            }
        }
    }

    /// A logical instruction or a move, N and Z of its result, and C of its operand.
    fn logic_with_flags(&mut self, i: &Insn, d: Slot) {
        let d = if d == SINK { self.temp() } else { d };
        match i.operand {
            Operand::Imm { carry, .. } => {
                self.logic(i, d);
                if let Some(carry) = carry {
                    self.op_imm(Op::SetC, SINK, ZERO, carry.into());
                }
            }
            Operand::Shifted { kind: Shift::Lsl, amount: 0 } | Operand::None => self.logic(i, d),
            // The shift sets N and Z as well.
            _ if i.op == I::Mov => return self.shift_with_carry(d, i),
            _ => {
                let n = self.reg(i.n);
                let m = self.temp();
                self.shift_with_carry(m, i);
                let n = if i.op == I::Mvn { ZERO } else { n };
                self.op3(logic_op(i.op), d, n, m);
            }
        }
        self.op3(Op::NzS32, SINK, d, ZERO);
    }

    /// The slot with the second operand.
    pub(super) fn operand(&mut self, i: &Insn) -> Slot {
        match i.operand {
            Operand::Imm { value: 0, .. } => ZERO,
            Operand::Shifted { kind: Shift::Lsl, amount: 0 } | Operand::None => self.reg(i.m),
            Operand::Imm { value, .. } => {
                let dst = self.temp();
                self.op_imm(Op::MovI, dst, ZERO, value.into());
                dst
            }
            _ => {
                let dst = self.temp();
                self.shifted_into(dst, i);
                dst
            }
        }
    }

    /// `dst` = the register operand, no flags changed.
    fn shifted_into(&mut self, dst: Slot, i: &Insn) {
        if i.operand == Operand::REGISTER && i.m == 15 {
            let imm = self.pc();
            return self.op_imm(Op::PcRel32, dst, ZERO, imm);
        }
        let m = self.reg(i.m);
        match i.operand {
            Operand::Shifted { kind, amount } => {
                let (op, amount) = match (kind, amount) {
                    (Shift::Lsl, 0) => (Op::Mov32, 0),
                    (Shift::Lsl, _) => (Op::LslI32, amount),
                    (Shift::Lsr, 32) => return self.op_imm(Op::MovI, dst, ZERO, 0),
                    (Shift::Lsr, _) => (Op::LsrI32, amount),
                    // All bits are the sign's after 31 already.
                    (Shift::Asr, _) => (Op::AsrI32, amount.min(31)),
                    (Shift::Ror, _) => (Op::RorI32, amount),
                    (Shift::Rrx, _) => (Op::Rrx32, 0),
                };
                self.op_imm(op, dst, m, amount.into());
            }
            Operand::ShiftedByReg { kind, by } => {
                let op = match kind {
                    Shift::Lsl => Op::LslV32,
                    Shift::Lsr => Op::LsrV32,
                    Shift::Asr => Op::AsrV32,
                    Shift::Ror | Shift::Rrx => Op::RorV32,
                };
                self.op3(op, dst, m, slot(by));
            }
            _ => self.op3(Op::Mov32, dst, m, ZERO),
        }
    }

    /// `dst` = the shifted register operand; N, Z and C as of the shift.
    fn shift_with_carry(&mut self, dst: Slot, i: &Insn) {
        let m = self.reg(i.m);
        match i.operand {
            Operand::ShiftedByReg { kind, by } => {
                let op = match kind {
                    Shift::Lsl => Op::LslSV32,
                    Shift::Lsr => Op::LsrSV32,
                    Shift::Asr => Op::AsrSV32,
                    Shift::Ror | Shift::Rrx => Op::RorSV32,
                };
                self.op3(op, dst, m, slot(by));
            }
            Operand::Shifted { kind, amount } => {
                let op = match kind {
                    Shift::Lsl => Op::LslSI32,
                    Shift::Lsr => Op::LsrSI32,
                    Shift::Asr => Op::AsrSI32,
                    Shift::Ror => Op::RorSI32,
                    Shift::Rrx => Op::RrxS32,
                };
                self.op_imm(op, dst, m, amount.into());
            }
            Operand::Imm { .. } | Operand::None => self.op3(Op::Mov32, dst, m, ZERO),
        }
    }

    /// Instructions that never set flags, on fields, bytes and bits.
    pub(super) fn bits(&mut self, i: &Insn) -> Flow {
        let (d, n, m) = (slot(i.d), slot(i.n), slot(i.m));
        match i.op {
            I::Adr => {
                let imm = self.aligned_pc() + i64::from(i.offset());
                self.op_imm(Op::PcRel32, d, ZERO, imm);
            }
            I::Movw => self.op_imm(Op::MovI, d, ZERO, (i.imm & 0xffff).into()),
            I::Movt => {
                let imm = i64::from(i.imm & 0xffff) << 16;
                self.emit(Uop { dst: d, a: d, flags: 16, imm, ..Uop::new(Op::MovK32) });
            }
            I::Bfc => self.op_imm(Op::AndI, d, d, (!field_mask(i)).into()),
            I::Bfi => {
                let (flags, imm) = (64 - i.lsb() as u8 & 63, field_mask(i).into());
                self.emit(Uop { dst: d, a: n, b: d, flags, imm, ..Uop::new(Op::Bfi32) });
            }
            I::Ubfx => self.unsigned_field(d, n, i.lsb(), i.width()),
            I::Sbfx => self.signed_field(d, n, i.lsb(), i.width()),
            I::Rev => self.op3(Op::Rev32, d, m, ZERO),
            I::Rev16 => self.op3(Op::Rev16In32, d, m, ZERO),
            I::Revsh => {
                let swapped = self.temp();
                self.op3(Op::Rev16In32, swapped, m, ZERO);
                self.signed_field(d, swapped, 0, 16);
            }
            I::Rbit => self.op3(Op::Rbit32, d, m, ZERO),
            I::Clz => self.op3(Op::Clz32, d, m, ZERO),
            I::Pkhbt => self.pack(i, 0xffff_0000),
            I::Pkhtb => self.pack(i, 0x0000_ffff),
            I::Sdiv => self.op3(Op::Sdiv32, d, n, m),
            I::Udiv => self.op3(Op::Udiv32, d, n, m),
            I::Crc32b | I::Crc32cb => self.crc(i, 0),
            I::Crc32h | I::Crc32ch => self.crc(i, 1),
            _ => self.crc(i, 2),
        }
        Flow::Next
    }

    /// `d` = `width` bits of `a` from bit `lsb` on, zero-extended.
    pub(super) fn unsigned_field(&mut self, d: Slot, a: Slot, lsb: u32, width: u32) {
        let imm = i64::from(ones(width));
        match lsb {
            0 => self.op_imm(Op::AndI, d, a, imm),
            _ if lsb + width >= 32 => self.op_imm(Op::LsrI32, d, a, lsb.into()),
            _ => self.emit(Uop { dst: d, a, flags: lsb as u8, imm, ..Uop::new(Op::Ubf) }),
        }
    }

    /// The same, sign-extended.
    pub(super) fn signed_field(&mut self, d: Slot, a: Slot, lsb: u32, width: u32) {
        let (c, flags) = (32u32.saturating_sub(lsb + width) as u8, (32 - width) as u8);
        match c {
            0 => self.op_imm(Op::AsrI32, d, a, flags.into()),
            _ => self.emit(Uop { dst: d, a, c, flags, ..Uop::new(Op::Sbf32) }),
        }
    }

    /// `d = n`, but the bits of `mask` come from the operand.
    fn pack(&mut self, i: &Insn, mask: u32) {
        let (m, imm) = (self.operand(i), mask.into());
        self.emit(Uop { dst: slot(i.d), a: m, b: slot(i.n), imm, ..Uop::new(Op::Bfi32) });
    }

    fn crc(&mut self, i: &Insn, size: u8) {
        let polynomial = if matches!(i.op, I::Crc32cb | I::Crc32ch | I::Crc32cw) { 4 } else { 0 };
        let flags = size | polynomial;
        self.emit(Uop { dst: slot(i.d), a: slot(i.n), b: slot(i.m), flags, ..Uop::new(Op::Crc32) });
    }

    /// Extensions of a byte or halfword, with or without an addend.
    pub(super) fn extension(&mut self, i: &Insn) -> Flow {
        let adds = matches!(i.op, I::Sxtab | I::Sxtah | I::Uxtab | I::Uxtah);
        let width = if matches!(i.op, I::Sxtb | I::Uxtb | I::Sxtab | I::Uxtab) { 8 } else { 16 };
        let (mut m, mut lsb) = (slot(i.m), rotation(i));
        if lsb + width > 32 {
            m = self.operand(i);
            lsb = 0;
        }
        let d = if adds { self.temp() } else { slot(i.d) };
        if matches!(i.op, I::Sxtb | I::Sxth | I::Sxtab | I::Sxtah) {
            self.signed_field(d, m, lsb, width);
        } else {
            self.unsigned_field(d, m, lsb, width);
        }
        if adds {
            self.op3(Op::Add32, slot(i.d), slot(i.n), d);
        }
        Flow::Next
    }
}

/// By how many bits the operand of an extension is rotated to the right.
pub(super) fn rotation(i: &Insn) -> u32 {
    match i.operand {
        Operand::Shifted { kind: Shift::Ror, amount } => amount.into(),
        _ => 0,
    }
}

/// A constant that the 32-bit ops add.
fn signed(value: u32) -> i64 {
    i64::from(value as i32)
}

fn ones(width: u32) -> u32 {
    u32::MAX.unbounded_shr(32u32.saturating_sub(width))
}

fn field_mask(i: &Insn) -> u32 {
    ones(i.width()).unbounded_shl(i.lsb())
}

fn is_comparison(op: I) -> bool {
    matches!(op, I::Tst | I::Teq | I::Cmp | I::Cmn)
}

fn logic_op(op: I) -> Op {
    match op {
        I::And | I::Tst => Op::And32,
        I::Bic => Op::Bic32,
        I::Orn | I::Mvn => Op::Orn32,
        I::Eor | I::Teq => Op::Eor32,
        _ => Op::Orr32,
    }
}
