//! Lowering of products.
//!
//! A doubleword RdHi:RdLo is put together in a temporary, or in RdLo, and taken apart again. If RdHi and RdLo are the
//! same register, which is CONSTRAINED UNPREDICTABLE, it gets the upper word.

use armlet_arm::aarch32::{Insn, Op as I};

use super::{Flow, Lowering, slot};
use crate::uop::{DspOp, Op, SINK, Slot, Uop, ZERO};

/// What R adds to a product before its lower word is dropped.
const HALF: i64 = 0x8000_0000;

impl Lowering<'_> {
    /// Products of words.
    pub(super) fn multiply(&mut self, i: &Insn) -> Flow {
        match i.op {
            I::Mul => self.product(Op::Madd32, i, ZERO),
            I::Mla => self.product(Op::Madd32, i, slot(i.a)),
            I::Mls => self.product(Op::Msub32, i, slot(i.a)),
            I::Umull => self.long(Op::Umaddl, i, false),
            I::Umlal => self.long(Op::Umaddl, i, true),
            I::Smull => self.long(Op::Smaddl, i, false),
            I::Smlal => self.long(Op::Smaddl, i, true),
            I::Umaal => self.umaal(i),
            I::Smmul => self.most_significant(Op::Smaddl, i, false, false),
            I::Smmulr => self.most_significant(Op::Smaddl, i, false, true),
            I::Smmla => self.most_significant(Op::Smaddl, i, true, false),
            I::Smmlar => self.most_significant(Op::Smaddl, i, true, true),
            I::Smmls => self.most_significant(Op::Smsubl, i, true, false),
            _ => self.most_significant(Op::Smsubl, i, true, true),
        }
        Flow::Next
    }

    fn product(&mut self, op: Op, i: &Insn, c: Slot) {
        let d = slot(i.d);
        self.emit(Uop { dst: d, a: slot(i.n), b: slot(i.m), c, ..Uop::new(op) });
        if self.sets_flags(i) {
            self.op3(Op::NzS32, SINK, d, ZERO);
        }
    }

    /// UMULL and its family; with flags N is the top bit of all, Z that all is zero.
    fn long(&mut self, op: Op, i: &Insn, accumulates: bool) {
        let c = if accumulates { self.doubleword(i) } else { ZERO };
        let uop = Uop { a: slot(i.n), b: slot(i.m), c, ..Uop::new(op) };
        if !self.sets_flags(i) {
            // RdLo holds all of it meanwhile: it is in a register of the host more often than a temporary.
            let (low, high) = (slot(i.d), slot(i.a));
            self.emit(Uop { dst: low, ..uop });
            self.op_imm(Op::LsrI64, high, low, 32);
            self.op3(Op::Mov32, low, low, ZERO);
        } else {
            let wide = self.temp();
            self.emit(Uop { dst: wide, ..uop });
            self.split(i, wide);
            // A word with the same N and Z: the upper one, and whatever is set in the lower one below its top bit.
            let (high, low, all) = (self.temp(), self.temp(), self.temp());
            self.op_imm(Op::LsrI64, high, wide, 32);
            self.op_imm(Op::LsrI32, low, wide, 1);
            self.op3(Op::Orr32, all, high, low);
            self.op_imm(Op::AndI, low, wide, 1);
            self.op3(Op::Orr32, all, all, low);
            self.op3(Op::NzS32, SINK, all, ZERO);
        }
    }

    /// The product and two more words never exceed a doubleword.
    fn umaal(&mut self, i: &Insn) {
        let wide = self.temp();
        self.emit(Uop { dst: wide, a: slot(i.n), b: slot(i.m), c: slot(i.d), ..Uop::new(Op::Umaddl) });
        self.op3(Op::Add64, wide, wide, slot(i.a));
        self.split(i, wide);
    }

    /// The upper word of a product, perhaps with `a` added there, perhaps rounded.
    fn most_significant(&mut self, op: Op, i: &Insn, accumulates: bool, rounds: bool) {
        let wide = self.temp();
        let c = if accumulates {
            self.op_imm(Op::LslI64, wide, slot(i.a), 32);
            wide
        } else {
            ZERO
        };
        self.emit(Uop { dst: wide, a: slot(i.n), b: slot(i.m), c, ..Uop::new(op) });
        if rounds {
            let half = self.temp();
            self.op_imm(Op::MovI, half, ZERO, HALF);
            self.op3(Op::Add64, wide, wide, half);
        }
        self.op_imm(Op::LsrI64, slot(i.d), wide, 32);
    }

    /// Products of halves.
    pub(super) fn multiply_halves(&mut self, i: &Insn) -> Flow {
        use DspOp as D;
        let (op, c, flags) = match i.op {
            I::Smulbb => (D::Smul, ZERO, 0),
            I::Smulbt => (D::Smul, ZERO, D::TOP_B),
            I::Smultb => (D::Smul, ZERO, D::TOP_A),
            I::Smultt => (D::Smul, ZERO, D::TOP_A | D::TOP_B),
            I::Smlabb => (D::Smla, slot(i.a), 0),
            I::Smlabt => (D::Smla, slot(i.a), D::TOP_B),
            I::Smlatb => (D::Smla, slot(i.a), D::TOP_A),
            I::Smlatt => (D::Smla, slot(i.a), D::TOP_A | D::TOP_B),
            I::Smulwb => (D::Smulw, ZERO, 0),
            I::Smulwt => (D::Smulw, ZERO, D::TOP_B),
            I::Smlawb => (D::Smlaw, slot(i.a), 0),
            I::Smlawt => (D::Smlaw, slot(i.a), D::TOP_B),
            I::Smuad => (D::Smlad, ZERO, 0),
            I::Smuadx => (D::Smlad, ZERO, D::CROSS),
            I::Smusd => (D::Smlsd, ZERO, 0),
            I::Smusdx => (D::Smlsd, ZERO, D::CROSS),
            I::Smlad => (D::Smlad, slot(i.a), 0),
            I::Smladx => (D::Smlad, slot(i.a), D::CROSS),
            I::Smlsd => (D::Smlsd, slot(i.a), 0),
            _ => (D::Smlsd, slot(i.a), D::CROSS),
        };
        self.dsp(op, Uop { dst: slot(i.d), a: slot(i.n), b: slot(i.m), c, flags, ..Uop::new(Op::Mov) });
        Flow::Next
    }

    /// Products of halves that are added to a doubleword.
    pub(super) fn multiply_halves_long(&mut self, i: &Insn) -> Flow {
        use DspOp as D;
        let (op, flags) = match i.op {
            I::Smlalbb => (D::Smlal, 0),
            I::Smlalbt => (D::Smlal, D::TOP_B),
            I::Smlaltb => (D::Smlal, D::TOP_A),
            I::Smlaltt => (D::Smlal, D::TOP_A | D::TOP_B),
            I::Smlald => (D::Smlald, 0),
            I::Smlaldx => (D::Smlald, D::CROSS),
            I::Smlsld => (D::Smlsld, 0),
            _ => (D::Smlsld, D::CROSS),
        };
        let wide = self.doubleword(i);
        self.dsp(op, Uop { dst: wide, a: slot(i.n), b: slot(i.m), c: wide, flags, ..Uop::new(Op::Mov) });
        self.split(i, wide);
        Flow::Next
    }

    /// A temporary that holds RdHi:RdLo.
    fn doubleword(&mut self, i: &Insn) -> Slot {
        let dst = self.temp();
        let imm = (u64::MAX << 32) as i64;
        self.emit(Uop { dst, a: slot(i.a), b: slot(i.d), flags: 32, imm, ..Uop::new(Op::Bfi64) });
        dst
    }

    /// RdHi:RdLo = a doubleword.
    fn split(&mut self, i: &Insn, wide: Slot) {
        self.op3(Op::Mov32, slot(i.d), wide, ZERO);
        self.op_imm(Op::LsrI64, slot(i.a), wide, 32);
    }
}
