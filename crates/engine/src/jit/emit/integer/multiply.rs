//! Products and quotients.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits, Cond, Mem};

use super::Emitter;
use crate::jit::emit::Loc;
use crate::jit::layout::*;
use crate::uop::{Op, Uop, ZERO};

impl Emitter<'_> {
    /// `dst = c + a * b` or `c - a * b`.
    pub(super) fn multiply(&mut self, bits: Bits, subtract: bool, u: &Uop) {
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

    pub(super) fn multiply_long(&mut self, signed: bool, subtract: bool, u: &Uop) {
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

    pub(super) fn multiply_high(&mut self, u: &Uop) {
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
    pub(super) fn divide(&mut self, bits: Bits, u: &Uop) {
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
    pub(super) fn divide_signed(&mut self, bits: Bits, u: &Uop) {
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
}
