//! Operands of 16-bit T32 instructions.

use crate::aarch32::fields::*;
use crate::aarch32::insn::{Index, Insn, Operand, Sets};

/// A register of the low eight, whose lowest bit is `low`.
fn low_reg(half: u32, low: u32) -> u8 {
    (half >> low & 7) as u8
}

/// Data processing with flags outside IT blocks.
const DATA: Insn = Insn { sets: Sets::OutsideIt, ..Insn::NONE };

/// Rd, Rm shifted by a constant.
pub fn shift(half: u32) -> Insn {
    let operand = imm_shift(bits(half, 12, 11), bits(half, 10, 6));
    Insn { d: low_reg(half, 0), m: low_reg(half, 3), operand, ..DATA }
}

/// Rd, Rn, Rm.
pub fn three(half: u32) -> Insn {
    let (d, n, m) = (low_reg(half, 0), low_reg(half, 3), low_reg(half, 6));
    Insn { d, n, m, operand: Operand::REGISTER, ..DATA }
}

/// Rd, Rn, three bits of constant.
pub fn imm3(half: u32) -> Insn {
    Insn { d: low_reg(half, 0), n: low_reg(half, 3), operand: constant(bits(half, 8, 6)), ..DATA }
}

/// Rdn, eight bits of constant.
pub fn imm8(half: u32) -> Insn {
    Insn { d: low_reg(half, 8), n: low_reg(half, 8), operand: constant(bits(half, 7, 0)), ..DATA }
}

/// The same for CMP.
pub fn compare_imm8(half: u32) -> Insn {
    Insn { sets: Sets::Always, ..imm8(half) }
}

/// Rdn, Rm.
pub fn two(half: u32) -> Insn {
    let (d, m) = (low_reg(half, 0), low_reg(half, 3));
    Insn { d, n: d, m, operand: Operand::REGISTER, ..DATA }
}

/// Rn, Rm of a comparison.
pub fn compare(half: u32) -> Insn {
    Insn { sets: Sets::Always, ..two(half) }
}

/// Rdn shifted by Rm.
fn shifted_by(half: u32, kind: u32) -> Insn {
    let d = low_reg(half, 0);
    Insn { d, m: d, operand: reg_shift(kind, low_reg(half, 3)), ..DATA }
}

/// Rdn shifted left by Rm.
pub fn lsl(half: u32) -> Insn {
    shifted_by(half, 0)
}

/// Rdn shifted right by Rm.
pub fn lsr(half: u32) -> Insn {
    shifted_by(half, 1)
}

/// Rdn shifted right by Rm with its sign.
pub fn asr(half: u32) -> Insn {
    shifted_by(half, 2)
}

/// Rdn rotated right by Rm.
pub fn ror(half: u32) -> Insn {
    shifted_by(half, 3)
}

/// Rd, Rn, zero.
pub fn negate(half: u32) -> Insn {
    Insn { d: low_reg(half, 0), n: low_reg(half, 3), operand: constant(0), ..DATA }
}

/// Rdm, Rn of MUL.
pub fn multiply(half: u32) -> Insn {
    let d = low_reg(half, 0);
    Insn { d, n: low_reg(half, 3), m: d, ..DATA }
}

/// Rdn and Rm of all sixteen registers, no flags.
pub fn high(half: u32) -> Insn {
    let d = (bits(half, 7, 7) << 3 | bits(half, 2, 0)) as u8;
    Insn { d, n: d, m: reg(half, 3), operand: Operand::REGISTER, ..Insn::NONE }
}

/// The same for CMP.
pub fn compare_high(half: u32) -> Insn {
    Insn { sets: Sets::Always, ..high(half) }
}

/// Rm alone, of all sixteen.
pub fn register(half: u32) -> Insn {
    Insn { m: reg(half, 3), ..Insn::NONE }
}

/// Rd, Rm without flags.
pub fn plain(half: u32) -> Insn {
    Insn { sets: Sets::Never, ..two(half) }
}

/// Rt, Rn + Rm.
pub fn load_reg(half: u32) -> Insn {
    Insn { sets: Sets::Never, ..three(half) }
}

