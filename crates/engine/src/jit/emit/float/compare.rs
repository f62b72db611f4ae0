//! Comparisons: to masks, and to the guest's flags.

use armlet_x64::{Bits, Cond, Lane, VOp, VTest, Xm, Xmm};

use super::constant::Constant;
use super::{Emitter, Flushing, K_SCRATCH, Lanes, Shape};
use crate::jit::context::RawFlags;
use crate::jit::emit::flags::{Flags, Test};
use crate::jit::layout::*;
use crate::uop::float::{SIGNALLING, ZERO_B};
use crate::uop::{FloatOp, Op, SINK, Slot, Uop};

/// Predicates that every host has: the last two call quiet NaNs invalid as well.
const EQ: u8 = 0;
const LT: u8 = 1;
const LE: u8 = 2;

impl Emitter<'_> {
    /// Comparisons; false if the op is something else.
    pub(super) fn float_compare(&mut self, op: FloatOp, u: &Uop) -> bool {
        match op {
            FloatOp::Equal => self.compare_lanes(u, EQ, false, false),
            FloatOp::GreaterEqual => self.compare_lanes(u, LE, true, false),
            FloatOp::Greater => self.compare_lanes(u, LT, true, false),
            FloatOp::LessEqual => self.compare_lanes(u, LE, false, false),
            FloatOp::Less => self.compare_lanes(u, LT, false, false),
            FloatOp::AbsGreaterEqual => self.compare_lanes(u, LE, true, true),
            FloatOp::AbsGreater => self.compare_lanes(u, LT, true, true),
            FloatOp::Compare => self.compare_scalars(u),
            FloatOp::CompareTo => {
                self.clobber();
                self.compare_hosts(u, false);
                self.put_float_flags(false, u.dst);
            }
            FloatOp::CompareIf => self.compare_scalars_if(u),
            _ => return false,
        }
        true
    }

    /// `dst` = where `a` and `b`, or `b` and `a`, stand in a relation.
    fn compare_lanes(&mut self, u: &Uop, predicate: u8, swap: bool, abs: bool) {
        let shape = Shape::of(u);
        let wide = self.wide();
        let mut a = if wide { self.vsrc(u.a, V[1]) } else { self.cleared(u.a, shape, V[1]) };
        let mut b = if u.flags & ZERO_B != 0 {
            self.asm.vop(VOp::Xorps, V[2], V[2], V[2]);
            V[2]
        } else if wide {
            self.vsrc(u.b, V[2])
        } else {
            self.cleared(u.b, shape, V[2])
        };
        if abs {
            let mask = self.pooled(shape.abs());
            self.asm.vop(VOp::Andps, V[1], a, mask);
            self.asm.vop(VOp::Andps, V[2], b, mask);
            (a, b) = (V[1], V[2]);
        }
        if swap {
            (a, b) = (b, a);
        }
        let d = self.vdst(u.dst, V[0]);
        if wide {
            self.compare_masked(shape, d, a, b, predicate);
        } else {
            self.asm.vop_imm(shape.cmp(), d, a, b, predicate);
            // Zeros above may be equal.
            if shape.lanes != Lanes::All {
                self.clear_above(d, d, shape);
            }
        }
        self.vwrite(u.dst, d);
    }

    fn compare_masked(&mut self, shape: Shape, d: Xmm, a: Xmm, b: Xmm, predicate: u8) {
        let mask = match shape.lanes {
            Lanes::One => ONE_LANE,
            Lanes::Low => TWO_LANES,
            Lanes::All => armlet_x64::K(0),
        };
        self.asm.vcmp_k(shape.packed(), mask, K_SCRATCH, a, b, predicate);
        self.asm.vpmovm2(if shape.double { Lane::Q } else { Lane::D }, d, K_SCRATCH);
    }

    /// FCMP and FCMPE.
    fn compare_scalars(&mut self, u: &Uop) {
        self.before_clobber();
        let swapped = self.asks_for_less();
        self.compare_hosts(u, swapped);
        if u.dst != SINK {
            self.put_float_flags(swapped, u.dst);
        }
        if self.flushing != Flushing::No {
            // The interpreter, which may have done it, leaves them there.
            self.store_float_flags(swapped);
            self.flags = Flags::Memory;
        } else {
            self.flags = Flags::Float { swapped, stored: false };
        }
    }

    /// The host's flags by a comparison of `a` with `b`, or of `b` with `a`.
    fn compare_hosts(&mut self, u: &Uop, swapped: bool) {
        let shape = Shape::of(u);
        let test = match (u.imm & SIGNALLING != 0, shape.double) {
            (false, false) => VTest::Ucomiss,
            (false, true) => VTest::Ucomisd,
            (true, false) => VTest::Comiss,
            (true, true) => VTest::Comisd,
        };
        let a = self.vxm(u.a);
        let b = self.second(u, Shape::one(shape.double), V[2]);
        let (x, y) = if swapped { (b, a) } else { (a, b) };
        let x = match x {
            Xm::R(x) => x,
            Xm::M(mem) => {
                self.asm.vload(V[0], mem);
                V[0]
            }
        };
        self.asm.vtest(test, x, y);
    }

    /// Whether the next user of the flags asks for what the host tells after the comparison the other way round.
    fn asks_for_less(&self) -> bool {
        for u in &self.trace.uops[self.index + 1..] {
            let cc = match u.op {
                Op::JumpIf
                | Op::Csel64
                | Op::Csel32
                | Op::Csinc64
                | Op::Csinc32
                | Op::Csinv64
                | Op::Csinv32
                | Op::Csneg64
                | Op::Csneg32
                | Op::Ccmp64
                | Op::Ccmp32
                | Op::Ccmn64
                | Op::Ccmn32 => u.flags & 15,
                Op::Float(FloatOp::Select | FloatOp::CompareIf) => u.c & 15,
                Op::Float(FloatOp::Compare) => return false,
                _ => continue,
            };
            return matches!(cc, 2 | 3 | 4 | 5 | 8 | 9);
        }
        false
    }

    /// FCCMP and FCCMPE. The flags end up in memory.
    fn compare_scalars_if(&mut self, u: &Uop) {
        let (otherwise, done) = (self.asm.label(), self.asm.label());
        let test = self.condition(u.c & 15);
        if let Some(cond) = test.not() {
            self.asm.jcc(cond, otherwise);
        }
        self.compare_hosts(u, false);
        self.store_float_flags(false);
        if test != Test::Always {
            self.asm.jmp(done);
            self.asm.bind(otherwise);
            let raw = RawFlags::from_nzcv((u.imm as u32 & 15) << 28);
            self.asm.store_imm(Bits::B32, FLAGS, raw.0 as i32);
            self.asm.bind(done);
        }
        self.flags = Flags::Memory;
    }
}

