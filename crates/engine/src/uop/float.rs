//! Floating-point ops, scalar and vector.
//!
//! Slots are vector slots unless said otherwise. An op works on lanes of one format: [`SIZE`] says which, [`Q`]
//! and [`SCALAR`] how many. What lies above the lanes in the destination is zeroed. Controls are those of FPCR
//! when the op runs; the exceptions of all lanes accumulate in FPSR.

/// Bits of `flags`: log2 of the size of the format in bytes.
pub const SIZE: u8 = 3;
/// [`SIZE`] of half precision.
pub const HALF: u8 = 1;
/// [`SIZE`] of single precision.
pub const SINGLE: u8 = 2;
/// [`SIZE`] of double precision.
pub const DOUBLE: u8 = 3;
/// Bit of `flags`: a vector of 128 bits, else of 64.
pub const Q: u8 = 1 << 2;
/// Bit of `flags`: one lane.
pub const SCALAR: u8 = 1 << 3;
/// Bit of `flags`: lane `imm` of `b` (bits `[7:0]`) stands for every lane of it.
pub const ELEMENT: u8 = 1 << 4;
/// Bit of `flags`: operand `b` is +0 in every lane.
pub const ZERO_B: u8 = 1 << 5;
/// Bit of `flags`: with the controls of AArch32's AdvSIMD, whatever FPCR says: to nearest, denormals flushed to zero, and
/// every NaN the default one; AHP counts. Steps of iterations round the product, as AArch32 has them.
pub const STANDARD: u8 = 1 << 6;

/// `imm` of ops that round to integers, bits `[2:0]`: to nearest, ties to even.
pub const NEAREST: i64 = 0;
/// Towards plus infinity.
pub const PLUS_INF: i64 = 1;
/// Towards minus infinity.
pub const MINUS_INF: i64 = 2;
/// Towards zero.
pub const TO_ZERO: i64 = 3;
/// To nearest, ties away from zero.
pub const TIES_AWAY: i64 = 4;
/// As FPCR.RMode says.
pub const CURRENT: i64 = 5;
/// Bit of `imm` of [`FloatOp::RoundInt`]: an inexact result sets FPSR.IXC.
pub const EXACT: i64 = 1 << 3;
/// Bit of `imm` of [`FloatOp::Compare`] and [`FloatOp::CompareIf`]: quiet NaNs are invalid operations as well.
pub const SIGNALLING: i64 = 1 << 4;
/// Bit of `imm` of conversions to general slots: to numbers of 16 bits instead of 32.
pub const TO16: i64 = 1 << 16;
/// `imm` of conversions with fixed point, bits `[15:8]`: number of fraction bits.
pub const FBITS_SHIFT: u32 = 8;
/// `imm` of complex ops, bits `[15:8]`: rotation in units of 90 degrees.
pub const ROT_SHIFT: u32 = 8;

