//! Lowering of saturating, parallel and packed arithmetic.

use armlet_arm::aarch32::{Insn, Op as I};

use super::integer::rotation;
use super::{Flow, Lowering, slot};
use crate::uop::dsp::Lanes;
use crate::uop::{DspOp, Op, Slot, Uop, ZERO};

impl Lowering<'_> {
    /// Appends a DSP uop with the operands of `operands`.
    pub(super) fn dsp(&mut self, op: DspOp, operands: Uop) {
        self.emit(Uop { op: Op::Dsp(op), ..operands });
    }

    fn dsp3(&mut self, op: DspOp, i: &Insn, a: Slot, b: Slot, flags: u8) -> Flow {
        self.dsp(op, Uop { dst: slot(i.d), a, b, flags, ..Uop::new(Op::Mov) });
        Flow::Next
    }

    /// QADD, QSUB, QDADD, QDSUB: the first operand is `m`.
    pub(super) fn saturating(&mut self, i: &Insn) -> Flow {
        let op = match i.op {
            I::Qadd => DspOp::Qadd,
            I::Qsub => DspOp::Qsub,
            I::Qdadd => DspOp::Qdadd,
            _ => DspOp::Qdsub,
        };
        self.dsp3(op, i, slot(i.m), slot(i.n), 0)
    }

    /// SSAT and its family.
    pub(super) fn saturation(&mut self, i: &Insn) -> Flow {
        let a = self.operand(i);
        let op = match i.op {
            I::Ssat => DspOp::Ssat,
            I::Usat => DspOp::Usat,
            I::Ssat16 => DspOp::Ssat16,
            _ => DspOp::Usat16,
        };
        self.dsp3(op, i, a, ZERO, i.imm as u8)
    }

    /// Sums and differences by lanes.
    pub(super) fn parallel(&mut self, i: &Insn, op: DspOp, lanes: Lanes) -> Flow {
        self.dsp3(op, i, slot(i.n), slot(i.m), lanes as u8)
    }

    /// SEL, USAD8, USADA8.
    pub(super) fn bytes(&mut self, i: &Insn) -> Flow {
        let (op, c) = match i.op {
            I::Sel => (DspOp::Select, ZERO),
            I::Usad8 => (DspOp::SumOfDifferences, ZERO),
            _ => (DspOp::SumOfDifferences, slot(i.a)),
        };
        self.dsp(op, Uop { dst: slot(i.d), a: slot(i.n), b: slot(i.m), c, ..Uop::new(Op::Mov) });
        Flow::Next
    }

    /// SXTB16 and its family.
    pub(super) fn extension_of_pairs(&mut self, i: &Insn) -> Flow {
        let m = if rotation(i) == 0 { slot(i.m) } else { self.operand(i) };
        match i.op {
            I::Uxtb16 => self.op_imm(Op::AndI, slot(i.d), m, 0x00ff_00ff),
            I::Sxtb16 => return self.dsp3(DspOp::Sxtab16, i, ZERO, m, 0),
            I::Sxtab16 => return self.dsp3(DspOp::Sxtab16, i, slot(i.n), m, 0),
            _ => return self.dsp3(DspOp::Uxtab16, i, slot(i.n), m, 0),
        }
        Flow::Next
    }
}

/// The uop of a parallel instruction.
pub(super) fn lanes(op: I) -> Option<(DspOp, Lanes)> {
    use DspOp::*;
    use Lanes::*;
    Some(match op {
        I::Sadd16 => (Signed, Add16),
        I::Sasx => (Signed, Asx),
        I::Ssax => (Signed, Sax),
        I::Ssub16 => (Signed, Sub16),
        I::Sadd8 => (Signed, Add8),
        I::Ssub8 => (Signed, Sub8),
        I::Qadd16 => (SignedSaturating, Add16),
        I::Qasx => (SignedSaturating, Asx),
        I::Qsax => (SignedSaturating, Sax),
        I::Qsub16 => (SignedSaturating, Sub16),
        I::Qadd8 => (SignedSaturating, Add8),
        I::Qsub8 => (SignedSaturating, Sub8),
        I::Shadd16 => (SignedHalving, Add16),
        I::Shasx => (SignedHalving, Asx),
        I::Shsax => (SignedHalving, Sax),
        I::Shsub16 => (SignedHalving, Sub16),
        I::Shadd8 => (SignedHalving, Add8),
        I::Shsub8 => (SignedHalving, Sub8),
        I::Uadd16 => (Unsigned, Add16),
        I::Uasx => (Unsigned, Asx),
        I::Usax => (Unsigned, Sax),
        I::Usub16 => (Unsigned, Sub16),
        I::Uadd8 => (Unsigned, Add8),
        I::Usub8 => (Unsigned, Sub8),
        I::Uqadd16 => (UnsignedSaturating, Add16),
        I::Uqasx => (UnsignedSaturating, Asx),
        I::Uqsax => (UnsignedSaturating, Sax),
        I::Uqsub16 => (UnsignedSaturating, Sub16),
        I::Uqadd8 => (UnsignedSaturating, Add8),
        I::Uqsub8 => (UnsignedSaturating, Sub8),
        I::Uhadd16 => (UnsignedHalving, Add16),
        I::Uhasx => (UnsignedHalving, Asx),
        I::Uhsax => (UnsignedHalving, Sax),
        I::Uhsub16 => (UnsignedHalving, Sub16),
        I::Uhadd8 => (UnsignedHalving, Add8),
        I::Uhsub8 => (UnsignedHalving, Sub8),
        _ => return None,
    })
}
