//! What lowerings are made of: host instructions by element size, on operands in registers or memory.

use armlet_x64::{Alu, Bits, Cond, Lane, Level, Mem, VOp, VOpImm, VShift, VTest, VUn, VUnImm, Xm, Xmm};

use super::Emitter;
use crate::jit::layout::{FPSR, V};

// By log2 of the element size in bytes.
pub const ADD: [VOp; 4] = [VOp::Paddb, VOp::Paddw, VOp::Paddd, VOp::Paddq];
pub const SUB: [VOp; 4] = [VOp::Psubb, VOp::Psubw, VOp::Psubd, VOp::Psubq];
pub const EQUAL: [VOp; 4] = [VOp::Pcmpeqb, VOp::Pcmpeqw, VOp::Pcmpeqd, VOp::Pcmpeqq];
pub const GREATER: [VOp; 4] = [VOp::Pcmpgtb, VOp::Pcmpgtw, VOp::Pcmpgtd, VOp::Pcmpgtq];
/// The last one is AVX-512, here and in the next three.
pub const SMIN: [VOp; 4] = [VOp::Pminsb, VOp::Pminsw, VOp::Pminsd, VOp::Vpminsq];
pub const SMAX: [VOp; 4] = [VOp::Pmaxsb, VOp::Pmaxsw, VOp::Pmaxsd, VOp::Vpmaxsq];
pub const UMIN: [VOp; 4] = [VOp::Pminub, VOp::Pminuw, VOp::Pminud, VOp::Vpminuq];
pub const UMAX: [VOp; 4] = [VOp::Pmaxub, VOp::Pmaxuw, VOp::Pmaxud, VOp::Vpmaxuq];
pub const UNPACK_LOW: [VOp; 4] = [VOp::Punpcklbw, VOp::Punpcklwd, VOp::Punpckldq, VOp::Punpcklqdq];
pub const UNPACK_HIGH: [VOp; 4] = [VOp::Punpckhbw, VOp::Punpckhwd, VOp::Punpckhdq, VOp::Punpckhqdq];
pub const LANES: [Lane; 4] = [Lane::B, Lane::W, Lane::D, Lane::Q];
const SIGN_EXTEND: [VUn; 3] = [VUn::Pmovsxbw, VUn::Pmovsxwd, VUn::Pmovsxdq];
const ZERO_EXTEND: [VUn; 3] = [VUn::Pmovzxbw, VUn::Pmovzxwd, VUn::Pmovzxdq];

/// FPSR.QC.
pub const QC: i32 = 1 << 27;

/// `value` in every element.
pub fn each(size: usize, value: u64) -> u128 {
    const EVERY: [u128; 4] = [u128::MAX / 0xff, u128::MAX / 0xffff, u128::MAX / 0xffff_ffff, 1 << 64 | 1];
    u128::from(value & ones(size)) * EVERY[size]
}

/// An element of ones.
pub fn ones(size: usize) -> u64 {
    u64::MAX >> (64 - (8 << size))
}

/// The least signed element.
pub fn least(size: usize) -> u64 {
    1 << ((8 << size) - 1)
}

/// Width of an element in bits.
pub fn width(size: usize) -> u8 {
    8 << size
}

/// `at`, some bytes on.
pub fn plus(at: Mem, bytes: i32) -> Mem {
    match at {
        Mem::At { base, index, disp } => Mem::At { base, index, disp: disp + bytes },
        _ => unreachable!("slots are addressed by a base"),
    }
}

/// The bytes that `f` says of a constant.
pub fn bytes(f: impl Fn(usize) -> u8) -> u128 {
    u128::from_le_bytes(std::array::from_fn(f))
}

/// What GF2P8AFFINEQB multiplies by: `f` says which bits of a byte to add up for each bit of the result.
pub fn matrix(f: impl Fn(u32) -> u8) -> u128 {
    each(3, (0..8).fold(0, |rows, bit| rows | u64::from(f(bit)) << (8 * (7 - bit))))
}

