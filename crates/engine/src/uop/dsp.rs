//! AArch32's saturating, parallel and packed arithmetic, on general slots (Arm ARM DDI 0487 F2.4).

/// What a DSP uop does. All values are words; `dst` is zero-extended unless it is said to be a doubleword.
///
/// Where Q is named, the op sets slot [`super::Q`] to 1 if it saturates or overflows, else leaves it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DspOp {
    /// SADD16 and its family: `dst = a op b` by lanes, the op being [`Lanes`] `flags`. Sets slot [`super::GE`].
    Signed,
    /// QADD16 and its family: each lane saturates as a signed number.
    SignedSaturating,
    /// SHADD16 and its family: each lane is halved, rounding down.
    SignedHalving,
    /// UADD16 and its family. Sets slot [`super::GE`].
    Unsigned,
    /// UQADD16 and its family: each lane saturates as an unsigned number.
    UnsignedSaturating,
    /// UHADD16 and its family.
    UnsignedHalving,
    /// SEL: each byte of `dst` is that of `a` if its bit of slot [`super::GE`] is set, else that of `b`.
    Select,
    /// USADA8: `dst = c` + the sum of the absolute differences of the bytes of `a` and `b`.
    SumOfDifferences,

    /// QADD: `dst = a + b`, saturated. Q.
    Qadd,
    /// QSUB: `dst = a - b`, saturated. Q.
    Qsub,
    /// QDADD: `dst = a + 2b`, doubling and sum saturated. Q.
    Qdadd,
    /// QDSUB: `dst = a - 2b`, likewise. Q.
    Qdsub,
    /// SSAT: `dst = a` saturated to a signed number of `flags` (1 to 32) bits. Q.
    Ssat,
    /// USAT: `dst = a`, a signed number, saturated to an unsigned one of `flags` (0 to 31) bits. Q.
    Usat,
    /// SSAT16: the same of both halves; `flags` is 1 to 16. Q.
    Ssat16,
    /// USAT16: the same of both halves; `flags` is 0 to 15. Q.
    Usat16,

    /// SXTAB16: `dst = a` + bytes 0 and 2 of `b`, sign-extended, by halves; no carry between them.
    Sxtab16,
    /// UXTAB16: the same, zero-extended.
    Uxtab16,

    /// SMULxy: the product of signed halves; `flags` are [`DspOp::TOP_A`] and [`DspOp::TOP_B`].
    Smul,
    /// SMLAxy: `dst = c +` the same. Q.
    Smla,
    /// SMLALxy: the same, of the doublewords `dst` and `c`.
    Smlal,
    /// SMULWy: bits `[47:16]` of the product of `a` and a signed half of `b`; `flags` may have [`DspOp::TOP_B`].
    Smulw,
    /// SMLAWy: `dst = c +` the same. Q.
    Smlaw,
    /// SMLAD, SMUAD: `dst = c +` both products of halves; [`DspOp::CROSS`] in `flags` swaps the halves of `b`. Q.
    Smlad,
    /// SMLSD, SMUSD: the product of the upper halves is subtracted. Q.
    Smlsd,
    /// SMLALD: SMLAD of the doublewords `dst` and `c`; no Q.
    Smlald,
    /// SMLSLD: SMLSD of the doublewords `dst` and `c`; no Q.
    Smlsld,
}

impl DspOp {
    /// In `flags` of a product: the upper half of `a`, else the lower one.
    pub const TOP_A: u8 = 1 << 0;
    /// In `flags` of a product: the upper half of `b`, else the lower one.
    pub const TOP_B: u8 = 1 << 1;
    /// In `flags` of a dual product: the halves of `b` change places first.
    pub const CROSS: u8 = 1 << 0;
}

/// How a parallel op pairs its lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Lanes {
    /// ADD16: sums of halves.
    Add16,
    /// ASX: the halves of `b` change places; the upper sum, the lower difference.
    Asx,
    /// SAX: the same with the upper difference and the lower sum.
    Sax,
    /// SUB16: differences of halves.
    Sub16,
    /// ADD8: sums of bytes.
    Add8,
    /// SUB8: differences of bytes.
    Sub8,
}

impl Lanes {
    /// The pairing with this number; numbers that are none count as [`Lanes::Sub8`].
    pub const fn from_flags(flags: u8) -> Self {
        match flags {
            0 => Self::Add16,
            1 => Self::Asx,
            2 => Self::Sax,
            3 => Self::Sub16,
            4 => Self::Add8,
            _ => Self::Sub8,
        }
    }
}
