//! Micro-ops: what every front end lowers to and every executor runs.
//!
//! A block is a flat array of 16-byte uops. Operands name guest registers directly, so executors need
//! no value numbering. Semantics of an instruction exist once: in the uops it lowers to.

pub mod dsp;
mod extension;
pub mod float;
mod memory;
mod system;
mod vector;

pub use dsp::{DspOp, Lanes};
pub use extension::{Arrangement, Elements, Extension};
pub use float::FloatOp;
pub use memory::MemoryOp;
pub use system::SystemOp;
pub use vector::VectorOp;

/// A general-register slot: X0-X30, then the ones below. Kept under 64 so that executors can mask.
pub type Slot = u8;

/// Reads as zero; never written.
pub const ZERO: Slot = 31;
/// The stack pointer in use.
pub const SP: Slot = 32;
/// Takes writes to XZR; never read.
pub const SINK: Slot = 33;
/// AArch32: CPSR.Q, 0 or 1.
pub const Q: Slot = 34;
/// AArch32: CPSR.GE, four bits.
pub const GE: Slot = 35;
/// AArch32: FPSCR.NZCV, in bits `[31:28]`.
pub const FPNZCV: Slot = 36;
/// First of the block-local temporaries. They hold nothing across instructions.
pub const TEMP: Slot = 40;
/// Number of general slots.
pub const SLOTS: usize = 64;
/// First vector temporary; V0-V31 come before it. Kept under 64 as well.
pub const VTEMP: Slot = 32;

/// One micro-op. What `dst`, `a`, `b`, `c`, `flags` and `imm` mean is said at each [`Op`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Uop {
    /// What to do.
    pub op: Op,
    /// Destination slot.
    pub dst: Slot,
    /// First operand slot.
    pub a: Slot,
    /// Second operand slot.
    pub b: Slot,
    /// Third operand slot, or second destination.
    pub c: Slot,
    /// Variant bits of the op.
    pub flags: u8,
    /// Distance of the guest instruction from the start of the block, in halfwords.
    pub delta: u8,
    /// Immediate operand.
    pub imm: i64,
}

const _: () = assert!(size_of::<Uop>() == 16);

impl Uop {
    /// A uop with no operands.
    pub const fn new(op: Op) -> Self {
        Self { op, dst: SINK, a: ZERO, b: ZERO, c: ZERO, flags: 0, delta: 0, imm: 0 }
    }
}

