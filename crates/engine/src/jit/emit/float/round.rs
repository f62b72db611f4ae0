//! Rounding to integral values.

use armlet_x64::{VUnImm, Xmm};

use super::{Check, Emitter, Shape};
use crate::jit::layout::*;
use crate::uop::float::{CURRENT, EXACT, MINUS_INF, NEAREST, PLUS_INF, TO_ZERO};
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
}