impl Emitter<'_> {
    /// A constant in every element.
    pub(super) fn each(&mut self, size: usize, value: u64) -> Mem {
        self.literal(each(size, value))
    }

    /// `d` = constant.
    pub(super) fn set(&mut self, d: Xmm, value: u128) {
        if value == 0 {
            self.asm.vop(VOp::Pxor, d, d, d);
        } else {
            let value = self.literal(value);
            self.asm.vload(d, value);
        }
    }

    /// `d = a`.
    pub(super) fn get(&mut self, d: Xmm, a: impl Into<Xm>) {
        match a.into() {
            Xm::R(a) => self.asm.vmov(d, a),
            Xm::M(a) => self.asm.vload(d, a),
        }
    }

    /// Where `a` is to be a register: `a` itself, or `d` with its value. If `b` is in `d` as well, another
    /// register that is free: XMM2, or XMM3 at level `Sse`.
    fn first(&mut self, d: Xmm, a: Xm, b: Xm) -> Xmm {
        match a {
            Xm::R(a) => a,
            Xm::M(mem) => {
                let to = match (b == Xm::R(d), self.host.level) {
                    (false, _) => d,
                    (true, Level::Sse) => V[2],
                    (true, _) => V[3],
                };
                self.asm.vload(to, mem);
                to
            }
        }
    }

    /// `op d, a, b`.
    pub(in super::super) fn v(&mut self, op: VOp, d: Xmm, a: impl Into<Xm>, b: impl Into<Xm>) {
        let b = b.into();
        let a = self.first(d, a.into(), b);
        self.asm.vop(op, d, a, b);
    }

    /// `op d, a, b, imm`.
    pub(super) fn vi(&mut self, op: VOpImm, d: Xmm, a: impl Into<Xm>, b: impl Into<Xm>, imm: u8) {
        let b = b.into();
        let a = self.first(d, a.into(), b);
        self.asm.vop_imm(op, d, a, b, imm);
    }

    /// `op d, a, by`.
    pub(super) fn vs(&mut self, op: VShift, d: Xmm, a: impl Into<Xm>, by: u8) {
        let a = match a.into() {
            Xm::R(a) => a,
            Xm::M(a) => {
                self.asm.vload(d, a);
                d
            }
        };
        self.asm.vshift(op, d, a, by);
    }

    /// Any function of three bits, `d = f(a, b, c)`; AVX-512.
    pub(super) fn ternary(&mut self, d: Xmm, ops: [Xm; 3], f: fn(bool, bool, bool) -> bool) {
        // The operand that is replaced comes first, one in memory last.
        let mut order = [0, 1, 2];
        order.sort_by_key(|&n| match ops[n] {
            reg if reg == Xm::R(d) => 0,
            Xm::R(_) => 1,
            Xm::M(_) => 2,
        });
        let imm = (0..8).fold(0, |imm, n| {
            let mut bits = [false; 3];
            (0..3).for_each(|place| bits[order[place]] = n >> (2 - place) & 1 != 0);
            imm | u8::from(f(bits[0], bits[1], bits[2])) << n
        });
        let [one, two, three] = order.map(|n| ops[n]);
        self.get(d, one);
        let two = match two {
            Xm::R(reg) => reg,
            Xm::M(mem) => {
                self.asm.vload(V[3], mem);
                V[3]
            }
        };
        self.asm.vop_imm(VOpImm::Vpternlogq, d, two, three, imm);
    }

    /// `d = a << n` for `n` up to the width.
    pub(super) fn shl(&mut self, size: usize, d: Xmm, a: impl Into<Xm>, n: u8) {
        let a = a.into();
        match size {
            _ if n == 0 => self.get(d, a),
            0 if self.host.gfni => {
                let by = matrix(|bit| (1u16 << bit >> n) as u8);
                self.affine(d, a, by);
            }
            0 => {
                self.vs(VShift::Psllw, d, a, n);
                let mask = self.each(0, 0xff << n);
                self.asm.vop(VOp::Pand, d, d, mask);
            }
            _ => self.vs([VShift::Psllw, VShift::Pslld, VShift::Psllq][size - 1], d, a, n),
        }
    }

    /// `d = a >> n` for `n` up to the width.
    pub(super) fn shr(&mut self, size: usize, signed: bool, d: Xmm, a: impl Into<Xm>, n: u8) {
        let a = a.into();
        match (size, signed) {
            _ if n == 0 => self.get(d, a),
            (0, _) => self.shr_bytes(signed, d, a, n),
            (3, true) if !self.avx512() => {
                let n = n.min(63);
                self.vs(VShift::Psrlq, d, a, n);
                let sign = self.each(3, 1 << (63 - n));
                self.asm.vop(VOp::Pxor, d, d, sign);
                self.asm.vop(VOp::Psubq, d, d, sign);
            }
            (_, true) => self.vs([VShift::Psraw, VShift::Psrad, VShift::Vpsraq][size - 1], d, a, n),
            (_, false) => self.vs([VShift::Psrlw, VShift::Psrld, VShift::Psrlq][size - 1], d, a, n),
        }
    }

    fn shr_bytes(&mut self, signed: bool, d: Xmm, a: Xm, n: u8) {
        let n = if signed { n.min(7) } else { n };
        if self.host.gfni {
            let by = matrix(|bit| match bit + u32::from(n) {
                from @ 0..8 => 1 << from,
                _ if signed => 0x80,
                _ => 0,
            });
            return self.affine(d, a, by);
        }
        self.vs(VShift::Psrlw, d, a, n);
        let mask = self.each(0, 0xff >> n);
        self.asm.vop(VOp::Pand, d, d, mask);
        if signed {
            let sign = self.each(0, 0x80 >> n);
            self.asm.vop(VOp::Pxor, d, d, sign);
            self.asm.vop(VOp::Psubb, d, d, sign);
        }
    }

    /// A linear function of every byte; GFNI.
    pub(super) fn affine(&mut self, d: Xmm, a: Xm, matrix: u128) {
        let matrix = self.literal(matrix);
        self.vi(VOpImm::Gf2p8affineqb, d, a, matrix, 0);
    }

    /// `d = a >> n`, rounded to nearest, for `n` from 1 to the width. Changes `t`.
    pub(super) fn shr_rounded(&mut self, size: usize, signed: bool, d: Xmm, a: Xm, n: u8, t: Xmm) {
        self.shr(size, signed, d, a, n - 1);
        self.round(size, signed, d, t);
    }

    /// Shifts `d` by one more, rounding. Changes `t`.
    pub(super) fn round(&mut self, size: usize, signed: bool, d: Xmm, t: Xmm) {
        let one = self.each(size, 1);
        self.asm.vop(VOp::Pand, t, d, one);
        self.shr(size, signed, d, d, 1);
        self.asm.vop(ADD[size], d, d, t);
    }

    /// `d` = half of `a`, its elements twice as wide.
    pub(super) fn widen(&mut self, size: usize, signed: bool, high: bool, d: Xmm, a: Xm) {
        let op = if signed { SIGN_EXTEND[size] } else { ZERO_EXTEND[size] };
        match a {
            Xm::M(mem) => self.asm.vun(op, d, plus(mem, if high { 8 } else { 0 })),
            Xm::R(_) if high => {
                self.asm.vun_imm(VUnImm::Pshufd, d, a, 0xee);
                self.asm.vun(op, d, d);
            }
            Xm::R(_) => self.asm.vun(op, d, a),
        }
    }

    /// `d` = its lowest element, all other bits zero.
    pub(super) fn low_element(&mut self, size: usize, d: Xmm, a: Xmm) {
        if size == 3 {
            return self.asm.movq(d, a);
        }
        let mask = self.literal(ones(size).into());
        self.asm.vop(VOp::Pand, d, a, mask);
    }

    /// Sets FPSR.QC if a bit of `t`, a scratch register, is set. Host flags change.
    pub(super) fn saturated_if(&mut self, t: Xmm, full: bool) {
        if !full {
            self.asm.movq(t, t);
        }
        let none = self.asm.label();
        self.asm.vtest(VTest::Ptest, t, t);
        self.asm.jcc(Cond::E, none);
        self.asm.alu_imm(Alu::Or, Bits::B32, FPSR, QC);
        self.asm.bind(none);
    }
}
