//! Arithmetic from narrow elements to wide ones.

use armlet_x64::{VOp, VOpImm, VUnImm, Xm, Xmm};

use super::*;

impl Emitter<'_> {
    pub(super) fn vector_wide(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        let n = size(u);
        if n == 3 {
            return op == O::Pmull && self.polynomial_quads(u);
        }
        let signed = matches!(
            op,
            O::Saddl | O::Ssubl | O::Saddw | O::Ssubw | O::Sabdl | O::Sabal | O::Smull | O::Smlal | O::Smlsl
        );
        match op {
            O::Saddl | O::Uaddl => self.both_widened(ADD[n + 1], signed, u),
            O::Ssubl | O::Usubl => self.both_widened(SUB[n + 1], signed, u),
            O::Saddw | O::Uaddw => self.one_widened(ADD[n + 1], signed, u),
            O::Ssubw | O::Usubw => self.one_widened(SUB[n + 1], signed, u),
            O::Sabdl | O::Uabdl => {
                let d = self.vdst(u.dst, V[0]);
                self.distance(signed, u, V[0]);
                self.widen(n, false, high(u), d, V[0].into());
                self.finish(u, d)
            }
            O::Sabal | O::Uabal => {
                self.distance(signed, u, V[0]);
                self.widen(n, false, high(u), V[0], V[0].into());
                self.accumulate_in(ADD[n + 1], u, V[0])
            }
            O::Smull | O::Umull => {
                let d = self.vdst(u.dst, V[0]);
                self.long_product(signed, u, d);
                self.finish(u, d)
            }
            O::Smlal | O::Umlal => {
                self.long_product(signed, u, V[0]);
                self.accumulate_in(ADD[n + 1], u, V[0])
            }
            O::Smlsl | O::Umlsl => {
                self.long_product(signed, u, V[0]);
                self.accumulate_in(SUB[n + 1], u, V[0])
            }
            O::Sqdmull if n > 0 => self.doubled(u, None),
            O::Sqdmlal if n > 0 => self.doubled(u, Some(false)),
            O::Sqdmlsl if n > 0 => self.doubled(u, Some(true)),
            O::Pmull if n == 0 => self.polynomial_bytes(u),
            O::Sshll | O::Ushll => {
                let d = self.vdst(u.dst, V[0]);
                let a = self.vxm(u.a);
                self.widen(n, op == O::Sshll, high(u), d, a);
                if u.imm != 0 {
                    self.shl(n + 1, d, d, u.imm as u8);
                }
                self.finish(u, d)
            }
            _ => false,
        }
    }

    fn both_widened(&mut self, op: VOp, signed: bool, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        self.widen(size(u), signed, high(u), V[0], a);
        self.widen(size(u), signed, high(u), V[1], b);
        self.asm.vop(op, d, V[0], V[1]);
        self.finish(u, d)
    }

    fn one_widened(&mut self, op: VOp, signed: bool, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        self.widen(size(u), signed, high(u), V[1], b);
        self.v(op, d, a, V[1]);
        self.finish(u, d)
    }

    /// `d` = products of `a` and `b`, twice as wide. Changes V0 and V1.
    fn long_product(&mut self, signed: bool, u: &Uop, d: Xmm) {
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        match size(u) {
            0 => {
                self.widen(0, signed, high(u), V[0], a);
                self.widen(0, signed, high(u), V[1], b);
                self.asm.vop(VOp::Pmullw, d, V[0], V[1]);
            }
            1 => {
                // Lower and upper halves.
                self.v(VOp::Pmullw, V[0], a, b);
                self.v(if signed { VOp::Pmulhw } else { VOp::Pmulhuw }, V[1], a, b);
                let unpack = if high(u) { VOp::Punpckhwd } else { VOp::Punpcklwd };
                self.asm.vop(unpack, d, V[0], V[1]);
            }
            _ => {
                let spread = if high(u) { 0xfa } else { 0x50 };
                self.asm.vun_imm(VUnImm::Pshufd, V[0], a, spread);
                self.asm.vun_imm(VUnImm::Pshufd, V[1], b, spread);
                self.asm.vop(if signed { VOp::Pmuldq } else { VOp::Pmuludq }, d, V[0], V[1]);
            }
        }
    }

    /// SQDMULL, or SQDMLAL and SQDMLSL if it is said whether to subtract. Only the product of the two lowest
    /// numbers saturates, and only that has the value it wraps to.
    fn doubled(&mut self, u: &Uop, subtract: Option<bool>) -> bool {
        self.clobber();
        let n = size(u) + 1;
        let d = self.vdst(u.dst, V[1]);
        self.long_product(true, u, V[2]);
        let lowest = self.each(n, least(n));
        self.asm.vop(ADD[n], V[2], V[2], V[2]);
        self.asm.vop(EQUAL[n], V[1], V[2], lowest);
        self.asm.vop(VOp::Pxor, V[2], V[2], V[1]);
        self.saturated_if(V[1], true);
        match subtract {
            None => self.asm.vmov(d, V[2]),
            Some(subtract) => {
                let c = self.vxm(u.c);
                self.add_saturating(n, subtract, d, c, V[2].into(), true);
            }
        }
        self.finish(u, d)
    }

    fn polynomial_quads(&mut self, u: &Uop) -> bool {
        if !self.host.pclmul {
            return false;
        }
        let d = self.vdst(u.dst, V[0]);
        let a = self.vsrc(u.a, V[0]);
        let b: Xm = self.vxm(u.b);
        self.asm.vop_imm(VOpImm::Pclmulqdq, d, a, b, if high(u) { 0x11 } else { 0 });
        self.finish(u, d)
    }

    /// PMULL of bytes, bit by bit.
    fn polynomial_bytes(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        self.set(V[0], 0);
        self.widen(0, false, high(u), V[2], a);
        for bit in 0..8 {
            let mask = self.each(1, 1 << bit);
            self.widen(0, false, high(u), V[1], b);
            self.asm.vop(VOp::Pand, V[1], V[1], mask);
            self.asm.vop(VOp::Pcmpeqw, V[1], V[1], mask);
            self.asm.vop(VOp::Pand, V[1], V[1], V[2]);
            self.asm.vop(VOp::Pxor, V[0], V[0], V[1]);
            self.asm.vop(VOp::Paddw, V[2], V[2], V[2]);
        }
        self.asm.vmov(d, V[0]);
        self.finish(u, d)
    }
}
