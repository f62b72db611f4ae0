//! Operands: vector slots as registers, with or without what is above the lanes in use.

use armlet_x64::{VOp, VOpImm, VUn, VUnImm, Xm, Xmm};

use super::{Emitter, Lanes, Shape};
use crate::jit::layout::*;
use crate::uop::float::{DOUBLE, ELEMENT, SCALAR, SINGLE, SIZE, ZERO_B};
use crate::uop::{Elements, Extension, FloatOp, MemoryOp, Op, Slot, Uop, VectorOp};

/// What is known about the contents of slots.
#[derive(Clone, Copy, Debug, Default)]
pub struct Narrow {
    /// Zero above 32 bits.
    single: u64,
    /// Zero above 64 bits.
    double: u64,
    /// No denormal in a lane of a single.
    normal: u64,
}

impl Narrow {
    /// Notes what a uop makes of its destinations; `flushes`: it flushes denormals.
    pub fn note(&mut self, u: &Uop, flushes: bool) {
        let normal = self.makes_normal(u, flushes);
        match u.op {
            Op::VLoad8 | Op::VLoad16 | Op::VLoad32 => self.set(u.dst, 32),
            Op::VLoad64 => self.set(u.dst, 64),
            Op::VLoadPair32 => [u.dst, u.c].into_iter().for_each(|n| self.set(n, 32)),
            Op::VLoadPair64 => [u.dst, u.c].into_iter().for_each(|n| self.set(n, 64)),
            Op::VLoad128 => self.set(u.dst, 128),
            Op::VLoadPair128 => [u.dst, u.c].into_iter().for_each(|n| self.set(n, 128)),
            Op::Vector(VectorOp::Umov | VectorOp::Smov) => {}
            Op::Vector(VectorOp::Pick) => self.set(u.dst, 8 << (u.flags & VectorOp::SIZE)),
            Op::Vector(_) => self.set(u.dst, 128),
            Op::Memory(op) => self.note_memory(op, u),
            Op::Float(op) => self.note_float(op, u),
            _ => {}
        }
        if normal {
            self.normal |= bit(u.dst);
        }
    }

    fn note_memory(&mut self, op: MemoryOp, u: &Uop) {
        match op {
            MemoryOp::LoadStructures | MemoryOp::LoadReplicate | MemoryOp::LoadLane => {
                *self = Self::default();
            }
            MemoryOp::LoadExtension => {
                let Extension { first, count, .. } = Extension::of(u.imm);
                if count == 0 {
                    return self.set(u.dst, 8 << (u.flags & 3));
                }
                let per_slot = 16 >> (u.flags & 3);
                (first / per_slot..=(first + count - 1) / per_slot).for_each(|n| self.set(n, 128));
            }
            MemoryOp::LoadElements => {
                let e = Elements::of(u.imm);
                for n in 0..e.elements {
                    (0..e.registers).for_each(|after| self.set(e.register(n, after) / 2, 128));
                }
            }
            _ => {}
        }
    }

    /// Whether no lane of the result, taken as a single, can be a denormal.
    fn makes_normal(&self, u: &Uop, flushes: bool) -> bool {
        use FloatOp::*;
        match u.op {
            Op::Vector(VectorOp::Mov | VectorOp::Dup | VectorOp::Pick) if u.flags & VectorOp::SIZE >= 2 => {
                self.is_normal(u.a)
            }
            Op::Vector(VectorOp::Ins) if u.flags & VectorOp::SIZE >= 2 => {
                self.is_normal(u.a) && self.is_normal(u.c)
            }
            Op::Float(Abs | Neg) => u.flags & SIZE == SINGLE && self.is_normal(u.a),
            Op::Float(
                Add | Sub | Mul | NegMul | AbsDiff | Div | Sqrt | Max | Min | MaxNum | MinNum | MulAdd
                | MulSub | NegMulAdd | NegMulSub | AddPairs | MaxPairs | MinPairs | RoundInt | FromSigned
                | FromUnsigned | RecipStep | RsqrtStep | RecipEstimate | RsqrtEstimate,
            ) => flushes && u.flags & SIZE == SINGLE,
            _ => false,
        }
    }

    /// True if no lane of the slot, taken as a single, is a denormal.
    pub(super) fn is_normal(&self, n: Slot) -> bool {
        self.normal & bit(n) != 0
    }

    fn note_float(&mut self, op: FloatOp, u: &Uop) {
        use FloatOp::*;
        match op {
            Compare | CompareTo | CompareIf | ToSigned32 | ToSigned64 | ToUnsigned32 | ToUnsigned64
            | ToInt32Js | MoveToGeneral | MoveTopToGeneral => {}
            ToSingle | ToHalf => self.set(u.dst, 32),
            DoubleToSigned | DoubleToUnsigned => self.set(u.dst, 32),
            ToDouble => self.set(u.dst, 64),
            Lengthen | Narrow | NarrowOdd | MoveTopFromGeneral => self.set(u.dst, 128),
            _ => match (u.flags & SCALAR != 0, u.flags & SIZE == DOUBLE) {
                (true, true) => self.set(u.dst, 64),
                (true, false) => self.set(u.dst, 32),
                _ => self.set(u.dst, 128),
            },
        }
    }

