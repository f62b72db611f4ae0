//! What depends on a condition.

use armlet_x64::Bits::B64;
use armlet_x64::{Alu, Bits, Mem};

use super::Emitter;
use crate::jit::emit::flags::Test;
use crate::jit::layout::*;
use crate::uop::{Op, Uop, ZERO};

impl Emitter<'_> {
    /// CSINC, CSINV, CSNEG.
    pub(super) fn select_changed(&mut self, bits: Bits, u: &Uop) {
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
    pub(super) fn compare_if(&mut self, bits: Bits, subtract: bool, u: &Uop) {
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
