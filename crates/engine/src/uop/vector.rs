//! AdvSIMD integer, permute, table, crypto and move ops.

/// What a vector uop does. `dst`, `a`, `b`, `c` are vector slots unless said otherwise; `dst` may equal
/// any operand, all of which are read before it is written.
///
/// `flags`: bits `[1:0]` ([`VectorOp::SIZE`]) are log2 of the element size in bytes, of the narrow element where two
/// sizes meet. Bit 2 ([`VectorOp::Q`]): the result has 128 bits, else bits `[127:64]` of `dst` become zero. Bit 3
/// ([`VectorOp::HIGH`]): ops that widen read bits `[127:64]` of their narrow operands instead of `[63:0]`; ops that
/// narrow write bits `[127:64]` and take `[63:0]` from `c`. What widens always has Q; what narrows has Q
/// with HIGH only.
///
/// Scalar instructions need no ops of their own: on 64-bit elements they are the op without Q, and on
/// smaller ones the same with operands that [`VectorOp::Pick`] cleared above the element, since every
/// such op makes zero out of zeros.
///
/// Ops that saturate set FPSR.QC.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum VectorOp {
    // Whole registers; no element size.
    /// Every 64-bit half of `dst` that is in use = `imm`.
    MovI,
    /// `dst = a`.
    Mov,
    /// `dst = a & imm`, the immediate in both halves.
    AndI,
    /// `dst = a | imm`.
    OrrI,
    And,
    /// `dst = a & !b`.
    Bic,
    Orr,
    /// `dst = a | !b`.
    Orn,
    Eor,
    /// `dst = !a`.
    Not,
    /// `dst = (a & b) | (!a & c)`.
    Bsl,
    /// Bytes `imm..` of `b:a`, which are 64-bit halves without Q.
    Ext,

    // Copies.
    /// `dst` = element `imm` of `a`, all other bits zero.
    Pick,
    /// Every element of `dst` = element `imm` of `a`.
    Dup,
    /// Every element of `dst` = the low bits of general slot `a`.
    DupGeneral,
    /// `dst` = `c` with element `imm & 15` replaced by element `imm >> 4` of `a`.
    Ins,
    /// `dst` = `c` with element `imm` replaced by the low bits of general slot `a`.
    InsGeneral,
    /// General slot `dst` = element `imm` of `a`, zero-extended.
    Umov,
    /// General slot `dst` = element `imm` of `a`, sign-extended to 64 bits with Q, else to 32.
    Smov,

    // `dst = a op b`, per element.
    Add,
    Sub,
    Mul,
    Pmul,
    Shadd,
    Uhadd,
    Srhadd,
    Urhadd,
    Shsub,
    Uhsub,
    Sqadd,
    Uqadd,
    Sqsub,
    Uqsub,
    Cmgt,
    Cmge,
    Cmhi,
    Cmhs,
    Cmeq,
    Cmtst,
    Smax,
    Umax,
    Smin,
    Umin,
    Sabd,
    Uabd,
    Sqdmulh,
    Sqrdmulh,
    // Shifts by the signed low byte of `b`, to the right if negative.
    Sshl,
    Ushl,
    Srshl,
    Urshl,
    Sqshl,
    Uqshl,
    Sqrshl,
    Uqrshl,
    // On pairs of neighbours of `b:a`.
    Addp,
    Smaxp,
    Umaxp,
    Sminp,
    Uminp,
    // Permutes of `a` and `b`.
    Zip1,
    Zip2,
    Uzp1,
    Uzp2,
    Trn1,
    Trn2,

    // `dst = c op (a, b)`, per element.
    Mla,
    Mls,
    Saba,
    Uaba,
    Sqrdmlah,
    Sqrdmlsh,
    /// 32-bit elements of `c` plus products of bytes.
    Sdot,
    Udot,

    // `dst = op a`, per element.
    Abs,
    Neg,
    Sqabs,
    Sqneg,
    Cls,
    Clz,
    /// Bytes only.
    Cnt,
    /// Bytes only.
    Rbit,
    // Reverse elements within 64, 32, 16 bits.
    Rev64,
    Rev32,
    Rev16,
    // Compare with zero.
    Cmgt0,
    Cmge0,
    Cmeq0,
    Cmle0,
    Cmlt0,
    /// `dst` = signed `c` + unsigned `a`, saturating as signed.
    Suqadd,
    /// `dst` = unsigned `c` + signed `a`, saturating as unsigned.
    Usqadd,
    // Sums of neighbours of `a`, twice as wide; `adalp` adds them to `c`.
    Saddlp,
    Uaddlp,
    Sadalp,
    Uadalp,
    // All elements of `a` (64 or 128 bits of it, by Q) to one; `addlv` makes it twice as wide.
    Addv,
    Saddlv,
    Uaddlv,
    Smaxv,
    Umaxv,
    Sminv,
    Uminv,

    // Shifts of `a` by `imm`: 1 to the element's width to the right, 0 to one less to the left.
    Sshr,
    Ushr,
    Srshr,
    Urshr,
    // The same, added to `c`.
    Ssra,
    Usra,
    Srsra,
    Ursra,
    // Shift and insert in `c`.
    Sri,
    Sli,
    Shl,
    SqshlI,
    UqshlI,
    Sqshlu,

    // Widening: `dst = a op b`, both narrow.
    Saddl,
    Uaddl,
    Ssubl,
    Usubl,
    Sabdl,
    Uabdl,
    Smull,
    Umull,
    Sqdmull,
    /// On 64-bit elements one product of 128 bits.
    Pmull,
    // `dst = a op b`, `b` narrow.
    Saddw,
    Uaddw,
    Ssubw,
    Usubw,
    // `dst = c op (a, b)`, `a` and `b` narrow.
    Sabal,
    Uabal,
    Smlal,
    Umlal,
    Smlsl,
    Umlsl,
    Sqdmlal,
    Sqdmlsl,
    /// `dst = a << imm`, 0 to the narrow element's width.
    Sshll,
    Ushll,

    // Narrowing: the high halves of `a op b`.
    Addhn,
    Raddhn,
    Subhn,
    Rsubhn,
    // `a` shifted right by `imm`, 0 to the narrow element's width.
    Shrn,
    Rshrn,
    Sqshrn,
    Uqshrn,
    Sqrshrn,
    Uqrshrn,
    Sqshrun,
    Sqrshrun,

    // Bytes of the `imm` registers from `a` on, looked up by `b`; V31 is followed by V0.
    /// Zero for indices out of range.
    Tbl,
    /// `c` for indices out of range.
    Tbx,

    // Cryptography, on 128 bits. `c` is the register the instruction updates.
    Aese,
    Aesd,
    Aesmc,
    Aesimc,
    Sha1c,
    Sha1p,
    Sha1m,
    Sha1h,
    Sha1su0,
    Sha1su1,
    Sha256h,
    Sha256h2,
    Sha256su0,
    Sha256su1,
    Sha512h,
    Sha512h2,
    Sha512su0,
    Sha512su1,
    /// `dst = a ^ b ^ c`.
    Eor3,
    /// `dst = a ^ (b & !c)`.
    Bcax,
    /// `dst = a ^ rol(b, 1)` on 64-bit elements.
    Rax1,
    /// `dst = ror(a ^ b, imm)` on 64-bit elements.
    Xar,
}

impl VectorOp {
    /// Flag bits `[1:0]`: log2 of the element size in bytes.
    pub const SIZE: u8 = 3;
    /// Flag: the result has 128 bits.
    pub const Q: u8 = 1 << 2;
    /// Flag: the upper half of what is narrow.
    pub const HIGH: u8 = 1 << 3;
    /// Number of ops.
    pub const COUNT: usize = Self::Xar as usize + 1;
}
