//! Moves.

use super::{High, K, Lane, Level, NP, P66, PF2, PF3, Row, Xm, Xmm};
use crate::operand::{Gpr, Mem, Rm};
use crate::{Asm, Bits};

const MOVAPS: Row = Row::new(NP, 1, 0x28);
const MOVAPS_STORE: Row = Row::new(NP, 1, 0x29);
const MOVUPS: Row = Row::new(NP, 1, 0x10);
const MOVUPS_STORE: Row = Row::new(NP, 1, 0x11);
const MOVSS: Row = Row::new(PF3, 1, 0x10).unit(2);
const MOVSS_STORE: Row = Row::new(PF3, 1, 0x11).unit(2);
const MOVSD: Row = Row::new(PF2, 1, 0x10).unit(3).ew();
const MOVSD_STORE: Row = Row::new(PF2, 1, 0x11).unit(3).ew();
const MOVQ: Row = Row::new(PF3, 1, 0x7e).unit(3).ew();
const MOVHPS_STORE: Row = Row::new(NP, 1, 0x17).unit(3);
const MOVD_TO: Row = Row::new(P66, 1, 0x6e).unit(2);
const MOVD_FROM: Row = Row::new(P66, 1, 0x7e).unit(2);

/// A general register or memory operand in the shape of a vector operand.
pub(super) fn general(rm: Rm) -> Xm {
    match rm {
        Rm::R(reg) => Xm::R(Xmm(reg as u8)),
        Rm::M(mem) => Xm::M(mem),
    }
}

const fn wide(row: Row, bits: Bits) -> Row {
    match bits {
        Bits::B32 => row,
        Bits::B64 => row.unit(3).wide(true),
    }
}

impl Asm {
    /// `movaps dst, src`; nothing if they are the same.
    #[inline]
    pub fn vmov(&mut self, dst: Xmm, src: Xmm) {
        if dst != src {
            self.two(&MOVAPS, dst.0, src.into(), None);
        }
    }

    /// `movups dst, [src]`: 16 bytes at any address.
    pub fn vload(&mut self, dst: Xmm, src: Mem) {
        self.two(&MOVUPS, dst.0, src.into(), None);
    }

    /// `movups [dst], src`: 16 bytes at any address.
    pub fn vstore(&mut self, dst: Mem, src: Xmm) {
        self.two(&MOVUPS_STORE, src.0, dst.into(), None);
    }

    /// `movaps dst, [src]`: 16 aligned bytes.
    pub fn vload_aligned(&mut self, dst: Xmm, src: Mem) {
        self.two(&MOVAPS, dst.0, src.into(), None);
    }

    /// `movaps [dst], src`: 16 aligned bytes.
    pub fn vstore_aligned(&mut self, dst: Mem, src: Xmm) {
        self.two(&MOVAPS_STORE, src.0, dst.into(), None);
    }

    /// `movss dst, [src]`: 4 bytes; the rest becomes zero.
    pub fn vload32(&mut self, dst: Xmm, src: Mem) {
        self.two(&MOVSS, dst.0, src.into(), None);
    }

    /// `movss [dst], src`: the lowest 4 bytes.
    pub fn vstore32(&mut self, dst: Mem, src: Xmm) {
        self.two(&MOVSS_STORE, src.0, dst.into(), None);
    }

    /// `movsd dst, [src]`: 8 bytes; the rest becomes zero.
    pub fn vload64(&mut self, dst: Xmm, src: Mem) {
        self.two(&MOVSD, dst.0, src.into(), None);
    }

    /// `movsd [dst], src`: the lower 8 bytes.
    pub fn vstore64(&mut self, dst: Mem, src: Xmm) {
        self.two(&MOVSD_STORE, src.0, dst.into(), None);
    }

    /// `movhps [dst], src`: the upper 8 bytes.
    pub fn vstore_high64(&mut self, dst: Mem, src: Xmm) {
        self.two(&MOVHPS_STORE, src.0, dst.into(), None);
    }

