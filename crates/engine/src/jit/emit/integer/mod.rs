//! Integer data processing.

mod arith;
mod bits;
mod chain;
mod dsp;
mod fields;
mod logic;
mod moves;
mod multiply;
mod select;
mod word;

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits, Gpr, Shift};

use super::Emitter;
use crate::jit::emit::recipe::is_simple;
use crate::jit::layout::*;
use crate::uop::{Op, SINK, Slot, Uop};

fn as_i32(imm: i64) -> Option<i32> {
    i32::try_from(imm).ok()
}

fn ones(count: u32) -> u64 {
    if count == 0 { 0 } else { u64::MAX >> (64 - count) }
}

impl Emitter<'_> {
    /// Compiles an integer uop; false if it is something else.
    pub(super) fn integer(&mut self, u: &Uop) -> bool {
        use Op as O;
        match u.op {
            O::Mov => self.mov(B64, u),
            O::Mov32 => self.mov(B32, u),
            O::MovI => self.constant(u, u.imm as u64),
            O::PcRel => self.page_plus(u.dst, i64::from(self.segment.offset) + u.imm),
            O::PageRel => self.page_plus(u.dst, u.imm),
            O::PcRel32 => self.page_plus(u.dst, i64::from(self.segment.offset) + u.imm),
            O::MovK64 => self.movk(u, B64),
            O::MovK32 => self.movk(u, B32),

            O::Add64 => self.add(u, B64),
            O::Add32 => self.add(u, B32),
            O::AddI64 => self.add_imm(u, B64),
            O::AddI32 => self.add_imm(u, B32),
            O::Sub64 => self.binary(Alu::Sub, B64, u),
            O::Sub32 => self.binary(Alu::Sub, B32, u),
            O::AddS64 => self.arith_s(Alu::Add, B64, u),
            O::AddS32 => self.arith_s(Alu::Add, B32, u),
            O::SubS64 => self.arith_s(Alu::Sub, B64, u),
            O::SubS32 => self.arith_s(Alu::Sub, B32, u),
            O::AddSI64 => self.arith_si(Alu::Add, B64, u),
            O::AddSI32 => self.arith_si(Alu::Add, B32, u),
            O::SubSI64 => self.arith_si(Alu::Sub, B64, u),
            O::SubSI32 => self.arith_si(Alu::Sub, B32, u),
            O::Adc64 => self.with_carry(Alu::Adc, B64, u, false),
            O::Adc32 => self.with_carry(Alu::Adc, B32, u, false),
            O::Sbc64 => self.with_carry(Alu::Sbb, B64, u, false),
            O::Sbc32 => self.with_carry(Alu::Sbb, B32, u, false),
            O::AdcS64 => self.with_carry(Alu::Adc, B64, u, true),
            O::AdcS32 => self.with_carry(Alu::Adc, B32, u, true),
            O::SbcS64 => self.with_carry(Alu::Sbb, B64, u, true),
            O::SbcS32 => self.with_carry(Alu::Sbb, B32, u, true),

            O::And64 => self.binary(Alu::And, B64, u),
            O::And32 => self.binary(Alu::And, B32, u),
            O::Orr64 => self.binary(Alu::Or, B64, u),
            O::Orr32 => self.binary(Alu::Or, B32, u),
            O::Eor64 => self.binary(Alu::Xor, B64, u),
            O::Eor32 => self.binary(Alu::Xor, B32, u),
            O::Bic64 => self.inverted(Alu::And, B64, u),
            O::Bic32 => self.inverted(Alu::And, B32, u),
            O::Orn64 => self.inverted(Alu::Or, B64, u),
            O::Orn32 => self.inverted(Alu::Or, B32, u),
            O::Eon64 => self.inverted(Alu::Xor, B64, u),
            O::Eon32 => self.inverted(Alu::Xor, B32, u),
            O::AndS64 => self.and_s(B64, u),
            O::AndS32 => self.and_s(B32, u),
            O::BicS64 => self.inverted_s(B64, u),
            O::BicS32 => self.inverted_s(B32, u),
            O::AndI => self.and_imm(u),
            O::OrrI64 => self.logic_imm(Alu::Or, B64, u),
            O::OrrI32 => self.logic_imm(Alu::Or, B32, u),
            O::EorI64 => self.logic_imm(Alu::Xor, B64, u),
            O::EorI32 => self.logic_imm(Alu::Xor, B32, u),
            O::AndSI64 => self.and_si(B64, u),
            O::AndSI32 => self.and_si(B32, u),

            O::Lsl64 => self.shift_by(Shift::Shl, B64, u),
            O::Lsl32 => self.shift_by(Shift::Shl, B32, u),
            O::Lsr64 => self.shift_by(Shift::Shr, B64, u),
            O::Lsr32 => self.shift_by(Shift::Shr, B32, u),
            O::Asr64 => self.shift_by(Shift::Sar, B64, u),
            O::Asr32 => self.shift_by(Shift::Sar, B32, u),
            O::Ror64 => self.shift_by(Shift::Ror, B64, u),
            O::Ror32 => self.shift_by(Shift::Ror, B32, u),
            O::LslI64 => self.shift_imm(Shift::Shl, B64, u),
            O::LslI32 => self.shift_imm(Shift::Shl, B32, u),
            O::LsrI64 => self.shift_imm(Shift::Shr, B64, u),
            O::LsrI32 => self.shift_imm(Shift::Shr, B32, u),
            O::AsrI64 => self.shift_imm(Shift::Sar, B64, u),
            O::AsrI32 => self.shift_imm(Shift::Sar, B32, u),
            O::RorI64 => self.shift_imm(Shift::Ror, B64, u),
            O::RorI32 => self.shift_imm(Shift::Ror, B32, u),
            O::Extr64 => self.extract(B64, u),
            O::Extr32 => self.extract(B32, u),
            O::Ubf => self.bit_field(u),
            O::Bfi64 => self.insert(B64, u),
            O::Bfi32 => self.insert(B32, u),
            O::Sbf64 => self.signed_field(B64, u),
            O::Sbf32 => self.signed_field(B32, u),

            O::Clz64 => self.one(u, |e, d, u| e.count_zeros(B64, d, u)),
            O::Clz32 => self.one(u, |e, d, u| e.count_zeros(B32, d, u)),
            O::Cls64 => self.one(u, |e, d, u| e.count_signs(B64, d, u)),
            O::Cls32 => self.one(u, |e, d, u| e.count_signs(B32, d, u)),
            O::Rbit64 => self.one(u, |e, d, u| e.reverse_bits(B64, d, u)),
            O::Rbit32 => self.one(u, |e, d, u| e.reverse_bits(B32, d, u)),
            O::Rev16In64 => self.one(u, |e, d, u| e.swap_fields(B64, d, u)),
            O::Rev16In32 => self.one(u, |e, d, u| e.swap_fields(B32, d, u)),
            O::Rev32In64 => self.one(u, Self::swap_words),
            O::Rev64 => self.swap_bytes(B64, u),
            O::Rev32 => self.swap_bytes(B32, u),

            O::Madd64 => self.multiply(B64, false, u),
            O::Madd32 => self.multiply(B32, false, u),
            O::Msub64 => self.multiply(B64, true, u),
            O::Msub32 => self.multiply(B32, true, u),
            O::Smaddl => self.multiply_long(true, false, u),
            O::Smsubl => self.multiply_long(true, true, u),
            O::Umaddl => self.multiply_long(false, false, u),
            O::Umsubl => self.multiply_long(false, true, u),
            O::Smulh | O::Umulh => self.multiply_high(u),
            O::Udiv64 => self.divide(B64, u),
            O::Udiv32 => self.divide(B32, u),
            O::Sdiv64 => self.divide_signed(B64, u),
            O::Sdiv32 => self.divide_signed(B32, u),
            O::Crc32 if u.flags & 4 != 0 => self.one(u, |e, d, u| {
                e.copy(B32, A, u.a);
                let b = e.src(u.b);
                e.asm.crc32(u.flags & 3, A, b);
                e.asm.mov(B32, d, A);
            }),
            O::Crc32 if self.host.pclmul => self.crc32(u),
            O::Crc32 => self.by_interpreter(),

            O::Csel64 => self.select(B64, u),
            O::Csel32 => self.select(B32, u),
            O::Csinc64 => self.select_changed(B64, u),
            O::Csinc32 => self.select_changed(B32, u),
            O::Csinv64 => self.select_changed(B64, u),
            O::Csinv32 => self.select_changed(B32, u),
            O::Csneg64 => self.select_changed(B64, u),
            O::Csneg32 => self.select_changed(B32, u),
            O::Ccmp64 => self.compare_if(B64, true, u),
            O::Ccmp32 => self.compare_if(B32, true, u),
            O::Ccmn64 => self.compare_if(B64, false, u),
            O::Ccmn32 => self.compare_if(B32, false, u),
            O::NzS32 => self.set_nz(u),
            O::SetC => self.set_carry(u.imm & 1 != 0),
            O::CarryBit => self.carry_bit(u),
            O::LslSI32 => self.shift_imm_s(Shift::Shl, u),
            O::LsrSI32 => self.shift_imm_s(Shift::Shr, u),
            O::AsrSI32 => self.shift_imm_s(Shift::Sar, u),
            O::LslV32 => self.shift_any(Shift::Shl, u),
            O::LsrV32 => self.shift_any(Shift::Shr, u),
            O::AsrV32 => self.shift_any(Shift::Sar, u),
            O::RorV32 => self.shift_by(Shift::Ror, B32, u),
            O::LslSV32 => self.shift_any_s(Shift::Shl, u),
            O::LsrSV32 => self.shift_any_s(Shift::Shr, u),
            O::AsrSV32 => self.shift_any_s(Shift::Sar, u),
            O::RorSI32 | O::Rrx32 | O::RrxS32 | O::RorSV32 => self.by_interpreter(),
            O::Dsp(op) => self.dsp(op, u),
            O::Rmif | O::Setf8 | O::Setf16 | O::Cfinv | O::Axflag | O::Xaflag => self.by_interpreter(),
            _ => return false,
        }
        true
    }

    /// `d = d op imm`, with the scratch register that `d` is not.
    fn logic(&mut self, op: Alu, bits: Bits, d: Gpr, imm: i64) {
        let imm = if bits == B32 { i64::from(imm as i32) } else { imm };
        match as_i32(imm) {
            Some(imm) => self.asm.alu_imm(op, bits, d, imm),
            None => {
                let other = if d == C { A } else { C };
                self.asm.mov_imm(other, imm as u64);
                self.asm.alu(op, bits, d, other);
            }
        }
    }

    /// After uop `u`: what it makes known, or no longer true.
    pub(super) fn note_constant(&mut self, u: &Uop) {
        match (u.op, self.known) {
            (Op::MovI, _) if u.dst != SINK => self.known = Some((u.dst, u.imm as u64)),
            (Op::MovK64 | Op::MovK32, _) => {}
            (op, Some((n, _))) if n == u.dst || n == u.c || !is_simple(op) => self.known = None,
            _ => {}
        }
    }

    /// `d` = the slot, upper half undefined with 32 bits if `d` is the slot's register.
    fn copy_unless(&mut self, bits: Bits, d: Gpr, n: Slot) {
        if !self.is_in(n, d) {
            self.copy(bits, d, n);
        }
    }

    /// One operand, whose lowering may use RAX and RCX besides the destination, and writes that last.
    fn one(&mut self, u: &Uop, lowering: impl FnOnce(&mut Self, Gpr, &Uop)) {
        self.clobber();
        let d = self.dst(u.dst, A);
        lowering(self, d, u);
        self.write(u.dst, d);
    }
}
