//! Registers and memory operands, and their encoding: REX, ModRM, SIB, displacement.

use crate::Asm;

/// A general register.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Gpr {
    Rax,
    Rcx,
    Rdx,
    Rbx,
    Rsp,
    Rbp,
    Rsi,
    Rdi,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
}

/// A memory operand: `[base + index << scale + disp]`, or an address near the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mem {
    /// By registers.
    At {
        /// Base register.
        base: Gpr,
        /// Index, not RSP, and log2 of what it is multiplied by.
        index: Option<(Gpr, u8)>,
        /// Displacement.
        disp: i32,
    },
    /// `[index << scale + disp]`.
    Scaled {
        /// Index, not RSP, and log2 of what it is multiplied by.
        index: (Gpr, u8),
        /// Displacement.
        disp: i32,
    },
    /// An absolute address within 2 GiB of the code.
    Near(u64),
}

impl Mem {
    /// `[base + disp]`.
    pub const fn base(base: Gpr, disp: i32) -> Self {
        Self::At { base, index: None, disp }
    }

    /// `[base + index << scale + disp]`.
    pub const fn indexed(base: Gpr, index: Gpr, scale: u8, disp: i32) -> Self {
        Self::At { base, index: Some((index, scale)), disp }
    }

    /// Numbers of the index and base registers, for the X and B bits of a prefix.
    pub(crate) fn numbers(self) -> (u8, u8) {
        match self {
            Self::At { base, index, .. } => (index.map_or(0, |(index, _)| index as u8), base as u8),
            Self::Scaled { index, .. } => (index.0 as u8, 0),
            Self::Near(_) => (0, 0),
        }
    }
}

/// A register or memory operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rm {
    /// A register.
    R(Gpr),
    /// Memory.
    M(Mem),
}

impl From<Gpr> for Rm {
    fn from(reg: Gpr) -> Self {
        Self::R(reg)
    }
}

impl From<Mem> for Rm {
    fn from(mem: Mem) -> Self {
        Self::M(mem)
    }
}

impl Asm {
    /// ModRM for a register operand.
    pub(crate) fn modrm_reg(&mut self, reg: u8, rm: u8) {
        self.byte(0xc0 | (reg & 7) << 3 | rm & 7);
    }

    /// ModRM, SIB and displacement of a memory operand; `tail` bytes of immediate follow. An 8-bit
    /// displacement counts in units of `1 << unit` (EVEX's compression; 0 elsewhere).
    pub(crate) fn modrm_mem(&mut self, reg: u8, mem: Mem, tail: u8, unit: u8) {
        let reg = (reg & 7) << 3;
        match mem {
            Mem::Near(to) => {
                self.byte(reg | 5);
                self.distance_to_address(to.wrapping_sub(tail.into()));
            }
            Mem::Scaled { index: (index, scale), disp } => {
                self.bytes(&[reg | 4, scale << 6 | (index as u8 & 7) << 3 | 5]);
                self.bytes(&disp.to_le_bytes());
            }
            Mem::At { base, index, disp } => {
                let low = base as u8 & 7;
                let short = disp & ((1 << unit) - 1) == 0 && i8::try_from(disp >> unit).is_ok();
                // RBP and R13 as base have no form without displacement.
                let mode = match disp {
                    0 if low != 5 => 0x00,
                    _ if short => 0x40,
                    _ => 0x80,
                };
                match index {
                    Some((index, scale)) => {
                        self.bytes(&[mode | reg | 4, scale << 6 | (index as u8 & 7) << 3 | low]);
                    }
                    // RSP and R12 as base need a SIB byte.
                    None if low == 4 => self.bytes(&[mode | reg | 4, 0x24]),
                    None => self.byte(mode | reg | low),
                }
                match mode {
                    0x40 => self.byte((disp >> unit) as u8),
                    0x80 => self.bytes(&disp.to_le_bytes()),
                    _ => {}
                }
            }
        }
    }
}
