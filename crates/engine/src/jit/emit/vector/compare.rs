//! Comparisons.

use armlet_x64::{K, VOp, Xm, Xmm};

use super::*;

/// Predicates of AVX-512.
const GREATER_OR_EQUAL: u8 = 5;
const ABOVE: u8 = 6;

impl Emitter<'_> {
    pub(super) fn vector_compare(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        let n = size(u);
        match op {
            O::Cmeq => self.direct(EQUAL[n], u),
            O::Cmgt => self.direct(GREATER[n], u),
            O::Cmge if self.avx512() => self.by_mask(u, GREATER_OR_EQUAL, false),
            O::Cmhs if self.avx512() => self.by_mask(u, GREATER_OR_EQUAL, true),
            O::Cmhi if self.avx512() => self.by_mask(u, ABOVE, true),
            O::Cmtst => self.test_bits(u),
            O::Cmge if n == 3 => self.compare_quads(u, 0, true),
            O::Cmhs if n == 3 => self.compare_quads(u, least(3), true),
            O::Cmhi if n == 3 => self.compare_quads(u, least(3), false),
            O::Cmge => self.by_extreme(SMAX[n], u, false),
            O::Cmhs => self.by_extreme(UMAX[n], u, false),
            O::Cmhi => self.by_extreme(UMIN[n], u, true),
            O::Cmeq0 => self.with_number(EQUAL[n], 0, u),
            O::Cmgt0 => self.with_number(GREATER[n], 0, u),
            O::Cmge0 => self.with_number(GREATER[n], u64::MAX, u),
            O::Cmle0 => self.number_with(1, u),
            O::Cmlt0 => self.negative(u),
            _ => false,
        }
    }

    /// By a mask register.
    fn by_mask(&mut self, u: &Uop, predicate: u8, unsigned: bool) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b, lane) = (self.vsrc(u.a, V[0]), self.vxm(u.b), LANES[size(u)]);
        if unsigned {
            self.asm.vpcmpu(lane, K(2), a, b, predicate);
        } else {
            self.asm.vpcmp(lane, K(2), a, b, predicate);
        }
        self.asm.vpmovm2(lane, d, K(2));
        self.finish(u, d)
    }

    /// `a` compares as it should if it is the greater or, inverted, isn't the smaller of both.
    fn by_extreme(&mut self, op: VOp, u: &Uop, invert: bool) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b, n) = (self.vxm(u.a), self.vxm(u.b), size(u));
        self.v(op, V[0], a, b);
        if invert {
            let all = self.each(3, u64::MAX);
            self.v(EQUAL[n], V[0], V[0], a);
            self.asm.vop(VOp::Pxor, d, V[0], all);
        } else {
            self.v(EQUAL[n], d, V[0], a);
        }
        self.finish(u, d)
    }

    /// `a > b`, or `!(b > a)`, of 64-bit elements after both were changed by `bias`.
    fn compare_quads(&mut self, u: &Uop, bias: u64, or_equal: bool) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b, _) = self.abc(u);
        for (to, from) in [(V[0], a), (V[1], b)] {
            self.get(to, from);
            if bias != 0 {
                let bias = self.each(3, bias);
                self.asm.vop(VOp::Pxor, to, to, bias);
            }
        }
        if or_equal {
            let all = self.each(3, u64::MAX);
            self.asm.vop(VOp::Pcmpgtq, V[1], V[1], V[0]);
            self.asm.vop(VOp::Pxor, d, V[1], all);
        } else {
            self.asm.vop(VOp::Pcmpgtq, d, V[0], V[1]);
        }
        self.finish(u, d)
    }

    fn test_bits(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        if self.avx512() {
            let (a, b, lane) = (self.vsrc(u.a, V[0]), self.vxm(u.b), LANES[size(u)]);
            self.asm.vptestm(lane, K(2), a, b);
            self.asm.vpmovm2(lane, d, K(2));
            return self.finish(u, d);
        }
        let (a, b, _) = self.abc(u);
        self.v(VOp::Pand, V[0], a, b);
        self.set(V[1], 0);
        self.asm.vop(EQUAL[size(u)], V[0], V[0], V[1]);
        let all = self.each(3, u64::MAX);
        self.asm.vop(VOp::Pxor, d, V[0], all);
        self.finish(u, d)
    }

    /// `a op number`.
    fn with_number(&mut self, op: VOp, number: u64, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, number) = (self.vxm(u.a), self.each(size(u), number));
        self.v(op, d, a, number);
        self.finish(u, d)
    }

    /// `number > a`.
    fn number_with(&mut self, number: u64, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let a = self.vxm(u.a);
        self.set(V[0], each(size(u), number));
        self.v(GREATER[size(u)], d, V[0], a);
        self.finish(u, d)
    }

    fn negative(&mut self, u: &Uop) -> bool {
        let n = size(u);
        if n == 0 || n == 3 && !self.avx512() {
            return self.number_with(0, u);
        }
        let (d, a): (Xmm, Xm) = (self.vdst(u.dst, V[0]), self.vxm(u.a));
        self.shr(n, true, d, a, width(n) - 1);
        self.finish(u, d)
    }
}
