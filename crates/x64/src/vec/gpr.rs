//! Instructions between vector and general registers, apart from moves.

use super::{NP, P66, PF2, PF3, Row, X2, Xm, Xmm};
use crate::operand::{Gpr, Rm};
use crate::{Asm, Bits};

/// Conversions from an integer in a general register or memory.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromGpr {
    Cvtsi2ss,
    Cvtsi2sd,
    /// AVX-512, as is the next.
    Vcvtusi2ss,
    Vcvtusi2sd,
}

/// Conversions to an integer in a general register. A second T means truncation.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToGpr {
    Cvtss2si,
    Cvttss2si,
    Cvtsd2si,
    Cvttsd2si,
    /// AVX-512, as are the next.
    Vcvtss2usi,
    Vcvttss2usi,
    Vcvtsd2usi,
    Vcvttsd2usi,
}

/// Instructions that gather sign bits.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveMask {
    Pmovmskb,
    Movmskps,
    Movmskpd,
}

impl Asm {
    /// `op dst, a, src`: `a` with its lowest element replaced by the converted integer.
    pub fn cvt_from_gpr(&mut self, op: FromGpr, bits: Bits, dst: Xmm, a: Xmm, src: impl Into<Rm>) {
        let row = match op {
            FromGpr::Cvtsi2ss => Row::new(PF3, 1, 0x2a),
            FromGpr::Cvtsi2sd => Row::new(PF2, 1, 0x2a),
            FromGpr::Vcvtusi2ss => Row::new(PF3, 1, 0x7b).avx512(),
            FromGpr::Vcvtusi2sd => Row::new(PF2, 1, 0x7b).avx512(),
        };
        let wide = bits == Bits::B64;
        self.three_general(&row.wide(wide).unit(2 + u8::from(wide)), dst, a, src.into(), None);
    }

    /// `op dst, src`: the lowest element as an integer.
    pub fn cvt_to_gpr(&mut self, op: ToGpr, bits: Bits, dst: Gpr, src: impl Into<Xm>) {
        let row = match op {
            ToGpr::Cvtss2si => Row::new(PF3, 1, 0x2d).unit(2),
            ToGpr::Cvttss2si => Row::new(PF3, 1, 0x2c).unit(2),
            ToGpr::Cvtsd2si => Row::new(PF2, 1, 0x2d).unit(3),
            ToGpr::Cvttsd2si => Row::new(PF2, 1, 0x2c).unit(3),
            ToGpr::Vcvtss2usi => Row::new(PF3, 1, 0x79).unit(2).avx512(),
            ToGpr::Vcvttss2usi => Row::new(PF3, 1, 0x78).unit(2).avx512(),
            ToGpr::Vcvtsd2usi => Row::new(PF2, 1, 0x79).unit(3).avx512(),
            ToGpr::Vcvttsd2usi => Row::new(PF2, 1, 0x78).unit(3).avx512(),
        };
        self.two(&row.wide(bits == Bits::B64), dst as u8, src.into(), None);
    }

    /// `op dst, src`: the sign bits of the elements.
    pub fn movmsk(&mut self, op: MoveMask, dst: Gpr, src: Xmm) {
        let row = match op {
            MoveMask::Pmovmskb => Row::new(P66, 1, 0xd7),
            MoveMask::Movmskps => Row::new(NP, 1, 0x50),
            MoveMask::Movmskpd => Row::new(P66, 1, 0x50),
        };
        let src = self.lowered(src.into(), X2);
        self.two(&row, dst as u8, src, None);
    }
}
