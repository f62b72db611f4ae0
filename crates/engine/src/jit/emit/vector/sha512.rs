//! SHA-512, in the lower halves of vectors: the host has no instructions for it.

use armlet_x64::{VOp, VOpImm, VUnImm, Xm, Xmm};

use super::*;

impl Emitter<'_> {
    pub(super) fn vector_sha512(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        let d = self.vdst(u.dst, V[0]);
        let (a, b, c) = self.abc(u);
        match op {
            O::Sha512h => self.sha512_first(u, d),
            O::Sha512h2 => self.sha512_second(u, d),
            O::Sha512su0 => {
                self.vi(VOpImm::Shufpd, V[0], c, a, 1);
                self.sigma([1, 8, 7], true);
                self.v(VOp::Paddq, d, V[1], c);
            }
            O::Sha512su1 => {
                self.get(V[0], a);
                self.sigma([19, 61, 6], true);
                self.v(VOp::Paddq, V[1], V[1], b);
                self.v(VOp::Paddq, d, V[1], c);
            }
            _ => return false,
        }
        self.finish(u, d)
    }

    /// V1 = V0 rotated right by each of three numbers, or shifted by the last one, all added up without carries.
    /// Changes V2 and V3.
    fn sigma(&mut self, by: [u8; 3], shifted: bool) {
        self.rotate_left(3, V[1], V[0].into(), 64 - by[0], V[2]);
        self.rotate_left(3, V[2], V[0].into(), 64 - by[1], V[3]);
        self.asm.vop(VOp::Pxor, V[1], V[1], V[2]);
        if shifted {
            self.shr(3, false, V[2], V[0], by[2]);
        } else {
            self.rotate_left(3, V[2], V[0].into(), 64 - by[2], V[3]);
        }
        self.asm.vop(VOp::Pxor, V[1], V[1], V[2]);
    }

    /// `d` = the upper half of `a`, twice.
    fn upper(&mut self, d: Xmm, a: Xm) {
        self.asm.vun_imm(VUnImm::Pshufd, d, a, 0xee);
    }

    /// V1 += the upper half of `c`. That is the upper half of the result.
    fn upper_half_done(&mut self, c: Xm) {
        self.upper(V[2], c);
        self.asm.vop(VOp::Paddq, V[1], V[1], V[2]);
        self.asm.vstore(SPILL, V[1]);
    }

    fn sha512_first(&mut self, u: &Uop, d: Xmm) {
        let (a, b, c) = self.abc(u);
        self.upper(V[0], b);
        self.sigma([14, 18, 41], false);
        // V0 chooses between the halves of `a`.
        self.upper(V[2], a);
        self.v(VOp::Pxor, V[2], V[2], a);
        self.asm.vop(VOp::Pand, V[2], V[2], V[0]);
        self.upper(V[0], a);
        self.asm.vop(VOp::Pxor, V[2], V[2], V[0]);
        self.asm.vop(VOp::Paddq, V[1], V[1], V[2]);
        self.upper_half_done(c);
        self.v(VOp::Paddq, V[0], V[1], b);
        self.sigma([14, 18, 41], false);
        self.upper(V[2], b);
        self.v(VOp::Pxor, V[2], V[2], a);
        self.asm.vop(VOp::Pand, V[2], V[2], V[0]);
        self.v(VOp::Pxor, V[2], V[2], a);
        self.asm.vop(VOp::Paddq, V[1], V[1], V[2]);
        self.v(VOp::Paddq, V[1], V[1], c);
        self.asm.vop(VOp::Punpcklqdq, d, V[1], SPILL);
    }

    fn sha512_second(&mut self, u: &Uop, d: Xmm) {
        let (a, b, c) = self.abc(u);
        self.get(V[0], b);
        self.sigma([28, 34, 39], false);
        self.get(V[0], a);
        self.add_majority(b);
        self.upper_half_done(c);
        self.get(V[0], V[1]);
        self.sigma([28, 34, 39], false);
        self.add_majority(b);
        self.v(VOp::Paddq, V[1], V[1], c);
        self.asm.vop(VOp::Punpcklqdq, d, V[1], SPILL);
    }

    /// V1 += the majority of V0 and the halves of `b`.
    fn add_majority(&mut self, b: Xm) {
        self.upper(V[2], b);
        self.v(VOp::Pxor, V[2], V[2], b);
        self.v(VOp::Pxor, V[0], V[0], b);
        self.asm.vop(VOp::Pand, V[0], V[0], V[2]);
        self.v(VOp::Pxor, V[0], V[0], b);
        self.asm.vop(VOp::Paddq, V[1], V[1], V[0]);
    }
}
