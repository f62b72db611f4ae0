//! The instructions of the tables, and those with rules of their own.

use super::tables::{VBlendv, VNarrow, VOp, VOpImm, VSha, VShift, VUn, VUnImm};
use super::{K, Level, Mask, NP, P66, PF2, PF3, Row, X1, X2, Xm, Xmm};
use crate::Asm;

/// What a floating-point instruction works on.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fp {
    Ps,
    Pd,
    Ss,
    Sd,
}

impl Fp {
    pub(super) const fn is_scalar(self) -> bool {
        matches!(self, Self::Ss | Self::Sd)
    }

    const fn is_double(self) -> bool {
        matches!(self, Self::Pd | Self::Sd)
    }

    /// The row of an instruction that tells the four apart by prefix.
    pub(super) const fn row(self, map: u8, op: u8) -> Row {
        match self {
            Self::Ps => Row::new(NP, map, op),
            Self::Pd => Row::new(P66, map, op).ew(),
            Self::Ss => Row::new(PF3, map, op).unit(2),
            Self::Sd => Row::new(PF2, map, op).unit(3).ew(),
        }
    }
}

/// The fused operations on a product.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fma {
    /// `x * y + z`.
    Madd = 0,
    /// `x * y - z`.
    Msub = 2,
    /// `-(x * y) + z`.
    Nmadd = 4,
    /// `-(x * y) - z`.
    Nmsub = 6,
}

/// Which operands (`dst` is the first) are multiplied, and which is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FmaOrder {
    /// `dst * b + a`.
    F132 = 0x98,
    /// `a * dst + b`.
    F213 = 0xa8,
    /// `a * b + dst`.
    F231 = 0xb8,
}

/// Instructions that only set flags.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VTest {
    /// ZF if `a & b` is zero, CF if `!a & b` is.
    Ptest,
    Ucomiss,
    Ucomisd,
    Comiss,
    Comisd,
}

impl Asm {
    /// `op dst, a, b`. Some operations read `dst` as well, which the table says.
    #[inline]
    pub fn vop(&mut self, op: VOp, dst: Xmm, a: Xmm, b: impl Into<Xm>) {
        self.three(op.row(), dst, a, b.into(), None);
    }

    /// `op dst {mask}, a, b`; AVX-512. Not for comparisons and other operations without an EVEX form.
    pub fn vop_masked(&mut self, op: VOp, mask: Mask, dst: Xmm, a: Xmm, b: impl Into<Xm>) {
        debug_assert!(op.row().high == super::High::Evex);
        self.evex(op.row(), mask, dst.0, a.0, b.into(), None);
    }

    /// `op dst, a, b, imm`.
    #[inline]
    pub fn vop_imm(&mut self, op: VOpImm, dst: Xmm, a: Xmm, b: impl Into<Xm>, imm: u8) {
        debug_assert!(!op.is_compare() || imm < if self.level == Level::Sse { 8 } else { 32 });
        self.three(op.row(), dst, a, b.into(), Some(imm));
    }

    /// `op dst, src`.
    #[inline]
    pub fn vun(&mut self, op: VUn, dst: Xmm, src: impl Into<Xm>) {
        self.unary(op.row(), dst, src.into(), None);
    }

    /// `op dst {mask}, src`; AVX-512.
    pub fn vun_masked(&mut self, op: VUn, mask: Mask, dst: Xmm, src: impl Into<Xm>) {
        debug_assert!(op.row().high == super::High::Evex);
        self.evex(op.row(), mask, dst.0, 0, src.into(), None);
    }

    /// `op dst, src, imm`.
    #[inline]
    pub fn vun_imm(&mut self, op: VUnImm, dst: Xmm, src: impl Into<Xm>, imm: u8) {
        self.unary(op.row(), dst, src.into(), Some(imm));
    }

    /// `op dst, src, by`: shift or rotate every element by a number of bits, or the whole by bytes.
    pub fn vshift(&mut self, op: VShift, dst: Xmm, src: Xmm, by: u8) {
        let (row, extension) = op.row_and_extension();
        if self.level == Level::Sse {
            self.vmov(dst, src);
            self.legacy(row, extension, dst.into(), Some(by));
        } else if (dst.0 | src.0) < 16 && row.least < Level::Avx512 {
            self.vex(row, extension, dst.0, src.into(), Some(by));
        } else {
            self.evex(row, Mask::NONE, extension, dst.0, src.into(), Some(by));
        }
    }

    /// `op dst, src`: elements narrowed to the lower part of a register, or to memory; AVX-512.
    pub fn vnarrow(&mut self, op: VNarrow, dst: impl Into<Xm>, src: Xmm) {
        self.evex(op.row(), Mask::NONE, src.0, 0, dst.into(), None);
    }

    /// `vcvtps2ph dst, src, rounding`: four halves to the lower part of a register, or to memory; F16C.
    pub fn vcvtps2ph(&mut self, dst: impl Into<Xm>, src: Xmm, rounding: u8) {
        const ROW: Row = Row::new(P66, 3, 0x1d).unit(3).avx();
        self.two(&ROW, src.0, dst.into(), Some(rounding));
    }

