//! Shifts by immediate and by register.

use armlet_x64::{VOp, VShift, Xm, Xmm};

use super::*;

const LEFT: [VOp; 4] = [VOp::Vpsllvw, VOp::Vpsllvw, VOp::Vpsllvd, VOp::Vpsllvq];
const RIGHT: [VOp; 4] = [VOp::Vpsrlvw, VOp::Vpsrlvw, VOp::Vpsrlvd, VOp::Vpsrlvq];
const RIGHT_SIGNED: [VOp; 4] = [VOp::Vpsravw, VOp::Vpsravw, VOp::Vpsravd, VOp::Vpsravq];

/// A shift by register.
#[derive(Clone, Copy)]
struct ByRegister {
    signed: bool,
    rounds: bool,
    saturates: bool,
}

fn by_register(op: VectorOp) -> Option<ByRegister> {
    use VectorOp as O;
    let (signed, rounds, saturates) = match op {
        O::Sshl => (true, false, false),
        O::Ushl => (false, false, false),
        O::Srshl => (true, true, false),
        O::Urshl => (false, true, false),
        O::Sqshl => (true, false, true),
        O::Uqshl => (false, false, true),
        O::Sqrshl => (true, true, true),
        O::Uqrshl => (false, true, true),
        _ => return None,
    };
    Some(ByRegister { signed, rounds, saturates })
}

