//! Lowering of AdvSIMD data processing but floating point.

use armlet_arm::a64::SimdOp;
use armlet_arm::a64::fields::{bit, bits, ra, rd, rm, rn};

use super::{Flow, Lowering, x, xd};
use crate::block::Mode;
use crate::uop::{FloatOp, Op, Slot, Uop, VectorOp};

const Q: u8 = VectorOp::Q;
const HIGH: u8 = VectorOp::HIGH;

/// How the operands of an instruction lie in its word.
enum Form {
    /// `Vd = Vn op Vm`, or with Vd as third operand.
    Same,
    /// As `Same`, with one element of Vm.
    SameElem,
    /// Narrow Vn and Vm, or Vm alone.
    Long,
    /// As `Long`, with one element of Vm.
    LongElem,
    /// Vn and Vm to narrow elements of Vd.
    Narrow,
    /// `Vd = op Vn`, or with Vd as second operand.
    Two,
    /// Vn to narrow elements of Vd, shifted by nothing.
    Extract,
    /// Shift right by immediate.
    Right,
    /// Shift left by immediate.
    Left,
    /// Shift right by immediate, to narrow elements.
    RightNarrow,
    /// Shift left by immediate, from narrow elements.
    LeftLong,
    /// 128 bits of Vn, Vm and Vd, as they are.
    Full,
}

macro_rules! forms {
    ($($form:ident: $($insn:ident $(=> $op:ident)?),*;)*) => {
        /// The form of an instruction and the op it comes to; `None` for those with a way of their own.
        fn form(op: SimdOp) -> Option<(Form, VectorOp)> {
            Some(match op {
                $($(SimdOp::$insn => (Form::$form, forms!(@op $insn $($op)?)),)*)*
                _ => return None,
            })
        }
    };
    (@op $insn:ident) => { VectorOp::$insn };
    (@op $insn:ident $op:ident) => { VectorOp::$op };
}

forms! {
    Same: Shadd, Uhadd, Sqadd, Uqadd, Srhadd, Urhadd, Shsub, Uhsub, Sqsub, Uqsub, And, Bic, Orn, Eor,
        Cmgt, Cmhi, Cmge, Cmhs, Cmtst, Cmeq, Sshl, Ushl, Sqshl, Uqshl, Srshl, Urshl, Sqrshl, Uqrshl,
        Smax, Umax, Smin, Umin, Sabd, Uabd, Saba, Uaba, Add, Sub, Mla, Mls, Mul, Pmul,
        Smaxp, Umaxp, Sminp, Uminp, Sqdmulh, Sqrdmulh, Addp, Sqrdmlah, Sqrdmlsh, Sdot, Udot,
        Zip1, Zip2, Uzp1, Uzp2, Trn1, Trn2;
    SameElem: MulElem => Mul, MlaElem => Mla, MlsElem => Mls, SqdmulhElem => Sqdmulh,
        SqrdmulhElem => Sqrdmulh, SqrdmlahElem => Sqrdmlah, SqrdmlshElem => Sqrdmlsh,
        SdotElem => Sdot, UdotElem => Udot;
    Long: Saddl, Uaddl, Saddw, Uaddw, Ssubl, Usubl, Ssubw, Usubw, Sabal, Uabal, Sabdl, Uabdl,
        Smlal, Umlal, Smlsl, Umlsl, Smull, Umull, Sqdmlal, Sqdmlsl, Sqdmull, Pmull;
    LongElem: SmlalElem => Smlal, UmlalElem => Umlal, SmlslElem => Smlsl, UmlslElem => Umlsl,
        SmullElem => Smull, UmullElem => Umull, SqdmlalElem => Sqdmlal, SqdmlslElem => Sqdmlsl,
        SqdmullElem => Sqdmull;
    Narrow: Addhn, Raddhn, Subhn, Rsubhn;
    Two: Rev64, Rev32, Rev16, Saddlp, Uaddlp, Sadalp, Uadalp, Suqadd, Usqadd, Cls, Clz, Cnt, Not,
        Sqabs, Sqneg, Abs, Neg, Cmgt0, Cmge0, Cmeq0, Cmle0, Cmlt0,
        Saddlv, Uaddlv, Smaxv, Umaxv, Sminv, Uminv, Addv;
    Extract: Xtn => Shrn, Sqxtn => Sqshrn, Uqxtn => Uqshrn, Sqxtun => Sqshrun;
    Right: Sshr, Ushr, Ssra, Usra, Srshr, Urshr, Srsra, Ursra, Sri;
    Left: Shl, Sli, Sqshlu, SqshlImm => SqshlI, UqshlImm => UqshlI;
    RightNarrow: Shrn, Rshrn, Sqshrn, Uqshrn, Sqrshrn, Uqrshrn, Sqshrun, Sqrshrun;
    LeftLong: Sshll, Ushll;
    Full: Aese, Aesd, Aesmc, Aesimc, Sha1c, Sha1p, Sha1m, Sha1su0, Sha1h, Sha1su1,
        Sha256h, Sha256h2, Sha256su0, Sha256su1, Sha512h, Sha512h2, Sha512su0, Sha512su1, Rax1;
}

