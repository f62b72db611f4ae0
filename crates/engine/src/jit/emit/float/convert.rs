//! Conversions: between formats, and with integers and fixed point.

use armlet_x64::{Alu, Bits, Cond, FromGpr, Gpr, Lane, ToGpr, VOp, VTest, VUn, VUnImm, Xm, Xmm};

use super::arith::MUL;
use super::constant::Constant;
use super::round::{QUIET, rounding};
use super::{Check, Emitter, K_SCRATCH, Lanes, Shape, is_half};
use crate::jit::layout::*;
use crate::uop::float::{DOUBLE, FBITS_SHIFT, TIES_AWAY, TO_ZERO, TO16};
use crate::uop::{FloatOp, Uop, ZERO};

/// The number of fraction bits.
fn fbits(u: &Uop) -> u32 {
    (u.imm >> FBITS_SHIFT) as u32 & 0xff
}

impl Emitter<'_> {
    /// Conversions; false if the op is something else or left to the interpreter.
    pub(super) fn float_convert(&mut self, op: FloatOp, u: &Uop) -> bool {
        if self.float_half(op, u) {
            return true;
        }
        if is_half(u) {
            return false;
        }
        let double = Shape::of(u).double;
        match op {
            FloatOp::ToSingle if double => self.other_format(u, true),
            FloatOp::ToDouble if !double => self.other_format(u, false),
            FloatOp::Lengthen => self.lengthen(u),
            FloatOp::Narrow if double => self.narrow(u),
            FloatOp::SignedToDouble => self.word_to_double(u, false),
            FloatOp::UnsignedToDouble => self.word_to_double(u, true),
            FloatOp::DoubleToSigned => return self.double_to_word(u, false),
            FloatOp::DoubleToUnsigned => return self.double_to_word(u, true),
            FloatOp::ToSigned32 => return self.float_to_general(u, Bits::B32, false),
            FloatOp::ToSigned64 => return self.float_to_general(u, Bits::B64, false),
            FloatOp::ToUnsigned32 => return self.float_to_general(u, Bits::B32, true),
            FloatOp::ToUnsigned64 => return self.float_to_general(u, Bits::B64, true),
            FloatOp::FromSigned32 => self.float_from_general(u, Bits::B32, false),
            FloatOp::FromSigned64 => self.float_from_general(u, Bits::B64, false),
            FloatOp::FromUnsigned32 => self.float_from_general(u, Bits::B32, true),
            FloatOp::FromUnsigned64 => self.float_from_general(u, Bits::B64, true),
            FloatOp::ToSigned => return self.lanes_to_integers(u, false),
            FloatOp::ToUnsigned => return self.lanes_to_integers(u, true),
            FloatOp::FromSigned => return self.lanes_from_integers(u, false),
            FloatOp::FromUnsigned => return self.lanes_from_integers(u, true),
            _ => return false,
        }
        true
    }

    /// FCVT between single and double.
    fn other_format(&mut self, u: &Uop, narrows: bool) {
        self.clobber();
        let target = self.target(u.dst, &[u.a]);
        let d = target.reg;
        let (packed, scalar) =
            if narrows { (VUn::Cvtpd2ps, VOp::Cvtsd2ss) } else { (VUn::Cvtps2pd, VOp::Cvtss2sd) };
        let a = target.restore.map_or(self.vxm(u.a), |(_, saved)| saved.into());
        if self.wide() {
            self.asm.vun_masked(packed, ONE_LANE.zeroing(), d, a);
        } else {
            self.asm.vop(VOp::Xorps, d, d, d);
            self.asm.vop(scalar, d, d, a);
        }
        let check = if narrows { Check::Tiny } else { Check::Nan };
        self.float_finish(u.dst, target, Shape::one(!narrows), check);
    }

    /// FCVTL to doubles.
    fn lengthen(&mut self, u: &Uop) {
        self.clobber();
        let target = self.target(u.dst, &[u.a]);
        let a = self.half_of(u);
        self.asm.vun(VUn::Cvtps2pd, target.reg, a);
        self.float_finish(u.dst, target, Shape::all(true), Check::Nan);
    }

    /// A register with the half of `a` that `imm` chooses in its lower half: the slot's own or `V[1]`.
    pub(super) fn half_of(&mut self, u: &Uop) -> Xmm {
        let mut a = match self.vreg(u.a) {
            Some(a) => a,
            None => {
                self.asm.vload64(V[1], if u.imm & 1 != 0 { vector_slot_high(u.a) } else { vector_slot(u.a) });
                V[1]
            }
        };
        if u.imm & 1 != 0 && a != V[1] {
            self.asm.vun_imm(VUnImm::Pshufd, V[1], a, 0xee);
            a = V[1];
        }
        a
    }

    /// FCVTN from doubles.
    fn narrow(&mut self, u: &Uop) {
        self.clobber();
        let a = self.vxm(u.a);
        self.asm.vun(VUn::Cvtpd2ps, V[0], a);
        let (slow, resume) = self.float_slow_path(None);
        self.check(Shape::all(false), V[0], Check::Tiny, slow);
        self.write_half(u);
        self.asm.bind(resume);
    }

    /// The half of `dst` that `imm` chooses = the lower half of `V[0]`, which is zero above.
    pub(super) fn write_half(&mut self, u: &Uop) {
        if u.imm & 1 == 0 {
            self.vwrite(u.dst, V[0]);
        } else {
            match self.vreg(u.dst) {
                Some(d) => self.asm.vop(VOp::Movlhps, d, d, V[0]),
                None => self.asm.vstore64(vector_slot_high(u.dst), V[0]),
            }
        }
    }

    /// A double from a word, which is exact.
    fn word_to_double(&mut self, u: &Uop, unsigned: bool) {
        let d = self.vdst(u.dst, V[0]);
        if self.wide() {
            let op = if unsigned { VUn::Vcvtudq2pd } else { VUn::Cvtdq2pd };
            let a = self.vxm(u.a);
            self.asm.vun_masked(op, ONE_LANE.zeroing(), d, a);
        } else {
            match self.vxm(u.a) {
                Xm::R(a) => self.asm.movd_from(Bits::B32, C, a),
                Xm::M(mem) => self.asm.mov(Bits::B32, C, mem),
            }
            self.scalar_from_integer(true, Bits::B32, unsigned, d, C.into());
        }
        self.vwrite(u.dst, d);
    }

    /// A double to a word in the low end of `dst`; false if it is left to the interpreter.
    fn double_to_word(&mut self, u: &Uop, unsigned: bool) -> bool {
        let away = u.imm & 7 == TIES_AWAY;
        let Some(mode) = (if away { Some(0) } else { rounding(u.imm) }) else { return false };
        self.clobber();
        let u = &Uop { flags: u.flags | DOUBLE, ..*u };
        let (slow, resume) = self.float_slow_path(None);
        let a = self.vxm(u.a);
        if away {
            self.ties_to_slow(Shape::one(true), a, slow);
        }
        self.scalar_to_integer(u, Bits::B32, unsigned, mode, a, C, slow);
        let d = self.vdst(u.dst, V[0]);
        self.asm.movd_to(Bits::B32, d, C);
        self.vwrite(u.dst, d);
        self.asm.bind(resume);
        true
    }

    /// To an integer in a general register; false if it is left to the interpreter.
    fn float_to_general(&mut self, u: &Uop, bits: Bits, unsigned: bool) -> bool {
        let away = u.imm & 7 == TIES_AWAY;
        let mode = if away { Some(0) } else { rounding(u.imm) };
        let Some(mode) = mode.filter(|_| fbits(u) == 0 && u.imm & TO16 == 0) else { return false };
        self.clobber();
        let (slow, resume) = self.float_slow_path(None);
        let a = self.vxm(u.a);
        if away {
            self.ties_to_slow(Shape::of(u), a, slow);
        }
        let d = self.dst(u.dst, A);
        self.scalar_to_integer(u, bits, unsigned, mode, a, d, slow);
        self.write(u.dst, d);
        self.asm.bind(resume);
        true
    }

    #[allow(clippy::too_many_arguments)]
    /// `d` = scalar `a` rounded to an integer. Goes to `slow` if it may not fit. Uses RAX, RDX, `V[0]` and `V[1]`.
    fn scalar_to_integer(
        &mut self,
        u: &Uop,
        bits: Bits,
        unsigned: bool,
        mode: u8,
        a: Xm,
        d: Gpr,
        slow: armlet_x64::Label,
    ) {
        let double = Shape::of(u).double;
        let rounds = u.imm & 7 != TO_ZERO;
        let round = if double { armlet_x64::VOpImm::Roundsd } else { armlet_x64::VOpImm::Roundss };
        let from = if rounds {
            self.asm.vop(VOp::Xorps, V[0], V[0], V[0]);
            self.asm.vop_imm(round, V[0], V[0], a, mode | QUIET);
            V[0].into()
        } else {
            a
        };
        let signed = if double { ToGpr::Cvttsd2si } else { ToGpr::Cvttss2si };
        if !unsigned {
            self.asm.cvt_to_gpr(signed, bits, d, from);
            // The most negative number stands for all that does not fit.
            self.asm.alu_imm(Alu::Cmp, bits, d, 1);
            self.asm.jcc(Cond::O, slow);
        } else if self.wide() {
            let op = if double { ToGpr::Vcvttsd2usi } else { ToGpr::Vcvttss2usi };
            self.asm.cvt_to_gpr(op, bits, d, from);
            self.asm.alu_imm(Alu::Cmp, bits, d, -1);
            self.asm.jcc(Cond::E, slow);
        } else {
            self.check_unsigned(double, bits, from, slow);
            self.asm.cvt_to_gpr(signed, Bits::B64, d, from);
        }
        if rounds {
            // Now that it fits: an inexact result shows.
            self.asm.vop(VOp::Xorps, V[1], V[1], V[1]);
            self.asm.vop_imm(round, V[1], V[1], a, mode);
        }
    }

    /// Goes to `slow` unless `a` is a number from +0 to 2^32 or 2^63. Uses RAX and RDX.
    fn check_unsigned(&mut self, double: bool, bits: Bits, a: Xm, slow: armlet_x64::Label) {
        let limit = if bits == Bits::B32 { (1u64 << 32) as f64 } else { (1u64 << 63) as f64 };
        let (width, limit) =
            if double { (Bits::B64, limit.to_bits()) } else { (Bits::B32, (limit as f32).to_bits().into()) };
        match a {
            Xm::R(a) => self.asm.movd_from(width, A, a),
            Xm::M(mem) => self.asm.mov(width, A, mem),
        }
        self.asm.mov_imm(T, limit);
        self.asm.alu(Alu::Cmp, width, A, T);
        self.asm.jcc(Cond::Ae, slow);
    }

    /// From an integer in a general register.
    fn float_from_general(&mut self, u: &Uop, bits: Bits, unsigned: bool) {
        let d = self.vdst(u.dst, V[0]);
        let resume = if unsigned && bits == Bits::B64 && !self.wide() {
            self.clobber();
            let (slow, resume) = self.float_slow_path(None);
            self.copy(Bits::B64, A, u.a);
            self.asm.test(Bits::B64, A, A);
            self.asm.jcc(Cond::S, slow);
            Some(resume)
        } else {
            None
        };
        if u.a == ZERO {
            self.asm.mov_imm(A, 0);
        }
        let src = if u.a == ZERO { A.into() } else { self.src(u.a) };
        self.scalar_from_integer(Shape::of(u).double, bits, unsigned, d, src);
        self.scale(u, d);
        self.vwrite(u.dst, d);
        if let Some(resume) = resume {
            self.asm.bind(resume);
        }
    }

    /// `d` = an integer, zero above. Uses RAX.
    fn scalar_from_integer(&mut self, double: bool, bits: Bits, unsigned: bool, d: Xmm, src: armlet_x64::Rm) {
        self.asm.vop(VOp::Xorps, d, d, d);
        let signed = if double { FromGpr::Cvtsi2sd } else { FromGpr::Cvtsi2ss };
        match (unsigned, bits) {
            (true, _) if self.wide() => {
                let op = if double { FromGpr::Vcvtusi2sd } else { FromGpr::Vcvtusi2ss };
                self.asm.cvt_from_gpr(op, bits, d, d, src);
            }
            (true, Bits::B32) => {
                self.asm.mov(Bits::B32, A, src);
                self.asm.cvt_from_gpr(signed, Bits::B64, d, d, A);
            }
            _ => self.asm.cvt_from_gpr(signed, bits, d, d, src),
        }
    }

    /// Divides a scalar by two to the number of fraction bits, which is exact. Uses RAX and `V[1]`.
    fn scale(&mut self, u: &Uop, d: Xmm) {
        let fbits = fbits(u);
        if fbits == 0 {
            return;
        }
        let pair = MUL.of(Shape::of(u));
        if Shape::of(u).double {
            self.asm.mov_imm(A, u64::from(1023 - fbits) << 52);
            self.asm.movd_to(Bits::B64, V[1], A);
        } else {
            self.asm.mov_imm(A, u64::from(127 - fbits) << 23);
            self.asm.movd_to(Bits::B32, V[1], A);
        }
        match Shape::of(u).lanes {
            Lanes::One => self.asm.vop(pair.scalar, d, d, V[1]),
            _ => {
                let all = if Shape::of(u).double { 0x44 } else { 0 };
                self.asm.vun_imm(VUnImm::Pshufd, V[1], V[1], all);
                self.asm.vop(pair.packed, d, d, V[1]);
            }
        }
    }

    /// Lanes to integers of their size; false if they are left to the interpreter.
    fn lanes_to_integers(&mut self, u: &Uop, unsigned: bool) -> bool {
        let shape = Shape::of(u);
        let op = match (shape.double, unsigned) {
            (false, false) => VUn::Cvttps2dq,
            (true, false) => VUn::Vcvttpd2qq,
            (false, true) => VUn::Vcvttps2udq,
            (true, true) => VUn::Vcvttpd2uqq,
        };
        let Some(mode) = rounding(u.imm).filter(|_| fbits(u) == 0) else { return false };
        if op.level() > self.host.level {
            return shape.is_one() && self.lane_to_integer(u, unsigned, mode);
        }
        self.clobber();
        let rounds = u.imm & 7 != TO_ZERO;
        let target = self.target(u.dst, &[u.a]);
        let a = self.cleared(u.a, shape, V[2]);
        // The operand is needed twice.
        let again = if a == target.reg { V[0] } else { a };
        let from = if rounds { V[1] } else { a };
        if rounds {
            self.round_lanes(shape, from, a, mode | QUIET);
        }
        self.asm.vun(op, target.reg, from);
        let (slow, resume) = self.float_slow_path(target.restore);
        self.check_indefinite(shape, target.reg, unsigned, slow);
        if rounds {
            self.round_lanes(shape, V[1], again, mode);
        }
        self.vwrite(u.dst, target.reg);
        self.asm.bind(resume);
        true
    }

    /// Goes to `slow` if a lane is what the host gives for integers that do not fit. Changes `V[1]`.
    fn check_indefinite(&mut self, shape: Shape, r: Xmm, unsigned: bool, slow: armlet_x64::Label) {
        let bad = self.pooled(match (unsigned, shape.double) {
            (true, _) => Constant::AllOnes,
            (false, true) => Constant::SignD2,
            (false, false) => Constant::SignS4,
        });
        if self.wide() {
            self.asm.vpcmp(if shape.double { Lane::Q } else { Lane::D }, K_SCRATCH, r, bad, EQUAL);
            self.asm.kortest(Lane::B, K_SCRATCH, K_SCRATCH);
        } else {
            self.asm.vop(VOp::Pcmpeqd, V[1], r, bad);
            self.asm.vtest(VTest::Ptest, V[1], V[1]);
        }
        self.asm.jcc(Cond::Ne, slow);
    }

    /// One lane to an integer through a general register.
    fn lane_to_integer(&mut self, u: &Uop, unsigned: bool, mode: u8) -> bool {
        self.clobber();
        let bits = super::moves::bits(u);
        let (slow, resume) = self.float_slow_path(None);
        let a = self.vxm(u.a);
        self.scalar_to_integer(u, bits, unsigned, mode, a, C, slow);
        let d = self.vdst(u.dst, V[0]);
        self.asm.movd_to(bits, d, C);
        self.vwrite(u.dst, d);
        self.asm.bind(resume);
        true
    }

    /// Integer lanes to their size's format; false if they are left to the interpreter.
    fn lanes_from_integers(&mut self, u: &Uop, unsigned: bool) -> bool {
        let shape = Shape::of(u);
        let op = match (shape.double, unsigned) {
            (false, false) => VUn::Cvtdq2ps,
            (true, false) => VUn::Vcvtqq2pd,
            (false, true) => VUn::Vcvtudq2ps,
            (true, true) => VUn::Vcvtuqq2pd,
        };
        let d = self.vdst(u.dst, V[0]);
        if op.level() > self.host.level {
            return self.scalars_from_integers(u, unsigned, d);
        }
        if self.wide() {
            let a = self.vxm(u.a);
            self.asm.vun_masked(op, shape.mask(), d, a);
        } else {
            let a = self.cleared(u.a, shape, V[1]);
            self.asm.vun(op, d, a);
        }
        self.scale(u, d);
        self.vwrite(u.dst, d);
        true
    }

    /// The same without an instruction for it: scalars, and signed doubles.
    fn scalars_from_integers(&mut self, u: &Uop, unsigned: bool, d: Xmm) -> bool {
        let shape = Shape::of(u);
        match (shape.lanes, unsigned && shape.double) {
            (Lanes::One, false) => {
                self.scalar_bits(u, u.a, C);
                self.scalar_from_integer(shape.double, super::moves::bits(u), unsigned, d, C.into());
            }
            (Lanes::All, false) if shape.double => {
                let a = self.vsrc(u.a, V[1]);
                self.asm.pextr(Lane::Q, C, a, 1);
                self.asm.movd_from(Bits::B64, A, a);
                self.asm.vop(VOp::Xorps, V[2], V[2], V[2]);
                self.asm.cvt_from_gpr(FromGpr::Cvtsi2sd, Bits::B64, V[2], V[2], C);
                self.scalar_from_integer(true, Bits::B64, false, d, A.into());
                self.asm.vop(VOp::Movlhps, d, d, V[2]);
            }
            _ => return false,
        }
        self.scale(u, d);
        self.vwrite(u.dst, d);
        true
    }
}

/// The predicate of integer comparisons.
const EQUAL: u8 = 0;