impl Emitter<'_> {
    pub(super) fn vector_shift(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        if let Some(how) = by_register(op) {
            return self.shift_by_register(how, u);
        }
        let d = self.vdst(u.dst, V[0]);
        let (a, n, by) = (self.vxm(u.a), size(u), u.imm as u8);
        match op {
            O::Shl => {
                self.shl(n, d, a, by);
                self.finish(u, d)
            }
            O::Sshr | O::Ushr => {
                self.shr(n, op == O::Sshr, d, a, by);
                self.finish(u, d)
            }
            O::Ssra | O::Usra => {
                self.shr(n, op == O::Ssra, V[0], a, by);
                self.accumulate_in(ADD[n], u, V[0])
            }
            O::Srshr | O::Urshr => {
                self.shr_rounded(n, op == O::Srshr, V[0], a, by, V[1]);
                self.asm.vmov(d, V[0]);
                self.finish(u, d)
            }
            O::Srsra | O::Ursra => {
                self.shr_rounded(n, op == O::Srsra, V[0], a, by, V[1]);
                self.accumulate_in(ADD[n], u, V[0])
            }
            O::Sri => {
                self.shr(n, false, V[0], a, by);
                let kept = !(u128::from(ones(n)) >> by) as u64;
                self.insert_in(u, kept)
            }
            O::Sli => {
                self.shl(n, V[0], a, by);
                self.insert_in(u, (1 << by) - 1)
            }
            O::SqshlI => self.saturating_left(u, true),
            O::UqshlI => self.saturating_left(u, false),
            O::Sqshlu => self.saturating_to_unsigned(u),
            _ => false,
        }
    }

    /// V0 and the bits of `c` that are `kept`.
    fn insert_in(&mut self, u: &Uop, kept: u64) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (c, kept) = (self.vxm(u.c), self.each(size(u), kept));
        self.v(VOp::Pand, V[1], c, kept);
        self.asm.vop(VOp::Por, d, V[0], V[1]);
        self.finish(u, d)
    }

    /// V1 = `a << imm`, V0 = ones where that lost something.
    fn left_and_loss(&mut self, u: &Uop, signed: bool) {
        let (a, n, by) = (self.vxm(u.a), size(u), u.imm as u8);
        self.shl(n, V[1], a, by);
        self.shr(n, signed, V[0], V[1], by);
        self.v(EQUAL[n], V[0], V[0], a);
        let all = self.each(3, u64::MAX);
        self.asm.vop(VOp::Pxor, V[0], V[0], all);
    }

    fn saturating_left(&mut self, u: &Uop, signed: bool) -> bool {
        self.clobber();
        let d = self.vdst(u.dst, V[1]);
        self.left_and_loss(u, signed);
        if signed {
            let (a, n) = (self.vxm(u.a), size(u));
            self.limit(n, V[2], a);
            self.asm.vop(VOp::Pand, V[2], V[2], V[0]);
            self.asm.vop(VOp::Pandn, V[1], V[0], V[1]);
            self.asm.vop(VOp::Por, d, V[1], V[2]);
        } else {
            self.asm.vop(VOp::Por, d, V[1], V[0]);
        }
        self.saturated_if(V[0], full(u));
        self.finish(u, d)
    }

    fn saturating_to_unsigned(&mut self, u: &Uop) -> bool {
        self.clobber();
        let d = self.vdst(u.dst, V[1]);
        let a = self.vxm(u.a);
        self.left_and_loss(u, false);
        self.set(V[2], 0);
        self.v(GREATER[size(u)], V[2], V[2], a);
        self.asm.vop(VOp::Por, V[1], V[1], V[0]);
        self.asm.vop(VOp::Pandn, d, V[2], V[1]);
        self.asm.vop(VOp::Por, V[0], V[0], V[2]);
        self.saturated_if(V[0], full(u));
        self.finish(u, d)
    }

    /// `d` = what numbers with the sign of `a` saturate to.
    pub(super) fn limit(&mut self, n: usize, d: Xmm, a: Xm) {
        let max = self.each(n, least(n) - 1);
        self.shr(n, true, d, a, width(n) - 1);
        self.asm.vop(VOp::Pxor, d, d, max);
    }

    /// True if the host shifts elements of this size by a register.
    fn has_variable(&self, n: usize, signed: bool) -> bool {
        self.avx512() && n > 0 || self.avx2() && (n == 2 || n == 3 && !signed)
    }

    /// Of the shifts to the left and to the right, that to the wrong side is by more than the width, and so its result is
    /// zero; but for signs shifted in, which are masked.
    fn shift_by_register(&mut self, how: ByRegister, u: &Uop) -> bool {
        let n = size(u);
        if !self.has_variable(n, how.signed) {
            return false;
        }
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        let d = self.vdst(u.dst, V[0]);
        // The signed low byte.
        self.shl(n, V[0], b, width(n) - 8);
        self.shr(n, true, V[0], V[0], width(n) - 8);
        self.v(LEFT[n], V[1], a, V[0]);
        if how.saturates {
            self.clobber();
            self.saturate_left(how, u);
        }
        let right = if how.signed { RIGHT_SIGNED } else { RIGHT };
        if how.rounds {
            // By one less, then by one.
            let all = self.each(3, u64::MAX);
            self.asm.vop(VOp::Pxor, V[2], V[0], all);
            self.v(right[n], V[2], a, V[2]);
            self.round(n, how.signed, V[2], V[0]);
        } else {
            self.set(V[2], 0);
            self.asm.vop(SUB[n], V[2], V[2], V[0]);
            self.v(right[n], V[2], a, V[2]);
            if how.signed {
                self.shr(n, true, V[0], V[0], width(n) - 1);
                self.asm.vop(VOp::Pand, V[2], V[2], V[0]);
            }
        }
        self.asm.vop(VOp::Por, d, V[1], V[2]);
        self.finish(u, d)
    }

    /// Makes V1, `a` shifted left by V0, saturate, unless V0 is negative.
    fn saturate_left(&mut self, how: ByRegister, u: &Uop) {
        let (a, n, loss) = (self.vxm(u.a), size(u), V[3]);
        let back = if how.signed { RIGHT_SIGNED } else { RIGHT };
        let all = self.each(3, u64::MAX);
        self.asm.vop(back[n], V[2], V[1], V[0]);
        self.v(EQUAL[n], V[2], V[2], a);
        self.shr(n, true, loss, V[0], width(n) - 1);
        self.asm.vop(VOp::Por, V[2], V[2], loss);
        self.asm.vop(VOp::Pxor, loss, V[2], all);
        if how.signed {
            self.limit(n, V[2], a);
            self.asm.vop(VOp::Pand, V[2], V[2], loss);
            self.asm.vop(VOp::Pandn, V[1], loss, V[1]);
            self.asm.vop(VOp::Por, V[1], V[1], V[2]);
        } else {
            self.asm.vop(VOp::Por, V[1], V[1], loss);
        }
        self.saturated_if(loss, full(u));
    }

    /// `d = a` rotated left by `n` bits, on elements of 32 or 64 bits. Changes `t`.
    pub(super) fn rotate_left(&mut self, size: usize, d: Xmm, a: Xm, n: u8, t: Xmm) {
        if self.avx512() {
            return self.vs(if size == 2 { VShift::Vprold } else { VShift::Vprolq }, d, a, n);
        }
        self.shr(size, false, t, a, width(size) - n);
        self.shl(size, d, a, n);
        self.asm.vop(VOp::Por, d, d, t);
    }
}
