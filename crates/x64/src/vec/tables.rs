//! What the instructions look like: one row each.

use super::mask::Lane;
use super::{NP, P66, PF2, PF3, Row};

/// 0F.
const fn o(pp: u8, op: u8) -> Row {
    Row::new(pp, 1, op)
}

/// 66 0F.
const fn p(op: u8) -> Row {
    Row::new(P66, 1, op)
}

/// 66 0F 38.
const fn p38(op: u8) -> Row {
    Row::new(P66, 2, op)
}

/// 66 0F 3A.
const fn p3a(op: u8) -> Row {
    Row::new(P66, 3, op)
}

/// 66 0F 38, the wide form, AVX-512 only.
const fn q38(op: u8) -> Row {
    p38(op).w(true).avx512()
}

/// Single precision in the lowest element.
const fn ss(op: u8) -> Row {
    o(PF3, op).unit(2)
}

/// Double precision in the lowest element.
const fn sd(op: u8) -> Row {
    o(PF2, op).unit(3).ew()
}

/// The row of a narrowing move.
const fn narrow(op: u8, unit: u8) -> Row {
    Row::new(PF3, 2, op).unit(unit).avx512()
}

macro_rules! ops {
    ($(#[$doc:meta])* $name:ident: $($(#[$note:meta])* $op:ident = $row:expr,)*) => {
        $(#[$doc])*
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$note])* $op,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$op,)*];

            #[inline]
            pub(super) fn row(self) -> &'static Row {
                const ROWS: &[Row] = &[$($row,)*];
                &ROWS[self as usize]
            }

            /// The lowest level that has this instruction.
            pub fn level(self) -> super::Level {
                self.row().least
            }
        }
    };
}

