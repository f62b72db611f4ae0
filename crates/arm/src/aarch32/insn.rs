//! One A32 or T32 instruction with its operands.

pub use super::op::Op;

/// How a register operand is shifted (Arm ARM F2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shift {
    /// Logical shift left.
    Lsl,
    /// Logical shift right.
    Lsr,
    /// Arithmetic shift right.
    Asr,
    /// Rotate right.
    Ror,
    /// Rotate right by one bit through the carry flag.
    Rrx,
}

/// The second operand of a data-processing instruction, or the offset of a load or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// There is none, or the op has its operand elsewhere.
    None,
    /// A constant.
    Imm {
        /// Its value, rotated or expanded already. For loads and stores a count of bytes, see [`Index::add`].
        value: u32,
        /// What the carry flag becomes if a logical instruction sets flags; `None` leaves it as it is.
        carry: Option<bool>,
    },
    /// Register [`Insn::m`] shifted by a constant.
    Shifted {
        /// The kind of shift.
        kind: Shift,
        /// LSL 0 to 31 (0: the register as it is), LSR and ASR 1 to 32, ROR 1 to 31, RRX 1.
        amount: u8,
    },
    /// Register [`Insn::m`] shifted by the low byte of register `by`. Never RRX.
    ShiftedByReg {
        /// The kind of shift.
        kind: Shift,
        /// Number of the register with the amount; not 15.
        by: u8,
    },
}

impl Operand {
    /// Register [`Insn::m`] as it is.
    pub const REGISTER: Self = Self::Shifted { kind: Shift::Lsl, amount: 0 };
}

/// Whether an instruction sets the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sets {
    /// It leaves them alone.
    Never,
    /// It sets them.
    Always,
    /// It sets them outside an IT block only (16-bit T32 data processing).
    OutsideIt,
}

/// How a load or store forms its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Index {
    /// The offset is added to the base, or else subtracted. For the multiple ones, addresses go up (I) or down (D).
    pub add: bool,
    /// P: the offset is applied before the access (B of the multiple ones), or else after it, to the base alone.
    pub pre: bool,
    /// The base register gets the new address. Post-indexed forms (`pre` false) of single loads and stores always do.
    pub wback: bool,
}

impl Index {
    /// The base with an offset added, no writeback.
    pub const OFFSET: Self = Self { add: true, pre: true, wback: false };
}

/// One core instruction with its operands, the same for A32 and T32.
///
/// Which fields an instruction has stands at its [`Op`]; the others are as in [`Insn::NONE`].
/// Register 15 as a source reads as the instruction's address + 8 in A32, + 4 in T32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// What it does.
    pub op: Op,
    /// Its condition, 0 to 14. In T32 only `B<c>` has another than 14; there the IT state rules. Never 15.
    pub cond: u8,
    /// Whether it sets the flags.
    pub sets: Sets,
    /// Rd, Rt or RdLo.
    pub d: u8,
    /// Rn, the first operand or the base.
    pub n: u8,
    /// Rm, the register of `operand`.
    pub m: u8,
    /// Ra, Rt2 or RdHi.
    pub a: u8,
    /// Second operand, or offset.
    pub operand: Operand,
    /// How the address is formed.
    pub index: Index,
    /// List of registers, a bit each.
    pub list: u16,
    /// Whatever else there is.
    pub imm: u32,
}

/// The register an MRC, MCR, MRRC, MCRR, LDC or STC names (Arm ARM F1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Coprocessor {
    /// 14 or 15.
    pub coproc: u8,
    /// Opcode 1: 3 bits, 4 of MRRC and MCRR.
    pub opc1: u8,
    /// CRn; 0 for MRRC and MCRR.
    pub crn: u8,
    /// CRm.
    pub crm: u8,
    /// Opcode 2; 0 for MRRC and MCRR.
    pub opc2: u8,
}

impl Insn {
    /// An instruction that does nothing; constructors of operands fill it in.
    pub const NONE: Self = Self {
        op: Op::Nop,
        cond: 14,
        sets: Sets::Never,
        d: 15,
        n: 15,
        m: 15,
        a: 15,
        operand: Operand::None,
        index: Index::OFFSET,
        list: 0,
        imm: 0,
    };

    /// The branch offset in `imm`, in bytes.
    pub const fn offset(&self) -> i32 {
        self.imm as i32
    }

    /// BFC, BFI, SBFX, UBFX: number of the lowest bit of the field.
    pub const fn lsb(&self) -> u32 {
        self.imm & 0xff
    }

    /// BFC, BFI, SBFX, UBFX: width of the field, 1 to 32; `lsb + width` is at most 32.
    pub const fn width(&self) -> u32 {
        self.imm >> 8 & 0xff
    }

    /// MRS, MSR: true for the SPSR, false for the APSR or CPSR.
    pub const fn spsr(&self) -> bool {
        self.imm & 1 << 4 != 0
    }

    /// MSR: the fields to write, bit 0 for bits `[7:0]` (c) up to bit 3 for bits `[31:24]` (f).
    pub const fn field_mask(&self) -> u8 {
        (self.imm & 0xf) as u8
    }

    /// MRS and MSR of banked registers: `M[4:0]` of the mode, and the register's number in it; 16 is its SPSR.
    /// ELR_hyp is register 14 of Hyp mode.
    pub const fn banked(&self) -> (u8, u8) {
        ((self.imm >> 8) as u8, self.imm as u8)
    }

    /// The coprocessor register that `imm` names.
    pub fn coprocessor(&self) -> Coprocessor {
        let field = |low: u32, bits: u32| (self.imm >> low & ((1 << bits) - 1)) as u8;
        let coproc = field(8, 4);
        if matches!(self.op, Op::Mcrr | Op::Mrrc) {
            return Coprocessor { coproc, opc1: field(4, 4), crn: 0, crm: field(0, 4), opc2: 0 };
        }
        Coprocessor { coproc, opc1: field(21, 3), crn: field(16, 4), crm: field(0, 4), opc2: field(5, 3) }
    }
}