    /// `movq dst, src`: the lower 8 bytes; the rest becomes zero.
    pub fn movq(&mut self, dst: Xmm, src: Xmm) {
        self.two(&MOVQ, dst.0, src.into(), None);
    }

    /// `movd dst, src` or `movq`: from a general register or memory; the rest becomes zero.
    pub fn movd_to(&mut self, bits: Bits, dst: Xmm, src: impl Into<Rm>) {
        self.two(&wide(MOVD_TO, bits), dst.0, general(src.into()), None);
    }

    /// `movd dst, src` or `movq`: to a general register or memory.
    pub fn movd_from(&mut self, bits: Bits, dst: impl Into<Rm>, src: Xmm) {
        self.two(&wide(MOVD_FROM, bits), src.0, general(dst.into()), None);
    }

    /// `op dst, a, src` with `src` not a vector.
    pub(super) fn three_general(&mut self, row: &Row, dst: Xmm, a: Xmm, src: Rm, imm: Option<u8>) {
        let src = general(src);
        if self.level == Level::Sse {
            self.vmov(dst, a);
            self.legacy(row, dst.0, src, imm);
        } else if (dst.0 | a.0) < 16 && row.least < Level::Avx512 {
            self.vex(row, dst.0, a.0, src, imm);
        } else {
            debug_assert!(row.high == High::Evex);
            self.evex(row, super::Mask::NONE, dst.0, a.0, src, imm);
        }
    }

    /// `pinsrX dst, a, src, at`: `a` with one element replaced.
    pub fn pinsr(&mut self, lane: Lane, dst: Xmm, a: Xmm, src: impl Into<Rm>, at: u8) {
        let row = match lane {
            Lane::B => const { Row::new(P66, 3, 0x20).unit(0) },
            Lane::W => const { Row::new(P66, 1, 0xc4).unit(1) },
            Lane::D => const { Row::new(P66, 3, 0x22).unit(2) },
            Lane::Q => const { Row::new(P66, 3, 0x22).unit(3).wide(true) },
        };
        self.three_general(&row, dst, a, src.into(), Some(at));
    }

    /// `pextrX dst, src, at`: one element, zero-extended in a register.
    pub fn pextr(&mut self, lane: Lane, dst: impl Into<Rm>, src: Xmm, at: u8) {
        let row = match lane {
            Lane::B => const { Row::new(P66, 3, 0x14).unit(0) },
            Lane::W => const { Row::new(P66, 3, 0x15).unit(1) },
            Lane::D => const { Row::new(P66, 3, 0x16).unit(2) },
            Lane::Q => const { Row::new(P66, 3, 0x16).unit(3).wide(true) },
        };
        self.two(&row, src.0, general(dst.into()), Some(at));
    }

    /// `vpbroadcastX dst, src` from a general register; AVX-512.
    pub fn vpbroadcast_gpr(&mut self, lane: Lane, dst: Xmm, src: Gpr) {
        let row = match lane {
            Lane::B => const { Row::new(P66, 2, 0x7a).avx512() },
            Lane::W => const { Row::new(P66, 2, 0x7b).avx512() },
            Lane::D => const { Row::new(P66, 2, 0x7c).avx512() },
            Lane::Q => const { Row::new(P66, 2, 0x7c).avx512().w(true) },
        };
        self.two(&row, dst.0, general(src.into()), None);
    }

    /// `vmovdquX [dst] {k}, src`: the elements whose bit is set; AVX-512.
    pub fn vstore_masked(&mut self, lane: Lane, dst: Mem, k: K, src: Xmm) {
        let pp = if matches!(lane, Lane::B | Lane::W) { PF2 } else { PF3 };
        let row = Row::new(pp, 1, 0x7f).avx512().w(matches!(lane, Lane::W | Lane::Q));
        self.evex(&row, k.merging(), src.0, 0, dst.into(), None);
    }
}
