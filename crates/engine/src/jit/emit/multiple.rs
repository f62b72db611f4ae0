//! AArch32's LDM and STM: one look into the soft TLB for all registers.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Gpr, Mem};

use super::memory::For;
use super::{Emitter, Loc};
use crate::aarch32::slot as slot_of;
use crate::jit::layout::*;
use crate::uop::{Slot, Uop};

/// The slots of a list of registers, R0's first; `last` is that of R15.
fn slots(list: i64, last: Slot) -> impl Iterator<Item = Slot> {
    (0..16u8).filter(move |n| list >> n & 1 != 0).map(move |n| if n == 15 { last } else { slot_of(n) })
}

impl Emitter<'_> {
    /// RAX = the host's address of the words at `u.a`; which must all lie in one page, aligned.
    fn find_words(&mut self, u: &Uop, what: For) -> armlet_x64::Label {
        self.clobber();
        let words = (u.imm & 0xffff).count_ones() as i32;
        let va = self.read(u.a, C);
        let (slow, resume) = self.slow_path();
        self.look_up_elements(va, 2, words * 4, what, slow, true);
        self.asm.lea(B64, A, Mem::indexed(A, va, 0, 0));
        resume
    }

    pub(super) fn load_multiple(&mut self, u: &Uop) {
        let resume = self.find_words(u, For::Load);
        for (n, to) in slots(u.imm, u.dst).enumerate() {
            let d = self.dst(to, T);
            self.asm.mov(B32, d, Mem::base(A, n as i32 * 4));
            self.write(to, d);
        }
        self.asm.bind(resume);
    }

    pub(super) fn store_multiple(&mut self, u: &Uop) {
        let resume = self.find_words(u, For::Store);
        for (n, from) in slots(u.imm, u.c).enumerate() {
            let value: Gpr = match self.loc(from) {
                Loc::Reg(reg) => reg,
                Loc::Mem => {
                    self.asm.mov(B32, T, slot(from));
                    T
                }
            };
            self.asm.store(B32, Mem::base(A, n as i32 * 4), value);
        }
        self.asm.bind(resume);
    }
}