/// What a floating-point uop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FloatOp {
    /// FP access is trapped by CPACR_EL1.FPEN.
    Trapped,

    // Arithmetic: `dst = a op b`, lane by lane.
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `-(a * b)`.
    NegMul,
    /// `a * b`, where infinity times zero is two.
    MulX,
    /// `a / b`.
    Div,
    /// `|a - b|`.
    AbsDiff,
    /// The larger, or a NaN.
    Max,
    /// The smaller, or a NaN.
    Min,
    /// The larger number.
    MaxNum,
    /// The smaller number.
    MinNum,
    /// `2 - a * b`, fused.
    RecipStep,
    /// `(3 - a * b) / 2`, fused.
    RsqrtStep,

    // Fused multiply-add: `dst = +-c +- a * b`.
    /// `c + a * b`.
    MulAdd,
    /// `c - a * b`.
    MulSub,
    /// `-c - a * b`.
    NegMulAdd,
    /// `-c + a * b`.
    NegMulSub,

    // Pairwise: over the pairs of adjacent lanes of `a`, then those of `b`.
    /// The sum of a pair.
    AddPairs,
    /// The larger of a pair, or a NaN.
    MaxPairs,
    /// The smaller of a pair, or a NaN.
    MinPairs,
    /// The larger number of a pair.
    MaxNumPairs,
    /// The smaller number of a pair.
    MinNumPairs,

    // Across: all lanes of `a` reduced to one, by a tree of adjacent pairs. The flags give the lanes of `a`.
    /// The sum.
    AddAcross,
    /// The largest, or a NaN.
    MaxAcross,
    /// The smallest, or a NaN.
    MinAcross,
    /// The largest number.
    MaxNumAcross,
    /// The smallest number.
    MinNumAcross,

    // Complex: on pairs (real, imaginary) of lanes, `b` rotated by `imm`.
    /// `dst = c + a * b`: the half of a complex multiply-add that the rotation chooses. With [`ELEMENT`], `imm`
    /// is the index of a pair.
    ComplexMulAdd,
    /// `dst = a + b`, rotated by 1 or 3.
    ComplexAdd,

    // One operand: `dst = op a`, lane by lane.
    /// The magnitude; no NaN is processed.
    Abs,
    /// The other sign; no NaN is processed.
    Neg,
    /// The square root.
    Sqrt,
    /// An integral value in the same format.
    RoundInt,
    /// An integral value that fits in 32 bits; `imm` as for `RoundInt` without `EXACT`.
    RoundInt32,
    /// An integral value that fits in 64 bits.
    RoundInt64,
    /// An estimate of the reciprocal.
    RecipEstimate,
    /// An estimate of the reciprocal square root.
    RsqrtEstimate,
    /// The exponent of a reciprocal.
    RecipExponent,
    /// An estimate of the reciprocal of unsigned fractions of 32 bits.
    UnsignedRecipEstimate,
    /// An estimate of the reciprocal square root of unsigned fractions of 32 bits.
    UnsignedRsqrtEstimate,

    // Comparisons lane by lane: `dst` is all ones where `a op b` holds, else zero.
    /// `a == b`.
    Equal,
    /// `a >= b`.
    GreaterEqual,
    /// `a > b`.
    Greater,
    /// `a <= b`.
    LessEqual,
    /// `a < b`.
    Less,
    /// `|a| >= |b|`.
    AbsGreaterEqual,
    /// `|a| > |b|`.
    AbsGreater,

    // Scalars and NZCV.
    /// NZCV and general `dst` = `a` compared with `b`.
    Compare,
    /// General `dst` = `a` compared with `b`, as NZCV in bits `[31:28]`.
    CompareTo,
    /// If condition `c` holds: NZCV = `a` compared with `b`; else `imm` bits `[3:0]`.
    CompareIf,
    /// `dst` = `a` if condition `c` holds, else `b`.
    Select,

    // Conversions between formats. SIZE is that of the source.
    /// To a half.
    ToHalf,
    /// To a single.
    ToSingle,
    /// To a double.
    ToDouble,
    /// The lanes of half `imm` of `a` to the next larger format, in all of `dst`.
    Lengthen,
    /// All lanes of `a` to the next smaller format. With `imm` 1 they go to the upper half of `dst`, whose
    /// lower half is kept; with 0 to the lower half.
    Narrow,
    /// `Narrow` from doubles, rounding to odd.
    NarrowOdd,

    // Conversions to and from integers and fixed point of the size of the lanes. `imm`: rounding, fraction bits.
    /// To signed numbers.
    ToSigned,
    /// To unsigned numbers.
    ToUnsigned,
    /// From signed numbers.
    FromSigned,
    /// From unsigned numbers.
    FromUnsigned,

    // Between doubles and numbers of 32 bits in the lowest word of vector slots. `imm`: rounding.
    /// A double from a signed number.
    SignedToDouble,
    /// A double from an unsigned number.
    UnsignedToDouble,
    /// A double to a signed number.
    DoubleToSigned,
    /// A double to an unsigned number.
    DoubleToUnsigned,

    // The same for scalars, with a general slot: `dst` for the first ones, `a` for the latter.
    /// To a signed number of 32 bits.
    ToSigned32,
    /// To a signed number of 64 bits.
    ToSigned64,
    /// To an unsigned number of 32 bits.
    ToUnsigned32,
    /// To an unsigned number of 64 bits.
    ToUnsigned64,
    /// From a signed number of 32 bits.
    FromSigned32,
    /// From a signed number of 64 bits.
    FromSigned64,
    /// From an unsigned number of 32 bits.
    FromUnsigned32,
    /// From an unsigned number of 64 bits.
    FromUnsigned64,
    /// The double `a` to an integer modulo 2^32 in the general slot `dst`; NZCV.Z says that it is exact.
    ToInt32Js,

    // Moves of bits.
    /// `dst` = the low lane of `a`.
    Move,
    /// General `dst` = the low lane of `a`.
    MoveToGeneral,
    /// Low lane of `dst` = general `a`.
    MoveFromGeneral,
    /// General `dst` = bits `[127:64]` of `a`.
    MoveTopToGeneral,
    /// Bits `[127:64]` of `dst` = general `a`; the others are kept.
    MoveTopFromGeneral,
}
