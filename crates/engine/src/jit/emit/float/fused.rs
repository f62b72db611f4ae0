//! Fused multiply-add.

use armlet_x64::{Fma, FmaOrder, Fp, Xm, Xmm};

use super::{Check, Emitter, Lanes, Shape};
use crate::jit::layout::*;
use crate::uop::float::{ELEMENT, ZERO_B};
use crate::uop::{FloatOp, Uop};

impl Emitter<'_> {
    /// The four fused operations, if the host has them; false if the op is something else.
    pub(super) fn float_fused(&mut self, op: FloatOp, u: &Uop) -> bool {
        let fma = match op {
            FloatOp::MulAdd => Fma::Madd,
            FloatOp::MulSub => Fma::Nmadd,
            FloatOp::NegMulAdd => Fma::Nmsub,
            FloatOp::NegMulSub => Fma::Msub,
            _ => return false,
        };
        if !self.host.fma {
            return false;
        }
        self.mul_add(fma, u);
        true
    }

    fn mul_add(&mut self, fma: Fma, u: &Uop) {
        self.clobber();
        let shape = Shape::of(u);
        let target = self.target(u.dst, &[u.a, u.b, u.c]);
        let d = target.reg;
        let b = self.second(u, shape, V[2]);
        let plain = u.flags & (ELEMENT | ZERO_B) == 0;
        let in_place = self.wide() || self.narrow.is_zero_above(u.dst, shape);
        if u.dst == u.a && u.dst != u.c && target.restore.is_some() && in_place {
            let c = self.other(u.c, shape);
            self.fma(fma, FmaOrder::F132, shape, d, c, b);
        } else if plain && u.dst == u.b && u.dst != u.c && target.restore.is_some() && in_place {
            let c = self.other(u.c, shape);
            let a = self.second(&Uop { b: u.a, ..*u }, shape, V[2]);
            self.fma(fma, FmaOrder::F132, shape, d, c, a);
        } else {
            let b = self.accumulator(u, shape, d, b);
            // The destination may be `a`, whose value was saved.
            let a = match target.restore {
                Some((_, saved)) if u.a == u.dst && u.c != u.dst => {
                    if self.wide() || shape.lanes != Lanes::Low {
                        saved
                    } else {
                        self.clear_above(V[1], saved, shape);
                        V[1]
                    }
                }
                _ => self.other(u.a, shape),
            };
            self.fma(fma, FmaOrder::F231, shape, d, a, b);
        }
        self.float_finish(u.dst, target, shape, Check::Tiny);
    }

    /// `d` = the addend, zero above. The multiplicand `b`, which may have been in `d`.
    fn accumulator(&mut self, u: &Uop, shape: Shape, d: Xmm, b: Xm) -> Xm {
        let b = if b == Xm::R(d) && u.c != u.dst { V[0].into() } else { b };
        let c = if self.wide() { self.vsrc(u.c, d) } else { self.cleared(u.c, shape, d) };
        self.asm.vmov(d, c);
        b
    }

    /// An operand in `V[1]` or its own register.
    fn other(&mut self, n: u8, shape: Shape) -> Xmm {
        if self.wide() || shape.lanes != Lanes::Low {
            self.vsrc(n, V[1])
        } else {
            self.cleared(n, shape, V[1])
        }
    }

    fn fma(&mut self, fma: Fma, order: FmaOrder, shape: Shape, d: Xmm, a: Xmm, b: Xm) {
        let scalar = if shape.double { Fp::Sd } else { Fp::Ss };
        match shape.lanes {
            Lanes::All => self.asm.vfma(fma, order, shape.packed(), d, a, b),
            _ if self.wide() => self.asm.vfma_masked(fma, order, shape.packed(), shape.mask(), d, a, b),
            Lanes::One => self.asm.vfma(fma, order, scalar, d, a, b),
            Lanes::Low => {
                self.asm.vfma(fma, order, shape.packed(), d, a, b);
                self.asm.movq(d, d);
            }
        }
    }
}