// Flags of comparisons.
impl Emitter<'_> {
    /// NZCV to memory, from the host's flags after a comparison. Leaves the latter alone. Uses RAX.
    pub(in crate::jit::emit) fn store_float_flags(&mut self, swapped: bool) {
        use Constant::{Equal, Greater, Less, Unordered};
        self.choose_by_float(swapped, [Less, Equal, Greater, Unordered]);
        self.asm.store(Bits::B32, FLAGS, A);
    }

    /// A general slot = NZCV, the same way.
    fn put_float_flags(&mut self, swapped: bool, n: Slot) {
        use Constant::{EqualNzcv, GreaterNzcv, LessNzcv, UnorderedNzcv};
        self.choose_by_float(swapped, [LessNzcv, EqualNzcv, GreaterNzcv, UnorderedNzcv]);
        self.write(n, A);
    }

    /// EAX = one of four constants.
    fn choose_by_float(&mut self, swapped: bool, [less, equal, greater, unordered]: [Constant; 4]) {
        let (above, below) = if swapped { (less, greater) } else { (greater, less) };
        let [above, below, equal, unordered] = [above, below, equal, unordered].map(|c| self.pooled(c));
        self.asm.mov(Bits::B32, A, above);
        self.asm.cmov(Cond::B, Bits::B32, A, below);
        self.asm.cmov(Cond::E, Bits::B32, A, equal);
        self.asm.cmov(Cond::P, Bits::B32, A, unordered);
    }

    /// Leaves flags of a comparison in memory alone.
    pub(in crate::jit::emit) fn store_float(&mut self) {
        if matches!(self.flags, Flags::Float { .. }) {
            self.store_flags();
            self.flags = Flags::Memory;
        }
    }

    /// The host's condition for `cc` if its flags are those of a comparison that tells.
    pub(in crate::jit::emit) fn float_condition(&self, cc: u8) -> Option<Cond> {
        let Flags::Float { swapped, .. } = self.flags else { return None };
        Some(match (cc, swapped) {
            (6, _) => Cond::P,
            (7, _) => Cond::Np,
            (10, false) => Cond::Ae,
            (11, false) => Cond::B,
            (12, false) => Cond::A,
            (13, false) => Cond::Be,
            (2 | 5, true) => Cond::Be,
            (3 | 4, true) => Cond::A,
            (8, true) => Cond::B,
            (9, true) => Cond::Ae,
            _ => return None,
        })
    }
}
