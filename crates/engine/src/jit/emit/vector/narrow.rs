//! From wide elements to narrow ones.

use armlet_x64::{VOp, Xm, Xmm};

use super::*;

/// The range of a narrow element as numbers of the wide one, and whether the wide one is signed.
#[derive(Clone, Copy)]
enum Range {
    Signed,
    Unsigned,
    SignedToUnsigned,
}

impl Emitter<'_> {
    pub(super) fn vector_narrow(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        if size(u) == 3 {
            return false;
        }
        match op {
            O::Addhn => self.high_halves(ADD, false, u),
            O::Raddhn => self.high_halves(ADD, true, u),
            O::Subhn => self.high_halves(SUB, false, u),
            O::Rsubhn => self.high_halves(SUB, true, u),
            O::Shrn => self.shift_narrow(u),
            O::Rshrn => self.shift_narrow_rounded(u),
            O::Sqshrn => self.clamped(Range::Signed, false, u),
            O::Uqshrn => self.clamped(Range::Unsigned, false, u),
            O::Sqrshrn => self.clamped(Range::Signed, true, u),
            O::Uqrshrn => self.clamped(Range::Unsigned, true, u),
            O::Sqshrun => self.clamped(Range::SignedToUnsigned, false, u),
            O::Sqrshrun => self.clamped(Range::SignedToUnsigned, true, u),
            _ => false,
        }
    }

    /// The result = wide elements of `a` from byte `from` of each on, narrow.
    fn truncated(&mut self, u: &Uop, a: Xm, from: usize) -> bool {
        let n = size(u);
        let place = |byte: usize| ((byte >> n) * 2 << n) + byte % (1 << n) + from;
        // Bytes above the element are zeros that have been shifted in.
        let inside = |byte: usize| byte % (1 << n) + from < 2 << n;
        let places = bytes(|byte| if byte < 8 && inside(byte) { place(byte) as u8 } else { 0x80 });
        let places = self.literal(places);
        if high(u) {
            let d = self.vdst(u.dst, V[1]);
            let c = self.vxm(u.c);
            self.v(VOp::Pshufb, V[0], a, places);
            self.v(VOp::Punpcklqdq, d, c, V[0]);
            self.vwrite(u.dst, d);
        } else {
            let d = self.vdst(u.dst, V[0]);
            self.v(VOp::Pshufb, d, a, places);
            self.vwrite(u.dst, d);
        }
        true
    }

    /// ADDHN and its kin.
    fn high_halves(&mut self, op: [VOp; 4], rounds: bool, u: &Uop) -> bool {
        let (a, b, n) = (self.vxm(u.a), self.vxm(u.b), size(u));
        self.v(op[n + 1], V[0], a, b);
        if rounds {
            let half = self.each(n + 1, least(n));
            self.asm.vop(ADD[n + 1], V[0], V[0], half);
        }
        self.truncated(u, V[0].into(), 1 << n)
    }

    fn shift_narrow(&mut self, u: &Uop) -> bool {
        let (a, n, by) = (self.vxm(u.a), size(u), u.imm as u8);
        if by % 8 == 0 {
            return self.truncated(u, a, usize::from(by / 8));
        }
        self.shr(n + 1, false, V[0], a, by);
        self.truncated(u, V[0].into(), 0)
    }

    fn shift_narrow_rounded(&mut self, u: &Uop) -> bool {
        let (a, n, by) = (self.vxm(u.a), size(u), u.imm as u8);
        if by == 0 {
            return self.shift_narrow(u);
        }
        // A carry out of the wide element would not reach the narrow one.
        let half = self.each(n + 1, 1 << (by - 1));
        self.v(ADD[n + 1], V[0], a, half);
        self.shr(n + 1, false, V[0], V[0], by);
        self.truncated(u, V[0].into(), 0)
    }

    /// Shifts, then brings into the range of the narrow element.
    fn clamped(&mut self, range: Range, rounds: bool, u: &Uop) -> bool {
        let n = size(u);
        if n == 2 && !self.avx512() {
            return false;
        }
        self.clobber();
        let (a, by) = (self.vxm(u.a), u.imm as u8);
        let signed = !matches!(range, Range::Unsigned);
        if rounds && by > 0 {
            self.shr_rounded(n + 1, signed, V[0], a, by, V[1]);
        } else {
            self.shr(n + 1, signed, V[0], a, by);
        }
        let top = if let Range::Signed = range { ones(n) >> 1 } else { ones(n) };
        self.at_most(n + 1, signed, V[1], V[0], top);
        if signed {
            let bottom = if let Range::Signed = range { (ones(n) >> 1) ^ u64::MAX } else { 0 };
            let bottom = self.each(n + 1, bottom);
            self.asm.vop(SMAX[n + 1], V[1], V[1], bottom);
        }
        self.asm.vop(VOp::Pxor, V[0], V[0], V[1]);
        self.saturated_if(V[0], true);
        self.truncated(u, V[1].into(), 0)
    }

    /// `d` = the lesser of `a` and a number.
    fn at_most(&mut self, n: usize, signed: bool, d: Xmm, a: Xmm, top: u64) {
        let top = self.each(n, top);
        self.asm.vop(if signed { SMIN[n] } else { UMIN[n] }, d, a, top);
    }
}
