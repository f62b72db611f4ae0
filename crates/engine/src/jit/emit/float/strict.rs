//! Floating point that flushes denormals: AArch32's AdvSIMD, and all of it with FPSCR.FZ.
//!
//! The host does not flush, for its flags then would not be Arm's. So whatever has a denormal operand, or might have a
//! tiny result, is the interpreter's before the host has computed anything; else both agree. A sum that is tiny is
//! exact, so that sums are looked at afterwards. Products are looked at before, by their exponents.

use armlet_x64::{Cond, Fp, K, KOp, Label, Lane, VOp, VTest, VUn, Xm, Xmm};

use super::arith::{MUL, SUB};
use super::constant::Constant;
use super::{Emitter, K_ALL, K_SCRATCH, Lanes, Shape, is_half};
use crate::block::Mode;
use crate::jit::emit::Cold;
use crate::jit::layout::*;
use crate::uop::float::{ELEMENT, STANDARD, ZERO_B};
use crate::uop::{FloatOp, Op, Slot, Uop};

// Classes of VFPCLASS.
const NANS: u8 = 0x81;
const DENORMALS: u8 = 0x20;
const INFINITIES: u8 = 0x18;

/// Not greater, or unordered; quiet.
const NOT_GREATER: u8 = 0x1a;
const EQUAL: u8 = 0;

/// More mask registers that hold nothing from one instruction to the next.
const K_OTHER: K = K(2);
const K_TINY: K = K(3);

/// Products that look tiny, but may be zeros: the sums of their exponents are in `V[1]`.
#[derive(Clone, Copy)]
pub struct Zeros {
    entry: Label,
    back: Label,
    slow: Label,
    fp: Fp,
    mask: K,
}

/// Whether the op that is compiled flushes denormals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flushing {
    /// No.
    #[default]
    No,
    /// Yes.
    Yes,
    /// Yes, and nothing is left that its result may show.
    Checked,
}

/// What an op makes of its operands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It takes no numbers, or is exact for all of them.
    Free,
    /// Results are no smaller than operands.
    Plain(usize),
    /// A product of the first two; with a third operand that is added.
    Product(usize),
    /// A quotient.
    Quotient,
    /// Its operand in a narrower format.
    Narrower,
    /// The interpreter sees to it.
    Interpreter,
}

fn kind(op: FloatOp, u: &Uop) -> Kind {
    use FloatOp::*;
    match op {
        Trapped | Abs | Neg | Move | MoveToGeneral | MoveFromGeneral | MoveTopToGeneral
        | MoveTopFromGeneral | Select => Kind::Free,
        FromSigned | FromUnsigned | FromSigned32 | FromUnsigned32 | SignedToDouble | UnsignedToDouble => {
            Kind::Free
        }
        // Halves are flushed by nobody.
        Lengthen | ToSingle | ToDouble if is_half(u) => Kind::Free,
        Add | Sub | AbsDiff | Max | Min | MaxNum | MinNum | AddPairs | MaxPairs | MinPairs => Kind::Plain(2),
        Equal | GreaterEqual | Greater | LessEqual | Less | AbsGreaterEqual | AbsGreater => Kind::Plain(2),
        Compare | CompareTo => Kind::Plain(2),
        Sqrt | RoundInt | ToDouble | ToSigned | ToUnsigned | ToSigned32 | ToUnsigned32 | DoubleToSigned
        | DoubleToUnsigned => Kind::Plain(1),
        Mul | NegMul | RecipStep | RsqrtStep => Kind::Product(2),
        MulAdd | MulSub | NegMulAdd | NegMulSub => Kind::Product(3),
        Div => Kind::Quotient,
        ToSingle => Kind::Narrower,
        _ => Kind::Interpreter,
    }
}

/// The greatest exponent, by format, at which a product or quotient may be tiny, or a sum with one be tiny and not exact.
fn tiny_exponent(kind: Kind, double: bool) -> Constant {
    match (kind, double) {
        (Kind::Product(3), false) => Constant::TinyTermS,
        (Kind::Product(3), true) => Constant::TinyTermD,
        (Kind::Quotient, false) => Constant::TinyQuotientS,
        (Kind::Quotient, true) => Constant::TinyQuotientD,
        (Kind::Narrower, _) => Constant::TinyNarrowD,
        (_, false) => Constant::TinyS,
        (_, true) => Constant::TinyD,
    }
}

