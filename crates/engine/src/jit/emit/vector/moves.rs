//! Whole registers, and copies between elements and general registers.

use armlet_x64::{Bits, Lane, VOp, VOpImm, VUn, VUnImm, Xm, Xmm};

use super::*;
use crate::jit::layout::A;
use crate::uop::ZERO;

impl Emitter<'_> {
    pub(super) fn vector_moves(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        match op {
            O::MovI => self.move_imm(u),
            O::Mov => self.move_whole(u),
            O::AndI => self.with_imm(VOp::Pand, u),
            O::OrrI => self.with_imm(VOp::Por, u),
            O::And => self.direct(VOp::Pand, u),
            O::Orr => self.direct(VOp::Por, u),
            O::Eor => self.direct(VOp::Pxor, u),
            O::Bic => {
                let d = self.vdst(u.dst, V[0]);
                let (a, b) = (self.vxm(u.a), self.vxm(u.b));
                self.v(VOp::Pandn, d, b, a);
                self.finish(u, d)
            }
            O::Orn => self.or_not(u),
            O::Not => {
                let d = self.vdst(u.dst, V[0]);
                let (a, all) = (self.vxm(u.a), self.each(3, u64::MAX));
                self.v(VOp::Pxor, d, a, all);
                self.finish(u, d)
            }
            O::Bsl => self.select_bits(u),
            O::Eor3 => self.three(u, |a, b, c| a ^ b ^ c),
            O::Bcax => self.three(u, |a, b, c| a ^ (b & !c)),
            O::Pick => self.pick(u),
            O::Dup => self.duplicate(u),
            O::DupGeneral => self.duplicate_general(u),
            O::Ins => self.insert_element(u),
            O::InsGeneral => {
                let d = self.vdst(u.dst, V[0]);
                let c = self.vsrc(u.c, V[0]);
                let a = self.src(u.a);
                self.asm.pinsr(LANES[size(u)], d, c, a, u.imm as u8);
                self.finish(u, d)
            }
            O::Umov => self.to_general(u, false),
            O::Smov => self.to_general(u, true),
            _ => false,
        }
    }

    fn move_imm(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let half = u128::from(u.imm as u64);
        self.set(d, if full(u) { half << 64 | half } else { half });
        self.vwrite(u.dst, d);
        true
    }

    fn move_whole(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        match self.vxm(u.a) {
            a if full(u) => self.get(d, a),
            Xm::R(a) => self.asm.movq(d, a),
            Xm::M(a) => self.asm.vload64(d, a),
        }
        self.vwrite(u.dst, d);
        true
    }

    fn with_imm(&mut self, op: VOp, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, imm) = (self.vxm(u.a), self.each(3, u.imm as u64));
        self.v(op, d, a, imm);
        self.finish(u, d)
    }

    fn or_not(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b) = (self.vxm(u.a), self.vxm(u.b));
        let all = self.each(3, u64::MAX);
        self.v(VOp::Pxor, V[0], b, all);
        self.v(VOp::Por, d, V[0], a);
        self.finish(u, d)
    }

    /// `dst = f(a, b, c)` with `f` that of EOR3 or BCAX.
    fn three(&mut self, u: &Uop, f: fn(bool, bool, bool) -> bool) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b, c) = self.abc(u);
        if self.avx512() {
            self.ternary(d, [a, b, c], f);
        } else {
            let op = if f(false, false, true) { VOp::Pxor } else { VOp::Pandn };
            self.v(op, V[0], c, b);
            self.v(VOp::Pxor, d, V[0], a);
        }
        self.finish(u, d)
    }

    fn select_bits(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b, c) = self.abc(u);
        if self.avx512() {
            self.ternary(d, [a, b, c], |a, b, c| if a { b } else { c });
        } else {
            self.v(VOp::Pxor, V[0], b, c);
            self.v(VOp::Pand, V[0], V[0], a);
            self.v(VOp::Pxor, d, V[0], c);
        }
        self.finish(u, d)
    }

    /// One element, all other bits zero.
    fn pick(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (size, at) = (size(u), u.imm as u8);
        match self.vxm(u.a) {
            Xm::M(a) => {
                let a = plus(a, i32::from(at) << size);
                self.load_vector(d, a, size as u8);
            }
            Xm::R(a) => match (size, at) {
                (3, 0) => self.asm.movq(d, a),
                (3, _) => self.vs(armlet_x64::VShift::Psrldq, d, a, 8),
                (2, _) => self.asm.vop_imm(VOpImm::Insertps, d, a, a, at << 6 | 0xe),
                _ => {
                    let element = bytes(|n| if n < 1 << size { (at << size) + n as u8 } else { 0x80 });
                    let element = self.literal(element);
                    self.asm.vop(VOp::Pshufb, d, a, element);
                }
            },
        }
        self.vwrite(u.dst, d);
        true
    }

    fn duplicate(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (size, at) = (size(u), u.imm as u8);
        let a = self.vxm(u.a);
        match (size, a) {
            (_, Xm::M(a)) if self.avx2() || size == 3 => {
                self.broadcast(size, d, plus(a, i32::from(at) << size).into());
            }
            (0 | 1, _) if at == 0 => self.broadcast(size, d, a),
            (3, _) if at == 0 => self.asm.vun(VUn::Movddup, d, a),
            (3, _) => self.asm.vun_imm(VUnImm::Pshufd, d, a, 0xee),
            (2, _) => self.asm.vun_imm(VUnImm::Pshufd, d, a, at * 0x55),
            _ => {
                let element = bytes(|n| (at << size) + n as u8 % (1 << size));
                let element = self.literal(element);
                self.v(VOp::Pshufb, d, a, element);
            }
        }
        self.finish(u, d)
    }

    /// The lowest element of `a` in every one; in memory, `a` is that element alone.
    pub(in super::super) fn broadcast(&mut self, size: usize, d: Xmm, a: Xm) {
        if self.avx2() && size != 3 {
            let op = [VUn::Vpbroadcastb, VUn::Vpbroadcastw, VUn::Vpbroadcastd][size];
            return self.asm.vun(op, d, a);
        }
        if size == 3 {
            return self.asm.vun(VUn::Movddup, d, a);
        }
        if let Xm::M(a) = a {
            self.load_vector(d, a, size as u8);
        } else {
            self.get(d, a);
        }
        if size == 2 {
            return self.asm.vun_imm(VUnImm::Pshufd, d, d, 0);
        }
        let element = self.literal(bytes(|n| n as u8 % (1 << size)));
        self.asm.vop(VOp::Pshufb, d, d, element);
    }

    fn duplicate_general(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        if u.a == ZERO {
            self.set(d, 0);
        } else if self.avx512() {
            let a = self.read(u.a, A);
            self.asm.vpbroadcast_gpr(LANES[size(u)], d, a);
        } else {
            let a = self.src(u.a);
            self.asm.movd_to(if size(u) == 3 { Bits::B64 } else { Bits::B32 }, V[0], a);
            self.broadcast(size(u), d, V[0].into());
        }
        self.finish(u, d)
    }

    fn insert_element(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (size, to, from) = (size(u), u.imm as u8 & 15, (u.imm >> 4) as u8 & 15);
        let (a, c) = (self.vxm(u.a), self.vxm(u.c));
        match (size, a) {
            (3, _) if to == 0 => self.vi(VOpImm::Shufpd, d, a, c, from | 2),
            (3, _) => self.vi(VOpImm::Shufpd, d, c, a, from << 1),
            (2, Xm::R(_)) => self.vi(VOpImm::Insertps, d, c, a, from << 6 | to << 4),
            (_, Xm::M(a)) => {
                let c = self.vsrc(u.c, V[0]);
                self.asm.pinsr(LANES[size], d, c, plus(a, i32::from(from) << size), to);
            }
            (_, Xm::R(a)) => {
                self.asm.pextr(LANES[size], A, a, from);
                let c = self.vsrc(u.c, V[0]);
                self.asm.pinsr(LANES[size], d, c, A, to);
            }
        }
        self.finish(u, d)
    }

    /// UMOV and SMOV.
    fn to_general(&mut self, u: &Uop, signed: bool) -> bool {
        let d = self.dst(u.dst, A);
        let (size, at) = (size(u), u.imm as u8);
        let from: armlet_x64::Rm = match self.vxm(u.a) {
            Xm::M(a) => plus(a, i32::from(at) << size).into(),
            Xm::R(a) => {
                match (LANES[size], at) {
                    (Lane::D, 0) => self.asm.movd_from(Bits::B32, d, a),
                    (Lane::Q, 0) => self.asm.movd_from(Bits::B64, d, a),
                    (lane, _) => self.asm.pextr(lane, d, a, at),
                }
                d.into()
            }
        };
        let bits = if full(u) { Bits::B64 } else { Bits::B32 };
        let moved = from == d.into();
        match (size, signed) {
            (0, true) => self.asm.movsx8(bits, d, from),
            (1, true) => self.asm.movsx16(bits, d, from),
            (2, true) => self.asm.movsxd(d, from),
            _ if moved => {}
            (0, _) => self.asm.movzx8(d, from),
            (1, _) => self.asm.movzx16(d, from),
            (2, _) => self.asm.mov(Bits::B32, d, from),
            _ => self.asm.mov(Bits::B64, d, from),
        }
        self.write(u.dst, d);
        true
    }
}
