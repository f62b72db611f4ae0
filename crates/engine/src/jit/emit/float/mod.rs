//! Floating point: the host's instructions, and a look at each result.
//!
//! What the host and Arm disagree on is rare, and shows in the result: NaNs, and the least normal number, which
//! the host does not call tiny when it was rounded up to. Then the operands are put back and the interpreter runs
//! the uop again. The flags that the host's attempt left in MXCSR are among those that the interpreter sets.
//!
//! Lanes that an op has not may hold anything, so they must not take part: AVX-512 masks them, elsewhere they are
//! cleared first.

mod arith;
mod compare;
mod constant;
mod convert;
mod fused;
mod half;
mod moves;
mod operand;
mod round;
mod strict;

use armlet_x64::{Cond, Fp, Label, Level, Mask, Mem, VOp, VOpImm, VTest, Xmm};

use super::{Emitter, First};
use crate::jit::layout::*;
use crate::uop::float::{DOUBLE, HALF, Q, SCALAR, SIZE};
use crate::uop::{FloatOp, Slot, Uop};
use constant::Constant;
pub use operand::Narrow;
pub use strict::{Flushing, Zeros};

/// How much of a vector register an op works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lanes {
    /// The lowest lane.
    One,
    /// The lower two of four.
    Low,
    /// All.
    All,
}

/// Format and lanes of an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    double: bool,
    lanes: Lanes,
}

impl Shape {
    fn of(u: &Uop) -> Self {
        let double = u.flags & SIZE == DOUBLE;
        let lanes = match u.flags & (SCALAR | Q) {
            0 if !double => Lanes::Low,
            Q => Lanes::All,
            _ => Lanes::One,
        };
        Self { double, lanes }
    }

    const fn all(double: bool) -> Self {
        Self { double, lanes: Lanes::All }
    }

    const fn one(double: bool) -> Self {
        Self { double, lanes: Lanes::One }
    }

    fn is_one(self) -> bool {
        self.lanes == Lanes::One
    }

    /// The AVX-512 mask of the lanes; the others become zero.
    fn mask(self) -> Mask {
        match self.lanes {
            Lanes::One => ONE_LANE.zeroing(),
            Lanes::Low => TWO_LANES.zeroing(),
            Lanes::All => Mask::NONE,
        }
    }

    fn packed(self) -> Fp {
        if self.double { Fp::Pd } else { Fp::Ps }
    }

    fn abs(self) -> Constant {
        match (self.double, self.lanes) {
            (true, Lanes::All) => Constant::AbsD2,
            (true, _) => Constant::AbsD1,
            (false, Lanes::All) => Constant::AbsS4,
            (false, Lanes::Low) => Constant::AbsS2,
            (false, Lanes::One) => Constant::AbsS1,
        }
    }

    fn sign(self) -> Constant {
        match (self.double, self.lanes) {
            (true, Lanes::All) => Constant::SignD2,
            (true, _) => Constant::SignD1,
            (false, Lanes::All) => Constant::SignS4,
            (false, Lanes::Low) => Constant::SignS2,
            (false, Lanes::One) => Constant::SignS1,
        }
    }

    fn ucomis(self) -> VTest {
        if self.double { VTest::Ucomisd } else { VTest::Ucomiss }
    }

    fn cmp(self) -> VOpImm {
        if self.double { VOpImm::Cmppd } else { VOpImm::Cmpps }
    }
}

/// Which results are for the interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// NaNs.
    Nan,
    /// NaNs, and the least normal number.
    Tiny,
    /// The same where a number is never negative.
    TinySquare,
}

/// Where a result is computed.
#[derive(Clone, Copy, Debug)]
struct Target {
    reg: Xmm,
    /// The destination is an operand: its register, and the one with its former value.
    restore: Option<(Xmm, Xmm)>,
}

