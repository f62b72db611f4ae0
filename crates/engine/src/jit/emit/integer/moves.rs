//! Moves, constants and addresses.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits, Gpr, Mem};

use super::{Emitter, as_i32};
use crate::jit::emit::Loc;
use crate::jit::layout::*;
use crate::uop::{SINK, Slot, Uop};

impl Emitter<'_> {
    /// The slot = a constant. Leaves the flags alone.
    pub(super) fn constant(&mut self, n: Slot, value: u64) {
        match self.loc(n) {
            Loc::Reg(reg) => self.asm.mov_imm(reg, value),
            Loc::Mem if n == SINK => {}
            Loc::Mem => match as_i32(value as i64) {
                Some(imm) => self.asm.store_imm(B64, slot(n), imm),
                None => {
                    self.asm.mov_imm(A, value);
                    self.write(n, A);
                }
            },
        }
    }

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

    pub(super) fn movk(&mut self, u: &Uop, bits: Bits) {
        self.clobber();
        let keep = !(0xffff_i64 << (u.flags & 63));
        let keep = if bits == B32 { i64::from(keep as i32) } else { keep };
        let d = self.dst(u.dst, A);
        self.copy(bits, d, u.a);
        self.logic(Alu::And, bits, d, keep);
        self.logic(Alu::Or, bits, d, u.imm);
        self.write(u.dst, d);
    }
}
