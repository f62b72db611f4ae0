//! Process state of AArch32, as far as it is looked at and changed all the time: flags, CPSR, interrupt masks.

use armlet_arm::Pstate;
use armlet_x64::Bits::B32;
use armlet_x64::{Alu, Cond, Shift};

use super::Emitter;
use super::flags::Flags;
use crate::jit::layout::*;
use crate::uop::{GE, Q, SystemOp, Uop};

/// What of PSTATE CPSR shows besides flags: PAN, E, A, I, F and the mode.
const SHOWN: i32 = (Pstate::PAN.bits() | Pstate::E.bits() | 0x1c0 | Pstate::M.bits()) as i32;
/// Multiplies the stored flags so that NZCV comes out at the top, see [`crate::jit::RawFlags::nzcv`].
const TO_TOP: u64 = 1 << 16 | 1 << 21 | 1 << 28;

/// True for a CPS that changes no mode.
pub(super) fn only_masks(u: &Uop) -> bool {
    u.imm >> 17 & 1 == 0 && u.imm >> 19 & 1 != 0
}

impl Emitter<'_> {
    /// EAX = NZCV in bits `[31:28]`. Changes ECX; the flags are in memory then.
    fn flags_at_top(&mut self) {
        self.store_flags();
        self.flags = Flags::Memory;
        self.asm.mov(B32, A, FLAGS);
        self.asm.alu_imm(Alu::And, B32, A, 0xc101);
        self.asm.mov_imm(C, TO_TOP);
        self.asm.imul(B32, A, C);
        self.asm.alu_imm(Alu::And, B32, A, 0xf000_0000_u32 as i32);
    }

    pub(super) fn read_nzcv(&mut self, u: &Uop) {
        self.flags_at_top();
        self.write(u.dst, A);
    }

    pub(super) fn write_nzcv(&mut self, u: &Uop) {
        self.copy(B32, A, u.a);
        self.asm.mov(B32, C, A);
        self.asm.shift(Shift::Shr, B32, A, 16);
        self.asm.alu_imm(Alu::And, B32, A, 0xc000);
        self.asm.mov(B32, T, C);
        self.asm.shift(Shift::Shr, B32, C, 28);
        self.asm.alu_imm(Alu::And, B32, C, 1);
        self.asm.alu(Alu::Or, B32, A, C);
        self.asm.shift(Shift::Shr, B32, T, 21);
        self.asm.alu_imm(Alu::And, B32, T, 0x100);
        self.asm.alu(Alu::Or, B32, A, T);
        self.asm.store(B32, FLAGS, A);
        (self.flags, self.recipe) = (Flags::Memory, None);
    }

    /// MRS of CPSR. DIT, which it shows elsewhere than PSTATE has it, is for the interpreter.
    pub(super) fn read_cpsr(&mut self, u: &Uop) {
        self.store_flags();
        self.flags = Flags::Memory;
        let (slow, resume) = self.slow_path();
        self.asm.test_imm(B32, PSTATE, Pstate::DIT.bits() as i32);
        self.asm.jcc(Cond::Ne, slow);
        self.flags_at_top();
        self.asm.mov(B32, C, PSTATE);
        self.asm.alu_imm(Alu::And, B32, C, SHOWN);
        self.asm.alu(Alu::Or, B32, A, C);
        for (from, shift) in [(Q, 27), (GE, 16)] {
            self.asm.mov(B32, C, slot(from));
            self.asm.shift(Shift::Shl, B32, C, shift);
            self.asm.alu(Alu::Or, B32, A, C);
        }
        self.write(u.dst, A);
        self.asm.bind(resume);
    }

    /// MSR of CPSR's control byte at EL1: inline, if the mode stays.
    pub(super) fn write_cpsr_control(&mut self, u: &Uop) {
        const MASKS: i32 = (Pstate::I.bits() | Pstate::F.bits()) as i32;
        self.clobber();
        let (slow, resume) = self.slow_path();
        self.copy(B32, A, u.a);
        self.asm.mov(B32, T, PSTATE);
        self.asm.mov(B32, C, A);
        self.asm.alu(Alu::Xor, B32, C, T);
        self.asm.test_imm(B32, C, Pstate::M.bits() as i32);
        self.asm.jcc(Cond::Ne, slow);
        self.asm.alu_imm(Alu::And, B32, A, MASKS);
        self.asm.alu_imm(Alu::And, B32, T, !MASKS);
        self.asm.alu(Alu::Or, B32, T, A);
        self.asm.store(B32, PSTATE, T);
        self.poll_by_masks();
        self.asm.bind(resume);
    }

    /// How a trace goes on behind a system op of AArch32; false if as behind any other.
    pub(super) fn after_system32(&mut self, op: SystemOp, u: &Uop) -> bool {
        let before = &self.trace.uops[self.index - 1];
        match op {
            SystemOp::Cps if only_masks(before) => {
                self.look_if_signalled(u);
                self.go_to(u.imm);
            }
            SystemOp::WriteCpsr => {
                self.look_if_signalled(u);
                self.go_through_set(u);
            }
            _ => return false,
        }
        true
    }
}
