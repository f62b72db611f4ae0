//! Saturating arithmetic on elements of one size.

use armlet_x64::{Alu, Bits, Cond, MoveMask, VBlendv, VOp, VOpImm, VShift, VUnImm, Xm, Xmm};

use super::*;
use crate::jit::layout::{A, FPSR};

impl Emitter<'_> {
    pub(super) fn vector_saturate(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        let n = size(u);
        match op {
            O::Sqadd if n < 2 => self.saturated([VOp::Paddsb, VOp::Paddsw][n], ADD[n], u),
            O::Uqadd if n < 2 => self.saturated([VOp::Paddusb, VOp::Paddusw][n], ADD[n], u),
            O::Sqsub if n < 2 => self.saturated([VOp::Psubsb, VOp::Psubsw][n], SUB[n], u),
            O::Uqsub if n < 2 => self.saturated([VOp::Psubusb, VOp::Psubusw][n], SUB[n], u),
            O::Sqadd | O::Sqsub => {
                self.clobber();
                let d = self.vdst(u.dst, V[0]);
                let (a, b) = (self.vxm(u.a), self.vxm(u.b));
                self.add_saturating(n, op == O::Sqsub, d, a, b, full(u));
                self.finish(u, d)
            }
            O::Uqadd | O::Uqsub if n == 2 || self.avx512() => self.unsigned(op == O::Uqsub, u),
            O::Sqabs | O::Sqneg => self.inverted_sign(op == O::Sqabs, u),
            O::Sqdmulh if n == 1 => self.doubled_words(false, u),
            O::Sqrdmulh if n == 1 => self.doubled_words(true, u),
            O::Sqdmulh if n == 2 => self.doubled_doublewords(false, u),
            O::Sqrdmulh if n == 2 => self.doubled_doublewords(true, u),
            _ => false,
        }
    }

    /// By the host's own saturating instruction; it saturated if the wrapping one gives something else.
    fn saturated(&mut self, op: VOp, wrapping: VOp, u: &Uop) -> bool {
        self.clobber();
        let d = self.vdst(u.dst, V[0]);
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        self.v(wrapping, V[1], a, b);
        self.v(op, d, a, b);
        self.asm.vop(VOp::Pxor, V[1], V[1], d);
        self.saturated_if(V[1], full(u));
        self.finish(u, d)
    }

    /// `d = a + b` or `a - b`, saturating as signed numbers of 32 or 64 bits. `b` may be V2. Changes host flags.
    pub(super) fn add_saturating(&mut self, n: usize, subtract: bool, d: Xmm, a: Xm, b: Xm, full: bool) {
        let op = if subtract { SUB[n] } else { ADD[n] };
        // It overflows if the sign is not that of the operands, or of the first one if those differ.
        self.v(op, V[1], a, b);
        if subtract {
            self.v(VOp::Pxor, V[0], a, b);
            self.v(VOp::Pxor, V[2], V[1], a);
        } else {
            self.v(VOp::Pxor, V[0], V[1], a);
            self.v(VOp::Pxor, V[2], V[1], b);
        }
        self.asm.vop(VOp::Pand, V[0], V[0], V[2]);
        let (signs, blend, lanes) = match n {
            2 => (MoveMask::Movmskps, VBlendv::Blendvps, if full { 15 } else { 3 }),
            _ => (MoveMask::Movmskpd, VBlendv::Blendvpd, if full { 3 } else { 1 }),
        };
        let none = self.asm.label();
        self.asm.movmsk(signs, A, V[0]);
        self.asm.test_imm(Bits::B32, A, lanes);
        self.asm.jcc(Cond::E, none);
        self.asm.alu_imm(Alu::Or, Bits::B32, FPSR, QC);
        self.asm.bind(none);
        self.limit(n, V[2], a);
        self.asm.vblendv(blend, d, V[1], V[2], V[0]);
    }

    /// Unsigned sums and differences by minimum and maximum: `min(a, !b) + b` and `max(a, b) - b`.
    fn unsigned(&mut self, subtract: bool, u: &Uop) -> bool {
        self.clobber();
        let d = self.vdst(u.dst, V[0]);
        let (a, b, n) = (self.vxm(u.a), self.vxm(u.b), size(u));
        let op = if subtract { SUB[n] } else { ADD[n] };
        self.v(op, V[1], a, b);
        if subtract {
            self.v(UMAX[n], V[0], a, b);
        } else {
            let all = self.each(3, u64::MAX);
            self.v(VOp::Pxor, V[0], b, all);
            self.v(UMIN[n], V[0], V[0], a);
        }
        self.v(op, d, V[0], b);
        self.asm.vop(VOp::Pxor, V[1], V[1], d);
        self.saturated_if(V[1], full(u));
        self.finish(u, d)
    }

    /// SQABS and SQNEG. The least number wraps to itself and saturates to the greatest, its inverse.
    fn inverted_sign(&mut self, absolute: bool, u: &Uop) -> bool {
        self.clobber();
        let d = self.vdst(u.dst, V[0]);
        let (a, n) = (self.vxm(u.a), size(u));
        if absolute {
            self.absolute_of(n, V[2], a);
        } else {
            self.set(V[2], 0);
            self.v(SUB[n], V[2], V[2], a);
        }
        let lowest = self.each(n, least(n));
        self.v(EQUAL[n], V[1], a, lowest);
        self.asm.vop(VOp::Pxor, d, V[2], V[1]);
        self.saturated_if(V[1], full(u));
        self.finish(u, d)
    }

    /// Upper halves of doubled products of words, in V0 with the one product that saturates wrapped to the least number.
    fn doubled_words(&mut self, rounds: bool, u: &Uop) -> bool {
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        if rounds {
            self.v(VOp::Pmulhrsw, V[0], a, b);
        } else {
            self.v(VOp::Pmulhw, V[0], a, b);
            self.v(VOp::Pmullw, V[1], a, b);
            self.asm.vop(VOp::Paddw, V[0], V[0], V[0]);
            self.asm.vshift(VShift::Psrlw, V[1], V[1], 15);
            self.asm.vop(VOp::Por, V[0], V[0], V[1]);
        }
        self.unwrapped(u)
    }

    fn doubled_doublewords(&mut self, rounds: bool, u: &Uop) -> bool {
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        self.asm.vun_imm(VUnImm::Pshufd, V[1], a, 0xf5);
        self.asm.vun_imm(VUnImm::Pshufd, V[2], b, 0xf5);
        self.asm.vop(VOp::Pmuldq, V[1], V[1], V[2]);
        self.v(VOp::Pmuldq, V[0], a, b);
        for reg in [V[0], V[1]] {
            self.asm.vop(VOp::Paddq, reg, reg, reg);
            if rounds {
                let half = self.each(3, 1 << 31);
                self.asm.vop(VOp::Paddq, reg, reg, half);
            }
        }
        self.asm.vshift(VShift::Psrlq, V[0], V[0], 32);
        self.asm.vop_imm(VOpImm::Pblendw, V[0], V[0], V[1], 0xcc);
        self.unwrapped(u)
    }

    /// The result = V0 with the least number, which means that it saturated, replaced by the greatest.
    fn unwrapped(&mut self, u: &Uop) -> bool {
        self.clobber();
        let (d, n) = (self.vdst(u.dst, V[0]), size(u));
        let lowest = self.each(n, least(n));
        self.asm.vop(EQUAL[n], V[1], V[0], lowest);
        self.asm.vop(VOp::Pxor, d, V[0], V[1]);
        self.saturated_if(V[1], full(u));
        self.finish(u, d)
    }
}