ops! {
    /// Operations on two vectors. Those that begin with V need AVX2 or AVX-512.
    VOp:
    Paddb = p(0xfc).commutes(),
    Paddw = p(0xfd).commutes(),
    Paddd = p(0xfe).commutes(),
    Paddq = p(0xd4).ew().commutes(),
    Psubb = p(0xf8),
    Psubw = p(0xf9),
    Psubd = p(0xfa),
    Psubq = p(0xfb).ew(),
    Paddsb = p(0xec).commutes(),
    Paddsw = p(0xed).commutes(),
    Paddusb = p(0xdc).commutes(),
    Paddusw = p(0xdd).commutes(),
    Psubsb = p(0xe8),
    Psubsw = p(0xe9),
    Psubusb = p(0xd8),
    Psubusw = p(0xd9),
    Pmullw = p(0xd5).commutes(),
    Pmulld = p38(0x40).commutes(),
    Vpmullq = q38(0x40),
    Pmulhw = p(0xe5).commutes(),
    Pmulhuw = p(0xe4).commutes(),
    Pmulhrsw = p38(0x0b).commutes(),
    Pmuludq = p(0xf4).ew().commutes(),
    Pmuldq = p38(0x28).ew().commutes(),
    Pmaddwd = p(0xf5).commutes(),
    /// Unsigned bytes of `a` by signed bytes of `b`.
    Pmaddubsw = p38(0x04),
    Psadbw = p(0xf6).commutes(),
    Pavgb = p(0xe0).commutes(),
    Pavgw = p(0xe3).commutes(),
    Pminsb = p38(0x38).commutes(),
    Pminsw = p(0xea).commutes(),
    Pminsd = p38(0x39).commutes(),
    Vpminsq = q38(0x39),
    Pminub = p(0xda).commutes(),
    Pminuw = p38(0x3a).commutes(),
    Pminud = p38(0x3b).commutes(),
    Vpminuq = q38(0x3b),
    Pmaxsb = p38(0x3c).commutes(),
    Pmaxsw = p(0xee).commutes(),
    Pmaxsd = p38(0x3d).commutes(),
    Vpmaxsq = q38(0x3d),
    Pmaxub = p(0xde).commutes(),
    Pmaxuw = p38(0x3e).commutes(),
    Pmaxud = p38(0x3f).commutes(),
    Vpmaxuq = q38(0x3f),
    Psignb = p38(0x08).scratch(),
    Psignw = p38(0x09).scratch(),
    Psignd = p38(0x0a).scratch(),
    Pcmpeqb = p(0x74).commutes().masked(Lane::B),
    Pcmpeqw = p(0x75).commutes().masked(Lane::W),
    Pcmpeqd = p(0x76).commutes().masked(Lane::D),
    Pcmpeqq = p38(0x29).ew().commutes().masked(Lane::Q),
    Pcmpgtb = p(0x64).masked(Lane::B),
    Pcmpgtw = p(0x65).masked(Lane::W),
    Pcmpgtd = p(0x66).masked(Lane::D),
    Pcmpgtq = p38(0x37).ew().masked(Lane::Q),
    Pand = p(0xdb).commutes(),
    /// `!a & b`.
    Pandn = p(0xdf),
    Por = p(0xeb).commutes(),
    Pxor = p(0xef).commutes(),
    /// Shifts of `a` by the number in the lower half of `b`.
    Psllw = p(0xf1),
    Pslld = p(0xf2),
    Psllq = p(0xf3).ew(),
    Psrlw = p(0xd1),
    Psrld = p(0xd2),
    Psrlq = p(0xd3).ew(),
    Psraw = p(0xe1),
    Psrad = p(0xe2),
    Vpsraq = p(0xe2).w(true).avx512(),
    /// Shifts and rotations of each element of `a` by that of `b`.
    Vpsllvw = q38(0x12),
    Vpsllvd = p38(0x47).avx(),
    Vpsllvq = p38(0x47).w(true).avx(),
    Vpsrlvw = q38(0x10),
    Vpsrlvd = p38(0x45).avx(),
    Vpsrlvq = p38(0x45).w(true).avx(),
    Vpsravw = q38(0x11),
    Vpsravd = p38(0x46).avx(),
    Vpsravq = q38(0x46),
    Vprolvd = p38(0x15).avx512(),
    Vprolvq = q38(0x15),
    Vprorvd = p38(0x14).avx512(),
    Vprorvq = q38(0x14),
    Punpcklbw = p(0x60),
    Punpcklwd = p(0x61),
    Punpckldq = p(0x62),
    Punpcklqdq = p(0x6c).ew(),
    Punpckhbw = p(0x68),
    Punpckhwd = p(0x69),
    Punpckhdq = p(0x6a),
    Punpckhqdq = p(0x6d).ew(),
    Packsswb = p(0x63),
    Packssdw = p(0x6b),
    Packuswb = p(0x67),
    Packusdw = p38(0x2b),
    Pshufb = p38(0x00),
    Phaddw = p38(0x01).scratch(),
    Phaddd = p38(0x02).scratch(),
    Phaddsw = p38(0x03).scratch(),
    Phsubw = p38(0x05).scratch(),
    Phsubd = p38(0x06).scratch(),
    /// Elements of `b` chosen by `a`; VBMI for bytes.
    Vpermb = p38(0x8d).avx512(),
    Vpermw = q38(0x8d),
    /// Elements of `a` and `b` chosen by `dst`, which is read; VBMI for bytes.
    Vpermi2b = p38(0x75).avx512(),
    Vpermi2w = q38(0x75),
    Vpermi2d = p38(0x76).avx512(),
    Vpermi2q = q38(0x76),
    /// Elements of `dst` and `b` chosen by `a`; VBMI for bytes.
    Vpermt2b = p38(0x7d).avx512(),
    Vpermt2w = q38(0x7d),
    Vpermt2d = p38(0x7e).avx512(),
    Vpermt2q = q38(0x7e),
    /// `b` where the mask is set, else `a`.
    Vpblendmb = p38(0x66).avx512(),
    Vpblendmw = q38(0x66),
    Vpblendmd = p38(0x64).avx512(),
    Vpblendmq = q38(0x64),
    Vblendmps = p38(0x65).avx512(),
    Vblendmpd = q38(0x65),
    /// GFNI.
    Gf2p8mulb = p38(0xcf),
    Aesenc = p38(0xdc).scratch(),
    Aesenclast = p38(0xdd).scratch(),
    Aesdec = p38(0xde).scratch(),
    Aesdeclast = p38(0xdf).scratch(),
    /// The lowest element of `b`, the others of `a`; `b` is a register.
    Movss = ss(0x10),
    Movsd = sd(0x10),
    /// The upper half of `b` below that of `a`; `b` is a register.
    Movhlps = o(NP, 0x12),
    /// The lower half of `a` below that of `b`; `b` is a register.
    Movlhps = o(NP, 0x16),
    /// `a` with its lower half from memory.
    Movlps = o(NP, 0x12).unit(3),
    /// `a` with its upper half from memory.
    Movhps = o(NP, 0x16).unit(3),
    Unpcklps = o(NP, 0x14),
    Unpcklpd = p(0x14).ew(),
    Unpckhps = o(NP, 0x15),
    Unpckhpd = p(0x15).ew(),
    Andps = o(NP, 0x54).commutes(),
    Andpd = p(0x54).ew().commutes(),
    /// `!a & b`.
    Andnps = o(NP, 0x55),
    Andnpd = p(0x55).ew(),
    Orps = o(NP, 0x56).commutes(),
    Orpd = p(0x56).ew().commutes(),
    Xorps = o(NP, 0x57).commutes(),
    Xorpd = p(0x57).ew().commutes(),
    Haddps = o(PF2, 0x7c).scratch(),
    Haddpd = p(0x7c).scratch(),
    Hsubps = o(PF2, 0x7d).scratch(),
    Hsubpd = p(0x7d).scratch(),
    Addsubps = o(PF2, 0xd0).scratch(),
    Addsubpd = p(0xd0).scratch(),
    // Of two NaNs the first wins, so not even addition commutes.
    Addps = o(NP, 0x58),
    Addpd = p(0x58).ew(),
    Addss = ss(0x58),
    Addsd = sd(0x58),
    Mulps = o(NP, 0x59),
    Mulpd = p(0x59).ew(),
    Mulss = ss(0x59),
    Mulsd = sd(0x59),
    Subps = o(NP, 0x5c),
    Subpd = p(0x5c).ew(),
    Subss = ss(0x5c),
    Subsd = sd(0x5c),
    Minps = o(NP, 0x5d),
    Minpd = p(0x5d).ew(),
    Minss = ss(0x5d),
    Minsd = sd(0x5d),
    Divps = o(NP, 0x5e),
    Divpd = p(0x5e).ew(),
    Divss = ss(0x5e),
    Divsd = sd(0x5e),
    Maxps = o(NP, 0x5f),
    Maxpd = p(0x5f).ew(),
    Maxss = ss(0x5f),
    Maxsd = sd(0x5f),
    /// Of the lowest element of `b`; the others are `a`'s. So it is for the next three.
    Sqrtss = ss(0x51),
    Sqrtsd = sd(0x51),
    Cvtss2sd = ss(0x5a),
    Cvtsd2ss = sd(0x5a),
    Vscalefps = p38(0x2c).avx512(),
    Vscalefpd = q38(0x2c),
    Vscalefss = p38(0x2d).avx512().unit(2),
    Vscalefsd = q38(0x2d).unit(3),
}

