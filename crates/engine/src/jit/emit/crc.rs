//! CRC32 with the polynomial the host has no instruction for.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Lane, Shift, VOpImm};

use super::Emitter;
use crate::jit::layout::*;
use crate::uop::Uop;

/// The polynomial of CRC32, lowest degree highest, and the low 64 of 65 bits of x^96 divided by it.
const CRC32: (u64, u64) = {
    const P: u128 = 0x1_04c1_1db7;
    let (mut rest, mut quotient, mut bit) = (1u128 << 96, 0u128, 65);
    while bit > 0 {
        bit -= 1;
        if rest >> (bit + 32) & 1 != 0 {
            rest ^= P << bit;
            quotient |= 1 << bit;
        }
    }
    ((P as u64).reverse_bits() >> 31, (quotient >> 1) as u64)
};

impl Emitter<'_> {
    /// CRC32 of the lower bytes of `b` into `a`, by Barrett's reduction. All numbers have the lowest degree
    /// highest, so that products of two have theirs one below the top.
    pub(super) fn crc32(&mut self, u: &Uop) {
        self.clobber();
        let width = 8 << (u.flags & 3);
        let (polynomial, reciprocal) = CRC32;
        let constants = self.literal(u128::from(polynomial) << 64 | u128::from(reciprocal.reverse_bits()));
        self.copy(B32, A, u.a);
        self.copy(B64, C, u.b);
        self.asm.alu(Alu::Xor, B64, C, A);
        if width < 64 {
            self.asm.shift(Shift::Shl, B64, C, 64 - width);
        }
        self.asm.movd_to(B64, V[0], C);
        self.asm.vop_imm(VOpImm::Pclmulqdq, V[0], V[0], constants, 0);
        self.asm.vop_imm(VOpImm::Pclmulqdq, V[0], V[0], constants, 0x10);
        self.asm.pextr(Lane::D, C, V[0], 2);
        if width < 32 {
            self.asm.shift(Shift::Shr, B32, A, width);
            self.asm.alu(Alu::Xor, B32, C, A);
        }
        self.write(u.dst, C);
    }
}
