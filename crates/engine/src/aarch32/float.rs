//! Lowering of floating point: VFP, scalars of S and D registers.
//!
//! Results are those of FPSCR's controls. Vectors of VFP (FPSCR.Len) are not there: the field is zero, as CPUs with
//! AdvSIMD have it.

use armlet_arm::a64::fields::{bit, bits};
use armlet_arm::aarch32::simd::VfpOp as Insn;
use armlet_arm::aarch32::simd::fields::{dd, dm, dn, expand_float, is_double, rn, rt, scalar, sd, sm, sn};

use super::lanes::Part;
use super::{ALWAYS, Flow, Lowering, slot};
use crate::uop::float::*;
use crate::uop::{FPNZCV, FloatOp, Op, SINK, Slot, SystemOp, Uop, VectorOp, ZERO};

/// Writable bits of FPSCR: QC and the cumulative exceptions, AHP, DN, FZ and RMode; and the flags.
const FPSR: i64 = 0x0800_009f;
const FPCR: i64 = 0x07c0_0000;
const NZCV: i64 = 0xf000_0000;
/// FPSCR among the floating-point system registers.
const FPSCR: u32 = 1;

/// Vd, Vn and Vm of an instruction on singles or doubles.
fn d(w: u32) -> Part {
    if is_double(w) { Part::d(dd(w)) } else { Part::s(sd(w)) }
}

fn n(w: u32) -> Part {
    if is_double(w) { Part::d(dn(w)) } else { Part::s(sn(w)) }
}

fn m(w: u32) -> Part {
    if is_double(w) { Part::d(dm(w)) } else { Part::s(sm(w)) }
}

/// Flags of a scalar op in the instruction's format.
fn format(w: u32) -> u8 {
    SCALAR | if is_double(w) { DOUBLE } else { SINGLE }
}

