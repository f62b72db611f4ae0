//! The parallel arithmetic of AArch32 that string functions are made of.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, MoveMask, Shift, VOp, Xmm};

use super::Emitter;
use crate::jit::layout::*;
use crate::uop::{DspOp, GE, Lanes, Slot, Uop};

impl Emitter<'_> {
    pub(super) fn dsp(&mut self, op: DspOp, u: &Uop) {
        match (op, Lanes::from_flags(u.flags)) {
            (DspOp::Select, _) => self.select_bytes(u),
            (DspOp::Unsigned, Lanes::Add8) => self.unsigned_bytes(u, VOp::Paddb),
            (DspOp::Unsigned, Lanes::Sub8) => self.unsigned_bytes(u, VOp::Psubb),
            (DspOp::UnsignedSaturating, Lanes::Add8) => self.parallel(u, VOp::Paddusb),
            (DspOp::UnsignedSaturating, Lanes::Sub8) => self.parallel(u, VOp::Psubusb),
            (DspOp::UnsignedSaturating, Lanes::Add16) => self.parallel(u, VOp::Paddusw),
            (DspOp::UnsignedSaturating, Lanes::Sub16) => self.parallel(u, VOp::Psubusw),
            (DspOp::SignedSaturating, Lanes::Add8) => self.parallel(u, VOp::Paddsb),
            (DspOp::SignedSaturating, Lanes::Sub8) => self.parallel(u, VOp::Psubsb),
            (DspOp::SignedSaturating, Lanes::Add16) => self.parallel(u, VOp::Paddsw),
            (DspOp::SignedSaturating, Lanes::Sub16) => self.parallel(u, VOp::Psubsw),
            _ => self.by_interpreter(),
        }
    }

    /// What the host has too, and no flags.
    fn parallel(&mut self, u: &Uop, op: VOp) {
        let [x, y, ..] = V;
        self.word_to_vector(x, u.a);
        self.word_to_vector(y, u.b);
        self.asm.vop(op, x, x, y);
        self.asm.movd_from(B32, A, x);
        self.write(u.dst, A);
    }

    /// SEL.
    fn select_bytes(&mut self, u: &Uop) {
        self.clobber();
        // The four bits go to the bottom of a byte each, and fill it.
        self.asm.mov(B32, A, slot(GE));
        self.asm.mov_imm(C, 1 | 1 << 7 | 1 << 14 | 1 << 21);
        self.asm.imul(B32, A, C);
        self.asm.alu_imm(Alu::And, B32, A, 0x0101_0101);
        self.asm.mov(B32, C, A);
        self.asm.shift(Shift::Shl, B32, A, 8);
        self.asm.alu(Alu::Sub, B32, A, C);
        // b ^ ((a ^ b) & mask)
        self.copy(B32, C, u.b);
        let a = self.src(u.a);
        self.asm.alu(Alu::Xor, B32, C, a);
        self.asm.alu(Alu::And, B32, A, C);
        let b = self.src(u.b);
        self.asm.alu(Alu::Xor, B32, A, b);
        self.write(u.dst, A);
    }

    fn word_to_vector(&mut self, reg: Xmm, n: Slot) {
        self.copy(B32, A, n);
        self.asm.movd_to(B32, reg, A);
    }

    /// UADD8 and USUB8: GE says which bytes carried, or did not borrow.
    fn unsigned_bytes(&mut self, u: &Uop, op: VOp) {
        self.clobber();
        let [x, y, z, _] = V;
        self.word_to_vector(x, u.a);
        self.word_to_vector(y, u.b);
        self.asm.vop(op, z, x, y);
        // A sum that didn't carry is not less than a; a difference didn't borrow if b isn't more than a.
        let (other, most) = if op == VOp::Paddb { (x, z) } else { (y, x) };
        self.asm.vop(VOp::Pmaxub, y, other, most);
        self.asm.vop(VOp::Pcmpeqb, y, y, most);
        self.asm.movmsk(MoveMask::Pmovmskb, C, y);
        if op == VOp::Paddb {
            self.asm.not(B32, C);
        }
        self.asm.alu_imm(Alu::And, B32, C, 15);
        self.asm.store(B64, slot(GE), C);
        self.asm.movd_from(B32, A, z);
        self.write(u.dst, A);
    }
}
