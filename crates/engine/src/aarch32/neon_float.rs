//! Lowering of floating point on vectors: with AArch32's standard controls, whatever FPSCR says.

use armlet_arm::a64::fields::{bit, bits};
use armlet_arm::aarch32::simd::NeonOp as Insn;
use armlet_arm::aarch32::simd::fields::{dd, dm, dn, is_q};

use super::Lowering;
use super::lanes::Part;
use super::neon::EMPTY;
use crate::uop::float::{Q, *};
use crate::uop::{FloatOp, Op, Slot, Uop};

impl Lowering<'_> {
    /// Appends an instruction on singles; false if it is something else.
    pub(super) fn neon_float(&mut self, op: Insn, w: u32) -> bool {
        match op {
            Insn::VaddF => self.singles(FloatOp::Add, w),
            Insn::VsubF => self.singles(FloatOp::Sub, w),
            Insn::VmulF => self.singles(FloatOp::Mul, w),
            Insn::VabdF => self.singles(FloatOp::AbsDiff, w),
            Insn::VmaxF => self.singles(FloatOp::Max, w),
            Insn::VminF => self.singles(FloatOp::Min, w),
            Insn::Vmaxnm => self.singles(FloatOp::MaxNum, w),
            Insn::Vminnm => self.singles(FloatOp::MinNum, w),
            Insn::VpaddF => self.singles(FloatOp::AddPairs, w),
            Insn::VpmaxF => self.singles(FloatOp::MaxPairs, w),
            Insn::VpminF => self.singles(FloatOp::MinPairs, w),
            Insn::VceqF => self.singles(FloatOp::Equal, w),
            Insn::VcgeF => self.singles(FloatOp::GreaterEqual, w),
            Insn::VcgtF => self.singles(FloatOp::Greater, w),
            Insn::Vacge => self.singles(FloatOp::AbsGreaterEqual, w),
            Insn::Vacgt => self.singles(FloatOp::AbsGreater, w),
            Insn::Vrecps => self.singles(FloatOp::RecipStep, w),
            Insn::Vrsqrts => self.singles(FloatOp::RsqrtStep, w),
            Insn::Vfma => self.singles(FloatOp::MulAdd, w),
            Insn::Vfms => self.singles(FloatOp::MulSub, w),
            // The product is rounded.
            Insn::VmlaF => self.chained_singles(FloatOp::Add, w),
            Insn::VmlsF => self.chained_singles(FloatOp::Sub, w),
            Insn::VmulElemF => {
                let (q, b, imm) = by_element(w);
                let a = self.neon_operand(dn(w), q);
                self.float_result(FloatOp::Mul, ELEMENT, q, w, Uop { a, b, imm, ..EMPTY });
            }
            Insn::VmlaElemF => self.chained_element(FloatOp::Add, w),
            Insn::VmlsElemF => self.chained_element(FloatOp::Sub, w),
            Insn::Vcmla => self.complex(FloatOp::ComplexMulAdd, bits(w, 24, 23), w),
            Insn::Vcadd => self.complex(FloatOp::ComplexAdd, 1 + 2 * bits(w, 24, 24), w),
            Insn::VcmlaElem => {
                let (a, b) = (self.neon_operand(dn(w), is_q(w)), self.part(Part::d(dm(w))));
                let c = self.neon_operand(dd(w), is_q(w));
                let imm = i64::from(bits(w, 21, 20)) << ROT_SHIFT;
                self.float_result(FloatOp::ComplexMulAdd, ELEMENT, is_q(w), w, Uop { a, b, c, imm, ..EMPTY });
            }
            _ => return self.neon_float_two(op, w),
        }
        true
    }

    /// Those with one operand.
    fn neon_float_two(&mut self, op: Insn, w: u32) -> bool {
        let fixed = (64 - i64::from(bits(w, 21, 16))) << FBITS_SHIFT;
        match op {
            Insn::VabsF => self.single_two(FloatOp::Abs, 0, w),
            Insn::VnegF => self.single_two(FloatOp::Neg, 0, w),
            Insn::VceqZeroF => self.with_zero(FloatOp::Equal, w),
            Insn::VcgeZeroF => self.with_zero(FloatOp::GreaterEqual, w),
            Insn::VcgtZeroF => self.with_zero(FloatOp::Greater, w),
            Insn::VcleZeroF => self.with_zero(FloatOp::LessEqual, w),
            Insn::VcltZeroF => self.with_zero(FloatOp::Less, w),
            Insn::VrecpeF => self.single_two(FloatOp::RecipEstimate, 0, w),
            Insn::VrsqrteF => self.single_two(FloatOp::RsqrtEstimate, 0, w),
            Insn::VrecpeU => self.single_two(FloatOp::UnsignedRecipEstimate, 0, w),
            Insn::VrsqrteU => self.single_two(FloatOp::UnsignedRsqrtEstimate, 0, w),
            Insn::Vrintn => self.single_two(FloatOp::RoundInt, NEAREST, w),
            Insn::Vrintx => self.single_two(FloatOp::RoundInt, NEAREST | EXACT, w),
            Insn::Vrinta => self.single_two(FloatOp::RoundInt, TIES_AWAY, w),
            Insn::Vrintz => self.single_two(FloatOp::RoundInt, TO_ZERO, w),
            Insn::Vrintm => self.single_two(FloatOp::RoundInt, MINUS_INF, w),
            Insn::Vrintp => self.single_two(FloatOp::RoundInt, PLUS_INF, w),
            Insn::VcvtaS => self.single_two(FloatOp::ToSigned, TIES_AWAY, w),
            Insn::VcvtaU => self.single_two(FloatOp::ToUnsigned, TIES_AWAY, w),
            Insn::VcvtnS => self.single_two(FloatOp::ToSigned, NEAREST, w),
            Insn::VcvtnU => self.single_two(FloatOp::ToUnsigned, NEAREST, w),
            Insn::VcvtpS => self.single_two(FloatOp::ToSigned, PLUS_INF, w),
            Insn::VcvtpU => self.single_two(FloatOp::ToUnsigned, PLUS_INF, w),
            Insn::VcvtmS => self.single_two(FloatOp::ToSigned, MINUS_INF, w),
            Insn::VcvtmU => self.single_two(FloatOp::ToUnsigned, MINUS_INF, w),
            Insn::VcvtToS => self.single_two(FloatOp::ToSigned, TO_ZERO, w),
            Insn::VcvtToU => self.single_two(FloatOp::ToUnsigned, TO_ZERO, w),
            Insn::VcvtFromS => self.single_two(FloatOp::FromSigned, 0, w),
            Insn::VcvtFromU => self.single_two(FloatOp::FromUnsigned, 0, w),
            Insn::VcvtToFixedS => self.single_two(FloatOp::ToSigned, TO_ZERO | fixed, w),
            Insn::VcvtToFixedU => self.single_two(FloatOp::ToUnsigned, TO_ZERO | fixed, w),
            Insn::VcvtFromFixedS => self.single_two(FloatOp::FromSigned, fixed, w),
            Insn::VcvtFromFixedU => self.single_two(FloatOp::FromUnsigned, fixed, w),
            Insn::VcvtToHalf => {
                let dst = self.vtemp();
                let op = Op::Float(FloatOp::Narrow);
                self.emit(Uop { dst, a: dm(w) / 2, flags: SINGLE | STANDARD, ..Uop::new(op) });
                self.put(Part::d(dd(w)), dst);
            }
            Insn::VcvtFromHalf => {
                let (a, imm) = (dm(w) / 2, i64::from(dm(w) & 1));
                let op = Op::Float(FloatOp::Lengthen);
                self.emit(Uop { dst: dd(w) / 2, a, imm, flags: HALF | STANDARD, ..Uop::new(op) });
                self.slot_written(dd(w) / 2);
            }
            _ => return false,
        }
        true
    }

    /// Appends an op that fills Vd.
    fn float_result(&mut self, op: FloatOp, flags: u8, q: bool, w: u32, uop: Uop) {
        let flags = flags | SINGLE | STANDARD | if q { Q } else { 0 };
        let dst = if q { dd(w) / 2 } else { self.vtemp() };
        self.emit(Uop { op: Op::Float(op), flags, dst, ..uop });
        if q {
            self.slot_written(dst);
        } else {
            self.put(Part::d(dd(w)), dst);
        }
    }

    fn singles(&mut self, op: FloatOp, w: u32) {
        let q = is_q(w);
        let uop = self.neon_operands(w, q);
        let fused = matches!(op, FloatOp::MulAdd | FloatOp::MulSub);
        let c = if fused { self.neon_operand(dd(w), q) } else { uop.c };
        self.float_result(op, 0, q, w, Uop { c, ..uop });
    }

    fn single_two(&mut self, op: FloatOp, imm: i64, w: u32) {
        let a = self.neon_operand(dm(w), is_q(w));
        self.float_result(op, 0, is_q(w), w, Uop { a, imm, ..EMPTY });
    }

    fn with_zero(&mut self, op: FloatOp, w: u32) {
        let a = self.neon_operand(dm(w), is_q(w));
        self.float_result(op, ZERO_B, is_q(w), w, Uop { a, ..EMPTY });
    }

    /// `Vd = Vd sum product`.
    fn chained(&mut self, sum: FloatOp, flags: u8, q: bool, w: u32, factors: Uop) {
        let product = self.vtemp();
        let wide = if q { Q } else { 0 };
        let flags = flags | SINGLE | STANDARD | wide;
        self.emit(Uop { op: Op::Float(FloatOp::Mul), flags, dst: product, ..factors });
        let a = self.neon_operand(dd(w), q);
        self.float_result(sum, 0, q, w, Uop { a, b: product, ..EMPTY });
    }

    fn chained_singles(&mut self, sum: FloatOp, w: u32) {
        let uop = self.neon_operands(w, is_q(w));
        self.chained(sum, 0, is_q(w), w, uop);
    }

    fn chained_element(&mut self, sum: FloatOp, w: u32) {
        let (q, b, imm) = by_element(w);
        let a = self.neon_operand(dn(w), q);
        self.chained(sum, ELEMENT, q, w, Uop { a, b, imm, ..EMPTY });
    }

    fn complex(&mut self, op: FloatOp, rotation: u32, w: u32) {
        let q = is_q(w);
        let uop = self.neon_operands(w, q);
        let c = self.neon_operand(dd(w), q);
        self.float_result(op, 0, q, w, Uop { c, imm: i64::from(rotation) << ROT_SHIFT, ..uop });
    }
}

/// Q (bit 24), slot and lane of an instruction by an element of a D register of singles.
fn by_element(w: u32) -> (bool, Slot, i64) {
    let part = Part::element(bits(w, 3, 0) as u8, 2, bits(w, 5, 5) as u8);
    (bit(w, 24), part.slot, part.index.into())
}
