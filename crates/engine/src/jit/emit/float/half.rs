//! Conversions between halves and singles, with F16C. The alternative format is left to the interpreter.

use armlet_x64::{Bits, Cond, Label, VOp, VTest, VUn, Xm, Xmm};

use super::constant::Constant;
use super::{Check, Emitter, Shape, is_half};
use crate::jit::layout::*;
use crate::uop::float::{SINGLE, SIZE};
use crate::uop::{FloatOp, Uop};

/// Rounds as MXCSR says.
const BY_MXCSR: u8 = 4;

impl Emitter<'_> {
    /// Conversions of halves; false if the op is something else or the host has none.
    pub(super) fn float_half(&mut self, op: FloatOp, u: &Uop) -> bool {
        if !self.host.f16c {
            return false;
        }
        match (op, is_half(u), u.flags & SIZE == SINGLE) {
            (FloatOp::ToSingle, true, _) => self.half_to_larger(u, false),
            (FloatOp::ToDouble, true, _) => self.half_to_larger(u, true),
            (FloatOp::Lengthen, true, _) => self.halves_to_singles(u),
            (FloatOp::ToHalf, _, true) => self.single_to_half(u),
            (FloatOp::Narrow, _, true) => self.singles_to_halves(u),
            _ => return false,
        }
        true
    }

    fn half_to_larger(&mut self, u: &Uop, double: bool) {
        self.clobber();
        let target = self.target(u.dst, &[u.a]);
        // The other halves must not take part.
        match self.vxm(u.a) {
            Xm::R(a) => {
                self.asm.movd_from(Bits::B32, A, a);
                self.asm.movzx16(A, A);
            }
            Xm::M(mem) => self.asm.movzx16(A, mem),
        }
        self.asm.movd_to(Bits::B32, V[1], A);
        if double {
            self.asm.vun(VUn::Vcvtph2ps, V[1], V[1]);
            self.asm.vun(VUn::Cvtps2pd, target.reg, V[1]);
        } else {
            self.asm.vun(VUn::Vcvtph2ps, target.reg, V[1]);
        }
        self.float_finish(u.dst, target, Shape::one(double), Check::Nan);
    }

    fn halves_to_singles(&mut self, u: &Uop) {
        self.clobber();
        let target = self.target(u.dst, &[u.a]);
        let a = self.half_of(u);
        self.asm.vun(VUn::Vcvtph2ps, target.reg, a);
        self.float_finish(u.dst, target, Shape::all(false), Check::Nan);
    }

    fn single_to_half(&mut self, u: &Uop) {
        self.clobber();
        let (slow, resume) = self.float_slow_path(None);
        let a = self.cleared(u.a, Shape::one(false), V[1]);
        self.halve(a, slow);
        self.vwrite(u.dst, V[0]);
        self.asm.bind(resume);
    }

    fn singles_to_halves(&mut self, u: &Uop) {
        self.clobber();
        let (slow, resume) = self.float_slow_path(None);
        let a = self.vsrc(u.a, V[1]);
        self.halve(a, slow);
        self.write_half(u);
        self.asm.bind(resume);
    }

    /// `V[0]` = the lanes of `a` as halves, or on to `slow`. Changes `V[1]`.
    fn halve(&mut self, a: Xmm, slow: Label) {
        const EQUAL_OR_UNORDERED: u8 = 8;
        self.asm.vcvtps2ph(V[0], a, BY_MXCSR);
        // Once more as singles, to compare them.
        self.asm.vun(VUn::Vcvtph2ps, V[1], V[0]);
        let [abs, least] = [Constant::AbsS4, Constant::LeastH].map(|c| self.pooled(c));
        self.asm.vop(VOp::Andps, V[1], V[1], abs);
        self.asm.vop_imm(Shape::all(false).cmp(), V[1], V[1], least, EQUAL_OR_UNORDERED);
        self.asm.vtest(VTest::Ptest, V[1], V[1]);
        self.asm.jcc(Cond::Ne, slow);
    }
}
