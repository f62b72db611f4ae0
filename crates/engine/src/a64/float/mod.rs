//! Lowering of floating-point instructions: one uop each.

mod convert;

use armlet_arm::a64::FloatOp as Insn;
use armlet_arm::a64::fields::{bit, bits, ra, rd, rm, rn};

use super::{Flow, Lowering, x, xd};
use crate::uop::float::{
    CURRENT, DOUBLE, ELEMENT, EXACT, MINUS_INF, NEAREST, PLUS_INF, Q, ROT_SHIFT, SCALAR, SIGNALLING, SINGLE,
    TIES_AWAY, TO_ZERO, ZERO_B,
};
use crate::uop::{FloatOp, Op, Uop, VectorOp};

/// Format and lanes, which stand at the same bits in all forms of the instructions.
fn lanes(w: u32) -> u8 {
    let size = if bit(w, 22) { DOUBLE } else { SINGLE };
    let scalar = bit(w, 28);
    size | if scalar {
        SCALAR
    } else if bit(w, 30) {
        Q
    } else {
        0
    }
}

impl Lowering<'_> {
    pub(super) fn float(&mut self, insn: Insn, w: u32) -> Flow {
        if self.fp_trapped() {
            return Flow::End;
        }
        match insn {
            Insn::FmovReg => self.float_unary(FloatOp::Move, w, 0),
            Insn::FmovImm => self.float_imm(w),
            Insn::FmovToX => self.float_to_general(FloatOp::MoveToGeneral, w, 0),
            Insn::FmovFromX => self.float_from_general(FloatOp::MoveFromGeneral, w, 0),
            Insn::FmovTopToX => self.float_to_general(FloatOp::MoveTopToGeneral, w, 0),
            Insn::FmovTopFromX => self.float_from_general(FloatOp::MoveTopFromGeneral, w, 0),

            Insn::Fadd => self.float_binary(FloatOp::Add, w),
            Insn::Fsub => self.float_binary(FloatOp::Sub, w),
            Insn::Fmul => self.float_binary(FloatOp::Mul, w),
            Insn::Fnmul => self.float_binary(FloatOp::NegMul, w),
            Insn::Fmulx => self.float_binary(FloatOp::MulX, w),
            Insn::Fdiv => self.float_binary(FloatOp::Div, w),
            Insn::Fabd => self.float_binary(FloatOp::AbsDiff, w),
            Insn::Fmax => self.float_binary(FloatOp::Max, w),
            Insn::Fmin => self.float_binary(FloatOp::Min, w),
            Insn::Fmaxnm => self.float_binary(FloatOp::MaxNum, w),
            Insn::Fminnm => self.float_binary(FloatOp::MinNum, w),
            Insn::Frecps => self.float_binary(FloatOp::RecipStep, w),
            Insn::Frsqrts => self.float_binary(FloatOp::RsqrtStep, w),
            Insn::FmulElement => self.float_element(FloatOp::Mul, w),
            Insn::FmulxElement => self.float_element(FloatOp::MulX, w),

            Insn::Fmadd => self.float_ternary(FloatOp::MulAdd, w),
            Insn::Fmsub => self.float_ternary(FloatOp::MulSub, w),
            Insn::Fnmadd => self.float_ternary(FloatOp::NegMulAdd, w),
            Insn::Fnmsub => self.float_ternary(FloatOp::NegMulSub, w),
            Insn::Fmla => self.float_binary(FloatOp::MulAdd, w),
            Insn::Fmls => self.float_binary(FloatOp::MulSub, w),
            Insn::FmlaElement => self.float_element(FloatOp::MulAdd, w),
            Insn::FmlsElement => self.float_element(FloatOp::MulSub, w),
            Insn::Fcmla => self.float_complex(FloatOp::ComplexMulAdd, w, 0, bits(w, 12, 11), 0),
            Insn::FcmlaElement => {
                // Here bit 22 is a part of the size, which can only be single.
                self.float_complex(FloatOp::ComplexMulAdd, w, ELEMENT, bits(w, 14, 13), bits(w, 11, 11));
            }
            Insn::Fcadd => self.float_complex(FloatOp::ComplexAdd, w, 0, bits(w, 12, 12) * 2 + 1, 0),

            Insn::Faddp => self.float_binary(FloatOp::AddPairs, w),
            Insn::Fmaxp => self.float_binary(FloatOp::MaxPairs, w),
            Insn::Fminp => self.float_binary(FloatOp::MinPairs, w),
            Insn::Fmaxnmp => self.float_binary(FloatOp::MaxNumPairs, w),
            Insn::Fminnmp => self.float_binary(FloatOp::MinNumPairs, w),
            Insn::FaddpScalar => self.float_pair(FloatOp::AddAcross, w),
            Insn::FmaxpScalar => self.float_pair(FloatOp::MaxAcross, w),
            Insn::FminpScalar => self.float_pair(FloatOp::MinAcross, w),
            Insn::FmaxnmpScalar => self.float_pair(FloatOp::MaxNumAcross, w),
            Insn::FminnmpScalar => self.float_pair(FloatOp::MinNumAcross, w),
            Insn::Fmaxv => self.float_unary(FloatOp::MaxAcross, w, 0),
            Insn::Fminv => self.float_unary(FloatOp::MinAcross, w, 0),
            Insn::Fmaxnmv => self.float_unary(FloatOp::MaxNumAcross, w, 0),
            Insn::Fminnmv => self.float_unary(FloatOp::MinNumAcross, w, 0),

            Insn::Fabs => self.float_unary(FloatOp::Abs, w, 0),
            Insn::Fneg => self.float_unary(FloatOp::Neg, w, 0),
            Insn::Fsqrt => self.float_unary(FloatOp::Sqrt, w, 0),
            Insn::Frecpe => self.float_unary(FloatOp::RecipEstimate, w, 0),
            Insn::Frsqrte => self.float_unary(FloatOp::RsqrtEstimate, w, 0),
            Insn::Frecpx => self.float_unary(FloatOp::RecipExponent, w, 0),
            Insn::Urecpe => self.float_unary(FloatOp::UnsignedRecipEstimate, w, 0),
            Insn::Ursqrte => self.float_unary(FloatOp::UnsignedRsqrtEstimate, w, 0),
            Insn::Frintn => self.float_unary(FloatOp::RoundInt, w, NEAREST),
            Insn::Frintp => self.float_unary(FloatOp::RoundInt, w, PLUS_INF),
            Insn::Frintm => self.float_unary(FloatOp::RoundInt, w, MINUS_INF),
            Insn::Frintz => self.float_unary(FloatOp::RoundInt, w, TO_ZERO),
            Insn::Frinta => self.float_unary(FloatOp::RoundInt, w, TIES_AWAY),
            Insn::Frintx => self.float_unary(FloatOp::RoundInt, w, CURRENT | EXACT),
            Insn::Frinti => self.float_unary(FloatOp::RoundInt, w, CURRENT),
            Insn::Frint32z => self.float_unary(FloatOp::RoundInt32, w, TO_ZERO),
            Insn::Frint32x => self.float_unary(FloatOp::RoundInt32, w, CURRENT),
            Insn::Frint64z => self.float_unary(FloatOp::RoundInt64, w, TO_ZERO),
            Insn::Frint64x => self.float_unary(FloatOp::RoundInt64, w, CURRENT),

            Insn::Fcmp => self.float_compare(w, 0),
            Insn::Fcmpe => self.float_compare(w, SIGNALLING),
            Insn::Fccmp => self.float_compare_if(w, 0),
            Insn::Fccmpe => self.float_compare_if(w, SIGNALLING),
            Insn::Fcsel => {
                let u = self.float_uop(FloatOp::Select, w);
                self.emit(Uop { b: rm(w), c: bits(w, 15, 12) as u8, ..u });
            }
            Insn::Fcmeq => self.float_binary(FloatOp::Equal, w),
            Insn::Fcmge => self.float_binary(FloatOp::GreaterEqual, w),
            Insn::Fcmgt => self.float_binary(FloatOp::Greater, w),
            Insn::Facge => self.float_binary(FloatOp::AbsGreaterEqual, w),
            Insn::Facgt => self.float_binary(FloatOp::AbsGreater, w),
            Insn::FcmeqZero => self.float_zero(FloatOp::Equal, w),
            Insn::FcmgeZero => self.float_zero(FloatOp::GreaterEqual, w),
            Insn::FcmgtZero => self.float_zero(FloatOp::Greater, w),
            Insn::FcmleZero => self.float_zero(FloatOp::LessEqual, w),
            Insn::FcmltZero => self.float_zero(FloatOp::Less, w),

            _ => return self.float_convert(insn, w),
        }
        Flow::Next
    }

    /// `dst = op a` on the lanes of the word; what most others start from.
    fn float_uop(&self, op: FloatOp, w: u32) -> Uop {
        Uop { dst: rd(w), a: rn(w), flags: lanes(w), ..Uop::new(Op::Float(op)) }
    }

    fn float_unary(&mut self, op: FloatOp, w: u32, imm: i64) {
        let u = self.float_uop(op, w);
        self.emit(Uop { imm, ..u });
    }

    /// `dst = a op b`, the destination being the addend of ops that have one.
    fn float_binary(&mut self, op: FloatOp, w: u32) {
        let u = self.float_uop(op, w);
        self.emit(Uop { b: rm(w), c: rd(w), ..u });
    }

    fn float_ternary(&mut self, op: FloatOp, w: u32) {
        let u = self.float_uop(op, w);
        self.emit(Uop { b: rm(w), c: ra(w), ..u });
    }

    /// A binary op with `b` an element: H:L of M:Rm for singles, H for doubles.
    fn float_element(&mut self, op: FloatOp, w: u32) {
        let u = self.float_uop(op, w);
        let index = if bit(w, 22) { bits(w, 11, 11) } else { bits(w, 11, 11) * 2 + bits(w, 21, 21) };
        self.emit(Uop { b: rm(w), c: rd(w), flags: u.flags | ELEMENT, imm: index.into(), ..u });
    }

    fn float_complex(&mut self, op: FloatOp, w: u32, flags: u8, rot: u32, index: u32) {
        let u = self.float_uop(op, w);
        let imm = i64::from(rot << ROT_SHIFT | index);
        self.emit(Uop { b: rm(w), c: rd(w), flags: u.flags | flags, imm, ..u });
    }

    /// The two lanes of a scalar pairwise instruction reduced: of 64 bits for singles, else of 128.
    fn float_pair(&mut self, op: FloatOp, w: u32) {
        let flags = if bit(w, 22) { DOUBLE | Q } else { SINGLE };
        let u = self.float_uop(op, w);
        self.emit(Uop { flags, ..u });
    }

    /// A comparison with zero.
    fn float_zero(&mut self, op: FloatOp, w: u32) {
        let u = self.float_uop(op, w);
        self.emit(Uop { flags: u.flags | ZERO_B, ..u });
    }

    fn float_compare(&mut self, w: u32, signalling: i64) {
        let zero = if bit(w, 3) { ZERO_B } else { 0 };
        let u = Uop::new(Op::Float(FloatOp::Compare));
        self.emit(Uop { a: rn(w), b: rm(w), flags: lanes(w) | zero, imm: signalling, ..u });
    }

    fn float_compare_if(&mut self, w: u32, signalling: i64) {
        let (cond, nzcv) = (bits(w, 15, 12) as u8, i64::from(bits(w, 3, 0)));
        let u = Uop::new(Op::Float(FloatOp::CompareIf));
        self.emit(Uop { a: rn(w), b: rm(w), c: cond, flags: lanes(w), imm: signalling | nzcv, ..u });
    }

    /// FMOV (scalar, immediate): a constant.
    fn float_imm(&mut self, w: u32) {
        let imm = expand_imm(bits(w, 20, 13), bit(w, 22)) as i64;
        self.emit(Uop { dst: rd(w), flags: DOUBLE, imm, ..Uop::new(Op::Vector(VectorOp::MovI)) });
    }

    fn float_to_general(&mut self, op: FloatOp, w: u32, imm: i64) {
        let u = self.float_uop(op, w);
        self.emit(Uop { dst: xd(rd(w)), imm, ..u });
    }

    fn float_from_general(&mut self, op: FloatOp, w: u32, imm: i64) {
        let u = self.float_uop(op, w);
        self.emit(Uop { a: x(rn(w)), imm, ..u });
    }
}

