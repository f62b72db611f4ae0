//! Micro-ops: what every front end lowers to and every executor runs.
//!
//! A block is a flat array of 16-byte uops. Operands name guest registers directly, so executors need
//! no value numbering. Semantics of an instruction exist once: in the uops it lowers to.

mod float;
mod system;
mod vector;

pub use float::FloatOp;
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
/// First of the block-local temporaries. They hold nothing across instructions.
pub const TEMP: Slot = 34;
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
/// Flags are NZCV; ops named `..S` set them. Memory ops address `a + b + imm`.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    // Moves: `dst = a`, `dst = imm`, `dst = pc + imm` and `dst = (pc & !0xfff) + imm`, where pc is that of the block.
    Mov,
    MovI,
    PcRel,
    PageRel,

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

    // Loads: `dst = [a + b + imm]`, zero-extended.
    Load8,
    Load16,
    Load32,
    Load64,
    // Stores: `[a + b + imm] = c`.
    Store8,
    Store16,
    Store32,
    Store64,
    /// SP alignment fault unless `a` is a multiple of 16 (SCTLR_EL1.SA).
    CheckSp,

    // Ends of blocks. `imm` is the distance of the target from the block's pc.
    /// Direct branch by link `flags`.
    Jump,
    /// If condition `a` holds: branch by link 0. Else falls through to the next uop.
    JumpIf,
    /// Go on at pc + imm by a fresh look-up: something the block's mode depends on may have changed.
    Next,
    /// Indirect branch to `a`.
    JumpReg,
    /// The instruction is UNDEFINED.
    Undefined,

    /// AdvSIMD integer work, on vector slots.
    Vector(VectorOp),
    /// Floating point, scalar and vector.
    Float(FloatOp),
    /// System instructions, exceptions, barriers.
    System(SystemOp),
}

const _: () = assert!(size_of::<Op>() == 2);
