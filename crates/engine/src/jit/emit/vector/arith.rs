//! Arithmetic on elements of one size, in pairs, and across a register.

use armlet_x64::{VOp, VShift, VUn, VUnImm, Xm, Xmm};

use super::*;

impl Emitter<'_> {
    pub(super) fn vector_arith(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        let n = size(u);
        match op {
            O::Add => self.direct(ADD[n], u),
            O::Sub => self.direct(SUB[n], u),
            O::Mul => {
                let d = self.vdst(u.dst, V[0]);
                self.product(u, d) && self.finish(u, d)
            }
            O::Mla => self.product(u, V[0]) && self.accumulate_in(ADD[n], u, V[0]),
            O::Mls => self.product(u, V[0]) && self.accumulate_in(SUB[n], u, V[0]),
            O::Smax if n < 3 => self.direct(SMAX[n], u),
            O::Umax if n < 3 => self.direct(UMAX[n], u),
            O::Smin if n < 3 => self.direct(SMIN[n], u),
            O::Umin if n < 3 => self.direct(UMIN[n], u),
            O::Sabd | O::Uabd if n < 3 => {
                let d = self.vdst(u.dst, V[0]);
                self.distance(op == O::Sabd, u, d);
                self.finish(u, d)
            }
            O::Saba | O::Uaba if n < 3 => {
                self.distance(op == O::Saba, u, V[0]);
                self.accumulate_in(ADD[n], u, V[0])
            }
            O::Urhadd if n < 2 => self.direct([VOp::Pavgb, VOp::Pavgw][n], u),
            O::Shadd | O::Uhadd | O::Srhadd | O::Urhadd | O::Shsub | O::Uhsub => self.halved(op, u),
            O::Abs => self.absolute(u),
            O::Neg => {
                let d = self.vdst(u.dst, V[0]);
                let a = self.vxm(u.a);
                self.set(V[0], 0);
                self.v(SUB[n], d, V[0], a);
                self.finish(u, d)
            }
            O::Pmul if n == 0 => self.polynomial(u),
            O::Sdot | O::Udot => self.dot(op == O::Sdot, u),
            O::Addp => self.in_pairs(ADD[n], u),
            O::Smaxp if n < 3 => self.in_pairs(SMAX[n], u),
            O::Umaxp if n < 3 => self.in_pairs(UMAX[n], u),
            O::Sminp if n < 3 => self.in_pairs(SMIN[n], u),
            O::Uminp if n < 3 => self.in_pairs(UMIN[n], u),
            O::Saddlp | O::Uaddlp if n < 3 => {
                let (d, a) = (self.vdst(u.dst, V[0]), self.vxm(u.a));
                self.add_pairs(n, op == O::Saddlp, d, a);
                self.finish(u, d)
            }
            O::Sadalp | O::Uadalp if n < 3 => {
                let a = self.vxm(u.a);
                self.add_pairs(n, op == O::Sadalp, V[0], a);
                self.accumulate_in(ADD[n + 1], u, V[0])
            }
            O::Addv => self.across(ADD[n], u),
            O::Smaxv if n < 3 => self.across(SMAX[n], u),
            O::Umaxv if n < 3 => self.across(UMAX[n], u),
            O::Sminv if n < 3 => self.across(SMIN[n], u),
            O::Uminv if n < 3 => self.across(UMIN[n], u),
            O::Saddlv | O::Uaddlv if n < 3 => self.across_long(op == O::Saddlv, u),
            _ => false,
        }
    }

    /// `d = a * b`; false if there are no such elements.
    fn product(&mut self, u: &Uop, d: Xmm) -> bool {
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        match size(u) {
            0 => {
                // Odd bytes by factors in place, so that the products are, too.
                let (even, odd) = (self.each(1, 0xff), self.each(1, 0xff00));
                self.vs(VShift::Psrlw, V[1], a, 8);
                self.v(VOp::Pand, V[0], b, odd);
                self.asm.vop(VOp::Pmullw, V[1], V[1], V[0]);
                self.v(VOp::Pmullw, V[0], a, b);
                self.asm.vop(VOp::Pand, V[0], V[0], even);
                self.asm.vop(VOp::Por, d, V[0], V[1]);
            }
            1 => self.v(VOp::Pmullw, d, a, b),
            2 => self.v(VOp::Pmulld, d, a, b),
            _ => return false,
        }
        true
    }

    /// `d = |a - b|`.
    pub(super) fn distance(&mut self, signed: bool, u: &Uop, d: Xmm) {
        let (max, min) = if signed { (SMAX, SMIN) } else { (UMAX, UMIN) };
        let (a, b, n) = (self.vxm(u.a), self.vxm(u.b), size(u));
        self.v(max[n], V[0], a, b);
        self.v(min[n], V[1], a, b);
        self.asm.vop(SUB[n], d, V[0], V[1]);
    }

    /// Half of a sum or difference. With `^` the sum without carries, `a + b` is `(a ^ b) + 2 * (a & b)`,
    /// `2 * (a | b) - (a ^ b)`, and `a - b` is `(a ^ b) - 2 * (!a & b)`.
    fn halved(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        let d = self.vdst(u.dst, V[0]);
        let (a, b, n) = (self.vxm(u.a), self.vxm(u.b), size(u));
        self.v(VOp::Pxor, V[0], a, b);
        self.shr(n, matches!(op, O::Shadd | O::Srhadd | O::Shsub), V[0], V[0], 1);
        match op {
            O::Shadd | O::Uhadd => {
                self.v(VOp::Pand, V[1], a, b);
                self.asm.vop(ADD[n], d, V[1], V[0]);
            }
            O::Srhadd | O::Urhadd => {
                self.v(VOp::Por, V[1], a, b);
                self.asm.vop(SUB[n], d, V[1], V[0]);
            }
            _ => {
                self.v(VOp::Pandn, V[1], a, b);
                self.asm.vop(SUB[n], d, V[0], V[1]);
            }
        }
        self.finish(u, d)
    }

    fn absolute(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, n) = (self.vxm(u.a), size(u));
        self.absolute_of(n, d, a);
        self.finish(u, d)
    }

    /// `d = |a|`, wrapping. Changes V0 and V1.
    pub(super) fn absolute_of(&mut self, n: usize, d: Xmm, a: Xm) {
        if n < 3 || self.avx512() {
            return self.asm.vun([VUn::Pabsb, VUn::Pabsw, VUn::Pabsd, VUn::Vpabsq][n], d, a);
        }
        self.set(V[0], 0);
        self.v(VOp::Pcmpgtq, V[0], V[0], a);
        self.v(VOp::Pxor, V[1], a, V[0]);
        self.asm.vop(VOp::Psubq, d, V[1], V[0]);
    }

    /// PMUL, bit by bit.
    fn polynomial(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        self.set(V[0], 0);
        self.get(V[2], a);
        for bit in 0..8 {
            let mask = self.each(0, 1 << bit);
            self.get(V[1], b);
            self.asm.vop(VOp::Pand, V[1], V[1], mask);
            self.asm.vop(VOp::Pcmpeqb, V[1], V[1], mask);
            self.asm.vop(VOp::Pand, V[1], V[1], V[2]);
            self.asm.vop(VOp::Pxor, V[0], V[0], V[1]);
            self.asm.vop(VOp::Paddb, V[2], V[2], V[2]);
        }
        self.asm.vmov(d, V[0]);
        self.finish(u, d)
    }

    /// Products of even and of odd bytes, as words.
    fn dot(&mut self, signed: bool, u: &Uop) -> bool {
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        for (to, from) in [(V[0], a), (V[1], b)] {
            if signed {
                self.vs(VShift::Psllw, to, from, 8);
                self.asm.vshift(VShift::Psraw, to, to, 8);
            } else {
                let even = self.each(1, 0xff);
                self.v(VOp::Pand, to, from, even);
            }
        }
        self.asm.vop(VOp::Pmaddwd, V[0], V[0], V[1]);
        self.shr(1, signed, V[1], a, 8);
        self.shr(1, signed, V[2], b, 8);
        self.asm.vop(VOp::Pmaddwd, V[1], V[1], V[2]);
        self.asm.vop(VOp::Paddd, V[0], V[0], V[1]);
        self.accumulate_in(VOp::Paddd, u, V[0])
    }

    /// `dst = op` over pairs of neighbours.
    fn in_pairs(&mut self, op: VOp, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        self.unzip(u, false, V[2]);
        self.unzip(u, true, V[0]);
        self.asm.vop(op, d, V[2], V[0]);
        self.finish(u, d)
    }

    /// `d` = sums of neighbours of `a`, twice as wide. Changes V1.
    fn add_pairs(&mut self, n: usize, signed: bool, d: Xmm, a: Xm) {
        match (n, signed) {
            (0, false) => {
                let one = self.each(0, 1);
                self.v(VOp::Pmaddubsw, d, a, one);
            }
            (0, true) => {
                self.set(V[1], each(0, 1));
                self.v(VOp::Pmaddubsw, d, V[1], a);
            }
            (1, true) => {
                let one = self.each(1, 1);
                self.v(VOp::Pmaddwd, d, a, one);
            }
            (2, true) => {
                let one = self.each(3, 1);
                self.vs(VShift::Psrlq, V[1], a, 32);
                self.asm.vop(VOp::Pmuldq, V[1], V[1], one);
                self.v(VOp::Pmuldq, d, a, one);
                self.asm.vop(VOp::Paddq, d, d, V[1]);
            }
            _ => {
                self.shr(n + 1, false, V[1], a, width(n));
                let even = self.each(n + 1, ones(n));
                self.v(VOp::Pand, d, a, even);
                self.asm.vop(ADD[n + 1], d, d, V[1]);
            }
        }
    }

    /// One element = `op` over all.
    fn across(&mut self, op: VOp, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, n) = (self.vxm(u.a), size(u));
        self.get(V[0], a);
        self.fold(op, if full(u) { 8 } else { 4 }, 1 << n);
        self.low_element(n, d, V[0]);
        self.vwrite(u.dst, d);
        true
    }

    /// Folds the lowest `2 * from` bytes of V0 down to `to` bytes. What is above means nothing then.
    fn fold(&mut self, op: VOp, from: u8, to: u8) {
        let mut bytes = from;
        while bytes >= to {
            match bytes {
                8 => self.asm.vun_imm(VUnImm::Pshufd, V[1], V[0], 0xee),
                4 => self.asm.vun_imm(VUnImm::Pshufd, V[1], V[0], 0x55),
                2 => self.asm.vshift(VShift::Psrld, V[1], V[0], 16),
                _ => self.asm.vshift(VShift::Psrlw, V[1], V[0], 8),
            }
            self.asm.vop(op, V[0], V[0], V[1]);
            bytes /= 2;
        }
    }

    fn across_long(&mut self, signed: bool, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, n) = (self.vxm(u.a), size(u));
        let first = if full(u) { 8 } else { 4 };
        if n > 0 {
            self.add_pairs(n, signed, V[0], a);
            self.fold(ADD[n + 1], first, 2 << n);
        } else {
            self.sum_bytes(signed, a, full(u));
        }
        self.low_element(n + 1, d, V[0]);
        self.vwrite(u.dst, d);
        true
    }

    /// The lowest word of V0 = sum of bytes. Signed ones are summed up as numbers greater by 128.
    fn sum_bytes(&mut self, signed: bool, a: Xm, full: bool) {
        self.set(V[1], 0);
        if signed {
            let bias = self.each(0, 0x80);
            self.v(VOp::Pxor, V[0], a, bias);
            self.asm.vop(VOp::Psadbw, V[0], V[0], V[1]);
        } else {
            self.v(VOp::Psadbw, V[0], V[1], a);
        }
        if full {
            self.fold(VOp::Paddd, 8, 8);
        }
        if signed {
            let bias = self.each(1, if full { 0x80 * 16 } else { 0x80 * 8 });
            self.asm.vop(VOp::Psubw, V[0], V[0], bias);
        }
    }
}
