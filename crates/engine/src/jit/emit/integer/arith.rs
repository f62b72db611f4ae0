//! Sums and differences.

use armlet_x64::Bits::B64;
use armlet_x64::{Alu, Bits};

use super::{Emitter, as_i32};
use crate::jit::emit::flags::Flags;
use crate::jit::layout::*;
use crate::uop::Uop;

/// The immediate of a sum: of 24 bits at most in A64, of any value on words.
pub(super) fn immediate(u: &Uop, bits: Bits) -> i32 {
    match bits {
        B64 => as_i32(u.imm).expect("add immediates have 24 bits"),
        _ => u.imm as i32,
    }
}

impl Emitter<'_> {
    /// `dst = a op b`. The host's flags are those of the operation.
    pub(super) fn binary_raw(&mut self, op: Alu, bits: Bits, u: &Uop) {
        let d = self.dst(u.dst, A);
        if self.is_in(u.b, d) && u.a != u.b {
            if matches!(op, Alu::Sub | Alu::Sbb) {
                self.copy(bits, A, u.a);
                self.asm.alu(op, bits, A, d);
                self.asm.mov(bits, d, A);
            } else {
                let a = self.src(u.a);
                self.asm.alu(op, bits, d, a);
            }
        } else {
            self.copy_unless(bits, d, u.a);
            let b = self.src(u.b);
            self.asm.alu(op, bits, d, b);
        }
        self.write(u.dst, d);
    }

    /// ADC and SBC; SBB's borrow is the inverse of C.
    pub(super) fn with_carry(&mut self, op: Alu, bits: Bits, u: &Uop, sets: bool) {
        let keep = !sets && self.buffers.needs[self.index].after != 0;
        if keep {
            self.store_flags();
        }
        self.carry(op == Alu::Sbb);
        self.binary_raw(op, bits, u);
        if sets {
            self.flags_set(op == Alu::Sbb);
        } else {
            self.flags = Flags::Memory;
        }
    }
}