    fn set(&mut self, n: Slot, bits: u32) {
        for known in [&mut self.single, &mut self.double, &mut self.normal] {
            *known &= !bit(n);
        }
        if bits <= 32 {
            self.single |= bit(n);
        }
        if bits <= 64 {
            self.double |= bit(n);
        }
    }

    pub(super) fn is_zero_above(self, n: Slot, shape: Shape) -> bool {
        let of = match shape.lanes {
            Lanes::One if !shape.double => self.single,
            _ => self.double,
        };
        shape.lanes == Lanes::All || of & bit(n) != 0
    }
}

fn bit(n: Slot) -> u64 {
    1u64.checked_shl(n.into()).unwrap_or(0)
}

impl Emitter<'_> {
    /// A register with the lanes of `n` and zeros above them: the slot's own, or `scratch`.
    pub(super) fn cleared(&mut self, n: Slot, shape: Shape, scratch: Xmm) -> Xmm {
        let reg = match self.vreg(n) {
            Some(reg) if self.narrow.is_zero_above(n, shape) => return reg,
            reg => reg,
        };
        match (reg, shape.lanes) {
            (_, Lanes::All) => return self.vsrc(n, scratch),
            (None, Lanes::One) if !shape.double => self.asm.vload32(scratch, vector_slot(n)),
            (None, _) => self.asm.vload64(scratch, vector_slot(n)),
            (Some(reg), _) => self.clear_above(scratch, reg, shape),
        }
        scratch
    }

    /// `d` = the lanes of `reg`, zeros above them.
    pub(super) fn clear_above(&mut self, d: Xmm, reg: Xmm, shape: Shape) {
        const FIRST_ONLY: u8 = 0b1110;
        match shape.lanes {
            Lanes::All => self.asm.vmov(d, reg),
            Lanes::One if !shape.double => {
                if self.wide() {
                    self.asm.vun_masked(VUn::Vmovaps, shape.mask(), d, reg);
                } else {
                    self.asm.vop_imm(VOpImm::Insertps, d, reg, reg, FIRST_ONLY);
                }
            }
            _ => self.asm.movq(d, reg),
        }
    }

    /// Operand `a` for [`Self::apply`].
    fn float_first(&mut self, n: Slot, shape: Shape, scratch: Xmm) -> Xmm {
        if self.wide() { self.vsrc(n, scratch) } else { self.cleared(n, shape, scratch) }
    }

    /// Operand `b`: plain, an element in every lane, or zero. Uses `scratch` unless it is plain.
    pub(super) fn second(&mut self, u: &Uop, shape: Shape, scratch: Xmm) -> Xm {
        if u.flags & ZERO_B != 0 {
            self.asm.vop(VOp::Xorps, scratch, scratch, scratch);
            return scratch.into();
        }
        if u.flags & ELEMENT != 0 {
            self.element(u, shape, scratch);
            return scratch.into();
        }
        if self.wide() || shape.lanes != Lanes::Low {
            self.vxm(u.b)
        } else {
            self.cleared(u.b, shape, scratch).into()
        }
    }

    /// `scratch` = lane `imm` of `b`, in every lane.
    fn element(&mut self, u: &Uop, shape: Shape, scratch: Xmm) {
        let lane = u.imm as u8 & 3;
        let b = self.vxm(u.b);
        if shape.double {
            self.asm.vun_imm(VUnImm::Pshufd, scratch, b, if lane == 0 { 0x44 } else { 0xee });
        } else {
            self.asm.vun_imm(VUnImm::Pshufd, scratch, b, lane * 0x55);
            if shape.lanes == Lanes::Low && !self.wide() {
                self.asm.movq(scratch, scratch);
            }
        }
    }

    /// `d = a op b` on the lanes, zero above; `[packed, scalar]` by format. Uses `V[1]`.
    pub(super) fn apply(&mut self, ops: &Ops, shape: Shape, d: Xmm, a: Slot, b: Xm) {
        let a = self.float_first(a, shape, V[1]);
        let op = ops.of(shape);
        match shape.lanes {
            Lanes::All => self.asm.vop(op.packed, d, a, b),
            _ if self.wide() => self.asm.vop_masked(op.packed, shape.mask(), d, a, b),
            Lanes::One => self.asm.vop(op.scalar, d, a, b),
            Lanes::Low => {
                self.asm.vop(op.packed, d, a, b);
                // Rounded down, a difference of zeros is negative.
                self.asm.movq(d, d);
            }
        }
    }
}

/// An instruction on all lanes and on one.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub packed: VOp,
    pub scalar: VOp,
}

/// The instructions for single and double precision.
#[derive(Clone, Copy)]
pub(super) struct Ops {
    single: Pair,
    double: Pair,
}

impl Ops {
    pub const fn new(ps: VOp, pd: VOp, ss: VOp, sd: VOp) -> Self {
        Self { single: Pair { packed: ps, scalar: ss }, double: Pair { packed: pd, scalar: sd } }
    }

    pub fn of(&self, shape: Shape) -> Pair {
        if shape.double { self.double } else { self.single }
    }
}