ops! {
    /// Operations on two vectors and an immediate.
    VOpImm:
    /// Bytes of `a:b` from byte `imm` on.
    Palignr = p3a(0x0f),
    Pblendw = p3a(0x0e).scratch(),
    Blendps = p3a(0x0c).scratch(),
    Blendpd = p3a(0x0d).scratch(),
    Shufps = o(NP, 0xc6),
    Shufpd = p(0xc6).ew(),
    /// In memory, `b` is 4 bytes, and the immediate's upper two bits mean nothing.
    Insertps = p3a(0x21).unit(2),
    Pclmulqdq = p3a(0x44).scratch(),
    /// Rounding of the lowest element of `b`; the others are `a`'s.
    Roundss = p3a(0x0a).unit(2),
    Roundsd = p3a(0x0b).unit(3).ew(),
    /// Comparisons; the immediate is a predicate, 0 to 7 with SSE, else 0 to 31.
    Cmpps = o(NP, 0xc2).masked(Lane::D),
    Cmppd = p(0xc2).ew().masked(Lane::Q),
    Cmpss = ss(0xc2).scratch(),
    Cmpsd = sd(0xc2).scratch(),
    /// Any function of three bits; `dst` is read.
    Vpternlogd = p3a(0x25).avx512(),
    Vpternlogq = p3a(0x25).w(true).avx512(),
    Valignd = p3a(0x03).avx512(),
    Valignq = p3a(0x03).w(true).avx512(),
    /// GFNI.
    Gf2p8affineqb = p3a(0xce).w(true),
    Gf2p8affineinvqb = p3a(0xcf).w(true),
    Vrangeps = p3a(0x50).avx512(),
    Vrangepd = p3a(0x50).w(true).avx512(),
    Vrangess = p3a(0x51).avx512().unit(2),
    Vrangesd = p3a(0x51).w(true).avx512().unit(3),
    /// `dst` is read.
    Vfixupimmps = p3a(0x54).avx512(),
    Vfixupimmpd = p3a(0x54).w(true).avx512(),
    Vfixupimmss = p3a(0x55).avx512().unit(2),
    Vfixupimmsd = p3a(0x55).w(true).avx512().unit(3),
}

