//! Lowering of AdvSIMD data processing but floating point.
//!
//! Q registers are vector slots. A D register is the half of one: ops on 64 bits read the lower half of theirs, the
//! other one is picked first, and what they write is inserted.

use armlet_arm::a64::fields::{bit, bits};
use armlet_arm::aarch32::simd::NeonOp as Insn;
use armlet_arm::aarch32::simd::fields::{dd, dm, dn, expand_imm, is_q};

use super::lanes::Part;
use super::{Flow, Lowering};
use crate::uop::{Op, Slot, Uop, VectorOp};

const Q: u8 = VectorOp::Q;
const HIGH: u8 = VectorOp::HIGH;

/// How the operands of an instruction lie in its word.
enum Form {
    /// `Vd = Vn op Vm`, or with Vd as third operand.
    Same,
    /// `Vd = Vm op Vn`.
    Reversed,
    /// As `Same`, with an element of Vm; bit 24 says Q.
    SameElem,
    /// `Vd = op Vm`, or with Vd as third operand.
    Two,
    /// `Qd = Dn op Dm`, or with Qd as third operand.
    Long,
    /// As `Long`, with an element of Dm.
    LongElem,
    /// `Qd = Qn op Dm`.
    Wide,
    /// `Dd = Qn op Qm`.
    Narrow,
    /// Qm to narrow elements of Dd, shifted by nothing.
    Extract,
    /// Shift right of Vm by immediate.
    Right,
    /// Shift left of Vm by immediate.
    Left,
    /// Shift right by immediate, from Qm to Dd.
    RightNarrow,
    /// Shift left by immediate, from Dm to Qd.
    LeftLong,
    /// Qd, Qn and Qm as they are.
    Full,
    /// Qd and Qm as they are.
    FullTwo,
}

macro_rules! forms {
    ($($form:ident: $($insn:ident => $op:ident),*;)*) => {
        /// The form of an instruction and the op it comes to; `None` for those with a way of their own.
        fn form(op: Insn) -> Option<(Form, VectorOp)> {
            Some(match op {
                $($(Insn::$insn => (Form::$form, VectorOp::$op),)*)*
                _ => return None,
            })
        }
    };
}