/// Rt, Rn + five bits of `1 << scale` bytes.
fn load_imm5(half: u32, scale: u32) -> Insn {
    let operand = constant(bits(half, 10, 6) << scale);
    Insn { d: low_reg(half, 0), n: low_reg(half, 3), operand, ..Insn::NONE }
}

/// Rt, Rn + bytes.
pub fn load_bytes(half: u32) -> Insn {
    load_imm5(half, 0)
}

/// Rt, Rn + halfwords.
pub fn load_halfwords(half: u32) -> Insn {
    load_imm5(half, 1)
}

/// Rt, Rn + words.
pub fn load_words(half: u32) -> Insn {
    load_imm5(half, 2)
}

/// Rt or Rd, eight bits of words.
fn words(half: u32, n: u8) -> Insn {
    Insn { d: low_reg(half, 8), n, operand: constant(bits(half, 7, 0) << 2), ..Insn::NONE }
}

/// Rt or Rd, SP + words.
pub fn from_sp(half: u32) -> Insn {
    words(half, 13)
}

/// Rt, PC + words.
pub fn literal(half: u32) -> Insn {
    words(half, 15)
}

/// Rd of ADR.
pub fn address(half: u32) -> Insn {
    Insn { d: low_reg(half, 8), imm: bits(half, 7, 0) << 2, ..Insn::NONE }
}

/// SP + or - words.
pub fn adjust_sp(half: u32) -> Insn {
    Insn { d: 13, n: 13, operand: constant(bits(half, 6, 0) << 2), ..Insn::NONE }
}

/// Rn!, registers; LDM writes no base back that it loads.
pub fn multiple(half: u32) -> Insn {
    let (n, list) = (low_reg(half, 8), half as u16 & 0xff);
    let is_load = bit(half, 11);
    let wback = !is_load || list >> n & 1 == 0;
    Insn { n, list, index: Index { add: true, pre: false, wback }, ..Insn::NONE }
}

/// PUSH: the eight and LR.
pub fn push(half: u32) -> Insn {
    let list = (bits(half, 7, 0) | bits(half, 8, 8) << 14) as u16;
    Insn { n: 13, list, index: Index { add: false, pre: true, wback: true }, ..Insn::NONE }
}

/// POP: the eight and PC.
pub fn pop(half: u32) -> Insn {
    let list = (bits(half, 7, 0) | bits(half, 8, 8) << 15) as u16;
    Insn { n: 13, list, index: Index { add: true, pre: false, wback: true }, ..Insn::NONE }
}

/// A condition and a branch offset of eight bits.
pub fn branch_if(half: u32) -> Insn {
    Insn { cond: reg(half, 8), imm: (signed(half, 7, 0) as u32) << 1, ..Insn::NONE }
}

/// A branch offset of eleven bits.
pub fn branch(half: u32) -> Insn {
    Insn { imm: (signed(half, 10, 0) as u32) << 1, ..Insn::NONE }
}

/// Rn and a branch offset forwards.
pub fn compare_branch(half: u32) -> Insn {
    Insn { n: low_reg(half, 0), imm: bits(half, 9, 9) << 6 | bits(half, 7, 3) << 1, ..Insn::NONE }
}

/// Eight bits of comment, or of ITSTATE.
pub fn comment8(half: u32) -> Insn {
    Insn { imm: bits(half, 7, 0), ..Insn::NONE }
}

/// Six bits of comment.
pub fn comment6(half: u32) -> Insn {
    Insn { imm: bits(half, 5, 0), ..Insn::NONE }
}

/// A hint's number.
pub fn hint(half: u32) -> Insn {
    Insn { imm: bits(half, 7, 4), ..Insn::NONE }
}

/// Bit 3, of SETEND and SETPAN.
pub fn bit3(half: u32) -> Insn {
    Insn { imm: bits(half, 3, 3), ..Insn::NONE }
}

/// Masks to set or clear.
pub fn change_state(half: u32) -> Insn {
    Insn { imm: (2 | bits(half, 4, 4)) << 18 | bits(half, 2, 0) << 6, ..Insn::NONE }
}
