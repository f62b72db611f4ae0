//! Counting and reversing bits.

use armlet_x64::{Lane, VOp, VShift, VUn, Xm, Xmm};

use super::*;

/// A function of nibbles, as PSHUFB looks it up.
fn nibbles(f: impl Fn(u8) -> u8) -> u128 {
    bytes(|n| f(n as u8))
}

impl Emitter<'_> {
    pub(super) fn vector_count(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        let (n, a) = (size(u), self.vxm(u.a));
        let d = self.vdst(u.dst, V[0]);
        match op {
            O::Cnt if self.host.bitalg => self.asm.vun(VUn::Vpopcntb, d, a),
            O::Cnt => {
                self.get(V[1], a);
                self.by_nibbles(nibbles(|n| n.count_ones() as u8), nibbles(|n| n.count_ones() as u8));
                self.asm.vop(VOp::Paddb, d, V[0], V[1]);
            }
            O::Rbit if self.host.gfni => {
                let reversal = matrix(|bit| 0x80 >> bit);
                self.affine(d, a, reversal);
            }
            O::Rbit => {
                self.get(V[1], a);
                self.by_nibbles(nibbles(|n| n.reverse_bits() >> 4), nibbles(|n| n.reverse_bits()));
                self.asm.vop(VOp::Por, d, V[0], V[1]);
            }
            O::Clz if n < 3 => {
                self.get(V[1], a);
                self.leading_zeros(n, d);
            }
            O::Cls if n < 3 => {
                // Of the bits that differ from the sign, one to the left.
                self.sign_changes(n, a);
                self.leading_zeros(n, d);
            }
            _ => return false,
        }
        self.finish(u, d)
    }

    /// V0 = a function of the upper nibbles of V1, and V1 = one of its lower nibbles. Changes V2.
    fn by_nibbles(&mut self, upper: u128, lower: u128) {
        let mask = self.each(0, 0xf);
        self.asm.vshift(VShift::Psrlw, V[2], V[1], 4);
        self.asm.vop(VOp::Pand, V[2], V[2], mask);
        self.set(V[0], upper);
        self.asm.vop(VOp::Pshufb, V[0], V[0], V[2]);
        self.asm.vop(VOp::Pand, V[2], V[1], mask);
        self.set(V[1], lower);
        self.asm.vop(VOp::Pshufb, V[1], V[1], V[2]);
    }

    /// V1 = `(a ^ a >> width) << 1 | 1`.
    fn sign_changes(&mut self, n: usize, a: Xm) {
        self.shr(n, true, V[1], a, width(n) - 1);
        self.v(VOp::Pxor, V[1], V[1], a);
        let one = self.each(n, 1);
        self.asm.vop(ADD[n], V[1], V[1], V[1]);
        self.asm.vop(VOp::Por, V[1], V[1], one);
    }

    /// `d` = leading zeros of V1: first of nibbles, then of fields twice as wide again and again. Where the
    /// upper part is all zeros those of the lower part count as well.
    fn leading_zeros(&mut self, n: usize, d: Xmm) {
        if self.host.cd && LANES[n] == Lane::D {
            return self.asm.vun(VUn::Vplzcntd, d, V[1]);
        }
        let zeros = nibbles(|n| (n << 4 | 8).leading_zeros() as u8);
        self.by_nibbles(zeros, zeros);
        self.add_if_all(0, 4);
        for wider in 1..=n {
            self.shr(wider, false, V[2], V[0], width(wider - 1));
            let lower = self.each(wider, ones(wider - 1));
            self.asm.vop(VOp::Pand, V[1], V[0], lower);
            self.asm.vmov(V[0], V[2]);
            self.add_if_all(wider, width(wider - 1));
        }
        self.asm.vmov(d, V[0]);
    }

    /// V0 += V1 where V0 = `all`.
    fn add_if_all(&mut self, n: usize, all: u8) {
        let all = self.each(n, all.into());
        self.asm.vop(EQUAL[n], V[2], V[0], all);
        self.asm.vop(VOp::Pand, V[1], V[1], V[2]);
        self.asm.vop(ADD[n], V[0], V[0], V[1]);
    }
}