forms! {
    Same: VhaddS => Shadd, VhaddU => Uhadd, VqaddS => Sqadd, VqaddU => Uqadd, VrhaddS => Srhadd, VrhaddU => Urhadd,
        VhsubS => Shsub, VhsubU => Uhsub, VqsubS => Sqsub, VqsubU => Uqsub,
        Vand => And, Vbic => Bic, Vorn => Orn, Veor => Eor,
        VcgtS => Cmgt, VcgtU => Cmhi, VcgeS => Cmge, VcgeU => Cmhs, Vtst => Cmtst, Vceq => Cmeq,
        VmaxS => Smax, VmaxU => Umax, VminS => Smin, VminU => Umin,
        VabdS => Sabd, VabdU => Uabd, VabaS => Saba, VabaU => Uaba,
        Vadd => Add, Vsub => Sub, Vmla => Mla, Vmls => Mls, Vmul => Mul, VmulP => Pmul,
        VpmaxS => Smaxp, VpmaxU => Umaxp, VpminS => Sminp, VpminU => Uminp, Vpadd => Addp,
        Vqdmulh => Sqdmulh, Vqrdmulh => Sqrdmulh, Vqrdmlah => Sqrdmlah, Vqrdmlsh => Sqrdmlsh,
        Vsdot => Sdot, Vudot => Udot;
    Reversed: VshlS => Sshl, VshlU => Ushl, VqshlS => Sqshl, VqshlU => Uqshl,
        VrshlS => Srshl, VrshlU => Urshl, VqrshlS => Sqrshl, VqrshlU => Uqrshl;
    SameElem: VmlaElem => Mla, VmlsElem => Mls, VmulElem => Mul, VqdmulhElem => Sqdmulh, VqrdmulhElem => Sqrdmulh,
        VqrdmlahElem => Sqrdmlah, VqrdmlshElem => Sqrdmlsh;
    Two: Vrev64 => Rev64, Vrev32 => Rev32, Vrev16 => Rev16, VpaddlS => Saddlp, VpaddlU => Uaddlp,
        VpadalS => Sadalp, VpadalU => Uadalp, Vcls => Cls, Vclz => Clz, Vcnt => Cnt, Vmvn => Not,
        Vqabs => Sqabs, Vqneg => Sqneg, Vabs => Abs, Vneg => Neg,
        VcgtZero => Cmgt0, VcgeZero => Cmge0, VceqZero => Cmeq0, VcleZero => Cmle0, VcltZero => Cmlt0;
    Long: VaddlS => Saddl, VaddlU => Uaddl, VsublS => Ssubl, VsublU => Usubl, VabalS => Sabal, VabalU => Uabal,
        VabdlS => Sabdl, VabdlU => Uabdl, VmlalS => Smlal, VmlalU => Umlal, VmlslS => Smlsl, VmlslU => Umlsl,
        VmullS => Smull, VmullU => Umull, Vqdmlal => Sqdmlal, Vqdmlsl => Sqdmlsl, Vqdmull => Sqdmull,
        VmullP => Pmull;
    LongElem: VmlalSElem => Smlal, VmlalUElem => Umlal, VmlslSElem => Smlsl, VmlslUElem => Umlsl,
        VmullSElem => Smull, VmullUElem => Umull,
        VqdmlalElem => Sqdmlal, VqdmlslElem => Sqdmlsl, VqdmullElem => Sqdmull;
    Wide: VaddwS => Saddw, VaddwU => Uaddw, VsubwS => Ssubw, VsubwU => Usubw;
    Narrow: Vaddhn => Addhn, Vraddhn => Raddhn, Vsubhn => Subhn, Vrsubhn => Rsubhn;
    Extract: Vmovn => Shrn, Vqmovun => Sqshrun, VqmovnS => Sqshrn, VqmovnU => Uqshrn;
    Right: VshrS => Sshr, VshrU => Ushr, VsraS => Ssra, VsraU => Usra, VrshrS => Srshr, VrshrU => Urshr,
        VrsraS => Srsra, VrsraU => Ursra, Vsri => Sri;
    Left: VshlImm => Shl, Vsli => Sli, Vqshlu => Sqshlu, VqshlImmS => SqshlI, VqshlImmU => UqshlI;
    RightNarrow: Vshrn => Shrn, Vrshrn => Rshrn, Vqshrun => Sqshrun, Vqrshrun => Sqrshrun,
        VqshrnS => Sqshrn, VqshrnU => Uqshrn, VqrshrnS => Sqrshrn, VqrshrnU => Uqrshrn;
    LeftLong: VshllS => Sshll, VshllU => Ushll;
    Full: Sha1c => Sha1c, Sha1p => Sha1p, Sha1m => Sha1m, Sha1su0 => Sha1su0,
        Sha256h => Sha256h, Sha256h2 => Sha256h2, Sha256su1 => Sha256su1;
    FullTwo: Aese => Aese, Aesd => Aesd, Aesmc => Aesmc, Aesimc => Aesimc,
        Sha1h => Sha1h, Sha1su1 => Sha1su1, Sha256su0 => Sha256su0;
}

/// Nothing but operands yet.
pub(super) const EMPTY: Uop = Uop::new(Op::Undefined);

/// Element size (log2 of bytes) in bits `[21:20]`.
fn size(w: u32) -> u8 {
    bits(w, 21, 20) as u8
}

/// The same in bits `[19:18]`.
fn size_of_two(w: u32) -> u8 {
    bits(w, 19, 18) as u8
}

/// Element size of a shift: where the leading one of L:imm6 is.
fn size_of_shift(w: u32) -> u8 {
    let field = bits(w, 7, 7) << 3 | bits(w, 21, 19);
    (31 - field.leading_zeros().min(31)) as u8
}

fn right(w: u32) -> i64 {
    (16i64 << size_of_shift(w)) - left_field(w)
}

fn left(w: u32) -> i64 {
    left_field(w) - (8i64 << size_of_shift(w))
}

fn left_field(w: u32) -> i64 {
    (bits(w, 7, 7) << 6 | bits(w, 21, 16)).into()
}

