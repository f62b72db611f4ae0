//! Integer data processing.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits, Cond, Gpr, Lane, Mem, Shift, VOpImm};

use super::flags::Test;
use super::{Emitter, Loc};
use crate::jit::layout::*;
use crate::uop::{Op, SINK, Slot, Uop, ZERO};

fn as_i32(imm: i64) -> Option<i32> {
    i32::try_from(imm).ok()
}

fn ones(count: u32) -> u64 {
    if count == 0 { 0 } else { u64::MAX >> (64 - count) }
}

/// The polynomial of CRC32, lowest degree highest, and the low 64 of 65 bits of x^96 divided by it.
const CRC32: (u64, u64) = {
    const P: u128 = 0x1_04c1_1db7;
    let (mut rest, mut quotient, mut bit) = (1u128 << 96, 0u128, 65);
    while bit > 0 {
        bit -= 1;
        if rest >> (bit + 32) & 1 != 0 {
            rest ^= P << bit;
            quotient |= 1 << bit;
        }
    }
    ((P as u64).reverse_bits() >> 31, (quotient >> 1) as u64)
};

impl Emitter<'_> {
    /// Compiles an integer uop; false if it is something else.
    pub(super) fn integer(&mut self, u: &Uop) -> bool {
        use Op as O;
        match u.op {
            O::Mov => {
                let src = self.read(u.a, A);
                self.write_from(u.dst, src);
            }
            O::Mov32 => {
                let d = self.dst(u.dst, A);
                self.copy(B32, d, u.a);
                self.write(u.dst, d);
            }
            O::MovI => self.constant(u.dst, u.imm as u64),
            O::PcRel => self.page_plus(u.dst, i64::from(self.segment.offset) + u.imm),
            O::PageRel => self.page_plus(u.dst, u.imm),
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
            O::Rev32In64 => self.one(u, |e, d, u| {
                e.copy(B64, d, u.a);
                e.asm.bswap(B64, d);
                e.asm.shift(Shift::Rol, B64, d, 32);
            }),
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
            O::Rmif | O::Setf8 | O::Setf16 | O::Cfinv | O::Axflag | O::Xaflag => self.by_interpreter(),
            _ => return false,
        }
        true
    }

    /// The slot = a register that may be another slot's.
    fn write_from(&mut self, n: Slot, reg: Gpr) {
        self.write(n, reg);
    }

    /// The slot = a constant. Leaves the flags alone.
    fn constant(&mut self, n: Slot, value: u64) {
        match self.loc(n) {
            Loc::Reg(reg) => self.asm.mov_imm(reg, value),
            Loc::Mem if n == SINK => {}
            Loc::Mem => match as_i32(value as i64) {
                Some(imm) => self.asm.store_imm(B64, slot(n), imm),
                None => {
                    self.asm.mov_imm(A, value);
                    self.write(n, A);
                }
            },
        }
    }

    /// The slot = the page's address plus `distance`. Leaves the flags alone.
    pub(super) fn page_plus(&mut self, n: Slot, distance: i64) {
        let d = self.dst(n, A);
        self.page_address(d, distance);
        self.write(n, d);
    }

    /// `d` = the page's address plus `distance`. Leaves the flags alone.
    pub(super) fn page_address(&mut self, d: Gpr, distance: i64) {
        self.asm.mov(B64, d, PAGE);
        match as_i32(distance) {
            Some(0) => {}
            Some(disp) => self.asm.lea(B64, d, Mem::base(d, disp)),
            None => {
                let other = if d == C { A } else { C };
                self.asm.mov_imm(other, distance as u64);
                self.asm.lea(B64, d, Mem::indexed(d, other, 0, 0));
            }
        }
    }

    fn movk(&mut self, u: &Uop, bits: Bits) {
        self.clobber();
        let keep = !(0xffff_i64 << (u.flags & 63));
        let keep = if bits == B32 { i64::from(keep as i32) } else { keep };
        let d = self.dst(u.dst, A);
        self.copy(bits, d, u.a);
        self.mask(bits, d, keep);
        self.or_imm(bits, d, u.imm);
        self.write(u.dst, d);
    }

    /// `d &= mask`, with the scratch register that `d` is not.
    fn mask(&mut self, bits: Bits, d: Gpr, mask: i64) {
        self.logic(Alu::And, bits, d, mask);
    }

    fn or_imm(&mut self, bits: Bits, d: Gpr, imm: i64) {
        self.logic(Alu::Or, bits, d, imm);
    }

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

    /// Sums that set no flags need not change the host's.
    fn add(&mut self, u: &Uop, bits: Bits) {
        if let (Loc::Reg(a), Loc::Reg(b)) = (self.loc(u.a), self.loc(u.b)) {
            let d = self.dst(u.dst, A);
            self.asm.lea(bits, d, Mem::indexed(a, b, 0, 0));
            self.write(u.dst, d);
        } else {
            self.binary(Alu::Add, bits, u);
        }
    }

    fn add_imm(&mut self, u: &Uop, bits: Bits) {
        let imm = as_i32(u.imm).expect("add immediates have 24 bits");
        if u.a == u.dst && bits == B64 && self.loc(u.a) == Loc::Mem {
            self.clobber();
            self.asm.alu_imm(Alu::Add, B64, slot(u.a), imm);
            return;
        }
        let d = self.dst(u.dst, A);
        let a = self.read(u.a, A);
        self.asm.lea(bits, d, Mem::base(a, imm));
        self.write(u.dst, d);
    }

    /// `dst = a op b`. The host's flags are those of the operation.
    fn binary_raw(&mut self, op: Alu, bits: Bits, u: &Uop) {
        let d = self.dst(u.dst, A);
        if self.is_in(u.b, d) && u.a != u.b {
            if matches!(op, Alu::Sub | Alu::Sbb) {
                self.copy(bits, A, u.a);
                self.asm.alu(op, bits, A, d);
                self.asm.mov(bits, d, A);
            } else {
                let a = self.src(u.a);
                self.asm.alu(op, bits, d, a);
            }
        } else {
            self.copy_unless(bits, d, u.a);
            let b = self.src(u.b);
            self.asm.alu(op, bits, d, b);
        }
        self.write(u.dst, d);
    }

    /// `d` = the slot, upper half undefined with 32 bits if `d` is the slot's register.
    fn copy_unless(&mut self, bits: Bits, d: Gpr, n: Slot) {
        if !self.is_in(n, d) {
            self.copy(bits, d, n);
        }
    }

    fn binary(&mut self, op: Alu, bits: Bits, u: &Uop) {
        self.clobber();
        self.binary_raw(op, bits, u);
    }

    fn arith_s(&mut self, op: Alu, bits: Bits, u: &Uop) {
        self.before_clobber();
        if u.dst == SINK && op == Alu::Sub {
            let a = self.read(u.a, A);
            let b = self.src(u.b);
            self.compare(bits, a, b);
        } else {
            self.binary_raw(op, bits, u);
        }
        self.flags_set(op == Alu::Sub);
    }

    fn arith_si(&mut self, op: Alu, bits: Bits, u: &Uop) {
        self.before_clobber();
        let imm = as_i32(u.imm).expect("add immediates have 24 bits");
        if u.dst == SINK && op == Alu::Sub {
            match self.loc(u.a) {
                Loc::Reg(a) if imm == 0 => self.asm.test(bits, a, a),
                _ => {
                    let a = self.src(u.a);
                    self.asm.alu_imm(Alu::Cmp, bits, a, imm);
                }
            }
        } else {
            let d = self.dst(u.dst, A);
            self.copy_unless(bits, d, u.a);
            self.asm.alu_imm(op, bits, d, imm);
            self.write(u.dst, d);
        }
        self.flags_set(op == Alu::Sub);
    }

    /// ADC and SBC; SBB's borrow is the inverse of C.
    fn with_carry(&mut self, op: Alu, bits: Bits, u: &Uop, sets: bool) {
        let keep = !sets && self.buffers.needs.get(self.index + 1).is_some_and(|next| next.flags);
        if keep {
            self.store_flags();
        }
        self.carry(op == Alu::Sbb);
        self.binary_raw(op, bits, u);
        if sets {
            self.flags_set(op == Alu::Sbb);
        } else {
            self.flags = super::flags::Flags::Memory;
        }
    }

    /// `dst = a op !b`.
    fn inverted(&mut self, op: Alu, bits: Bits, u: &Uop) {
        self.clobber();
        self.inverted_raw(op, bits, u);
    }

    fn inverted_raw(&mut self, op: Alu, bits: Bits, u: &Uop) {
        if u.a == ZERO && op != Alu::And {
            // MVN.
            let d = self.dst(u.dst, A);
            self.copy_unless(bits, d, u.b);
            self.asm.not(bits, d);
            self.write(u.dst, d);
            return;
        }
        self.copy(bits, C, u.b);
        self.asm.not(bits, C);
        let a = self.src(u.a);
        self.asm.alu(op, bits, C, a);
        self.write(u.dst, C);
    }

    fn inverted_s(&mut self, bits: Bits, u: &Uop) {
        self.before_clobber();
        self.copy(bits, C, u.b);
        self.asm.not(bits, C);
        let a = self.src(u.a);
        self.asm.alu(Alu::And, bits, C, a);
        self.write(u.dst, C);
        self.flags_set(false);
    }

    fn and_s(&mut self, bits: Bits, u: &Uop) {
        self.before_clobber();
        if u.dst == SINK {
            let b = self.read(u.b, A);
            let a = self.src(u.a);
            self.asm.test(bits, a, b);
        } else {
            self.binary_raw(Alu::And, bits, u);
        }
        self.flags_set(false);
    }

    fn and_si(&mut self, bits: Bits, u: &Uop) {
        self.before_clobber();
        let imm = if bits == B32 { i64::from(u.imm as i32) } else { u.imm };
        match as_i32(imm) {
            Some(imm) if u.dst == SINK => {
                let a = self.src(u.a);
                self.asm.test_imm(bits, a, imm);
            }
            _ => {
                let d = self.dst(u.dst, A);
                self.copy_unless(bits, d, u.a);
                self.logic(Alu::And, bits, d, imm);
                self.write(u.dst, d);
            }
        }
        self.flags_set(false);
    }

    /// The mask is zero-extended for either width.
    fn and_imm(&mut self, u: &Uop) {
        let d = self.dst(u.dst, A);
        let mask = u.imm as u64;
        match mask {
            0xff => {
                let a = self.byte_operand(u.a);
                self.asm.movzx8(d, a);
            }
            0xffff => {
                let a = self.src(u.a);
                self.asm.movzx16(d, a);
            }
            0xffff_ffff => self.copy(B32, d, u.a),
            _ => {
                self.clobber();
                let bits = if mask <= u32::MAX.into() { B32 } else { B64 };
                self.copy_unless(bits, d, u.a);
                self.logic(Alu::And, bits, d, u.imm);
            }
        }
        self.write(u.dst, d);
    }

    /// A slot of which a byte is read.
    fn byte_operand(&mut self, n: Slot) -> armlet_x64::Rm {
        self.src(n)
    }

    fn logic_imm(&mut self, op: Alu, bits: Bits, u: &Uop) {
        self.clobber();
        let d = self.dst(u.dst, A);
        self.copy_unless(bits, d, u.a);
        self.logic(op, bits, d, u.imm);
        self.write(u.dst, d);
    }

    /// Shifts by a register. The host takes the amount from CL, modulo the width as well.
    fn shift_by(&mut self, op: Shift, bits: Bits, u: &Uop) {
        self.clobber();
        self.copy(B32, C, u.b);
        let d = self.dst(u.dst, A);
        self.copy_unless(bits, d, u.a);
        self.asm.shift_cl(op, bits, d);
        // A count of zero leaves the upper half as it was.
        if bits == B32 && self.is_in(u.a, d) {
            self.asm.mov(B32, d, d);
        }
        self.write(u.dst, d);
    }

    fn shift_imm(&mut self, op: Shift, bits: Bits, u: &Uop) {
        let d = self.dst(u.dst, A);
        let by = u.imm as u8;
        if let (Shift::Shl, Loc::Reg(a), 1..=3) = (op, self.loc(u.a), by) {
            self.asm.lea(bits, d, Mem::Scaled { index: (a, by), disp: 0 });
        } else if by == 0 {
            self.copy(bits, d, u.a);
        } else {
            self.clobber();
            self.copy_unless(bits, d, u.a);
            self.asm.shift(op, bits, d, by);
        }
        self.write(u.dst, d);
    }

    fn extract(&mut self, bits: Bits, u: &Uop) {
        self.clobber();
        self.copy(bits, A, u.b);
        let high = self.read(u.a, C);
        self.asm.shrd(bits, A, high, u.imm as u8);
        self.write(u.dst, A);
    }

    /// `dst = ror64(a, flags) & imm`, the mask being a run of ones.
    fn bit_field(&mut self, u: &Uop) {
        self.clobber();
        let (mask, rotate) = (u.imm as u64, u32::from(u.flags & 63));
        let (low, len) = (mask.trailing_zeros(), mask.count_ones());
        let d = self.dst(u.dst, A);
        if low == 0 && rotate + len <= 64 {
            self.field_down(d, u.a, rotate, len);
        } else if low == 64 - rotate && mask == ones(len) << low {
            self.field_up(d, u.a, low, len);
        } else {
            self.copy_unless(B64, d, u.a);
            self.asm.shift(Shift::Ror, B64, d, rotate as u8);
            self.mask(B64, d, u.imm);
        }
        self.write(u.dst, d);
    }

    /// `d` = `len` bits of the slot from bit `from` on.
    fn field_down(&mut self, d: Gpr, n: Slot, from: u32, len: u32) {
        let bits = if from + len <= 32 { B32 } else { B64 };
        if from == 0 || len > 31 {
            // To the top and down again.
            let up = (64 - from - len) as u8;
            self.copy_unless(B64, d, n);
            if up > 0 {
                self.asm.shift(Shift::Shl, B64, d, up);
            }
            self.asm.shift(Shift::Shr, B64, d, (64 - len) as u8);
            return;
        }
        self.copy_unless(bits, d, n);
        self.asm.shift(Shift::Shr, bits, d, from as u8);
        let whole = if bits == B32 { 32 } else { 64 };
        match len {
            _ if from + len == whole => {}
            8 => self.asm.movzx8(d, d),
            16 => self.asm.movzx16(d, d),
            _ => self.asm.alu_imm(Alu::And, B32, d, ones(len) as i32),
        }
    }

    /// `d` = the low `len` bits of the slot, moved up by `by`.
    fn field_up(&mut self, d: Gpr, n: Slot, by: u32, len: u32) {
        match len {
            32 => {
                self.copy(B32, d, n);
                self.asm.shift(Shift::Shl, B64, d, by as u8);
            }
            8 | 16 => {
                let src = self.src(n);
                if len == 8 {
                    self.asm.movzx8(d, src)
                } else {
                    self.asm.movzx16(d, src)
                }
                self.asm.shift(Shift::Shl, B64, d, by as u8);
            }
            _ if len < 32 => {
                self.copy_unless(B32, d, n);
                self.asm.alu_imm(Alu::And, B32, d, ones(len) as i32);
                self.asm.shift(Shift::Shl, B64, d, by as u8);
            }
            _ => {
                self.copy_unless(B64, d, n);
                self.asm.shift(Shift::Shl, B64, d, (64 - len) as u8);
                let back = 64 - len - by;
                if back > 0 {
                    self.asm.shift(Shift::Shr, B64, d, back as u8);
                }
            }
        }
    }

    /// `dst = b & !imm | ror64(a, flags) & imm`, as `((ror(a) ^ b) & imm) ^ b`.
    fn insert(&mut self, bits: Bits, u: &Uop) {
        self.clobber();
        self.copy(B64, A, u.a);
        if u.flags & 63 != 0 {
            self.asm.shift(Shift::Ror, B64, A, u.flags & 63);
        }
        let b = self.src(u.b);
        self.asm.alu(Alu::Xor, B64, A, b);
        self.mask(B64, A, u.imm);
        self.asm.alu(Alu::Xor, bits, A, b);
        self.write(u.dst, A);
    }

    /// `dst` = `a` shifted left by `c`, then arithmetically right by `flags`.
    fn signed_field(&mut self, bits: Bits, u: &Uop) {
        let width = if bits == B64 { 64 } else { 32 };
        if u.flags != u.c {
            self.clobber();
        }
        let d = self.dst(u.dst, A);
        let src = self.src(u.a);
        match width - u.c {
            8 if u.flags >= u.c => self.asm.movsx8(bits, d, src),
            16 if u.flags >= u.c => self.asm.movsx16(bits, d, src),
            32 if u.flags >= u.c && bits == B64 => self.asm.movsxd(d, src),
            8 if bits == B64 => self.asm.movsx8(bits, d, src),
            16 if bits == B64 => self.asm.movsx16(bits, d, src),
            32 if bits == B64 => self.asm.movsxd(d, src),
            _ => {
                self.clobber();
                self.copy_unless(bits, d, u.a);
                self.asm.shift(Shift::Shl, bits, d, u.c);
                if u.flags > 0 {
                    self.asm.shift(Shift::Sar, bits, d, u.flags);
                }
                self.write(u.dst, d);
                return;
            }
        }
        // The field is at the bottom now; it belongs `c - flags` up or `flags - c` down.
        if u.flags > u.c {
            self.asm.shift(Shift::Sar, bits, d, u.flags - u.c);
        } else if u.flags < u.c {
            self.asm.shift(Shift::Shl, bits, d, u.c - u.flags);
        }
        self.write(u.dst, d);
    }

    /// One operand, whose lowering may use RAX and RCX besides the destination, and writes that last.
    fn one(&mut self, u: &Uop, lowering: impl FnOnce(&mut Self, Gpr, &Uop)) {
        self.clobber();
        let d = self.dst(u.dst, A);
        lowering(self, d, u);
        self.write(u.dst, d);
    }

    fn count_zeros(&mut self, bits: Bits, d: Gpr, u: &Uop) {
        let a = self.src(u.a);
        self.asm.lzcnt(bits, d, a);
    }

    fn count_signs(&mut self, bits: Bits, d: Gpr, u: &Uop) {
        let width = if bits == B64 { 64 } else { 32 };
        self.copy(bits, A, u.a);
        self.asm.mov(bits, C, A);
        self.asm.shift(Shift::Sar, bits, C, width - 1);
        self.asm.alu(Alu::Xor, bits, A, C);
        self.asm.alu(Alu::Add, bits, A, A);
        self.asm.alu_imm(Alu::Or, bits, A, 1);
        self.asm.lzcnt(bits, d, A);
    }

    /// Bytes are swapped as a whole, then nibbles, pairs and bits within.
    fn reverse_bits(&mut self, bits: Bits, d: Gpr, u: &Uop) {
        if self.host.gfni {
            let a = self.src(u.a);
            self.asm.movd_to(bits, V[0], a);
            let reversal = self.literal(0x8040_2010_0804_0201);
            self.asm.vop_imm(VOpImm::Gf2p8affineqb, V[0], V[0], reversal, 0);
            self.asm.movd_from(bits, d, V[0]);
            return self.asm.bswap(bits, d);
        }
        self.copy(bits, A, u.a);
        self.asm.bswap(bits, A);
        for (shift, mask) in [(4, 0x0f0f_0f0f), (2, 0x3333_3333), (1, 0x5555_5555)] {
            let mask = if bits == B64 { mask << 32 | mask } else { mask };
            self.swap_halves(bits, shift, mask);
        }
        self.asm.mov(bits, d, A);
    }

    /// RAX with neighbouring fields of `shift` bits swapped; `mask` has the lower ones. Uses RCX and RDX.
    fn swap_halves(&mut self, bits: Bits, shift: u8, mask: u64) {
        self.asm.mov_imm(T, mask);
        self.asm.mov(bits, C, A);
        self.asm.shift(Shift::Shr, bits, C, shift);
        self.asm.alu(Alu::And, bits, C, T);
        self.asm.alu(Alu::And, bits, A, T);
        self.asm.shift(Shift::Shl, bits, A, shift);
        self.asm.alu(Alu::Or, bits, A, C);
    }

    /// CRC32 of the lower bytes of `b` into `a`, by Barrett's reduction. All numbers have the lowest degree
    /// highest, so that products of two have theirs one below the top.
    fn crc32(&mut self, u: &Uop) {
        self.clobber();
        let width = 8 << (u.flags & 3);
        let (polynomial, reciprocal) = CRC32;
        let constants = self.literal(u128::from(polynomial) << 64 | u128::from(reciprocal.reverse_bits()));
        self.copy(B32, A, u.a);
        self.copy(B64, C, u.b);
        self.asm.alu(Alu::Xor, B64, C, A);
        if width < 64 {
            self.asm.shift(Shift::Shl, B64, C, 64 - width);
        }
        self.asm.movd_to(B64, V[0], C);
        self.asm.vop_imm(VOpImm::Pclmulqdq, V[0], V[0], constants, 0);
        self.asm.vop_imm(VOpImm::Pclmulqdq, V[0], V[0], constants, 0x10);
        self.asm.pextr(Lane::D, C, V[0], 2);
        if width < 32 {
            self.asm.shift(Shift::Shr, B32, A, width);
            self.asm.alu(Alu::Xor, B32, C, A);
        }
        self.write(u.dst, C);
    }

    fn swap_fields(&mut self, bits: Bits, d: Gpr, u: &Uop) {
        self.copy(bits, A, u.a);
        let mask = 0x00ff_00ff;
        self.swap_halves(bits, 8, if bits == B64 { mask << 32 | mask } else { mask });
        self.asm.mov(bits, d, A);
    }

    fn swap_bytes(&mut self, bits: Bits, u: &Uop) {
        let d = self.dst(u.dst, A);
        self.copy_unless(bits, d, u.a);
        self.asm.bswap(bits, d);
        self.write(u.dst, d);
    }

    /// `dst = c + a * b` or `c - a * b`.
    fn multiply(&mut self, bits: Bits, subtract: bool, u: &Uop) {
        self.clobber();
        if u.c == ZERO && !subtract && !self.is_in(u.b, self.dst(u.dst, A)) {
            let d = self.dst(u.dst, A);
            self.copy_unless(bits, d, u.a);
            let b = self.src(u.b);
            self.asm.imul(bits, d, b);
            return self.write(u.dst, d);
        }
        self.copy(bits, A, u.a);
        let b = self.src(u.b);
        self.asm.imul(bits, A, b);
        self.accumulate(bits, subtract, u);
    }

    fn multiply_long(&mut self, signed: bool, subtract: bool, u: &Uop) {
        self.clobber();
        if signed {
            let (a, b) = (self.src(u.a), self.src(u.b));
            self.asm.movsxd(A, a);
            self.asm.movsxd(C, b);
        } else {
            self.copy(B32, A, u.a);
            self.copy(B32, C, u.b);
        }
        self.asm.imul(B64, A, C);
        self.accumulate(B64, subtract, u);
    }

    /// `dst` = `c` plus or minus RAX.
    fn accumulate(&mut self, bits: Bits, subtract: bool, u: &Uop) {
        if let (Loc::Reg(d), true) = (self.loc(u.dst), u.dst == u.c) {
            let op = if subtract { Alu::Sub } else { Alu::Add };
            return self.asm.alu(op, bits, d, A);
        }
        if subtract {
            self.asm.neg(bits, A);
        }
        if u.c != ZERO {
            let c = self.src(u.c);
            self.asm.alu(Alu::Add, bits, A, c);
        }
        self.write(u.dst, A);
    }

    fn multiply_high(&mut self, u: &Uop) {
        self.clobber();
        self.copy(B64, A, u.a);
        let b = self.src(u.b);
        if u.op == Op::Smulh {
            self.asm.imul_wide(B64, b)
        } else {
            self.asm.mul(B64, b)
        }
        self.write(u.dst, T);
    }

    /// A division by zero gives zero.
    fn divide(&mut self, bits: Bits, u: &Uop) {
        self.clobber();
        let done = self.asm.label();
        self.copy(bits, C, u.b);
        self.copy(bits, A, u.a);
        let divide = self.asm.label();
        self.asm.test(bits, C, C);
        self.asm.jcc(Cond::Ne, divide);
        self.asm.mov_imm(A, 0);
        self.asm.jmp(done);
        self.asm.bind(divide);
        self.asm.alu(Alu::Xor, B32, T, T);
        self.asm.div(bits, C);
        self.asm.bind(done);
        self.write(u.dst, A);
    }

    /// The one quotient that overflows, of the least number by -1, is the dividend; so is what negating
    /// it gives.
    fn divide_signed(&mut self, bits: Bits, u: &Uop) {
        self.clobber();
        let (zero, minus, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.copy(bits, C, u.b);
        self.copy(bits, A, u.a);
        self.asm.lea(bits, T, Mem::base(C, 1));
        self.asm.alu_imm(Alu::Cmp, bits, T, 1);
        self.asm.jcc(Cond::B, minus);
        self.asm.jcc(Cond::E, zero);
        self.asm.sign_to_rdx(bits);
        self.asm.idiv(bits, C);
        self.asm.jmp(done);
        self.asm.bind(zero);
        self.asm.mov_imm(A, 0);
        self.asm.jmp(done);
        self.asm.bind(minus);
        self.asm.neg(bits, A);
        self.asm.bind(done);
        self.write(u.dst, A);
    }

    /// `dst` = `a` if the condition holds, else `b`.
    fn select(&mut self, bits: Bits, u: &Uop) {
        match self.condition(u.flags & 15) {
            Test::Always => {
                let d = self.dst(u.dst, A);
                self.copy(bits, d, u.a);
                self.write(u.dst, d);
            }
            Test::Host(cond) => {
                let d = self.dst(u.dst, A);
                let (d, moved) = if self.is_in(u.a, d) && u.a != u.b { (A, true) } else { (d, false) };
                self.copy(bits, d, u.b);
                let a = self.src(u.a);
                self.asm.cmov(cond, bits, d, a);
                let _ = moved;
                self.write(u.dst, d);
            }
        }
    }

    /// CSINC, CSINV, CSNEG.
    fn select_changed(&mut self, bits: Bits, u: &Uop) {
        let test = self.condition(u.flags & 15);
        let increments = matches!(u.op, Op::Csinc64 | Op::Csinc32);
        let Test::Host(cond) = test else {
            let d = self.dst(u.dst, A);
            self.copy(bits, d, u.a);
            return self.write(u.dst, d);
        };
        if increments && u.a == ZERO && u.b == ZERO {
            // CSET.
            self.asm.set(cond.not(), A);
            let d = self.dst(u.dst, A);
            self.asm.movzx8(d, A);
            return self.write(u.dst, d);
        }
        self.copy(bits, C, u.b);
        if !increments {
            self.asm.not(bits, C);
        }
        if !matches!(u.op, Op::Csinv64 | Op::Csinv32) {
            self.asm.lea(bits, C, Mem::base(C, 1));
        }
        let a = self.src(u.a);
        self.asm.cmov(cond, bits, C, a);
        self.write(u.dst, C);
    }

    /// CCMP and CCMN: flags of the comparison if the condition holds, else `c`.
    fn compare_if(&mut self, bits: Bits, subtract: bool, u: &Uop) {
        let (otherwise, done) = (self.asm.label(), self.asm.label());
        let test = self.condition(u.flags & 15);
        if let Some(cond) = test.not() {
            self.asm.jcc(cond, otherwise);
        }
        let op = if subtract { Alu::Cmp } else { Alu::Add };
        // CMN's sum goes to a register nobody reads.
        let a = if subtract { self.read(u.a, A) } else { A };
        if !subtract {
            self.copy(B64, A, u.a);
        }
        match u.imm {
            0 => {
                let b = self.src(u.b);
                self.asm.alu(op, bits, a, b);
            }
            imm => self.asm.alu_imm(op, bits, a, imm as i32),
        }
        if test != Test::Always {
            self.asm.jmp(done);
            self.asm.bind(otherwise);
            self.constant_flags(u.c & 15, subtract);
            self.asm.bind(done);
        }
        self.flags_set(subtract);
    }
}