impl VOpImm {
    pub(super) const fn is_compare(self) -> bool {
        matches!(self, Self::Cmpps | Self::Cmppd | Self::Cmpss | Self::Cmpsd)
    }
}

ops! {
    /// Operations on one vector.
    VUn:
    Pabsb = p38(0x1c),
    Pabsw = p38(0x1d),
    Pabsd = p38(0x1e),
    Vpabsq = q38(0x1f),
    Pmovsxbw = p38(0x20).unit(3),
    Pmovsxbd = p38(0x21).unit(2),
    Pmovsxbq = p38(0x22).unit(1),
    Pmovsxwd = p38(0x23).unit(3),
    Pmovsxwq = p38(0x24).unit(2),
    Pmovsxdq = p38(0x25).unit(3),
    Pmovzxbw = p38(0x30).unit(3),
    Pmovzxbd = p38(0x31).unit(2),
    Pmovzxbq = p38(0x32).unit(1),
    Pmovzxwd = p38(0x33).unit(3),
    Pmovzxwq = p38(0x34).unit(2),
    Pmovzxdq = p38(0x35).unit(3),
    Vpbroadcastb = p38(0x78).unit(0).avx(),
    Vpbroadcastw = p38(0x79).unit(1).avx(),
    Vpbroadcastd = p38(0x58).unit(2).avx(),
    Vpbroadcastq = p38(0x59).unit(3).ew().avx(),
    Vbroadcastss = p38(0x18).unit(2).avx(),
    Movddup = o(PF2, 0x12).unit(3).ew(),
    Movshdup = o(PF3, 0x16),
    Movsldup = o(PF3, 0x12),
    /// BITALG for bytes and words, VPOPCNTDQ for the others.
    Vpopcntb = p38(0x54).avx512(),
    Vpopcntw = q38(0x54),
    Vpopcntd = p38(0x55).avx512(),
    Vpopcntq = q38(0x55),
    /// CD.
    Vplzcntd = p38(0x44).avx512(),
    Vplzcntq = q38(0x44),
    Aesimc = p38(0xdb).scratch(),
    Sqrtps = o(NP, 0x51),
    Sqrtpd = p(0x51).ew(),
    Cvtdq2ps = o(NP, 0x5b),
    Cvtps2dq = p(0x5b),
    Cvttps2dq = o(PF3, 0x5b),
    Cvtps2pd = o(NP, 0x5a).unit(3),
    Cvtpd2ps = p(0x5a).ew(),
    Cvtdq2pd = o(PF3, 0xe6).unit(3),
    Cvtpd2dq = o(PF2, 0xe6).ew(),
    Cvttpd2dq = p(0xe6).ew(),
    /// F16C.
    Vcvtph2ps = p38(0x13).unit(3).avx(),
    Vcvtudq2ps = o(PF2, 0x7a).avx512(),
    Vcvtudq2pd = o(PF3, 0x7a).unit(3).avx512(),
    Vcvtqq2ps = o(NP, 0x5b).w(true).avx512(),
    Vcvtqq2pd = o(PF3, 0xe6).w(true).avx512(),
    Vcvtuqq2ps = o(PF2, 0x7a).w(true).avx512(),
    Vcvtuqq2pd = o(PF3, 0x7a).w(true).avx512(),
    Vcvtps2udq = o(NP, 0x79).avx512(),
    Vcvttps2udq = o(NP, 0x78).avx512(),
    Vcvtps2qq = p(0x7b).unit(3).avx512(),
    Vcvttps2qq = p(0x7a).unit(3).avx512(),
    Vcvtps2uqq = p(0x79).unit(3).avx512(),
    Vcvttps2uqq = p(0x78).unit(3).avx512(),
    Vcvtpd2udq = o(NP, 0x79).w(true).avx512(),
    Vcvttpd2udq = o(NP, 0x78).w(true).avx512(),
    Vcvtpd2qq = p(0x7b).w(true).avx512(),
    Vcvttpd2qq = p(0x7a).w(true).avx512(),
    Vcvtpd2uqq = p(0x79).w(true).avx512(),
    Vcvttpd2uqq = p(0x78).w(true).avx512(),
    Vgetexpps = p38(0x42).avx512(),
    Vgetexppd = q38(0x42),
    /// Moves, to be masked.
    Vmovaps = o(NP, 0x28).avx512(),
    Vmovdqu8 = o(PF2, 0x6f).avx512(),
    Vmovdqu16 = o(PF2, 0x6f).w(true).avx512(),
    Vmovdqu32 = o(PF3, 0x6f).avx512(),
    Vmovdqu64 = o(PF3, 0x6f).w(true).avx512(),
}

