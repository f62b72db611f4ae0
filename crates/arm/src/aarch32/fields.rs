//! Parts of operands that A32 and T32 share.

pub use crate::a64::fields::{bit, bits, signed};

use super::insn::{Insn, Operand, Sets, Shift};

/// The four-bit field, a register as a rule, whose lowest bit is `low`.
#[inline(always)]
pub const fn reg(word: u32, low: u32) -> u8 {
    (word >> low & 15) as u8
}

/// An operand of a constant alone.
pub const fn constant(value: u32) -> Operand {
    Operand::Imm { value, carry: None }
}

/// DecodeImmShift (Arm ARM F2.4.1).
pub const fn imm_shift(kind: u32, amount: u32) -> Operand {
    let amount = amount as u8;
    let (kind, amount) = match (kind, amount) {
        (0, _) => (Shift::Lsl, amount),
        (1, 0) => (Shift::Lsr, 32),
        (1, _) => (Shift::Lsr, amount),
        (2, 0) => (Shift::Asr, 32),
        (2, _) => (Shift::Asr, amount),
        (_, 0) => (Shift::Rrx, 1),
        _ => (Shift::Ror, amount),
    };
    Operand::Shifted { kind, amount }
}

/// DecodeRegShift (Arm ARM F2.4.1).
pub const fn reg_shift(kind: u32, by: u8) -> Operand {
    let kind = match kind {
        0 => Shift::Lsl,
        1 => Shift::Lsr,
        2 => Shift::Asr,
        _ => Shift::Ror,
    };
    Operand::ShiftedByReg { kind, by }
}

/// A register rotated right by 0, 8, 16 or 24 bits.
pub const fn rotated(eighths: u32) -> Operand {
    match eighths {
        0 => Operand::REGISTER,
        _ => Operand::Shifted { kind: Shift::Ror, amount: eighths as u8 * 8 },
    }
}

/// Flags are set if `bit` says so.
pub const fn sets_if(bit: bool) -> Sets {
    if bit { Sets::Always } else { Sets::Never }
}

/// A bit field of `width` bits at `lsb`, as [`Insn::lsb`] and [`Insn::width`] find it.
pub const fn bit_field(lsb: u32, width: u32) -> u32 {
    lsb | width << 8
}

/// What [`Insn::banked`] finds, from M:m and R of MRS and MSR (Arm ARM F6.1, "Banked register").
pub const fn banked(sysm: u32, spsr: bool) -> Option<u32> {
    const USR: u32 = 0x10;
    const FIQ: u32 = 0x11;
    // By SYSm<3:1> of 1xxxx.
    const MODES: [u32; 8] = [0x12, 0x13, 0x17, 0x1b, 0, 0, 0x16, 0x1a];
    let mode = MODES[(sysm >> 1 & 7) as usize];
    let (mode, register) = match (spsr, sysm) {
        (false, 0..=6) => (USR, 8 + sysm),
        (false, 8..=14) => (FIQ, sysm),
        // SP_hyp and ELR_hyp are in this order too.
        (false, 16..) if mode != 0 => (mode, 14 - (sysm & 1)),
        (true, 14) => (FIQ, 16),
        (true, 16..) if mode != 0 && sysm & 1 == 0 => (mode, 16),
        _ => return None,
    };
    Some(mode << 8 | register)
}

/// The bits of an MCR or MRC that [`Insn::coprocessor`] takes apart.
pub const fn coprocessor(word: u32) -> u32 {
    word & 0x00ef_0fef
}

/// The bits of an MCRR or MRRC that [`Insn::coprocessor`] takes apart.
pub const fn coprocessor64(word: u32) -> u32 {
    word & 0xfff
}

/// No operands, or none that matter.
pub fn none(_: u32) -> Insn {
    Insn::NONE
}
