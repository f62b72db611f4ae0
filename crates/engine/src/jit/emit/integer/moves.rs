//! Moves, constants and addresses.

use armlet_x64::Bits::B64;
use armlet_x64::{Gpr, Mem};

use super::{Emitter, as_i32};
use crate::jit::layout::*;
use crate::uop::Slot;

impl Emitter<'_> {
    /// The slot = the page's address plus `distance`. Leaves the flags alone.
    pub(in crate::jit::emit) fn page_plus(&mut self, n: Slot, distance: i64) {
        let d = self.dst(n, A);
        self.page_address(d, distance);
        self.write(n, d);
    }

    /// `d` = the page's address plus `distance`. Leaves the flags alone.
    pub(in crate::jit::emit) fn page_address(&mut self, d: Gpr, distance: i64) {
        let bits = self.address_bits();
        self.asm.mov(B64, d, PAGE);
        match as_i32(distance) {
            Some(0) => {}
            Some(disp) => self.asm.lea(bits, d, Mem::base(d, disp)),
            None => {
                let other = if d == C { A } else { C };
                self.asm.mov_imm(other, distance as u64);
                self.asm.lea(bits, d, Mem::indexed(d, other, 0, 0));
            }
        }
    }
}