/// `VFPExpandImm`: a sign, three bits of exponent and four of fraction.
fn expand_imm(imm8: u32, double: bool) -> u64 {
    let (sign, top, low) = (u64::from(imm8 >> 7), imm8 & 0x40 != 0, u64::from(imm8 & 0x3f));
    // The exponent is NOT(b):b...b:cd, of 8 or 11 bits; cd and the fraction are the low six bits.
    if double {
        sign << 63 | if top { 0xff << 54 } else { 1 << 62 } | low << 48
    } else {
        sign << 31 | if top { 0x1f << 25 } else { 1 << 30 } | low << 19
    }
}

#[cfg(test)]
mod tests {
    use armlet_arm::FeatureSet;
    use armlet_arm::a64::float::TABLE;

    use super::*;
    use crate::a64::lower;
    use crate::block::{Key, Mode};

    #[test]
    fn every_row_is_one_uop_or_the_trap() {
        for row in TABLE.rows() {
            // The free bits of a row that make it valid.
            let word =
                [row.value | 1 << 30 & !row.mask, row.value | (1 << 21 | 1 << 15 | 1 << 30) & !row.mask]
                    .into_iter()
                    .find(|&w| row.valid.is_none_or(|valid| valid(w)))
                    .unwrap();
            let lowered = |mode| {
                let mode = Mode(mode);
                lower(Key::new(0, mode), mode, FeatureSet::ALL, [word].into_iter()).uops
            };
            let trapped = lowered(Mode::FP_TRAP);
            assert!(matches!(trapped[..], [Uop { op: Op::Float(FloatOp::Trapped), .. }]), "{:?}", row.op);
            let uops = lowered(0);
            assert!(matches!(uops[0].op, Op::Float(_) | Op::Vector(VectorOp::MovI)), "{:?}", row.op);
            assert!(matches!(uops[1..], [Uop { op: Op::Next, .. }]), "{:?}", row.op);
        }
    }

    #[test]
    fn immediates() {
        assert_eq!(f64::from_bits(expand_imm(0x70, true)), 1.0);
        assert_eq!(f64::from_bits(expand_imm(0x80, true)), -2.0);
        assert_eq!(f32::from_bits(expand_imm(0x40, false) as u32), 0.125);
        assert_eq!(f32::from_bits(expand_imm(0x3f, false) as u32), 31.0);
    }
}