/// What a uop does. `32` forms work on the low word and zero the upper half of the destination.
///
/// Flags are NZCV; ops named `..S` set them. Conditions are in `flags`, encoded as in instructions.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    // Moves: `dst = a`, `dst = imm`, `dst = pc + imm` and `dst = (pc & !0xfff) + imm`, where pc is that of the block.
    Mov,
    Mov32,
    MovI,
    PcRel,
    PageRel,
    /// `dst` = low word of pc + imm.
    PcRel32,
    /// `dst = a`, but its halfword at bit `flags` = that of `imm`, which is zero elsewhere.
    MovK64,
    MovK32,

    // Arithmetic: `dst = a op b`, or `a op imm` for the `I` forms.
    Add64,
    Add32,
    Sub64,
    Sub32,
    AddI64,
    AddI32,
    AddS64,
    AddS32,
    SubS64,
    SubS32,
    AddSI64,
    AddSI32,
    SubSI64,
    SubSI32,
    // `a + b + C` and `a - b - !C`.
    Adc64,
    Adc32,
    Sbc64,
    Sbc32,
    AdcS64,
    AdcS32,
    SbcS64,
    SbcS32,

    // Logic: `dst = a op b`, or `a op imm`; Bic, Orn and Eon invert `b`. S forms clear C and V.
    And64,
    And32,
    Orr64,
    Orr32,
    Eor64,
    Eor32,
    Bic64,
    Bic32,
    Orn64,
    Orn32,
    Eon64,
    Eon32,
    AndS64,
    AndS32,
    BicS64,
    BicS32,
    /// `imm` is zero-extended for either width, hence one form.
    AndI,
    OrrI64,
    OrrI32,
    EorI64,
    EorI32,
    AndSI64,
    AndSI32,

    // Shifts of `a` by `b` modulo the width, or by `imm`, which is below the width.
    Lsl64,
    Lsl32,
    Lsr64,
    Lsr32,
    Asr64,
    Asr32,
    Ror64,
    Ror32,
    LslI64,
    LslI32,
    LsrI64,
    LsrI32,
    AsrI64,
    AsrI32,
    RorI64,
    RorI32,
    /// `dst` = low word(s) of `a:b` shifted right by `imm`, which is not 0 and below the width.
    Extr64,
    Extr32,

    // Bit fields.
    /// `dst = ror64(a, flags) & imm`, for either width.
    Ubf,
    /// `dst = b & !imm | ror64(a, flags) & imm`.
    Bfi64,
    Bfi32,
    /// `dst` = `a` shifted left by `c`, then arithmetically right by `flags`; both below the width.
    Sbf64,
    Sbf32,

    // `dst = op a`. Rev16 and Rev32 reverse the bytes of each 16 or 32 bits, RevNN those of the whole.
    Clz64,
    Clz32,
    Cls64,
    Cls32,
    Rbit64,
    Rbit32,
    Rev16In64,
    Rev16In32,
    Rev32In64,
    Rev64,
    Rev32,

    // Products: `dst = c + a * b` and `c - a * b`; S and U take signed and unsigned low words of `a` and `b`.
    Madd64,
    Madd32,
    Msub64,
    Msub32,
    Smaddl,
    Smsubl,
    Umaddl,
    Umsubl,
    /// Upper 64 bits of the 128-bit product.
    Smulh,
    Umulh,
    // `dst = a / b`, 0 if `b` is.
    Udiv64,
    Udiv32,
    Sdiv64,
    Sdiv32,
    /// `dst` = CRC of the low `1 << flags[1:0]` bytes of `b` into `a`; Castagnoli's polynomial if `flags` bit 2.
    Crc32,

    // If the condition holds `dst = a`, else `b`, `b + 1`, `!b` or `-b`.
    Csel64,
    Csel32,
    Csinc64,
    Csinc32,
    Csinv64,
    Csinv32,
    Csneg64,
    Csneg32,
    // If the condition holds flags of `a - (b + imm)` or `a + (b + imm)`, where one of b and imm is zero; else NZCV = `c`.
    Ccmp64,
    Ccmp32,
    Ccmn64,
    Ccmn32,
    /// The flags in mask `c` = bits `[3:0]` of `ror64(a, flags)`.
    Rmif,
    /// N, Z and V as of the low byte or halfword of `a`.
    Setf8,
    Setf16,
    Cfinv,
    Axflag,
    Xaflag,

    // AArch32's ways with flags. What isn't named stays.
    /// N and Z as of the word `a`.
    NzS32,
    /// C = bit 0 of `imm`.
    SetC,
    /// C = bit `flags` of `a`.
    CarryBit,
    // Shifts of the word `a` by `imm`: LSL by 0 to 31, LSR and ASR by 1 to 32, ROR by 1 to 31. N and Z as of `dst`, C is
    // the last bit shifted out; it stays if the amount is 0.
    LslSI32,
    LsrSI32,
    AsrSI32,
    RorSI32,
    /// `dst = C:a >> 1`.
    Rrx32,
    /// The same, N and Z as of `dst`, and C = bit 0 of `a`.
    RrxS32,
    // Shifts of the word `a` by the low byte of `b`, all of which counts; the S forms set N, Z and C as above.
    LslV32,
    LsrV32,
    AsrV32,
    RorV32,
    LslSV32,
    LsrSV32,
    AsrSV32,
    RorSV32,
    /// Saturating, parallel and DSP arithmetic of AArch32.
    Dsp(DspOp),

    // Loads: `dst = [a + (b << flags) + imm]`, zero-extended; S32 and S64 sign-extend to that width.
    Load8,
    Load16,
    Load32,
    Load64,
    Load8S32,
    Load8S64,
    Load16S32,
    Load16S64,
    Load32S64,
    // Stores: `[a + (b << flags) + imm] = c`.
    Store8,
    Store16,
    Store32,
    Store64,
    // Pairs: `dst, c = [a + imm]` and `[a + imm] = c, b`. A fault of either half changes nothing.
    LoadPair32,
    LoadPair64,
    LoadPair32S64,
    StorePair32,
    StorePair64,
    // The same with vector slots `dst` and `c`; a load zeroes the rest of the destination.
    VLoad8,
    VLoad16,
    VLoad32,
    VLoad64,
    VLoad128,
    VStore8,
    VStore16,
    VStore32,
    VStore64,
    VStore128,
    VLoadPair32,
    VLoadPair64,
    VLoadPair128,
    VStorePair32,
    VStorePair64,
    VStorePair128,
    /// SP alignment fault unless `a` is a multiple of 16 (SCTLR_EL1.SA).
    CheckSp,
    /// Alignment fault unless the low `flags` bits of `a + imm` are zero; bit 0 of `c` says that it is a store's.
    CheckAlign,
    /// AArch32: the trap of floating point if it is denied now. `c` is the instruction's length in bytes, `b` its ITSTATE.
    CheckFp,
    /// Unless condition `flags` holds, skips `imm` uops, which belong to the same instruction. `b` is the instruction's
    /// ITSTATE.
    Skip,

    // Ends of blocks. `imm` is the distance of the target from the block's pc. Branches that may fall through, and
    // calls, have the length of the instruction in `c`, in bytes.
    /// Direct branch by link `flags`, 0 or 1.
    Jump,
    /// The same, and X30 = the next instruction's address.
    Call,
    // If condition `flags` holds, `a` is (not) zero, or bit `flags` of `a` is clear or set: branch by link 0. Else
    // to the next instruction by link 1.
    JumpIf,
    JumpIfZero64,
    JumpIfZero32,
    JumpIfNotZero64,
    JumpIfNotZero32,
    JumpIfBitClear,
    JumpIfBitSet,
    /// Go on at pc + imm by a fresh look-up: something the block's mode depends on may have changed.
    Next,
    /// Indirect branch to `a`, less the tag that TCR_EL1.TBIn lets it have; `flags` hints: 2 a return.
    JumpReg,
    /// The same in AArch32 state: bit 0 of `a` chooses T32.
    JumpExchange,
    /// Indirect branch to `a`, and X30 = the next instruction's address.
    CallReg,
    /// The instruction, of `c` bytes, is UNDEFINED.
    Undefined,

    /// Ordered, exclusive, unprivileged and atomic accesses, and vector structures.
    Memory(MemoryOp),
    /// AdvSIMD integer work, on vector slots.
    Vector(VectorOp),
    /// Floating point, scalar and vector.
    Float(FloatOp),
    /// System instructions, exceptions, barriers.
    System(SystemOp),
}

