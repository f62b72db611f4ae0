//! Moves, signs, and choices between scalars.

use armlet_x64::{Bits, Lane, VOp};

use super::{Emitter, Lanes, Shape, is_half};
use crate::jit::emit::flags::Test;
use crate::jit::layout::*;
use crate::uop::float::{DOUBLE, SIZE};
use crate::uop::{FloatOp, Slot, Uop, ZERO};

/// The width of a scalar.
pub(super) fn bits(u: &Uop) -> Bits {
    if u.flags & SIZE == DOUBLE { Bits::B64 } else { Bits::B32 }
}

impl Emitter<'_> {
    /// What handles bits only; false if the op is something else.
    pub(super) fn float_move(&mut self, op: FloatOp, u: &Uop) -> bool {
        if is_half(u) {
            return false;
        }
        match op {
            FloatOp::Abs => self.abs(u),
            FloatOp::Neg => self.neg(u),
            FloatOp::Move => self.move_scalar(u),
            FloatOp::MoveToGeneral => self.move_to_general(u),
            FloatOp::MoveFromGeneral => self.move_from_general(u),
            FloatOp::MoveTopToGeneral => self.move_top_to_general(u),
            FloatOp::MoveTopFromGeneral => self.move_top_from_general(u),
            FloatOp::Select => self.float_select(u),
            _ => return false,
        }
        true
    }

    fn abs(&mut self, u: &Uop) {
        let shape = Shape::of(u);
        let a = self.vsrc(u.a, V[1]);
        let d = self.vdst(u.dst, V[0]);
        let mask = self.pooled(shape.abs());
        self.asm.vop(VOp::Andps, d, a, mask);
        self.vwrite(u.dst, d);
    }

    fn neg(&mut self, u: &Uop) {
        let shape = Shape::of(u);
        let d = self.vdst(u.dst, V[0]);
        let sign = self.pooled(shape.sign());
        if self.wide() && shape.lanes != Lanes::All {
            let a = self.vsrc(u.a, V[1]);
            let xor = if shape.double { VOp::Xorpd } else { VOp::Xorps };
            self.asm.vop_masked(xor, shape.mask(), d, a, sign);
        } else {
            let a = self.cleared(u.a, shape, V[1]);
            self.asm.vop(VOp::Xorps, d, a, sign);
        }
        self.vwrite(u.dst, d);
    }

    fn move_scalar(&mut self, u: &Uop) {
        let shape = Shape::of(u);
        let d = self.vdst(u.dst, V[0]);
        let a = self.cleared(u.a, shape, d);
        self.vwrite(u.dst, a);
    }

    fn move_to_general(&mut self, u: &Uop) {
        let d = self.dst(u.dst, A);
        self.scalar_bits(u, u.a, d);
        self.write(u.dst, d);
    }

    /// `d` = the bits of scalar `n`.
    pub(super) fn scalar_bits(&mut self, u: &Uop, n: Slot, d: armlet_x64::Gpr) {
        match self.vreg(n) {
            Some(reg) => self.asm.movd_from(bits(u), d, reg),
            None => self.asm.mov(bits(u), d, vector_slot(n)),
        }
    }

    fn move_from_general(&mut self, u: &Uop) {
        let d = self.vdst(u.dst, V[0]);
        if u.a == ZERO {
            self.asm.vop(VOp::Xorps, d, d, d);
        } else {
            let a = self.src(u.a);
            self.asm.movd_to(bits(u), d, a);
        }
        self.vwrite(u.dst, d);
    }

    fn move_top_to_general(&mut self, u: &Uop) {
        let d = self.dst(u.dst, A);
        match self.vreg(u.a) {
            Some(reg) => self.asm.pextr(Lane::Q, d, reg, 1),
            None => self.asm.mov(Bits::B64, d, vector_slot_high(u.a)),
        }
        self.write(u.dst, d);
    }

    fn move_top_from_general(&mut self, u: &Uop) {
        let a = if u.a == ZERO {
            self.asm.mov_imm(A, 0);
            A
        } else {
            self.read(u.a, A)
        };
        match self.vreg(u.dst) {
            Some(reg) => self.asm.pinsr(Lane::Q, reg, reg, a, 1),
            None => self.asm.store(Bits::B64, vector_slot_high(u.dst), a),
        }
    }

    /// FCSEL.
    fn float_select(&mut self, u: &Uop) {
        let test = self.condition(u.c & 15);
        let d = self.vdst(u.dst, V[0]);
        let Test::Host(cond) = test else { return self.move_scalar(u) };
        self.scalar_bits(u, u.b, A);
        self.scalar_bits(u, u.a, T);
        self.asm.cmov(cond, bits(u), A, T);
        self.asm.movd_to(bits(u), d, A);
        self.vwrite(u.dst, d);
    }
}