impl Lowering<'_> {
    pub(super) fn simd(&mut self, op: SimdOp, w: u32) -> Flow {
        if self.fp_trapped() {
            return Flow::End;
        }
        match form(op) {
            Some((form, op)) => self.vector_form(form, op, w),
            None => self.vector_special(op, w),
        }
        Flow::Next
    }

    /// If FP instructions trap in this mode, emits the trap.
    pub(super) fn fp_trapped(&mut self) -> bool {
        let trapped = self.mode.has(Mode::FP_TRAP);
        if trapped {
            self.emit(Uop::new(Op::Float(FloatOp::Trapped)));
        }
        trapped
    }

    /// Appends a vector uop on Vd, Vn and Vm, changed by what comes first.
    fn vector(&mut self, op: VectorOp, flags: u8, uop: Uop) {
        self.emit(Uop { op: Op::Vector(op), flags, ..uop });
    }

    /// A temporary with element `index` of `a`, all other bits zero.
    fn pick(&mut self, a: Slot, size: u8, index: i64) -> Slot {
        let dst = self.vtemp();
        self.vector(VectorOp::Pick, size, Uop { a, imm: index, dst, ..Uop::new(Op::Undefined) });
        dst
    }

    fn vector_form(&mut self, form: Form, op: VectorOp, w: u32) {
        // In a scalar instruction bit 30 is set but Q is not meant.
        let scalar = bit(w, 28);
        let upper = bit(w, 30) && !scalar;
        let q = if upper { Q } else { 0 };
        let high = if upper { HIGH } else { 0 };
        let size = bits(w, 23, 22) as u8;
        let mut u = operands(w);
        match form {
            Form::Same | Form::SameElem => {
                if let Form::SameElem = form {
                    u.b = self.element(w);
                }
                if scalar && size < 3 {
                    (u.a, u.b, u.c) =
                        (self.pick(u.a, size, 0), self.pick(u.b, size, 0), self.pick(u.c, size, 0));
                }
                self.vector(op, size | q, u);
            }
            Form::Long | Form::LongElem => {
                if let Form::LongElem = form {
                    u.b = self.element(w);
                }
                if scalar {
                    u.c = self.pick(u.c, size + 1, 0);
                    (u.a, u.b) = (self.pick(u.a, size, 0), self.pick(u.b, size, 0));
                }
                self.vector(op, size | Q | high, u);
            }
            Form::Narrow => self.vector(op, size | q | high, u),
            Form::Two => {
                if scalar && size < 3 {
                    (u.a, u.c) = (self.pick(u.a, size, 0), self.pick(u.c, size, 0));
                }
                self.vector(op, size | q, u);
            }
            Form::Extract => {
                if scalar {
                    u.a = self.pick(u.a, size + 1, 0);
                }
                self.vector(op, size | q | high, u);
            }
            Form::Right | Form::Left => {
                let size = immh_size(w);
                if scalar && size < 3 {
                    u.a = self.pick(u.a, size, 0);
                }
                u.imm = if let Form::Right = form { right(w) } else { left(w) };
                self.vector(op, size | q, u);
            }
            Form::RightNarrow => {
                let size = immh_size(w);
                if scalar {
                    u.a = self.pick(u.a, size + 1, 0);
                }
                u.imm = right(w);
                self.vector(op, size | q | high, u);
            }
            Form::LeftLong => {
                u.imm = left(w);
                self.vector(op, immh_size(w) | Q | high, u);
            }
            Form::Full => self.vector(op, Q, u),
        }
    }

    /// A temporary full of the element of Vm that a by-element instruction names.
    fn element(&mut self, w: u32) -> Slot {
        let size = bits(w, 23, 22) as u8;
        let (h, l, m) = (bits(w, 11, 11), bits(w, 21, 21), bits(w, 20, 20));
        // An index of halfwords takes a bit from the register number.
        let (a, index) = match size {
            1 => (bits(w, 19, 16), h << 2 | l << 1 | m),
            _ => (bits(w, 20, 16), h << 1 | l),
        };
        let dst = self.vtemp();
        let uop = Uop { dst, a: a as u8, imm: index.into(), ..Uop::new(Op::Undefined) };
        self.vector(VectorOp::Dup, size | Q, uop);
        dst
    }

    fn vector_special(&mut self, op: SimdOp, w: u32) {
        let q = if bit(w, 30) { Q } else { 0 };
        let u = operands(w);
        let (d, n, m) = (rd(w), rn(w), rm(w));
        // Copies: the lowest bit set of imm5 gives the size, the bits above it an index.
        let imm5 = bits(w, 20, 16);
        let imm5_size = imm5.trailing_zeros().min(3) as u8;
        let index = i64::from(imm5 >> (imm5_size + 1));
        match op {
            SimdOp::Orr if n == m => self.vector(VectorOp::Mov, q, u),
            SimdOp::Orr => self.vector(VectorOp::Orr, q, u),
            SimdOp::Bsl => self.vector(VectorOp::Bsl, q, Uop { a: d, b: n, c: m, ..u }),
            SimdOp::Bit => self.vector(VectorOp::Bsl, q, Uop { a: m, b: n, c: d, ..u }),
            SimdOp::Bif => self.vector(VectorOp::Bsl, q, Uop { a: m, b: d, c: n, ..u }),
            SimdOp::Rbit => self.vector(VectorOp::Rbit, q, u),
            SimdOp::AddpScalar => self.vector(VectorOp::Addv, 3 | Q, u),
            SimdOp::Shll => {
                let size = bits(w, 23, 22) as u8;
                let high = if bit(w, 30) { HIGH } else { 0 };
                self.vector(VectorOp::Ushll, size | Q | high, Uop { imm: 8 << size, ..u });
            }

            SimdOp::DupElem if bit(w, 28) => self.vector(VectorOp::Pick, imm5_size, Uop { imm: index, ..u }),
            SimdOp::DupElem => self.vector(VectorOp::Dup, imm5_size | q, Uop { imm: index, ..u }),
            SimdOp::DupGeneral => self.vector(VectorOp::DupGeneral, imm5_size | q, Uop { a: x(n), ..u }),
            SimdOp::InsGeneral => {
                self.vector(VectorOp::InsGeneral, imm5_size | Q, Uop { a: x(n), imm: index, ..u });
            }
            SimdOp::InsElem => {
                let from = i64::from(bits(w, 14, 11) >> imm5_size);
                self.vector(VectorOp::Ins, imm5_size | Q, Uop { imm: from << 4 | index, ..u });
            }
            SimdOp::Smov => self.vector(VectorOp::Smov, imm5_size | q, Uop { dst: xd(d), imm: index, ..u }),
            SimdOp::Umov => self.vector(VectorOp::Umov, imm5_size | q, Uop { dst: xd(d), imm: index, ..u }),

            SimdOp::Movi | SimdOp::FmovImm => {
                self.vector(VectorOp::MovI, q, Uop { imm: expand_imm(w) as i64, ..u });
            }
            SimdOp::Mvni => self.vector(VectorOp::MovI, q, Uop { imm: !expand_imm(w) as i64, ..u }),
            SimdOp::OrrImm => {
                self.vector(VectorOp::OrrI, q, Uop { a: d, imm: expand_imm(w) as i64, ..u });
            }
            SimdOp::BicImm => {
                self.vector(VectorOp::AndI, q, Uop { a: d, imm: !expand_imm(w) as i64, ..u });
            }

            SimdOp::Ext => self.vector(VectorOp::Ext, q, Uop { imm: bits(w, 14, 11).into(), ..u }),
            SimdOp::Tbl | SimdOp::Tbx => {
                let op = if op == SimdOp::Tbl { VectorOp::Tbl } else { VectorOp::Tbx };
                self.vector(op, q, Uop { imm: i64::from(bits(w, 14, 13)) + 1, ..u });
            }

            SimdOp::Eor3 => self.vector(VectorOp::Eor3, Q, Uop { c: ra(w), ..u }),
            SimdOp::Bcax => self.vector(VectorOp::Bcax, Q, Uop { c: ra(w), ..u }),
            SimdOp::Xar => self.vector(VectorOp::Xar, 3 | Q, Uop { imm: bits(w, 15, 10).into(), ..u }),
            _ => unreachable!("every other instruction has a form"),
        }
    }
}