const _: () = assert!(size_of::<Op>() == 2);

impl Op {
    /// A plain load or store of one general register.
    pub const fn is_access(self) -> bool {
        use Op::*;
        matches!(
            self,
            Load8
                | Load16
                | Load32
                | Load64
                | Load8S32
                | Load8S64
                | Load16S32
                | Load16S64
                | Load32S64
                | Store8
                | Store16
                | Store32
                | Store64
        )
    }

    /// A plain load or store of one or two vector registers.
    pub const fn is_vector_access(self) -> bool {
        use Op::*;
        matches!(
            self,
            VLoad8
                | VLoad16
                | VLoad32
                | VLoad64
                | VLoad128
                | VStore8
                | VStore16
                | VStore32
                | VStore64
                | VStore128
                | VLoadPair32
                | VLoadPair64
                | VLoadPair128
                | VStorePair32
                | VStorePair64
                | VStorePair128
        )
    }

    /// A load of two general registers.
    pub const fn is_load_pair(self) -> bool {
        matches!(self, Self::LoadPair32 | Self::LoadPair64 | Self::LoadPair32S64)
    }

    /// A store of two registers of either kind: slot `b` is data rather than an index.
    pub const fn is_store_pair(self) -> bool {
        use Op::*;
        matches!(self, StorePair32 | StorePair64 | VStorePair32 | VStorePair64 | VStorePair128)
    }

    /// What leaves the block for good, but for system ops.
    pub const fn is_branch(self) -> bool {
        matches!(
            self,
            Self::Jump | Self::Call | Self::Next | Self::JumpReg | Self::CallReg | Self::JumpExchange
        )
    }

    /// A direct branch that may fall through.
    pub const fn is_conditional(self) -> bool {
        use Op::*;
        matches!(
            self,
            JumpIf
                | JumpIfZero64
                | JumpIfZero32
                | JumpIfNotZero64
                | JumpIfNotZero32
                | JumpIfBitClear
                | JumpIfBitSet
        )
    }
}
