//! AND, OR and XOR, of inverted operands too.

use armlet_x64::Bits::B32;
use armlet_x64::{Alu, Bits};

use super::{Emitter, as_i32};
use crate::jit::layout::*;
use crate::uop::{SINK, Uop};

impl Emitter<'_> {
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
}
