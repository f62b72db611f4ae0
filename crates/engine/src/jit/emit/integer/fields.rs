//! Shifts, rotations and bit fields.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits, Gpr, Shift};

use super::{Emitter, ones};
use crate::jit::layout::*;
use crate::uop::{Slot, Uop};

impl Emitter<'_> {
    /// Shifts by a register. The host takes the amount from CL, modulo the width as well.
    pub(super) fn shift_by(&mut self, op: Shift, bits: Bits, u: &Uop) {
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

    pub(super) fn extract(&mut self, bits: Bits, u: &Uop) {
        self.clobber();
        self.copy(bits, A, u.b);
        let high = self.read(u.a, C);
        self.asm.shrd(bits, A, high, u.imm as u8);
        self.write(u.dst, A);
    }

    /// `dst = ror64(a, flags) & imm`, the mask being a run of ones.
    pub(super) fn bit_field(&mut self, u: &Uop) {
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
            self.logic(Alu::And, B64, d, u.imm);
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
    pub(super) fn insert(&mut self, bits: Bits, u: &Uop) {
        self.clobber();
        self.copy(B64, A, u.a);
        if u.flags & 63 != 0 {
            self.asm.shift(Shift::Ror, B64, A, u.flags & 63);
        }
        let b = self.src(u.b);
        self.asm.alu(Alu::Xor, B64, A, b);
        self.logic(Alu::And, B64, A, u.imm);
        self.asm.alu(Alu::Xor, bits, A, b);
        self.write(u.dst, A);
    }

    /// `dst` = `a` shifted left by `c`, then arithmetically right by `flags`.
    pub(super) fn signed_field(&mut self, bits: Bits, u: &Uop) {
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
}