    /// Fused multiply-add and its kin; `dst` is read. Not at level `Sse`.
    pub fn vfma(&mut self, op: Fma, order: FmaOrder, fp: Fp, dst: Xmm, a: Xmm, b: impl Into<Xm>) {
        let mut row = fp.row(2, order as u8 | op as u8 | u8::from(fp.is_scalar())).avx().w(fp.is_double());
        row.pp = P66;
        self.three(&row, dst, a, b.into(), None);
    }

    /// `op dst {mask}, a, b`: the same on packed lanes; AVX-512.
    pub fn vfma_masked(
        &mut self,
        op: Fma,
        order: FmaOrder,
        fp: Fp,
        mask: Mask,
        dst: Xmm,
        a: Xmm,
        b: impl Into<Xm>,
    ) {
        debug_assert!(!fp.is_scalar());
        let mut row = fp.row(2, order as u8 | op as u8).avx512().w(fp.is_double());
        row.pp = P66;
        self.evex(&row, mask, dst.0, a.0, b.into(), None);
    }

    /// `op a, b`: flags only.
    pub fn vtest(&mut self, op: VTest, a: Xmm, b: impl Into<Xm>) {
        let row = match op {
            VTest::Ptest => return self.ptest(a, b.into()),
            VTest::Ucomiss => const { Row::new(NP, 1, 0x2e).unit(2) },
            VTest::Ucomisd => const { Row::new(P66, 1, 0x2e).unit(3).ew() },
            VTest::Comiss => const { Row::new(NP, 1, 0x2f).unit(2) },
            VTest::Comisd => const { Row::new(P66, 1, 0x2f).unit(3).ew() },
        };
        self.two(&row, a.0, b.into(), None);
    }

    fn ptest(&mut self, a: Xmm, b: Xm) {
        const ROW: Row = Row::new(P66, 2, 0x17);
        debug_assert!(a != X2 || b.number() < 16);
        let low_a = self.lowered(a.into(), X2).number();
        let low_b = match b {
            Xm::M(mem) if self.level == Level::Sse => {
                debug_assert!(a != X2);
                self.vload(X2, mem);
                X2.into()
            }
            Xm::R(b) if b == a => Xmm(low_a).into(),
            _ => self.lowered(b, if a.0 < 16 { X2 } else { X1 }),
        };
        self.two(&ROW, low_a, low_b, None);
    }

    /// `dst = mask's sign bit ? b : a`, for every element.
    pub fn vblendv(&mut self, op: VBlendv, dst: Xmm, a: Xmm, b: impl Into<Xm>, mask: Xmm) {
        let b = b.into();
        let lane = op.lane();
        if self.level == Level::Sse {
            self.blendv_sse(op, dst, a, b, mask);
        } else if (dst.0 | a.0 | b.number() | mask.0) < 16 {
            let row = Row::new(P66, 3, op.vex()).avx();
            self.vex(&row, dst.0, a.0, b, Some(mask.0 << 4));
        } else {
            self.vpmov2m(lane, K(1), mask);
            self.vop_masked(op.masked(), K(1).merging(), dst, a, b);
        }
    }

    /// The mask is in XMM0 implicitly.
    fn blendv_sse(&mut self, op: VBlendv, dst: Xmm, a: Xmm, b: Xm, mask: Xmm) {
        const X0: Xmm = Xmm(0);
        let row = Row::new(P66, 2, op.legacy());
        let direct = dst != X0 && dst != mask && (b != Xm::R(dst) || dst == a);
        let (to, spare) = if direct && dst != X2 { (dst, X2) } else { (X2, X1) };
        debug_assert!(mask != X2 && b != Xm::R(X2));
        self.vmov(to, a);
        let b = match b {
            Xm::M(mem) => {
                debug_assert!(mask != spare);
                self.vload(spare, mem);
                spare
            }
            Xm::R(X0) if mask != X0 => {
                debug_assert!(mask != spare);
                self.vmov(spare, X0);
                spare
            }
            Xm::R(b) => b,
        };
        self.vmov(X0, mask);
        self.legacy(&row, to.0, b.into(), None);
        self.vmov(dst, to);
    }

    /// SHA-1 and SHA-256: `op dst, src`; `dst` is read. SHA256RNDS2 takes its words from XMM0.
    pub fn vsha(&mut self, op: VSha, dst: Xmm, src: impl Into<Xm>) {
        self.sha(op.row(), dst, src.into(), None);
    }

    /// `sha1rnds4 dst, src, function`; `dst` is read.
    pub fn sha1rnds4(&mut self, dst: Xmm, src: impl Into<Xm>, function: u8) {
        self.sha(&Row::new(NP, 3, 0xcc), dst, src.into(), Some(function));
    }

    /// There is only the legacy encoding.
    fn sha(&mut self, row: &Row, dst: Xmm, src: Xm, imm: Option<u8>) {
        debug_assert!(src != Xm::R(X2) || dst.0 < 16);
        let (to, spare) = match dst {
            Xmm(0..16) if dst != X2 => (dst, X2),
            _ => (X2, X1),
        };
        self.vmov(to, dst);
        let src = match src {
            Xm::M(mem) => {
                self.vload(spare, mem);
                spare.into()
            }
            Xm::R(reg) if reg == dst => to.into(),
            Xm::R(_) => self.lowered(src, spare),
        };
        self.legacy(row, to.0, src, imm);
        self.vmov(dst, to);
    }
}