/// VRECPS and VRSQRTS.
fn is_step(op: FloatOp) -> bool {
    matches!(op, FloatOp::RecipStep | FloatOp::RsqrtStep)
}

impl Emitter<'_> {
    /// Whether denormals are flushed by this op.
    pub(in crate::jit::emit) fn flushes(&self, u: &Uop) -> bool {
        u.flags & STANDARD != 0 || self.mode.has(Mode::AARCH32 | Mode::FLUSH)
    }

    /// Before an op that flushes: goes to the interpreter if its operands ask for it. `Some` has the place where that goes
    /// on, if there is one; `None`: the whole op is the interpreter's.
    pub(super) fn check_operands(&mut self, op: FloatOp, u: &Uop) -> Option<Option<Label>> {
        let kind = kind(op, u);
        let count = match kind {
            Kind::Free => return Some(None),
            Kind::Interpreter => return None,
            Kind::Plain(count) | Kind::Product(count) => count,
            Kind::Quotient => 2,
            Kind::Narrower => 1,
        };
        let shape = match op {
            FloatOp::DoubleToSigned | FloatOp::DoubleToUnsigned => Shape::one(true),
            _ => Shape::of(u),
        };
        if !self.wide() && (shape.double || is_step(op)) {
            return None;
        }
        if op == FloatOp::Compare {
            self.before_clobber();
        } else {
            self.clobber();
        }
        // What has no exponent is a NaN, and would be found there.
        let told = matches!(kind, Kind::Product(2) | Kind::Quotient | Kind::Narrower) && self.wide();
        self.flushing = if told { Flushing::Checked } else { Flushing::Yes };
        let (slow, resume) = self.float_slow_path(None);
        let numbers = self.numbers(u, shape, count);
        if self.wide() {
            self.check_by_masks(kind, shape, &numbers, is_step(op), slow);
        } else {
            self.check_by_integers(kind, shape, &numbers, slow);
        }
        Some(Some(resume))
    }

    /// The operands that are numbers, and whether each may be a denormal that was not seen among those before.
    fn numbers(&mut self, u: &Uop, shape: Shape, count: usize) -> Vec<(Xm, bool)> {
        let step = matches!(u.op, Op::Float(op) if is_step(op));
        let slots: [Slot; 3] = [u.a, u.b, u.c];
        let mut numbers = Vec::with_capacity(3);
        for (n, &slot) in slots.iter().take(count).enumerate() {
            if n == 1 && u.flags & ZERO_B != 0 {
                continue;
            }
            let element = n == 1 && u.flags & ELEMENT != 0;
            let number = if element { self.second(u, shape, V[2]) } else { self.vxm(slot) };
            let known = self.narrow.is_normal(slot) && !shape.double && !step;
            numbers.push((number, !known && (element || !slots[..n].contains(&slot))));
        }
        numbers
    }

    /// With mask registers. Changes `V[0]` and `V[1]`.
    fn check_by_masks(&mut self, kind: Kind, shape: Shape, numbers: &[(Xm, bool)], step: bool, slow: Label) {
        let (fp, mask) = self.lanes(shape);
        // Infinity times zero is no invalid operation in a step.
        let classes = DENORMALS | if step { INFINITIES } else { 0 };
        let mut seen = None;
        for &(number, _) in numbers.iter().filter(|(_, doubtful)| *doubtful) {
            let k = if seen.is_none() { K_SCRATCH } else { K_OTHER };
            self.asm.vfpclass(fp, mask, k, number, classes);
            if seen.is_some() {
                self.asm.kop(KOp::Kor, Lane::B, K_SCRATCH, K_SCRATCH, K_OTHER);
            }
            seen = Some(K_SCRATCH);
        }
        let product = matches!(kind, Kind::Product(_) | Kind::Quotient | Kind::Narrower);
        if (step || !product)
            && let Some(k) = seen.take()
        {
            self.asm.kortest(Lane::B, k, k);
            self.asm.jcc(Cond::Ne, slow);
        }
        if !product {
            return;
        }
        self.sum_exponents(kind, shape, numbers);
        let limit = self.pooled(tiny_exponent(kind, shape.double));
        self.asm.vcmp_k(fp, mask, K_TINY, V[1], limit, NOT_GREATER);
        let (entry, back) = (self.asm.label(), self.asm.label());
        self.asm.kortest(Lane::B, seen.unwrap_or(K_TINY), K_TINY);
        self.asm.jcc(Cond::Ne, entry);
        self.asm.bind(back);
        // Looking again must not take a denormal for a zero.
        let again = Zeros { entry, back, slow, fp, mask };
        self.buffers.cold.push(Cold::Zeros(again, seen.is_some(), self.index));
    }

    /// `V[1]` = the exponent of a product or quotient, or one less than that of a quotient. That of zero is minus
    /// infinity; what has none is a NaN. Changes `V[0]`.
    fn sum_exponents(&mut self, kind: Kind, shape: Shape, numbers: &[(Xm, bool)]) {
        let exponent = if shape.double { VUn::Vgetexppd } else { VUn::Vgetexpps };
        self.asm.vun_masked(exponent, shape.mask(), V[1], numbers[0].0);
        if kind == Kind::Narrower {
            return;
        }
        self.asm.vun_masked(exponent, shape.mask(), V[0], numbers[1].0);
        let op = match (kind, shape.double) {
            (Kind::Quotient, false) => VOp::Subps,
            (Kind::Quotient, true) => VOp::Subpd,
            (_, false) => VOp::Addps,
            (_, true) => VOp::Addpd,
        };
        self.asm.vop(op, V[1], V[1], V[0]);
    }

    /// Cold code: goes back if each lane that looks tiny is a zero; `denormals` were looked for.
    pub(in crate::jit::emit) fn zeros(&mut self, zeros: Zeros, denormals: bool) {
        let Zeros { entry, back, slow, fp, mask } = zeros;
        let infinity = self.pooled(match fp {
            Fp::Ps | Fp::Ss => Constant::MinusInfinityS,
            _ => Constant::MinusInfinityD,
        });
        self.asm.bind(entry);
        self.asm.vcmp_k(fp, mask, K_OTHER, V[1], infinity, EQUAL);
        self.asm.kop(KOp::Kandn, Lane::B, K_TINY, K_OTHER, K_TINY);
        self.asm.kortest(Lane::B, if denormals { K_SCRATCH } else { K_TINY }, K_TINY);
        self.asm.jcc(Cond::E, back);
        self.asm.jmp(slow);
    }

    /// Singles without mask registers. Changes `V[0]`, `V[1]` and `V[2]`.
    fn check_by_integers(&mut self, kind: Kind, shape: Shape, numbers: &[(Xm, bool)], slow: Label) {
        for &(number, _) in numbers.iter().filter(|(_, doubtful)| *doubtful) {
            let number = self.in_register(number, V[1]);
            let abs = self.pooled(shape.abs());
            self.asm.vop(VOp::Andps, V[1], number, abs);
            self.small_to_slow(V[0], slow);
        }
        let (sum, limit) = match kind {
            Kind::Product(3) => (VOp::Paddd, Constant::TinyTermBiased),
            Kind::Product(_) => (VOp::Paddd, Constant::TinyBiased),
            Kind::Quotient => (VOp::Psubd, Constant::TinyQuotientBiased),
            _ => return,
        };
        for (at, (number, _)) in [(V[0], numbers[0]), (V[1], numbers[1])] {
            let number = self.in_register(number, at);
            self.asm.vshift(armlet_x64::VShift::Pslld, at, number, 1);
            self.asm.vshift(armlet_x64::VShift::Psrld, at, at, 24);
        }
        // Zeros and what they make are fine. Above the lanes there may be anything.
        self.asm.vmov(V[2], V[0]);
        self.asm.vop(VOp::Pminsd, V[2], V[2], V[1]);
        self.asm.vop(sum, V[0], V[0], V[1]);
        let [limit, zero] = [self.pooled(limit), self.literal(0)];
        self.asm.vload(V[1], limit);
        self.asm.vop(VOp::Pcmpgtd, V[1], V[1], V[0]);
        self.asm.vop(VOp::Pcmpgtd, V[2], V[2], zero);
        self.asm.vop(VOp::Pand, V[1], V[1], V[2]);
        if shape.lanes != Lanes::All {
            self.clear_above(V[1], V[1], shape);
        }
        self.asm.vtest(VTest::Ptest, V[1], V[1]);
        self.asm.jcc(Cond::Ne, slow);
    }

    fn in_register(&mut self, number: Xm, scratch: Xmm) -> Xmm {
        match number {
            Xm::R(number) => number,
            Xm::M(mem) => {
                self.asm.vload(scratch, mem);
                scratch
            }
        }
    }

    /// Goes to `slow` if a lane of the magnitudes of singles in `V[1]` is a denormal. Changes `t`.
    fn small_to_slow(&mut self, t: Xmm, slow: Label) {
        // Subtracted from the least integer, denormals give the greatest ones, and zero itself.
        let [least, last] = [Constant::SignS4, Constant::InfinityS].map(|c| self.pooled(c));
        self.asm.vload(t, least);
        self.asm.vop(VOp::Psubd, t, t, V[1]);
        self.asm.vop(VOp::Pcmpgtd, t, t, last);
        self.asm.vtest(VTest::Ptest, t, t);
        self.asm.jcc(Cond::Ne, slow);
    }

    /// Form and mask of instructions with mask registers that look at these lanes.
    fn lanes(&self, shape: Shape) -> (Fp, K) {
        match (shape.lanes, shape.double) {
            (Lanes::One, false) => (Fp::Ss, K_ALL),
            (Lanes::One, true) => (Fp::Sd, K_ALL),
            (Lanes::Low, _) => (shape.packed(), TWO_LANES),
            (Lanes::All, _) => (shape.packed(), K_ALL),
        }
    }

    /// As [`Emitter::check`] for ops that flush: goes to `slow` if a lane is a NaN or a denormal. Changes `V[1]` and
    /// `V[2]`.
    pub(super) fn check_flushed(&mut self, shape: Shape, r: Xmm, slow: Label) {
        if self.wide() {
            if self.flushing == Flushing::Checked {
                return;
            }
            let (fp, mask) = self.lanes(shape);
            self.asm.vfpclass(fp, mask, K_SCRATCH, r, NANS | DENORMALS);
            return self.jump_if_any(slow);
        }
        if shape.is_one() {
            self.asm.vtest(shape.ucomis(), r, r);
            self.asm.jcc(Cond::P, slow);
        } else {
            self.check_unordered(shape, r, r, slow);
        }
        let abs = self.pooled(shape.abs());
        self.asm.vop(VOp::Andps, V[1], r, abs);
        self.small_to_slow(V[2], slow);
    }

    /// VRECPS and VRSQRTS: the product is rounded.
    pub(super) fn step(&mut self, op: FloatOp, u: &Uop) -> bool {
        let (shape, all) = (Shape::of(u), Shape::all(false));
        let (slow, resume) = self.float_slow_path(None);
        let b = self.second(u, shape, V[2]);
        self.apply(&MUL, shape, V[0], u.a, b);
        let from = self.pooled(if op == FloatOp::RecipStep { Constant::TwoS } else { Constant::ThreeS });
        self.asm.vload(V[1], from);
        self.asm.vop(SUB.of(all).packed, V[0], V[1], V[0]);
        if op == FloatOp::RsqrtStep {
            let half = self.pooled(Constant::HalfS);
            self.asm.vop(MUL.of(all).packed, V[0], V[0], half);
        }
        self.check_flushed(shape, V[0], slow);
        let d = self.vdst(u.dst, V[0]);
        self.clear_above(d, V[0], shape);
        self.vwrite(u.dst, d);
        self.asm.bind(resume);
        true
    }
}