/// A uop on Vd, Vn, Vm, with Vd as third operand; its op is yet to be said.
fn operands(w: u32) -> Uop {
    Uop { dst: rd(w), a: rn(w), b: rm(w), c: rd(w), ..Uop::new(Op::Undefined) }
}

/// log2 of the element size in bytes that immh, bits `[22:19]`, names by its highest bit set.
fn immh_size(w: u32) -> u8 {
    bits(w, 22, 19).checked_ilog2().unwrap_or(0) as u8
}

/// Shift amount to the right: twice the element size minus immh:immb.
fn right(w: u32) -> i64 {
    (16 << immh_size(w)) - i64::from(bits(w, 22, 16))
}

/// Shift amount to the left: immh:immb minus the element size.
fn left(w: u32) -> i64 {
    i64::from(bits(w, 22, 16)) - (8 << immh_size(w))
}

/// AdvSIMDExpandImm: the 64 bits that the modified immediate of `w` stands for, before MVNI and BIC invert them.
fn expand_imm(w: u32) -> u64 {
    let imm8 = u64::from(bits(w, 18, 16) << 5 | bits(w, 9, 5));
    let (op, cmode) = (bit(w, 29), bits(w, 15, 12));
    let by16 = |half: u64| half * 0x0001_0001_0001_0001;
    let by32 = |word: u64| word * 0x0000_0001_0000_0001;
    // A floating-point constant: sign, exponent whose upper bits repeat bit 6 but the first inverted, fraction.
    let float = |exponent: u32, fraction: u32| {
        let (sign, bit6, low) = (imm8 >> 7, imm8 >> 6 & 1, imm8 & 0x3f);
        let repeated = bit6 * ((1 << (exponent - 3)) - 1);
        ((sign << 1 | (bit6 ^ 1)) << (exponent - 3) | repeated) << (fraction + 2) | low << (fraction - 4)
    };
    match (cmode, op) {
        (0b0000..=0b0111, _) => by32(imm8 << (8 * (cmode >> 1))),
        (0b1000..=0b1011, _) => by16(imm8 << (8 * (cmode >> 1 & 1))),
        (0b1100, _) => by32(imm8 << 8 | 0xff),
        (0b1101, _) => by32(imm8 << 16 | 0xffff),
        (0b1110, false) => imm8 * 0x0101_0101_0101_0101,
        (0b1110, true) => (0..8).map(|n| (imm8 >> n & 1) * 0xff << (8 * n)).sum(),
        (_, false) => by32(float(8, 23)),
        (_, true) => float(11, 52),
    }
}
