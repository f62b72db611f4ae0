//! Lowering of coprocessor instructions.

use armlet_arm::aarch32::Insn;

use super::{Flow, Lowering};

impl Lowering<'_> {
    /// MCR, MRC, MCRR, MRRC, LDC and STC.
    pub(super) fn coprocessor(&mut self, _insn: &Insn) -> Flow {
        self.undefined()
    }
}
