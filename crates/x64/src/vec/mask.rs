//! Mask registers (AVX-512).

use super::ops::Fp;
use super::{K, Mask, NP, P66, PF2, PF3, Row, Xm, Xmm};
use crate::Asm;
use crate::operand::Gpr;

/// The size of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// 8 bits.
    B,
    /// 16 bits.
    W,
    /// 32 bits.
    D,
    /// 64 bits.
    Q,
}

impl Lane {
    /// Words and quadwords differ from bytes and doublewords by W.
    const fn wide(self) -> bool {
        matches!(self, Self::W | Self::Q)
    }

    const fn small(self) -> bool {
        matches!(self, Self::B | Self::W)
    }
}

/// Operations on masks.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KOp {
    Kand = 0x41,
    /// `!a & b`.
    Kandn = 0x42,
    Kor = 0x45,
    Kxnor = 0x46,
    Kxor = 0x47,
    Kadd = 0x4a,
}

/// Prefix and W of instructions that only deal with masks, and of those with general registers.
const fn mask_row(lane: Lane, op: u8) -> Row {
    let pp = if matches!(lane, Lane::B | Lane::D) { P66 } else { NP };
    Row::new(pp, 1, op).w(matches!(lane, Lane::D | Lane::Q)).avx512()
}

const fn move_row(lane: Lane, op: u8) -> Row {
    let pp = match lane {
        Lane::B => P66,
        Lane::W => NP,
        _ => PF2,
    };
    Row::new(pp, 1, op).w(matches!(lane, Lane::Q)).avx512()
}

impl Asm {
    /// `kmovX dst, src`, from a general register.
    pub fn kmov_to(&mut self, lane: Lane, dst: K, src: Gpr) {
        self.vex(&move_row(lane, 0x92), dst.0, 0, Xmm(src as u8).into(), None);
    }

    /// `kmovX dst, src`, to a general register, zero-extended.
    pub fn kmov_from(&mut self, lane: Lane, dst: Gpr, src: K) {
        self.vex(&move_row(lane, 0x93), dst as u8, 0, Xmm(src.0).into(), None);
    }

    /// `kmovX dst, src`.
    pub fn kmov(&mut self, lane: Lane, dst: K, src: K) {
        self.vex(&mask_row(lane, 0x90), dst.0, 0, Xmm(src.0).into(), None);
    }

    /// `kortestX a, b`: ZF if no bit is set in either, CF if each is in one of them; `1 << lane` bytes.
    pub fn kortest(&mut self, lane: Lane, a: K, b: K) {
        self.vex(&mask_row(lane, 0x98), a.0, 0, Xmm(b.0).into(), None);
    }

    /// `knotX dst, src`.
    pub fn knot(&mut self, lane: Lane, dst: K, src: K) {
        self.vex(&mask_row(lane, 0x44), dst.0, 0, Xmm(src.0).into(), None);
    }

    /// `op dst, a, b` on masks.
    pub fn kop(&mut self, op: KOp, lane: Lane, dst: K, a: K, b: K) {
        self.vex(&mask_row(lane, op as u8).long(), dst.0, a.0, Xmm(b.0).into(), None);
    }

    /// `vpmovm2X dst, src`: all ones where the bit is set.
    pub fn vpmovm2(&mut self, lane: Lane, dst: Xmm, src: K) {
        let op = if lane.small() { 0x28 } else { 0x38 };
        let row = Row::new(PF3, 2, op).w(lane.wide()).avx512();
        self.evex(&row, Mask::NONE, dst.0, 0, Xmm(src.0).into(), None);
    }

    /// `vpmovX2m dst, src`: the sign bits.
    pub fn vpmov2m(&mut self, lane: Lane, dst: K, src: Xmm) {
        let op = if lane.small() { 0x29 } else { 0x39 };
        let row = Row::new(PF3, 2, op).w(lane.wide()).avx512();
        self.evex(&row, Mask::NONE, dst.0, 0, src.into(), None);
    }

    /// `vptestmX dst, a, b`: where `a & b` is not zero.
    pub fn vptestm(&mut self, lane: Lane, dst: K, a: Xmm, b: impl Into<Xm>) {
        self.test_row(P66, lane, dst, a, b.into());
    }

    /// `vptestnmX dst, a, b`: where `a & b` is zero.
    pub fn vptestnm(&mut self, lane: Lane, dst: K, a: Xmm, b: impl Into<Xm>) {
        self.test_row(PF3, lane, dst, a, b.into());
    }

    fn test_row(&mut self, pp: u8, lane: Lane, dst: K, a: Xmm, b: Xm) {
        let row = Row::new(pp, 2, if lane.small() { 0x26 } else { 0x27 }).w(lane.wide()).avx512();
        self.evex(&row, Mask::NONE, dst.0, a.0, b, None);
    }

    /// `vpcmpX dst, a, b, predicate`, signed: 0 to 7 are EQ, LT, LE, false, NE, GE, GT, true.
    pub fn vpcmp(&mut self, lane: Lane, dst: K, a: Xmm, b: impl Into<Xm>, predicate: u8) {
        self.compare_row(0x1f, lane, dst, a, b.into(), predicate);
    }

    /// `vpcmpuX dst, a, b, predicate`, unsigned.
    pub fn vpcmpu(&mut self, lane: Lane, dst: K, a: Xmm, b: impl Into<Xm>, predicate: u8) {
        self.compare_row(0x1e, lane, dst, a, b.into(), predicate);
    }

    fn compare_row(&mut self, op: u8, lane: Lane, dst: K, a: Xmm, b: Xm, predicate: u8) {
        let op = if lane.small() { op | 0x20 } else { op };
        let row = Row::new(P66, 3, op).w(lane.wide()).avx512();
        self.evex(&row, Mask::NONE, dst.0, a.0, b, Some(predicate));
    }

    /// `vcmpXX dst, a, b, predicate` into a mask, only where `mask` is set (elsewhere 0).
    pub fn vcmp_k(&mut self, fp: Fp, mask: K, dst: K, a: Xmm, b: impl Into<Xm>, predicate: u8) {
        let row = fp.row(1, 0xc2);
        self.evex(&row, mask.merging(), dst.0, a.0, b.into(), Some(predicate));
    }

    /// `vfpclassXX dst, src, classes`, only where `mask` is set (elsewhere 0).
    pub fn vfpclass(&mut self, fp: Fp, mask: K, dst: K, src: impl Into<Xm>, classes: u8) {
        let mut row = fp.row(3, 0x66 | u8::from(fp.is_scalar()));
        row.pp = P66;
        self.evex(&row, mask.merging(), dst.0, 0, src.into(), Some(classes));
    }
}