impl Lowering<'_> {
    pub(super) fn vfp(&mut self, op: Insn, w: u32) -> Flow {
        if matches!(op, Insn::Vmrs | Insn::Vmsr) {
            return self.vfp_register(op, w);
        }
        self.check_fp(w);
        match op {
            Insn::Vadd => self.vfp_binary(FloatOp::Add, w),
            Insn::Vsub => self.vfp_binary(FloatOp::Sub, w),
            Insn::Vmul => self.vfp_binary(FloatOp::Mul, w),
            Insn::Vnmul => self.vfp_binary(FloatOp::NegMul, w),
            Insn::Vdiv => self.vfp_binary(FloatOp::Div, w),
            Insn::Vmaxnm => self.vfp_binary(FloatOp::MaxNum, w),
            Insn::Vminnm => self.vfp_binary(FloatOp::MinNum, w),
            // The product is rounded.
            Insn::Vmla => self.vfp_chained(FloatOp::Mul, false, w),
            Insn::Vmls => self.vfp_chained(FloatOp::NegMul, false, w),
            Insn::Vnmla => self.vfp_chained(FloatOp::NegMul, true, w),
            Insn::Vnmls => self.vfp_chained(FloatOp::Mul, true, w),
            Insn::Vfma => self.vfp_fused(FloatOp::MulAdd, w),
            Insn::Vfms => self.vfp_fused(FloatOp::MulSub, w),
            Insn::Vfnma => self.vfp_fused(FloatOp::NegMulAdd, w),
            Insn::Vfnms => self.vfp_fused(FloatOp::NegMulSub, w),
            Insn::Vsel => {
                // EQ, VS, GE, GT.
                let c = [0, 6, 10, 12][bits(w, 21, 20) as usize];
                let (a, b) = (self.part(n(w)), self.part(m(w)));
                self.scalar(FloatOp::Select, format(w), d(w), Uop { a, b, c, ..Uop::new(Op::Undefined) });
            }

            Insn::Vabs => self.vfp_unary(FloatOp::Abs, 0, w),
            Insn::Vneg => self.vfp_unary(FloatOp::Neg, 0, w),
            Insn::Vsqrt => self.vfp_unary(FloatOp::Sqrt, 0, w),
            Insn::Vrintr => self.vfp_unary(FloatOp::RoundInt, CURRENT, w),
            Insn::Vrintz => self.vfp_unary(FloatOp::RoundInt, TO_ZERO, w),
            Insn::Vrintx => self.vfp_unary(FloatOp::RoundInt, CURRENT | EXACT, w),
            Insn::Vrinta => self.vfp_unary(FloatOp::RoundInt, TIES_AWAY, w),
            Insn::Vrintn => self.vfp_unary(FloatOp::RoundInt, NEAREST, w),
            Insn::Vrintp => self.vfp_unary(FloatOp::RoundInt, PLUS_INF, w),
            Insn::Vrintm => self.vfp_unary(FloatOp::RoundInt, MINUS_INF, w),
            Insn::VmovImm => self.vfp_imm(w),
            Insn::Vmov => self.put_element(d(w), m(w).slot, m(w).index),

            Insn::Vcmp => self.vfp_compare(0, 0, w),
            Insn::Vcmpe => self.vfp_compare(0, SIGNALLING, w),
            Insn::VcmpZero => self.vfp_compare(ZERO_B, 0, w),
            Insn::VcmpeZero => self.vfp_compare(ZERO_B, SIGNALLING, w),

            _ => return self.vfp_convert(op, w),
        }
        Flow::Next
    }

    /// Appends a scalar op, whose result goes to a part.
    fn scalar(&mut self, op: FloatOp, flags: u8, to: Part, uop: Uop) {
        let dst = self.vtemp();
        self.emit(Uop { op: Op::Float(op), flags, dst, ..uop });
        self.put(to, dst);
    }

    fn vfp_binary(&mut self, op: FloatOp, w: u32) {
        let (a, b) = (self.part(n(w)), self.part(m(w)));
        self.scalar(op, format(w), d(w), Uop { a, b, ..Uop::new(Op::Undefined) });
    }

    fn vfp_unary(&mut self, op: FloatOp, imm: i64, w: u32) {
        let a = self.part(m(w));
        self.scalar(op, format(w), d(w), Uop { a, imm, ..Uop::new(Op::Undefined) });
    }

    /// `d = +-d + product`.
    fn vfp_chained(&mut self, product: FloatOp, negate: bool, w: u32) {
        let (a, b) = (self.part(n(w)), self.part(m(w)));
        let factor = self.vtemp();
        let flags = format(w);
        self.emit(Uop { op: Op::Float(product), flags, dst: factor, a, b, ..Uop::new(Op::Undefined) });
        let mut addend = self.part(d(w));
        if negate {
            let dst = self.vtemp();
            self.emit(Uop { flags, dst, a: addend, ..Uop::new(Op::Float(FloatOp::Neg)) });
            addend = dst;
        }
        let uop = Uop { a: addend, b: factor, ..Uop::new(Op::Undefined) };
        self.scalar(FloatOp::Add, flags, d(w), uop);
    }

    fn vfp_fused(&mut self, op: FloatOp, w: u32) {
        let (a, b, c) = (self.part(n(w)), self.part(m(w)), self.part(d(w)));
        self.scalar(op, format(w), d(w), Uop { a, b, c, ..Uop::new(Op::Undefined) });
    }

    fn vfp_imm(&mut self, w: u32) {
        let imm8 = bits(w, 19, 16) << 4 | bits(w, 3, 0);
        let imm = expand_float(imm8, is_double(w)) as i64;
        let dst = self.vtemp();
        self.vector(VectorOp::MovI, DOUBLE, Uop { dst, imm, ..Uop::new(Op::Undefined) });
        self.put(d(w), dst);
    }

    /// VCMP: to FPSCR's flags alone.
    fn vfp_compare(&mut self, flags: u8, signalling: i64, w: u32) {
        let a = self.part(d(w));
        let b = if flags & ZERO_B != 0 { a } else { self.part(m(w)) };
        let op = Op::Float(FloatOp::CompareTo);
        self.emit(Uop { dst: FPNZCV, a, b, flags: format(w) | flags, imm: signalling, ..Uop::new(op) });
        if !self.is_guarded(w) {
            self.compared = self.uops.len();
        }
    }

    /// VMRS and VMSR.
    fn vfp_register(&mut self, op: Insn, w: u32) -> Flow {
        let (reg, t) = (bits(w, 19, 16), rt(w));
        if reg != FPSCR {
            return self.vfp_other_register(op == Insn::Vmrs, reg.into(), t);
        }
        self.check_fp(w);
        if op == Insn::Vmsr {
            self.write_fpscr(slot(t));
            return Flow::Leave;
        }
        match t {
            15 => self.take_flags(w),
            _ => self.read_fpscr(slot(t)),
        }
        Flow::Next
    }

    /// Registers that EL1 alone has, whether floating point is on or not.
    fn vfp_other_register(&mut self, read: bool, imm: i64, t: u8) -> Flow {
        if !self.privileged() {
            return self.undefined();
        }
        let (op, dst, a, flow) = match read {
            true => (SystemOp::ReadVfp, slot(t), ZERO, Flow::Next),
            false => (SystemOp::WriteVfp, SINK, slot(t), Flow::Leave),
        };
        self.emit(Uop { dst, a, imm, c: self.size, b: self.itstate, ..Uop::new(Op::System(op)) });
        flow
    }

    fn read_fpscr(&mut self, dst: Slot) {
        let (control, status, both) = (self.temp(), self.temp(), self.temp());
        self.emit(Uop { dst: control, ..Uop::new(Op::System(SystemOp::ReadFpcr)) });
        self.emit(Uop { dst: status, ..Uop::new(Op::System(SystemOp::ReadFpsr)) });
        self.op3(Op::Orr32, both, control, status);
        self.op3(Op::Orr32, dst, both, FPNZCV);
    }

    fn write_fpscr(&mut self, from: Slot) {
        let (control, status) = (self.temp(), self.temp());
        self.op_imm(Op::AndI, control, from, FPCR);
        self.op_imm(Op::AndI, status, from, FPSR);
        self.op_imm(Op::AndI, FPNZCV, from, NZCV);
        self.emit(Uop { a: status, ..Uop::new(Op::System(SystemOp::WriteFpsr)) });
        self.emit(Uop { a: control, ..Uop::new(Op::System(SystemOp::WriteFpcr)) });
    }

    /// VMRS APSR_nzcv. Right behind a comparison, that one sets these flags as well.
    fn take_flags(&mut self, w: u32) {
        let behind = self.compared != 0 && self.compared == self.uops.len() && !self.is_guarded(w);
        match self.uops.last_mut() {
            Some(last) if behind => last.op = Op::Float(FloatOp::Compare),
            _ => self.emit(Uop { a: FPNZCV, ..Uop::new(Op::System(SystemOp::WriteNzcv)) }),
        }
    }

    /// True if the instruction has a condition.
    pub(super) fn is_guarded(&self, w: u32) -> bool {
        self.itstate != 0 || self.condition_of(w) < ALWAYS
    }
}

