//! AND, OR and XOR, of inverted operands too.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits};

use super::{Emitter, as_i32};
use crate::jit::layout::*;
use crate::uop::{SINK, Uop, ZERO};

impl Emitter<'_> {
    /// `dst = a op !b`.
    pub(super) fn inverted(&mut self, op: Alu, bits: Bits, u: &Uop) {
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

    pub(super) fn inverted_s(&mut self, bits: Bits, u: &Uop) {
        self.before_clobber();
        self.copy(bits, C, u.b);
        self.asm.not(bits, C);
        let a = self.src(u.a);
        self.asm.alu(Alu::And, bits, C, a);
        self.write(u.dst, C);
        self.flags_set(false);
    }

    pub(super) fn and_s(&mut self, bits: Bits, u: &Uop) {
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

    pub(super) fn and_si(&mut self, bits: Bits, u: &Uop) {
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
    pub(super) fn and_imm(&mut self, u: &Uop) {
        let d = self.dst(u.dst, A);
        let mask = u.imm as u64;
        match mask {
            0xff => {
                let a = self.src(u.a);
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

    pub(super) fn logic_imm(&mut self, op: Alu, bits: Bits, u: &Uop) {
        self.clobber();
        let d = self.dst(u.dst, A);
        self.copy_unless(bits, d, u.a);
        self.logic(op, bits, d, u.imm);
        self.write(u.dst, d);
    }
}