impl Emitter<'_> {
    pub(super) fn float(&mut self, op: FloatOp, u: &Uop) {
        if !self.flushes(u) {
            if !self.float_plain(op, u) {
                self.by_interpreter();
            }
            return;
        }
        let Some(resume) = self.check_operands(op, u) else { return self.by_interpreter() };
        let done = match op {
            FloatOp::RecipStep | FloatOp::RsqrtStep => self.step(op, u),
            _ => self.float_plain(op, u),
        };
        self.flushing = Flushing::No;
        if !done {
            self.by_interpreter();
        }
        if let Some(resume) = resume {
            self.asm.bind(resume);
        }
    }

    fn float_plain(&mut self, op: FloatOp, u: &Uop) -> bool {
        self.float_arith(op, u)
            || self.float_fused(op, u)
            || self.float_move(op, u)
            || self.float_compare(op, u)
            || self.float_convert(op, u)
            || self.float_round(op, u)
    }

    fn pooled(&mut self, constant: Constant) -> Mem {
        self.literal(constant.value())
    }

    fn wide(&self) -> bool {
        self.host.level == Level::Avx512
    }

    /// Where to compute `dst` from `sources`, such that they can be had back. Takes `V[0]`.
    fn target(&mut self, dst: Slot, sources: &[Slot]) -> Target {
        match self.vreg(dst) {
            Some(reg) if sources.contains(&dst) => {
                self.asm.vmov(V[0], reg);
                Target { reg, restore: Some((reg, V[0])) }
            }
            Some(reg) => Target { reg, restore: None },
            None => Target { reg: V[0], restore: None },
        }
    }

    /// The place of cold code that runs the uop by the interpreter; where that goes on.
    fn float_slow_path(&mut self, restore: Option<(Xmm, Xmm)>) -> (Label, Label) {
        self.slow_path_after(restore.map_or(First::Nothing, |(reg, saved)| First::Restore(reg, saved)), false)
    }

    /// Checks a result and writes it to `dst`.
    fn float_finish(&mut self, dst: Slot, target: Target, shape: Shape, check: Check) {
        let (slow, resume) = self.float_slow_path(target.restore);
        self.check(shape, target.reg, check, slow);
        self.vwrite(dst, target.reg);
        self.asm.bind(resume);
    }

    /// Goes to `slow` if a lane of `r` is for the interpreter. Changes `V[1]`.
    fn check(&mut self, shape: Shape, r: Xmm, check: Check, slow: Label) {
        const EQUAL_OR_UNORDERED: u8 = 8;
        if self.flushing != Flushing::No {
            return self.check_flushed(shape, r, slow);
        }
        let t = V[1];
        match (check, shape.is_one()) {
            (Check::Nan, true) => {
                self.asm.vtest(shape.ucomis(), r, r);
                self.asm.jcc(Cond::P, slow);
            }
            (Check::Tiny, true) => {
                let [abs, least] = self.least(shape);
                self.asm.vop(VOp::Andps, t, r, abs);
                self.asm.vtest(shape.ucomis(), t, least);
                self.asm.jcc(Cond::E, slow);
            }
            (Check::TinySquare, true) => {
                let [_, least] = self.least(shape);
                self.asm.vtest(shape.ucomis(), r, least);
                self.asm.jcc(Cond::E, slow);
            }
            (Check::Nan, false) => self.check_unordered(shape, r, r, slow),
            (Check::Tiny | Check::TinySquare, false) => {
                let [abs, least] = self.least(shape);
                self.asm.vop(VOp::Andps, t, r, abs);
                match self.host.level {
                    Level::Avx512 => {
                        self.asm.vcmp_k(shape.packed(), K_ALL, K_SCRATCH, t, least, EQUAL_OR_UNORDERED);
                        self.jump_if_any(slow);
                    }
                    Level::Avx2 => {
                        self.asm.vop_imm(shape.cmp(), t, t, least, EQUAL_OR_UNORDERED);
                        self.asm.vtest(VTest::Ptest, t, t);
                        self.asm.jcc(Cond::Ne, slow);
                    }
                    Level::Sse => {
                        self.check_unordered(shape, t, t, slow);
                        self.asm.vop(VOp::Andps, t, r, abs);
                        self.asm.vop_imm(shape.cmp(), t, t, least, 0);
                        self.asm.vtest(VTest::Ptest, t, t);
                        self.asm.jcc(Cond::Ne, slow);
                    }
                }
            }
        }
    }

    /// Goes to `slow` if a lane of `a` or `b` is a NaN; only signalling ones are invalid. Changes `V[1]`.
    fn check_unordered(&mut self, shape: Shape, a: Xmm, b: Xmm, slow: Label) {
        const UNORDERED: u8 = 3;
        if self.wide() {
            self.asm.vcmp_k(shape.packed(), K_ALL, K_SCRATCH, a, b, UNORDERED);
            self.jump_if_any(slow);
        } else {
            self.asm.vop_imm(shape.cmp(), V[1], a, b, UNORDERED);
            self.asm.vtest(VTest::Ptest, V[1], V[1]);
            self.asm.jcc(Cond::Ne, slow);
        }
    }

    fn jump_if_any(&mut self, slow: Label) {
        self.asm.kortest(armlet_x64::Lane::B, K_SCRATCH, K_SCRATCH);
        self.asm.jcc(Cond::Ne, slow);
    }

    /// The mask of magnitudes, and the least normal number, for all lanes.
    fn least(&mut self, shape: Shape) -> [Mem; 2] {
        let (abs, least) = if shape.double {
            (Constant::AbsD2, Constant::LeastD)
        } else {
            (Constant::AbsS4, Constant::LeastS)
        };
        [self.pooled(abs), self.pooled(least)]
    }
}

/// A mask register that holds nothing from one instruction to the next, and the one that stands for no mask.
const K_SCRATCH: armlet_x64::K = armlet_x64::K(1);
const K_ALL: armlet_x64::K = armlet_x64::K(0);

/// True for ops on halves.
fn is_half(u: &Uop) -> bool {
    u.flags & SIZE == HALF
}