// Conversions and moves.
impl Lowering<'_> {
    fn vfp_convert(&mut self, op: Insn, w: u32) -> Flow {
        match op {
            Insn::VcvtFormat => {
                let (op, to) = match is_double(w) {
                    true => (FloatOp::ToSingle, Part::s(sd(w))),
                    false => (FloatOp::ToDouble, Part::d(dd(w))),
                };
                let a = self.part(m(w));
                self.scalar(op, format(w), to, Uop { a, ..Uop::new(Op::Undefined) });
            }
            Insn::VcvtFromHalf => {
                let a = self.part(Part::half(sm(w), bit(w, 7)));
                let op = if is_double(w) { FloatOp::ToDouble } else { FloatOp::ToSingle };
                self.scalar(op, SCALAR | HALF, d(w), Uop { a, ..Uop::new(Op::Undefined) });
            }
            Insn::VcvtToHalf => {
                let a = self.part(m(w));
                let to = Part::half(sd(w), bit(w, 7));
                self.scalar(FloatOp::ToHalf, format(w), to, Uop { a, ..Uop::new(Op::Undefined) });
            }
            Insn::VcvtFromInt => self.vfp_from_int(bit(w, 7), w),
            Insn::VcvtToInt => self.vfp_to_int(bit(w, 16), TO_ZERO, w),
            Insn::Vcvtr => self.vfp_to_int(bit(w, 16), CURRENT, w),
            Insn::Vcvta => self.vfp_to_int(bit(w, 7), TIES_AWAY, w),
            Insn::Vcvtn => self.vfp_to_int(bit(w, 7), NEAREST, w),
            Insn::Vcvtp => self.vfp_to_int(bit(w, 7), PLUS_INF, w),
            Insn::Vcvtm => self.vfp_to_int(bit(w, 7), MINUS_INF, w),
            Insn::VcvtFromFixed => self.vfp_from_fixed(w),
            Insn::VcvtToFixed => self.vfp_to_fixed(w),
            Insn::Vjcvt => self.vfp_javascript(w),
            _ => return self.vfp_move(op, w),
        }
        Flow::Next
    }

    /// From a word in an S register.
    fn vfp_from_int(&mut self, signed: bool, w: u32) {
        let op = match (is_double(w), signed) {
            (true, true) => FloatOp::SignedToDouble,
            (true, false) => FloatOp::UnsignedToDouble,
            (false, true) => FloatOp::FromSigned,
            (false, false) => FloatOp::FromUnsigned,
        };
        let a = self.part(Part::s(sm(w)));
        self.scalar(op, format(w), d(w), Uop { a, ..Uop::new(Op::Undefined) });
    }

    /// To a word in an S register.
    fn vfp_to_int(&mut self, signed: bool, imm: i64, w: u32) {
        let op = match (is_double(w), signed) {
            (true, true) => FloatOp::DoubleToSigned,
            (true, false) => FloatOp::DoubleToUnsigned,
            (false, true) => FloatOp::ToSigned,
            (false, false) => FloatOp::ToUnsigned,
        };
        let a = self.part(m(w));
        self.scalar(op, format(w), Part::s(sd(w)), Uop { a, imm, ..Uop::new(Op::Undefined) });
    }

    /// From fixed point of 16 or 32 bits in the low end of the register.
    fn vfp_from_fixed(&mut self, w: u32) {
        let (unsigned, size) = (bit(w, 16), if bit(w, 7) { 2 } else { 1 });
        let value = self.temp();
        let low = d(w).index << (d(w).size - size);
        let get = if unsigned { VectorOp::Umov } else { VectorOp::Smov };
        let uop = Uop { dst: value, a: d(w).slot, imm: low.into(), ..Uop::new(Op::Undefined) };
        // A signed word is one for the conversion as it is.
        self.vector(if size == 2 { VectorOp::Umov } else { get }, size, uop);
        let op = if unsigned { FloatOp::FromUnsigned32 } else { FloatOp::FromSigned32 };
        // To nearest whatever FPSCR says; none of the other controls matters.
        let uop = Uop { a: value, imm: fraction(w) << FBITS_SHIFT, ..Uop::new(Op::Undefined) };
        self.scalar(op, format(w) | STANDARD, d(w), uop);
    }

    /// To fixed point of 16 or 32 bits, extended to the register.
    fn vfp_to_fixed(&mut self, w: u32) {
        let (unsigned, short) = (bit(w, 16), !bit(w, 7));
        let (a, value) = (self.part(d(w)), self.temp());
        let op = if unsigned { FloatOp::ToUnsigned32 } else { FloatOp::ToSigned32 };
        let imm = TO_ZERO | fraction(w) << FBITS_SHIFT | if short { TO16 } else { 0 };
        self.emit(Uop { dst: value, a, flags: format(w), imm, ..Uop::new(Op::Float(op)) });
        if unsigned {
            return self.put_general(d(w), value);
        }
        let (wide, shift) = (self.temp(), if short { 48 } else { 32 });
        self.emit(Uop { dst: wide, a: value, c: shift, flags: shift, ..Uop::new(Op::Sbf64) });
        self.put_general(d(w), wide);
    }

    /// VJCVT: its flags go to FPSCR.
    fn vfp_javascript(&mut self, w: u32) {
        let (a, value, flags) = (self.part(m(w)), self.temp(), self.temp());
        self.emit(Uop { dst: flags, ..Uop::new(Op::System(SystemOp::ReadNzcv)) });
        let op = Op::Float(FloatOp::ToInt32Js);
        self.emit(Uop { dst: value, a, flags: SCALAR | DOUBLE, ..Uop::new(op) });
        self.emit(Uop { dst: FPNZCV, ..Uop::new(Op::System(SystemOp::ReadNzcv)) });
        self.emit(Uop { a: flags, ..Uop::new(Op::System(SystemOp::WriteNzcv)) });
        self.put_general(Part::s(sd(w)), value);
    }

    fn vfp_move(&mut self, op: Insn, w: u32) -> Flow {
        let to_core = bit(w, 20);
        match op {
            // By way of a temporary, for what uses it need not wait for the registers next to it then.
            Insn::VmovFromCore => {
                let uop = Uop { a: slot(rt(w)), ..Uop::new(Op::Undefined) };
                self.scalar(FloatOp::MoveFromGeneral, SCALAR | SINGLE, Part::s(sn(w)), uop);
            }
            Insn::VmovToCore => self.part_to_general(slot(rt(w)), Part::s(sn(w))),
            Insn::VmovTwoSingles | Insn::VmovDouble => {
                let first = if op == Insn::VmovDouble { 2 * dm(w) } else { sm(w) };
                for (n, t) in [(0, rt(w)), (1, rn(w))] {
                    // S32 to S63 are D16 to D31 by words.
                    let part = Part { slot: (first + n) / 4, size: 2, index: (first + n) % 4 };
                    match to_core {
                        true => self.part_to_general(slot(t), part),
                        false => self.put_general(part, slot(t)),
                    }
                }
            }
            Insn::VmovToScalar | Insn::VmovFromScalar => {
                let Some((size, index)) = scalar(w) else { return self.undefined() };
                let part = Part::element(dn(w), size, index);
                match op {
                    Insn::VmovToScalar => self.put_general(part, slot(rt(w))),
                    _ if bit(w, 23) || size == 2 => self.part_to_general(slot(rt(w)), part),
                    _ => {
                        let (dst, imm) = (slot(rt(w)), part.index.into());
                        let uop = Uop { dst, a: part.slot, imm, ..Uop::new(Op::Undefined) };
                        self.vector(VectorOp::Smov, size, uop);
                    }
                }
            }
            Insn::VdupCore => {
                // B and E: words, halfwords, bytes.
                let size = 2 - (bits(w, 22, 22) << 1 | bits(w, 5, 5)) as u8;
                let uop = Uop { a: slot(rt(w)), ..Uop::new(Op::Undefined) };
                self.neon_result(VectorOp::DupGeneral, size, dn(w), bit(w, 21), uop);
            }
            _ => return self.undefined(),
        }
        Flow::Next
    }
}

/// Fraction bits of a conversion with fixed point.
fn fraction(w: u32) -> i64 {
    let width = if bit(w, 7) { 32 } else { 16 };
    i64::from(width - (bits(w, 3, 0) << 1 | bits(w, 5, 5)))
}