impl Lowering<'_> {
    pub(super) fn neon(&mut self, op: Insn, w: u32) -> Flow {
        self.check_fp(w);
        match form(op) {
            Some((form, op)) => self.neon_form(form, op, w),
            None if self.neon_float(op, w) => {}
            None => return self.neon_special(op, w),
        }
        Flow::Next
    }

    /// Appends an op that fills Vd.
    pub(super) fn neon_result(&mut self, op: VectorOp, flags: u8, d: u8, q: bool, uop: Uop) {
        if q {
            self.vector(op, flags | Q, Uop { dst: d / 2, ..uop });
            self.slot_written(d / 2);
        } else {
            let dst = self.vtemp();
            self.vector(op, flags, Uop { dst, ..uop });
            self.put(Part::d(d), dst);
        }
    }

    /// The slot with Vn, or its low end.
    pub(super) fn neon_operand(&mut self, n: u8, q: bool) -> Slot {
        if q { n / 2 } else { self.part(Part::d(n)) }
    }

    /// Vd, Vn and Vm as operands.
    pub(super) fn neon_operands(&mut self, w: u32, q: bool) -> Uop {
        let (a, b) = (self.neon_operand(dn(w), q), self.neon_operand(dm(w), q));
        Uop { a, b, c: dd(w) / 2, ..EMPTY }
    }

    fn neon_form(&mut self, form: Form, op: VectorOp, w: u32) {
        let q = is_q(w);
        match form {
            Form::Same => {
                let uop = self.neon_operands(w, q);
                let size = if matches!(op, VectorOp::Sdot | VectorOp::Udot) { 2 } else { size(w) };
                self.neon_same(op, size, q, w, uop);
            }
            Form::Reversed => {
                let uop = self.neon_operands(w, q);
                self.neon_same(op, size(w), q, w, Uop { a: uop.b, b: uop.a, ..uop });
            }
            Form::SameElem => {
                let (q, b) = (bit(w, 24), self.element(w));
                let a = self.neon_operand(dn(w), q);
                self.neon_same(op, size(w), q, w, Uop { a, b, ..EMPTY });
            }
            Form::Two => {
                let a = self.neon_operand(dm(w), q);
                self.neon_same(op, size_of_two(w), q, w, Uop { a, ..EMPTY });
            }
            Form::Right | Form::Left => {
                let imm = if let Form::Right = form { right(w) } else { left(w) };
                let a = self.neon_operand(dm(w), q);
                self.neon_same(op, size_of_shift(w), q, w, Uop { a, imm, ..EMPTY });
            }
            Form::Long => {
                let high = if dn(w) & dm(w) & 1 != 0 { HIGH } else { 0 };
                let [a, b] = [dn(w), dm(w)].map(|n| if high != 0 { n / 2 } else { self.part(Part::d(n)) });
                // Of polynomials there are bytes and doublewords.
                let size = if op == VectorOp::Pmull && size(w) != 0 { 3 } else { size(w) };
                self.neon_long(op, size | high, w, Uop { a, b, ..EMPTY });
            }
            Form::LongElem => {
                let (b, high) = (self.element(w), if dn(w) & 1 != 0 { HIGH } else { 0 });
                self.neon_long(op, size(w) | high, w, Uop { a: dn(w) / 2, b, ..EMPTY });
            }
            Form::Wide => {
                let high = if dm(w) & 1 != 0 { HIGH } else { 0 };
                self.neon_long(op, size(w) | high, w, Uop { a: dn(w) / 2, b: dm(w) / 2, ..EMPTY });
            }
            Form::LeftLong => {
                let high = if dm(w) & 1 != 0 { HIGH } else { 0 };
                let uop = Uop { a: dm(w) / 2, imm: left(w), ..EMPTY };
                self.neon_long(op, size_of_shift(w) | high, w, uop);
            }
            Form::Narrow => self.neon_narrow(op, size(w), w, Uop { a: dn(w) / 2, b: dm(w) / 2, ..EMPTY }),
            Form::Extract => self.neon_narrow(op, size_of_two(w), w, Uop { a: dm(w) / 2, ..EMPTY }),
            Form::RightNarrow => {
                self.neon_narrow(op, size_of_shift(w), w, Uop { a: dm(w) / 2, imm: right(w), ..EMPTY });
            }
            Form::Full => {
                self.neon_result(
                    op,
                    0,
                    dd(w),
                    true,
                    Uop { a: dn(w) / 2, b: dm(w) / 2, c: dd(w) / 2, ..EMPTY },
                );
            }
            Form::FullTwo => {
                self.neon_result(op, 0, dd(w), true, Uop { a: dm(w) / 2, c: dd(w) / 2, ..EMPTY });
            }
        }
    }

    /// Appends an op that may read Vd as its third operand.
    fn neon_same(&mut self, op: VectorOp, size: u8, q: bool, w: u32, uop: Uop) {
        let c = if reads_c(op) { self.neon_operand(dd(w), q) } else { dd(w) / 2 };
        self.neon_result(op, size, dd(w), q, Uop { c, ..uop });
    }

    /// Appends an op that widens.
    fn neon_long(&mut self, op: VectorOp, flags: u8, w: u32, uop: Uop) {
        self.neon_result(op, flags, dd(w), true, Uop { c: dd(w) / 2, ..uop });
    }

    /// Appends an op that narrows: to the upper half straight.
    fn neon_narrow(&mut self, op: VectorOp, size: u8, w: u32, uop: Uop) {
        if dd(w).is_multiple_of(2) {
            return self.neon_result(op, size, dd(w), false, uop);
        }
        let slot = dd(w) / 2;
        self.vector(op, size | Q | HIGH, Uop { dst: slot, c: slot, ..uop });
        self.slot_half_written(dd(w));
    }

    /// A temporary full of the element of Vm that a by-element instruction names.
    fn element(&mut self, w: u32) -> Slot {
        let m = bits(w, 5, 5);
        let part = match size(w) {
            1 => Part::element(bits(w, 2, 0) as u8, 1, (m << 1 | bits(w, 3, 3)) as u8),
            _ => Part::element(bits(w, 3, 0) as u8, 2, m as u8),
        };
        self.spread(part)
    }

    /// A temporary full of copies of a part.
    fn spread(&mut self, part: Part) -> Slot {
        let dst = self.vtemp();
        let uop = Uop { dst, a: part.slot, imm: part.index.into(), ..EMPTY };
        self.vector(VectorOp::Dup, part.size | Q, uop);
        dst
    }

    fn neon_special(&mut self, op: Insn, w: u32) -> Flow {
        let (d, q) = (dd(w), is_q(w));
        match op {
            Insn::Vorr if dn(w) == dm(w) => self.neon_copy(d, dm(w), q),
            Insn::Vorr => {
                let uop = self.neon_operands(w, q);
                self.neon_result(VectorOp::Orr, 0, d, q, uop);
            }
            Insn::Vbsl | Insn::Vbit | Insn::Vbif => {
                let Uop { a: n, b: m, .. } = self.neon_operands(w, q);
                let d = self.neon_operand(d, q);
                let (a, b, c) = match op {
                    Insn::Vbsl => (d, n, m),
                    Insn::Vbit => (m, n, d),
                    _ => (m, d, n),
                };
                self.neon_result(VectorOp::Bsl, 0, dd(w), q, Uop { a, b, c, ..EMPTY });
            }
            Insn::VshllMax => {
                let high = if dm(w) & 1 != 0 { HIGH } else { 0 };
                let imm = 8 << size_of_two(w);
                self.neon_long(VectorOp::Ushll, size_of_two(w) | high, w, Uop { a: dm(w) / 2, imm, ..EMPTY });
            }
            Insn::VmovImm | Insn::VmvnImm => {
                let imm = expand_imm(w) as i64;
                let imm = if op == Insn::VmovImm { imm } else { !imm };
                self.neon_result(VectorOp::MovI, 0, d, q, Uop { imm, ..EMPTY });
            }
            Insn::VorrImm | Insn::VbicImm => {
                let imm = expand_imm(w) as i64;
                let (op, imm) = match op {
                    Insn::VorrImm => (VectorOp::OrrI, imm),
                    _ => (VectorOp::AndI, !imm),
                };
                let a = self.neon_operand(d, q);
                self.neon_result(op, 0, d, q, Uop { a, imm, ..EMPTY });
            }
            Insn::Vdup => {
                // The lowest bit set of imm4 gives the size, the bits above it the index.
                let imm4 = bits(w, 19, 16);
                let size = imm4.trailing_zeros().min(2) as u8;
                let part = Part::element(dm(w), size, (imm4 >> (size + 1)) as u8);
                let uop = Uop { a: part.slot, imm: part.index.into(), ..EMPTY };
                self.neon_result(VectorOp::Dup, size, d, q, uop);
            }
            Insn::Vext => {
                let uop = self.neon_operands(w, q);
                self.neon_result(VectorOp::Ext, 0, d, q, Uop { imm: bits(w, 11, 8).into(), ..uop });
            }
            Insn::Vtbl | Insn::Vtbx => self.table(op == Insn::Vtbx, w),
            Insn::Vswp => self.exchange_registers(d, dm(w), q),
            Insn::Vtrn => self.two_results([VectorOp::Trn1, VectorOp::Trn2], w),
            Insn::Vuzp => self.two_results([VectorOp::Uzp1, VectorOp::Uzp2], w),
            Insn::Vzip => self.two_results([VectorOp::Zip1, VectorOp::Zip2], w),
            Insn::VsdotElem | Insn::VudotElem => {
                let b = self.spread(Part::element(bits(w, 3, 0) as u8, 2, bits(w, 5, 5) as u8));
                let a = self.neon_operand(dn(w), q);
                let op = if op == Insn::VsdotElem { VectorOp::Sdot } else { VectorOp::Udot };
                self.neon_same(op, 2, q, w, Uop { a, b, ..EMPTY });
            }
            _ => return self.undefined(),
        }
        Flow::Next
    }

    /// `d = m`.
    fn neon_copy(&mut self, d: u8, m: u8, q: bool) {
        if q {
            self.neon_result(VectorOp::Mov, 0, d, true, Uop { a: m / 2, ..EMPTY });
        } else {
            self.put_element(Part::d(d), m / 2, m % 2);
        }
    }

    fn exchange_registers(&mut self, d: u8, m: u8, q: bool) {
        let saved = self.vtemp();
        self.vector(VectorOp::Mov, Q, Uop { dst: saved, a: d / 2, ..EMPTY });
        self.neon_copy(d, m, q);
        if q {
            self.neon_result(VectorOp::Mov, 0, m, true, Uop { a: saved, ..EMPTY });
        } else {
            self.put_element(Part::d(m), saved, d % 2);
        }
    }

    /// VTRN, VUZP, VZIP: both registers change.
    fn two_results(&mut self, ops: [VectorOp; 2], w: u32) {
        let (q, size) = (is_q(w), size_of_two(w));
        let (a, b) = (self.neon_operand(dd(w), q), self.neon_operand(dm(w), q));
        let first = self.vtemp();
        let flags = size | if q { Q } else { 0 };
        self.vector(ops[0], flags, Uop { dst: first, a, b, ..EMPTY });
        self.neon_result(ops[1], size, dm(w), q, Uop { a, b, ..EMPTY });
        if q {
            self.neon_result(VectorOp::Mov, 0, dd(w), true, Uop { a: first, ..EMPTY });
        } else {
            self.put(Part::d(dd(w)), first);
        }
    }

    /// VTBL and VTBX. A64's look-up has tables of whole slots.
    fn table(&mut self, keep: bool, w: u32) {
        let (first, count) = (dn(w), bits(w, 9, 8) as u8 + 1);
        let slots = count.div_ceil(2);
        let a = if first % 2 == 0 && count % 2 == 0 { first / 2 } else { self.gather(first, count) };
        let b = self.part(Part::d(dm(w)));
        if !keep {
            return self.neon_result(
                VectorOp::Tbl,
                0,
                dd(w),
                false,
                Uop { a, b, imm: slots.into(), ..EMPTY },
            );
        }
        let c = self.part(Part::d(dd(w)));
        if count % 2 == 0 {
            let uop = Uop { a, b, c, imm: slots.into(), ..EMPTY };
            return self.neon_result(VectorOp::Tbx, 0, dd(w), false, uop);
        }
        // What the last slot lacks is out of range as well.
        let (found, limit, beyond) = (self.vtemp(), self.vtemp(), self.vtemp());
        self.vector(VectorOp::Tbl, 0, Uop { dst: found, a, b, imm: slots.into(), ..EMPTY });
        let imm = (u64::from(count) * 8).wrapping_mul(0x0101_0101_0101_0101) as i64;
        self.vector(VectorOp::MovI, 0, Uop { dst: limit, imm, ..EMPTY });
        self.vector(VectorOp::Cmhs, 0, Uop { dst: beyond, a: b, b: limit, ..EMPTY });
        self.neon_result(VectorOp::Bsl, 0, dd(w), false, Uop { a: beyond, b: c, c: found, ..EMPTY });
    }

    /// Temporaries in a row with `count` D registers from `first` on, and zeros in what is left of the last one.
    fn gather(&mut self, first: u8, count: u8) -> Slot {
        let to = self.vtemp_pair();
        for pair in 0..count.div_ceil(2) {
            let (dst, from, left) = (to + pair, first + 2 * pair, count - 2 * pair);
            let slot = from / 2;
            let uop = Uop { dst, a: slot, ..EMPTY };
            match (left, from % 2) {
                (1, half) => self.vector(VectorOp::Pick, 3, Uop { imm: half.into(), ..uop }),
                (_, 0) => self.vector(VectorOp::Mov, Q, uop),
                _ => self.vector(VectorOp::Ext, Q, Uop { b: slot + 1, imm: 8, ..uop }),
            }
        }
        to
    }
}

/// True for ops with a third operand.
fn reads_c(op: VectorOp) -> bool {
    use VectorOp::*;
    matches!(
        op,
        Mla | Mls
            | Saba
            | Uaba
            | Sqrdmlah
            | Sqrdmlsh
            | Sdot
            | Udot
            | Sadalp
            | Uadalp
            | Ssra
            | Usra
            | Srsra
            | Ursra
            | Sri
            | Sli
    )
}