ops! {
    /// Operations on one vector and an immediate.
    VUnImm:
    Pshufd = p(0x70),
    Pshuflw = o(PF2, 0x70),
    Pshufhw = o(PF3, 0x70),
    Roundps = p3a(0x08),
    Roundpd = p3a(0x09).ew(),
}

ops! {
    /// Narrowing moves: truncating, with signed saturation (S), with unsigned saturation (US).
    VNarrow:
    Vpmovwb = narrow(0x30, 3),
    Vpmovdb = narrow(0x31, 2),
    Vpmovqb = narrow(0x32, 1),
    Vpmovdw = narrow(0x33, 3),
    Vpmovqw = narrow(0x34, 2),
    Vpmovqd = narrow(0x35, 3),
    Vpmovswb = narrow(0x20, 3),
    Vpmovsdb = narrow(0x21, 2),
    Vpmovsqb = narrow(0x22, 1),
    Vpmovsdw = narrow(0x23, 3),
    Vpmovsqw = narrow(0x24, 2),
    Vpmovsqd = narrow(0x25, 3),
    Vpmovuswb = narrow(0x10, 3),
    Vpmovusdb = narrow(0x11, 2),
    Vpmovusqb = narrow(0x12, 1),
    Vpmovusdw = narrow(0x13, 3),
    Vpmovusqw = narrow(0x14, 2),
    Vpmovusqd = narrow(0x15, 3),
}

ops! {
    /// SHA instructions of two operands.
    VSha:
    Sha1nexte = Row::new(NP, 2, 0xc8),
    Sha1msg1 = Row::new(NP, 2, 0xc9),
    Sha1msg2 = Row::new(NP, 2, 0xca),
    Sha256rnds2 = Row::new(NP, 2, 0xcb),
    Sha256msg1 = Row::new(NP, 2, 0xcc),
    Sha256msg2 = Row::new(NP, 2, 0xcd),
}

ops! {
    /// Shifts and rotations by an immediate.
    VShift:
    Psllw = p(0x71),
    Pslld = p(0x72),
    Psllq = p(0x73).ew(),
    Psrlw = p(0x71),
    Psrld = p(0x72),
    Psrlq = p(0x73).ew(),
    Psraw = p(0x71),
    Psrad = p(0x72),
    Vpsraq = p(0x72).w(true).avx512(),
    /// By bytes.
    Pslldq = p(0x73),
    Psrldq = p(0x73),
    Vprold = p(0x72).avx512(),
    Vprolq = p(0x72).w(true).avx512(),
    Vprord = p(0x72).avx512(),
    Vprorq = p(0x72).w(true).avx512(),
}

impl VShift {
    /// The row, and what stands in ModRM's register field.
    #[inline]
    pub(super) fn row_and_extension(self) -> (&'static Row, u8) {
        let extension = match self {
            Self::Psllw | Self::Pslld | Self::Psllq => 6,
            Self::Psrlw | Self::Psrld | Self::Psrlq => 2,
            Self::Psraw | Self::Psrad | Self::Vpsraq => 4,
            Self::Pslldq => 7,
            Self::Psrldq => 3,
            Self::Vprold | Self::Vprolq => 1,
            Self::Vprord | Self::Vprorq => 0,
        };
        (self.row(), extension)
    }
}

/// Blends by the sign bits of a vector.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VBlendv {
    Pblendvb,
    Blendvps,
    Blendvpd,
}

impl VBlendv {
    pub(super) const fn lane(self) -> Lane {
        match self {
            Self::Pblendvb => Lane::B,
            Self::Blendvps => Lane::D,
            Self::Blendvpd => Lane::Q,
        }
    }

    pub(super) const fn vex(self) -> u8 {
        match self {
            Self::Pblendvb => 0x4c,
            Self::Blendvps => 0x4a,
            Self::Blendvpd => 0x4b,
        }
    }

    pub(super) const fn legacy(self) -> u8 {
        match self {
            Self::Pblendvb => 0x10,
            Self::Blendvps => 0x14,
            Self::Blendvpd => 0x15,
        }
    }

    pub(super) const fn masked(self) -> VOp {
        match self {
            Self::Pblendvb => VOp::Vpblendmb,
            Self::Blendvps => VOp::Vpblendmd,
            Self::Blendvpd => VOp::Vpblendmq,
        }
    }
}
