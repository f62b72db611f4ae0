//! Sums, products, quotients, roots, minima and maxima.

use armlet_x64::{Cond, VOp, VOpImm, VUn, VUnImm, Xm, Xmm};

use super::constant::Constant;
use super::operand::Ops;
use super::{Check, Emitter, Lanes, Shape};
use crate::jit::layout::*;
use crate::uop::float::{ELEMENT, ZERO_B};
use crate::uop::{FloatOp, Slot, Uop};

const ADD: Ops = Ops::new(VOp::Addps, VOp::Addpd, VOp::Addss, VOp::Addsd);
pub(super) const SUB: Ops = Ops::new(VOp::Subps, VOp::Subpd, VOp::Subss, VOp::Subsd);
pub(super) const MUL: Ops = Ops::new(VOp::Mulps, VOp::Mulpd, VOp::Mulss, VOp::Mulsd);
const DIV: Ops = Ops::new(VOp::Divps, VOp::Divpd, VOp::Divss, VOp::Divsd);
const MIN: Ops = Ops::new(VOp::Minps, VOp::Minpd, VOp::Minss, VOp::Minsd);
const MAX: Ops = Ops::new(VOp::Maxps, VOp::Maxpd, VOp::Maxss, VOp::Maxsd);

impl Emitter<'_> {
    /// Arithmetic but for fused operations; false if the op is something else.
    pub(super) fn float_arith(&mut self, op: FloatOp, u: &Uop) -> bool {
        match op {
            FloatOp::Add => self.float_binary(u, &ADD, Check::Nan),
            FloatOp::Sub => self.float_binary(u, &SUB, Check::Nan),
            FloatOp::Mul if u.a == u.b && u.flags & ELEMENT == 0 => {
                self.float_binary(u, &MUL, Check::TinySquare);
            }
            FloatOp::Mul => self.float_binary(u, &MUL, Check::Tiny),
            // No quotient of two numbers is so close below a power of two that it is rounded up to it.
            FloatOp::Div => self.float_binary(u, &DIV, Check::Nan),
            FloatOp::NegMul => self.float_binary_then(u, &MUL, Check::Tiny, VOp::Xorps, Shape::of(u).sign()),
            FloatOp::AbsDiff => self.float_binary_then(u, &SUB, Check::Nan, VOp::Andps, Shape::of(u).abs()),
            FloatOp::Sqrt => self.sqrt(u),
            FloatOp::Max | FloatOp::MaxNum => self.extreme(u, true),
            FloatOp::Min | FloatOp::MinNum => self.extreme(u, false),
            FloatOp::MaxPairs | FloatOp::MaxNumPairs => self.extreme_pairs(u, true),
            FloatOp::MinPairs | FloatOp::MinNumPairs => self.extreme_pairs(u, false),
            FloatOp::MaxAcross | FloatOp::MaxNumAcross => self.extreme_across(u, true),
            FloatOp::MinAcross | FloatOp::MinNumAcross => self.extreme_across(u, false),
            FloatOp::AddPairs => self.float_add_pairs(u),
            FloatOp::AddAcross => self.add_across(u),
            _ => return false,
        }
        true
    }

    /// `dst = a op b`.
    fn float_binary(&mut self, u: &Uop, ops: &Ops, check: Check) {
        self.clobber();
        let shape = Shape::of(u);
        let target = self.target(u.dst, &[u.a, u.b]);
        self.compute(u, ops, shape, target.reg);
        self.float_finish(u.dst, target, shape, check);
    }

    /// The same, and `then` with a constant.
    fn float_binary_then(&mut self, u: &Uop, ops: &Ops, check: Check, then: VOp, constant: Constant) {
        self.clobber();
        let shape = Shape::of(u);
        let target = self.target(u.dst, &[u.a, u.b]);
        self.compute(u, ops, shape, target.reg);
        let (slow, resume) = self.float_slow_path(target.restore);
        self.check(shape, target.reg, check, slow);
        let constant = self.pooled(constant);
        self.asm.vop(then, target.reg, target.reg, constant);
        self.vwrite(u.dst, target.reg);
        self.asm.bind(resume);
    }

    fn compute(&mut self, u: &Uop, ops: &Ops, shape: Shape, d: Xmm) {
        let mut b = self.second(u, shape, V[2]);
        if ops.of(shape).packed == VOp::Divps && shape.lanes == Lanes::Low && !self.wide() {
            // Zero by zero would be invalid.
            let ones = self.pooled(Constant::UpperOnesS);
            let Xm::R(from) = b else { unreachable!("a cleared operand is in a register") };
            self.asm.vop(VOp::Orps, V[2], from, ones);
            b = V[2].into();
        }
        self.apply(ops, shape, d, u.a, b);
    }

    fn sqrt(&mut self, u: &Uop) {
        self.clobber();
        let shape = Shape::of(u);
        let target = self.target(u.dst, &[u.a]);
        let (packed, scalar) =
            if shape.double { (VUn::Sqrtpd, VOp::Sqrtsd) } else { (VUn::Sqrtps, VOp::Sqrtss) };
        match shape.lanes {
            _ if self.wide() => {
                let a = self.vxm(u.a);
                self.asm.vun_masked(packed, shape.mask(), target.reg, a);
            }
            Lanes::One => {
                let a = self.cleared(u.a, shape, V[1]);
                self.asm.vop(scalar, target.reg, a, a);
            }
            _ => {
                let a = self.cleared(u.a, shape, V[1]);
                self.asm.vun(packed, target.reg, a);
            }
        }
        self.float_finish(u.dst, target, shape, Check::Nan);
    }

    /// FMAX, FMIN and their kin. NaNs are found among the operands first, since the host calls quiet ones invalid.
    fn extreme(&mut self, u: &Uop, max: bool) {
        debug_assert_eq!(u.flags & (ELEMENT | ZERO_B), 0);
        self.clobber();
        let shape = Shape::of(u);
        let (slow, resume) = self.float_slow_path(None);
        // Lanes above could hold signalling NaNs.
        let a = self.cleared(u.a, shape, V[0]);
        let b = self.cleared(u.b, shape, V[2]);
        if shape.is_one() {
            self.asm.vtest(shape.ucomis(), a, b);
            self.asm.jcc(Cond::P, slow);
        } else {
            self.check_unordered(shape, a, b, slow);
        }
        let d = self.vdst(u.dst, V[1]);
        self.extreme_of(shape, max, d, a, b);
        self.vwrite(u.dst, d);
        self.asm.bind(resume);
    }

    /// `d` = the larger or smaller lanes of `a` and `b`, none of them NaNs. Changes `V[0]` and `V[1]`.
    fn extreme_of(&mut self, shape: Shape, max: bool, d: Xmm, a: Xmm, b: Xmm) {
        if self.wide() {
            // The sign of a zero counts; bit 2: the result keeps its own sign.
            let op = if shape.double { VOpImm::Vrangepd } else { VOpImm::Vrangeps };
            self.asm.vop_imm(op, d, a, b, 4 | u8::from(max));
        } else {
            // Of two zeros the host takes the second one.
            let op = if max { MAX } else { MIN }.of(shape).packed;
            self.asm.vop(op, V[1], a, b);
            self.asm.vop(op, V[0], b, a);
            self.asm.vop(if max { VOp::Andps } else { VOp::Orps }, d, V[0], V[1]);
        }
    }

    /// FMAXV and its kin, and those of scalar pairs.
    fn extreme_across(&mut self, u: &Uop, max: bool) {
        self.clobber();
        let shape = Shape::of(u);
        let (slow, resume) = self.float_slow_path(None);
        let a = self.cleared(u.a, shape, V[2]);
        self.check_unordered(shape, a, a, slow);
        let swap_halves = if shape.lanes == Lanes::All { 0x4e } else { 0x44 };
        self.asm.vun_imm(VUnImm::Pshufd, V[0], a, swap_halves);
        self.extreme_of(Shape::all(shape.double), max, V[2], V[0], a);
        if !shape.double {
            self.asm.vun_imm(VUnImm::Pshufd, V[0], V[2], 0xb1);
            self.extreme_of(Shape::all(false), max, V[2], V[0], V[2]);
        }
        let one = Shape::one(shape.double);
        self.clear_above(V[0], V[2], one);
        self.vwrite(u.dst, V[0]);
        self.asm.bind(resume);
    }

    /// FMAXP of vectors and its kin.
    fn extreme_pairs(&mut self, u: &Uop, max: bool) {
        self.clobber();
        let shape = Shape::of(u);
        let (slow, resume) = self.float_slow_path(None);
        let (a, b) = (self.vsrc(u.a, V[1]), self.vsrc(u.b, V[2]));
        if shape.double {
            self.asm.vop(VOp::Unpckhpd, V[0], a, b);
            self.asm.vop(VOp::Unpcklpd, V[2], a, b);
        } else {
            self.even_and_odd(shape, a, b);
            self.asm.vmov(V[0], V[1]);
        }
        let all = Shape::all(shape.double);
        self.check_unordered(all, V[0], V[2], slow);
        self.extreme_of(all, max, V[1], V[0], V[2]);
        self.clear_above(V[1], V[1], shape);
        self.vwrite(u.dst, V[1]);
        self.asm.bind(resume);
    }

    /// FADDP of vectors.
    fn float_add_pairs(&mut self, u: &Uop) {
        self.clobber();
        let shape = Shape::of(u);
        let target = self.target(u.dst, &[u.a, u.b]);
        let (a, b) = (self.vsrc(u.a, V[1]), self.vsrc(u.b, V[2]));
        if shape.double {
            self.asm.vop(VOp::Unpckhpd, V[3], a, b);
            self.asm.vop(VOp::Unpcklpd, V[1], a, b);
            self.asm.vop(VOp::Addpd, target.reg, V[1], V[3]);
        } else {
            self.even_and_odd(shape, a, b);
            self.asm.vop(VOp::Addps, target.reg, V[1], V[2]);
            self.clear_above(target.reg, target.reg, shape);
        }
        self.float_finish(u.dst, target, shape, Check::Nan);
    }

    /// `V[1]` and `V[2]` = the even and the odd lanes of `a` and `b`; of the lower halves twice if those are all.
    fn even_and_odd(&mut self, shape: Shape, a: Xmm, b: Xmm) {
        if shape.lanes == Lanes::Low {
            self.asm.vop(VOp::Unpcklpd, V[1], a, b);
            self.asm.vun_imm(VUnImm::Pshufd, V[2], V[1], 0xdd);
            self.asm.vun_imm(VUnImm::Pshufd, V[1], V[1], 0x88);
        } else {
            self.asm.vop_imm(VOpImm::Shufps, V[3], a, b, 0xdd);
            self.asm.vop_imm(VOpImm::Shufps, V[1], a, b, 0x88);
            self.asm.vmov(V[2], V[3]);
        }
    }

    /// FADDP of a pair to a scalar.
    fn add_across(&mut self, u: &Uop) {
        let shape = Shape::of(u);
        if !shape.double && shape.lanes == Lanes::All {
            return self.by_interpreter();
        }
        self.clobber();
        let one = Shape::one(shape.double);
        let target = self.target(u.dst, &[u.a]);
        let a = self.vsrc(u.a, V[1]);
        self.asm.vun_imm(VUnImm::Pshufd, V[2], a, if shape.double { 0xee } else { 0x55 });
        self.apply_register(&ADD, one, target.reg, u.a, a, V[2]);
        self.float_finish(u.dst, target, one, Check::Nan);
    }

    /// As [`Self::apply`] for a slot that is in a register already.
    fn apply_register(&mut self, ops: &Ops, shape: Shape, d: Xmm, n: Slot, a: Xmm, b: Xmm) {
        if self.wide() {
            self.asm.vop_masked(ops.of(shape).packed, shape.mask(), d, a, b);
        } else {
            self.apply(ops, shape, d, n, b.into());
        }
    }
}
