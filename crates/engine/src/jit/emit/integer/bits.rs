//! Counting and reversing bits, swapping bytes.

use armlet_x64::Bits::B64;
use armlet_x64::{Alu, Bits, Gpr, Shift, VOpImm};

use super::Emitter;
use crate::jit::layout::*;
use crate::uop::Uop;

impl Emitter<'_> {
    pub(super) fn count_zeros(&mut self, bits: Bits, d: Gpr, u: &Uop) {
        let a = self.src(u.a);
        self.asm.lzcnt(bits, d, a);
    }

    pub(super) fn count_signs(&mut self, bits: Bits, d: Gpr, u: &Uop) {
        let width = if bits == B64 { 64 } else { 32 };
        self.copy(bits, A, u.a);
        self.asm.mov(bits, C, A);
        self.asm.shift(Shift::Sar, bits, C, width - 1);
        self.asm.alu(Alu::Xor, bits, A, C);
        self.asm.alu(Alu::Add, bits, A, A);
        self.asm.alu_imm(Alu::Or, bits, A, 1);
        self.asm.lzcnt(bits, d, A);
    }

    /// Bytes are swapped as a whole, then nibbles, pairs and bits within.
    pub(super) fn reverse_bits(&mut self, bits: Bits, d: Gpr, u: &Uop) {
        if self.host.gfni {
            let a = self.src(u.a);
            self.asm.movd_to(bits, V[0], a);
            let reversal = self.literal(0x8040_2010_0804_0201);
            self.asm.vop_imm(VOpImm::Gf2p8affineqb, V[0], V[0], reversal, 0);
            self.asm.movd_from(bits, d, V[0]);
            return self.asm.bswap(bits, d);
        }
        self.copy(bits, A, u.a);
        self.asm.bswap(bits, A);
        for (shift, mask) in [(4, 0x0f0f_0f0f), (2, 0x3333_3333), (1, 0x5555_5555)] {
            let mask = if bits == B64 { mask << 32 | mask } else { mask };
            self.swap_halves(bits, shift, mask);
        }
        self.asm.mov(bits, d, A);
    }

    /// RAX with neighbouring fields of `shift` bits swapped; `mask` has the lower ones. Uses RCX and RDX.
    fn swap_halves(&mut self, bits: Bits, shift: u8, mask: u64) {
        self.asm.mov_imm(T, mask);
        self.asm.mov(bits, C, A);
        self.asm.shift(Shift::Shr, bits, C, shift);
        self.asm.alu(Alu::And, bits, C, T);
        self.asm.alu(Alu::And, bits, A, T);
        self.asm.shift(Shift::Shl, bits, A, shift);
        self.asm.alu(Alu::Or, bits, A, C);
    }

    pub(super) fn swap_fields(&mut self, bits: Bits, d: Gpr, u: &Uop) {
        self.copy(bits, A, u.a);
        let mask = 0x00ff_00ff;
        self.swap_halves(bits, 8, if bits == B64 { mask << 32 | mask } else { mask });
        self.asm.mov(bits, d, A);
    }

    /// Bytes are swapped as a whole, then words.
    pub(super) fn swap_words(&mut self, d: Gpr, u: &Uop) {
        self.copy(B64, d, u.a);
        self.asm.bswap(B64, d);
        self.asm.shift(Shift::Rol, B64, d, 32);
    }
}
