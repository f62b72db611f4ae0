//! Permutes and table look-ups.

use armlet_x64::{K, VOp, VOpImm, VShift, VUn, Xm, Xmm};

use super::*;
use crate::uop::{Slot, VTEMP};

/// The slot `n` after `first`: V0 follows V31, temporaries follow each other.
fn follower(first: Slot, n: u8) -> Slot {
    if first < VTEMP { (first + n) & 31 } else { first + n }
}

impl Emitter<'_> {
    pub(super) fn vector_permute(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        match op {
            O::Ext => self.extract_bytes(u),
            O::Zip1 => self.direct(UNPACK_LOW[size(u)], u),
            O::Zip2 if full(u) => self.direct(UNPACK_HIGH[size(u)], u),
            O::Zip2 => {
                let d = self.vdst(u.dst, V[0]);
                let (a, b) = (self.vxm(u.a), self.vxm(u.b));
                self.v(UNPACK_LOW[size(u)], V[0], a, b);
                self.asm.vshift(VShift::Psrldq, d, V[0], 8);
                self.vwrite(u.dst, d);
                true
            }
            O::Uzp1 | O::Uzp2 => {
                let d = self.vdst(u.dst, V[0]);
                self.unzip(u, op == O::Uzp2, d);
                self.finish(u, d)
            }
            O::Trn1 => self.transpose(u, false),
            O::Trn2 => self.transpose(u, true),
            O::Rev64 => self.reverse(u, 8),
            O::Rev32 => self.reverse(u, 4),
            O::Rev16 => self.reverse(u, 2),
            O::Tbl => self.look_up_bytes(u, false),
            O::Tbx => self.look_up_bytes(u, true),
            _ => false,
        }
    }

    fn extract_bytes(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b, from) = (self.vxm(u.a), self.vxm(u.b), u.imm as u8 & 15);
        if full(u) {
            self.vi(VOpImm::Palignr, d, b, a, from);
        } else {
            self.v(VOp::Punpcklqdq, V[0], a, b);
            self.asm.vshift(VShift::Psrldq, d, V[0], from);
        }
        self.finish(u, d)
    }

    /// `d` = even or odd elements of `a`, then of `b`. Changes V0 and V1.
    pub(super) fn unzip(&mut self, u: &Uop, odd: bool, d: Xmm) {
        let (a, b, n) = (self.vxm(u.a), self.vxm(u.b), size(u));
        let first = usize::from(odd);
        match n {
            3 => self.v(if odd { VOp::Punpckhqdq } else { VOp::Punpcklqdq }, d, a, b),
            2 if full(u) => self.vi(VOpImm::Shufps, d, a, b, if odd { 0xdd } else { 0x88 }),
            _ if full(u) => {
                let place = |byte: usize| ((byte >> n) * 2 + first << n) + byte % (1 << n);
                self.choose_bytes(d, a, b, |byte| place(byte) as u8);
            }
            _ => {
                self.v(VOp::Punpcklqdq, V[0], a, b);
                let element = |byte: usize| ((byte >> n) * 2 + first << n) + byte % (1 << n);
                let places = bytes(|byte| if byte < 8 { element(byte) as u8 } else { 0x80 });
                let places = self.literal(places);
                self.asm.vop(VOp::Pshufb, d, V[0], places);
            }
        }
    }

    /// `d` = bytes of `b:a`. Changes V0 and V1.
    fn choose_bytes(&mut self, d: Xmm, a: Xm, b: Xm, place: impl Fn(usize) -> u8) {
        if self.host.vbmi {
            self.set(V[0], bytes(&place));
            let a = self.first_in(V[1], a);
            self.asm.vop(VOp::Vpermi2b, V[0], a, b);
            return self.asm.vmov(d, V[0]);
        }
        let low = self.literal(bytes(|n| if place(n) < 16 { place(n) } else { 0x80 }));
        let high = self.literal(bytes(|n| if place(n) < 16 { 0x80 } else { place(n) - 16 }));
        self.v(VOp::Pshufb, V[0], a, low);
        self.v(VOp::Pshufb, V[1], b, high);
        self.asm.vop(VOp::Por, d, V[0], V[1]);
    }

    /// `a` if it is a register, else `scratch` with its value.
    fn first_in(&mut self, scratch: Xmm, a: Xm) -> Xmm {
        match a {
            Xm::R(a) => a,
            Xm::M(a) => {
                self.asm.vload(scratch, a);
                scratch
            }
        }
    }

    /// TRN1 and TRN2: one operand's elements are in place, the other's move by one.
    fn transpose(&mut self, u: &Uop, odd: bool) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b, n) = (self.vxm(u.a), self.vxm(u.b), size(u));
        if n == 3 {
            return self.direct(if odd { VOp::Punpckhqdq } else { VOp::Punpcklqdq }, u);
        }
        let (moved, kept) = if odd { (a, b) } else { (b, a) };
        let mask = if odd { ones(n) << width(n) } else { ones(n) };
        if odd {
            self.shr(n + 1, false, V[0], moved, width(n));
        } else {
            self.shl(n + 1, V[0], moved, width(n));
        }
        let mask = self.each(n + 1, mask);
        self.v(VOp::Pand, V[1], kept, mask);
        self.asm.vop(VOp::Por, d, V[0], V[1]);
        self.finish(u, d)
    }

    /// Elements in reverse order within groups of some bytes.
    fn reverse(&mut self, u: &Uop, group: usize) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let flip = (group >> size(u)).saturating_sub(1) << size(u);
        let (a, places) = (self.vxm(u.a), self.literal(bytes(|n| (n ^ flip) as u8)));
        self.v(VOp::Pshufb, d, a, places);
        self.finish(u, d)
    }

    /// TBL and TBX. An index out of range becomes one with the sign bit set by saturating addition, for
    /// which PSHUFB gives zero.
    fn look_up_bytes(&mut self, u: &Uop, keep: bool) -> bool {
        if self.host.vbmi && u.imm == 2 {
            return self.look_up_pair(u, keep);
        }
        let d = self.vdst(u.dst, V[0]);
        let (index, count) = (self.vxm(u.b), u.imm as usize);
        let beyond = self.each(0, 0x70);
        for n in 0..count {
            let table = self.vxm(follower(u.a, n as u8));
            let to = if n == 0 { V[0] } else { V[1] };
            if n == 0 {
                self.v(VOp::Paddusb, to, index, beyond);
            } else {
                let first = self.each(0, 16 * n as u64);
                self.v(VOp::Psubb, to, index, first);
                self.asm.vop(VOp::Paddusb, to, to, beyond);
            }
            self.v(VOp::Pshufb, to, table, to);
            if n > 0 {
                self.asm.vop(VOp::Por, V[0], V[0], V[1]);
            }
        }
        if keep {
            let (c, end) = (self.vxm(u.c), self.each(0, 16 * count as u64));
            self.v(VOp::Pmaxub, V[1], index, end);
            self.v(VOp::Pcmpeqb, V[1], V[1], index);
            self.v(VOp::Pand, V[1], V[1], c);
            self.asm.vop(VOp::Por, V[0], V[0], V[1]);
        }
        self.asm.vmov(d, V[0]);
        self.finish(u, d)
    }

    /// The same with two registers and VBMI.
    fn look_up_pair(&mut self, u: &Uop, keep: bool) -> bool {
        let d = self.vdst(u.dst, V[1]);
        let index = self.vxm(u.b);
        self.get(V[0], index);
        let (table, end) = (self.vsrc(u.a, V[1]), self.each(0, 32));
        let next = self.vxm(follower(u.a, 1));
        self.asm.vpcmpu(LANES[0], K(2), V[0], end, 1);
        self.asm.vop(VOp::Vpermi2b, V[0], table, next);
        if keep {
            let c = self.vxm(u.c);
            self.get(V[1], c);
            self.asm.vun_masked(VUn::Vmovdqu8, K(2).merging(), V[1], V[0]);
            self.asm.vmov(d, V[1]);
        } else {
            self.asm.vun_masked(VUn::Vmovdqu8, K(2).zeroing(), d, V[0]);
        }
        self.finish(u, d)
    }
}
