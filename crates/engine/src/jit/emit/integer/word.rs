//! AArch32's ways with shifts and flags.

use armlet_x64::Bits::B32;
use armlet_x64::{Alu, Cond, Shift};

use super::Emitter;
use crate::jit::emit::flags::Flags;
use crate::jit::emit::{Loc, liveness};
use crate::jit::layout::*;
use crate::uop::Uop;

/// Where the stored flags have C.
const CARRY: i32 = 1 << 8;

impl Emitter<'_> {
    /// N and Z as of a word.
    pub(super) fn set_nz(&mut self, u: &Uop) {
        if self.buffers.needs[self.index].after & liveness::NZ == 0 {
            return;
        }
        self.keep_rest(liveness::NZ);
        match self.loc(u.a) {
            Loc::Reg(reg) => self.asm.test(B32, reg, reg),
            Loc::Mem => self.asm.alu_imm(Alu::Cmp, B32, slot(u.a), 0),
        }
        self.part_set(false);
    }

    /// C = `carry`.
    pub(super) fn set_carry(&mut self, carry: bool) {
        if self.buffers.needs[self.index].after & liveness::C == 0 {
            return;
        }
        self.store_flags();
        let (op, imm) = if carry { (Alu::Or, CARRY) } else { (Alu::And, !CARRY) };
        self.asm.alu_imm(op, B32, FLAGS, imm);
        (self.flags, self.recipe) = (Flags::Memory, None);
    }

    /// C = bit `flags` of a word.
    pub(super) fn carry_bit(&mut self, u: &Uop) {
        if self.buffers.needs[self.index].after & liveness::C == 0 {
            return;
        }
        self.store_flags();
        self.copy(B32, C, u.a);
        match u.flags & 31 {
            8 => {}
            bit @ 0..8 => self.asm.shift(Shift::Shl, B32, C, 8 - bit),
            bit => self.asm.shift(Shift::Shr, B32, C, bit - 8),
        }
        self.asm.alu_imm(Alu::And, B32, C, CARRY);
        self.asm.alu_imm(Alu::And, B32, FLAGS, !CARRY);
        self.asm.alu_mem(Alu::Or, B32, FLAGS, C);
        (self.flags, self.recipe) = (Flags::Memory, None);
    }

    /// A shift by a constant that sets N, Z and C: the host's does the same. It has none by 32.
    pub(super) fn shift_imm_s(&mut self, op: Shift, u: &Uop) {
        if !(1..32).contains(&u.imm) {
            return self.by_interpreter();
        }
        self.keep_rest(liveness::NZ | liveness::C);
        let d = self.dst(u.dst, A);
        self.copy_unless(B32, d, u.a);
        self.asm.shift(op, B32, d, u.imm as u8);
        self.write(u.dst, d);
        self.part_set(true);
    }

    /// A shift by the low byte of `b`, all of which counts.
    pub(super) fn shift_any(&mut self, op: Shift, u: &Uop) {
        self.clobber();
        self.copy(B32, C, u.b);
        self.asm.movzx8(C, C);
        self.copy(B32, A, u.a);
        let beyond = if op == Shift::Sar { 31 } else { 0 };
        self.asm.mov_imm(T, beyond);
        // The host takes the amount modulo 32.
        if op == Shift::Sar {
            self.asm.alu_imm(Alu::Cmp, B32, C, 31);
            self.asm.cmov(Cond::A, B32, C, T);
            self.asm.shift_cl(op, B32, A);
        } else {
            self.asm.shift_cl(op, B32, A);
            self.asm.alu_imm(Alu::Cmp, B32, C, 31);
            self.asm.cmov(Cond::A, B32, A, T);
        }
        self.write(u.dst, A);
    }

    /// The same, setting N, Z and C. C, which a shift by nothing leaves alone, seldom matters: T32's short forms set flags that
    /// nobody asks for.
    pub(super) fn shift_any_s(&mut self, op: Shift, u: &Uop) {
        if self.buffers.needs[self.index].after & liveness::C != 0 {
            return self.by_interpreter();
        }
        self.shift_any(op, u);
        self.set_nz(&Uop { a: u.dst, ..*u });
    }
}
