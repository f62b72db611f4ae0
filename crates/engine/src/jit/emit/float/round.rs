//! Rounding to integral values.

use armlet_x64::{Cond, Label, VOp, VOpImm, VUnImm, Xm, Xmm};

use super::constant::Constant;
use super::{Check, Emitter, Shape};
use crate::jit::layout::*;
use crate::uop::float::{CURRENT, EXACT, MINUS_INF, NEAREST, PLUS_INF, TIES_AWAY, TO_ZERO};
use crate::uop::{FloatOp, Uop};

/// Suppresses the inexact exception.
pub(super) const QUIET: u8 = 8;

/// The host's immediate for a rounding mode, if it has it.
pub(super) fn rounding(imm: i64) -> Option<u8> {
    Some(match imm & 7 {
        NEAREST => 0,
        MINUS_INF => 1,
        PLUS_INF => 2,
        TO_ZERO => 3,
        CURRENT => 4,
        _ => return None,
    })
}

impl Emitter<'_> {
    /// FRINT; false if the op is something else or the host has no such mode.
    pub(super) fn float_round(&mut self, op: FloatOp, u: &Uop) -> bool {
        if op == FloatOp::RoundInt && u.imm & 7 == TIES_AWAY && Shape::of(u).is_one() {
            self.round_away(u);
            return true;
        }
        let (FloatOp::RoundInt, Some(mode)) = (op, rounding(u.imm)) else { return false };
        self.clobber();
        let shape = Shape::of(u);
        let target = self.target(u.dst, &[u.a]);
        let a = self.cleared(u.a, shape, V[1]);
        self.round_lanes(shape, target.reg, a, if u.imm & EXACT != 0 { mode } else { mode | QUIET });
        self.float_finish(u.dst, target, shape, Check::Nan);
        true
    }

    /// `d` = all lanes of `a` rounded.
    pub(super) fn round_lanes(&mut self, shape: Shape, d: Xmm, a: Xmm, mode: u8) {
        self.asm.vun_imm(if shape.double { VUnImm::Roundpd } else { VUnImm::Roundps }, d, a, mode);
    }

    /// FRINTA of a scalar.
    fn round_away(&mut self, u: &Uop) {
        self.clobber();
        let shape = Shape::of(u);
        let (slow, resume) = self.float_slow_path(None);
        let a = self.cleared(u.a, shape, V[2]);
        self.ties_to_slow(shape, a.into(), slow);
        let d = self.vdst(u.dst, V[0]);
        self.round_lanes(shape, d, a, QUIET);
        self.vwrite(u.dst, d);
        self.asm.bind(resume);
    }

    /// Goes to `slow` if scalar `a` lies between two integers in the middle, or is a NaN or large. Raises nothing
    /// but for signalling NaNs. Changes `V[0]` and `V[1]`.
    pub(super) fn ties_to_slow(&mut self, shape: Shape, a: Xm, slow: Label) {
        let (round, sub, whole, half) = if shape.double {
            (VOpImm::Roundsd, VOp::Subsd, Constant::WholeD, Constant::HalfD)
        } else {
            (VOpImm::Roundss, VOp::Subss, Constant::WholeS, Constant::HalfS)
        };
        let [abs, _] = self.least(shape);
        let [whole, half] = [whole, half].map(|c| self.pooled(c));
        match a {
            Xm::R(a) => self.asm.vmov(V[1], a),
            Xm::M(mem) => self.asm.vload(V[1], mem),
        }
        self.asm.vop(VOp::Andps, V[1], V[1], abs);
        self.asm.vload(V[0], whole);
        self.asm.vtest(shape.ucomis(), V[0], V[1]);
        self.asm.jcc(Cond::Be, slow);
        // The distance from the nearest integer is exact.
        self.asm.vop_imm(round, V[0], V[1], V[1], QUIET);
        self.asm.vop(sub, V[1], V[1], V[0]);
        self.asm.vop(VOp::Andps, V[1], V[1], abs);
        self.asm.vtest(shape.ucomis(), V[1], half);
        self.asm.jcc(Cond::E, slow);
    }
}
