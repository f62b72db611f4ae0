//! Lowering of conversions: between formats, and with integers and fixed point.

use armlet_arm::a64::FloatOp as Insn;
use armlet_arm::a64::fields::{bit, bits, rd, rn};

use super::lanes;
use crate::a64::{Flow, Lowering};
use crate::uop::float::{
    DOUBLE, FBITS_SHIFT, HALF, MINUS_INF, NEAREST, PLUS_INF, SCALAR, SINGLE, SIZE, TIES_AWAY, TO_ZERO,
};
use crate::uop::{FloatOp, Op, Uop};

impl Lowering<'_> {
    /// The instructions that [`Lowering::float`] leaves.
    pub(super) fn float_convert(&mut self, insn: Insn, w: u32) -> Flow {
        match insn {
            Insn::Fcvt => self.fcvt(w),
            Insn::Fcvtl => {
                let size = if bit(w, 22) { SINGLE } else { HALF };
                self.float_half(FloatOp::Lengthen, w, size);
            }
            Insn::Fcvtn => {
                let size = if bit(w, 22) { DOUBLE } else { SINGLE };
                self.float_half(FloatOp::Narrow, w, size);
            }
            Insn::Fcvtxn if bit(w, 28) => self.float_unary(FloatOp::NarrowOdd, w, 0),
            Insn::Fcvtxn => self.float_half(FloatOp::NarrowOdd, w, DOUBLE),

            Insn::Fcvtns => self.float_unary(FloatOp::ToSigned, w, NEAREST),
            Insn::Fcvtnu => self.float_unary(FloatOp::ToUnsigned, w, NEAREST),
            Insn::Fcvtps => self.float_unary(FloatOp::ToSigned, w, PLUS_INF),
            Insn::Fcvtpu => self.float_unary(FloatOp::ToUnsigned, w, PLUS_INF),
            Insn::Fcvtms => self.float_unary(FloatOp::ToSigned, w, MINUS_INF),
            Insn::Fcvtmu => self.float_unary(FloatOp::ToUnsigned, w, MINUS_INF),
            Insn::Fcvtzs => self.float_unary(FloatOp::ToSigned, w, TO_ZERO),
            Insn::Fcvtzu => self.float_unary(FloatOp::ToUnsigned, w, TO_ZERO),
            Insn::Fcvtas => self.float_unary(FloatOp::ToSigned, w, TIES_AWAY),
            Insn::Fcvtau => self.float_unary(FloatOp::ToUnsigned, w, TIES_AWAY),
            Insn::Scvtf => self.float_unary(FloatOp::FromSigned, w, 0),
            Insn::Ucvtf => self.float_unary(FloatOp::FromUnsigned, w, 0),
            Insn::FcvtzsFixed => self.float_fixed(FloatOp::ToSigned, w, TO_ZERO),
            Insn::FcvtzuFixed => self.float_fixed(FloatOp::ToUnsigned, w, TO_ZERO),
            Insn::ScvtfFixed => self.float_fixed(FloatOp::FromSigned, w, 0),
            Insn::UcvtfFixed => self.float_fixed(FloatOp::FromUnsigned, w, 0),

            Insn::FcvtnsX => self.float_to_general(to_signed(w), w, NEAREST),
            Insn::FcvtnuX => self.float_to_general(to_unsigned(w), w, NEAREST),
            Insn::FcvtpsX => self.float_to_general(to_signed(w), w, PLUS_INF),
            Insn::FcvtpuX => self.float_to_general(to_unsigned(w), w, PLUS_INF),
            Insn::FcvtmsX => self.float_to_general(to_signed(w), w, MINUS_INF),
            Insn::FcvtmuX => self.float_to_general(to_unsigned(w), w, MINUS_INF),
            Insn::FcvtzsX => self.float_to_general(to_signed(w), w, TO_ZERO),
            Insn::FcvtzuX => self.float_to_general(to_unsigned(w), w, TO_ZERO),
            Insn::FcvtasX => self.float_to_general(to_signed(w), w, TIES_AWAY),
            Insn::FcvtauX => self.float_to_general(to_unsigned(w), w, TIES_AWAY),
            Insn::ScvtfX => self.float_from_general(from_signed(w), w, 0),
            Insn::UcvtfX => self.float_from_general(from_unsigned(w), w, 0),
            Insn::FcvtzsFixedX => self.float_to_general(to_signed(w), w, TO_ZERO | scale(w)),
            Insn::FcvtzuFixedX => self.float_to_general(to_unsigned(w), w, TO_ZERO | scale(w)),
            Insn::ScvtfFixedX => self.float_from_general(from_signed(w), w, scale(w)),
            Insn::UcvtfFixedX => self.float_from_general(from_unsigned(w), w, scale(w)),
            Insn::Fjcvtzs => self.float_to_general(FloatOp::ToInt32Js, w, 0),
            // All others have been lowered by now.
            _ => return self.undefined(),
        }
        Flow::Next
    }

    /// FCVT: ftype is the source, opc the destination; both 0 single, 1 double, 3 half.
    fn fcvt(&mut self, w: u32) {
        let source = match bits(w, 23, 22) {
            0 => SINGLE,
            1 => DOUBLE,
            _ => HALF,
        };
        let op = match bits(w, 16, 15) {
            0 => FloatOp::ToSingle,
            1 => FloatOp::ToDouble,
            _ => FloatOp::ToHalf,
        };
        let u = self.float_uop(op, w);
        self.emit(Uop { flags: source | SCALAR, ..u });
    }

    /// A conversion that reads or writes one half of a vector, which Q chooses.
    fn float_half(&mut self, op: FloatOp, w: u32, size: u8) {
        let imm = i64::from(bit(w, 30));
        self.emit(Uop { dst: rd(w), a: rn(w), flags: size, imm, ..Uop::new(Op::Float(op)) });
    }

    /// A conversion with fixed point in vector registers. immh:immb is twice the size minus the fraction bits.
    fn float_fixed(&mut self, op: FloatOp, w: u32, rounding: i64) {
        let u = self.float_uop(op, w);
        let (immhb, bits_of_lane) = (i64::from(bits(w, 22, 16)), 8i64 << (lanes(w) & SIZE));
        self.emit(Uop { imm: rounding | (2 * bits_of_lane - immhb) << FBITS_SHIFT, ..u });
    }
}

/// Fraction bits by the field `scale`.
fn scale(w: u32) -> i64 {
    i64::from(64 - bits(w, 15, 10)) << FBITS_SHIFT
}

fn to_signed(w: u32) -> FloatOp {
    if bit(w, 31) { FloatOp::ToSigned64 } else { FloatOp::ToSigned32 }
}

fn to_unsigned(w: u32) -> FloatOp {
    if bit(w, 31) { FloatOp::ToUnsigned64 } else { FloatOp::ToUnsigned32 }
}

fn from_signed(w: u32) -> FloatOp {
    if bit(w, 31) { FloatOp::FromSigned64 } else { FloatOp::FromSigned32 }
}

fn from_unsigned(w: u32) -> FloatOp {
    if bit(w, 31) { FloatOp::FromUnsigned64 } else { FloatOp::FromUnsigned32 }
}
