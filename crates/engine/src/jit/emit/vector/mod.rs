//! AdvSIMD integer work in host vector instructions.
//!
//! A lowering reads its operands where they are, registers or memory, and computes in [`V`]`[0..3]`; the
//! destination is written by the last instruction that reads an operand, or later.

mod arith;
mod compare;
mod count;
mod crypto;
mod moves;
mod narrow;
mod ops;
mod permute;
mod saturate;
mod shift;
mod wide;

use armlet_x64::{Level, VOp, Xm, Xmm};

use super::Emitter;
use crate::jit::layout::V;
use crate::uop::{Uop, VectorOp};
pub(super) use ops::LANES;
use ops::*;

/// log2 of the element size in bytes.
fn size(u: &Uop) -> usize {
    usize::from(u.flags & VectorOp::SIZE)
}

/// The result has 128 bits.
fn full(u: &Uop) -> bool {
    u.flags & VectorOp::Q != 0
}

/// Narrow operands are upper halves.
fn high(u: &Uop) -> bool {
    u.flags & VectorOp::HIGH != 0
}

impl Emitter<'_> {
    /// Compiles a vector uop.
    pub(super) fn vector(&mut self, op: VectorOp, u: &Uop) {
        if std::mem::take(&mut self.fused) {
            return;
        }
        let done = self.vector_moves(op, u)
            || self.vector_arith(op, u)
            || self.vector_compare(op, u)
            || self.vector_shift(op, u)
            || self.vector_permute(op, u)
            || self.vector_wide(op, u)
            || self.vector_narrow(op, u)
            || self.vector_saturate(op, u)
            || self.vector_count(op, u)
            || self.vector_crypto(op, u);
        if !done {
            self.by_interpreter();
        }
    }

    /// `dst = a op b` by one host instruction.
    fn direct(&mut self, op: VOp, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        self.v(op, d, a, b);
        self.finish(u, d)
    }

    /// `dst = c op value`, where `value` is a scratch register.
    fn accumulate_in(&mut self, op: VOp, u: &Uop, value: Xmm) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let c = self.vxm(u.c);
        self.v(op, d, c, value);
        self.finish(u, d)
    }

    /// Writes the result of a uop: `d`, whose upper half counts with Q only.
    fn finish(&mut self, u: &Uop, d: Xmm) -> bool {
        if full(u) {
            self.vwrite(u.dst, d);
        } else {
            let to = self.vdst(u.dst, d);
            self.asm.movq(to, d);
            self.vwrite(u.dst, to);
        }
        true
    }

    fn avx512(&self) -> bool {
        self.host.level == Level::Avx512
    }

    fn avx2(&self) -> bool {
        self.host.level >= Level::Avx2
    }

    /// The three operands of a uop.
    fn abc(&self, u: &Uop) -> (Xm, Xm, Xm) {
        (self.vxm(u.a), self.vxm(u.b), self.vxm(u.c))
    }
}
