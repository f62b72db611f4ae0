//! Operands of A32 words.

use crate::aarch32::fields::*;
use crate::aarch32::insn::{Index, Insn, Operand};

/// A32ExpandImm_C (Arm ARM F2.4.1) of imm12.
fn expand_imm(word: u32) -> Operand {
    let rotation = bits(word, 11, 8) * 2;
    let value = bits(word, 7, 0).rotate_right(rotation);
    Operand::Imm { value, carry: (rotation != 0).then_some(bit(value, 31)) }
}

/// Rd, Rn and whether flags are set.
fn data(word: u32) -> Insn {
    Insn { d: reg(word, 12), n: reg(word, 16), sets: sets_if(bit(word, 20)), ..Insn::NONE }
}

/// Rd, Rn, constant.
pub fn immediate(word: u32) -> Insn {
    Insn { operand: expand_imm(word), ..data(word) }
}

/// Rd, Rn, Rm shifted by a constant.
pub fn shifted(word: u32) -> Insn {
    Insn { m: reg(word, 0), operand: imm_shift(bits(word, 6, 5), bits(word, 11, 7)), ..data(word) }
}

/// Rd, Rn, Rm shifted by Rs.
pub fn shifted_by(word: u32) -> Insn {
    Insn { m: reg(word, 0), operand: reg_shift(bits(word, 6, 5), reg(word, 8)), ..data(word) }
}

/// Rd and 16 bits of constant.
pub fn move_wide(word: u32) -> Insn {
    Insn { d: reg(word, 12), imm: bits(word, 19, 16) << 12 | bits(word, 11, 0), ..Insn::NONE }
}

/// Rd, Rn and Rm where data processing has them.
pub fn three(word: u32) -> Insn {
    Insn { d: reg(word, 12), n: reg(word, 16), m: reg(word, 0), ..Insn::NONE }
}

/// Rd, Rn, Rm and Ra where multiplies have them.
pub fn multiply(word: u32) -> Insn {
    Insn { d: reg(word, 16), n: reg(word, 0), m: reg(word, 8), a: reg(word, 12), ..Insn::NONE }
}

/// The same with flags.
pub fn multiply_s(word: u32) -> Insn {
    Insn { sets: sets_if(bit(word, 20)), ..multiply(word) }
}

/// RdLo, RdHi, Rn and Rm of long multiplies.
pub fn multiply_long(word: u32) -> Insn {
    Insn { d: reg(word, 12), n: reg(word, 0), m: reg(word, 8), a: reg(word, 16), ..Insn::NONE }
}

/// The same with flags.
pub fn multiply_long_s(word: u32) -> Insn {
    Insn { sets: sets_if(bit(word, 20)), ..multiply_long(word) }
}

/// Rd, Rn, Rm of PKHBT and PKHTB.
pub fn pack(word: u32) -> Insn {
    Insn { operand: imm_shift(bits(word, 6, 5), bits(word, 11, 7)), ..three(word) }
}

/// Rd, Rm shifted, and the width to saturate to: from 1 if signed, from 0 if not.
pub fn saturate(word: u32) -> Insn {
    let width = bits(word, 20, 16) + !bit(word, 22) as u32;
    Insn { imm: width, operand: imm_shift(bits(word, 6, 5), bits(word, 11, 7)), ..two(word) }
}

/// Rd, Rm, and the width to saturate halves to.
pub fn saturate16(word: u32) -> Insn {
    Insn { imm: bits(word, 19, 16) + !bit(word, 22) as u32, ..two(word) }
}

/// Rd and Rm.
pub fn two(word: u32) -> Insn {
    Insn { d: reg(word, 12), m: reg(word, 0), ..Insn::NONE }
}

/// Rd, Rn, Rm rotated.
pub fn extend(word: u32) -> Insn {
    Insn { operand: rotated(bits(word, 11, 10)), ..three(word) }
}

/// Rd, Rn and a field from lsb to msb.
pub fn insert(word: u32) -> Insn {
    let lsb = bits(word, 11, 7);
    Insn {
        d: reg(word, 12),
        n: reg(word, 0),
        imm: bit_field(lsb, bits(word, 20, 16) + 1 - lsb),
        ..Insn::NONE
    }
}

/// Rd, Rn and a field with its width.
pub fn extract(word: u32) -> Insn {
    Insn {
        d: reg(word, 12),
        n: reg(word, 0),
        imm: bit_field(bits(word, 11, 7), bits(word, 20, 16) + 1),
        ..Insn::NONE
    }
}

/// P, U and W of single loads and stores.
fn index(word: u32) -> Index {
    let pre = bit(word, 24);
    Index { add: bit(word, 23), pre, wback: !pre || bit(word, 21) }
}

/// Rt, Rn, P, U and W.
fn transfer(word: u32) -> Insn {
    Insn { d: reg(word, 12), n: reg(word, 16), index: index(word), ..Insn::NONE }
}

/// Rt, [Rn, 12 bits].
pub fn load_imm(word: u32) -> Insn {
    Insn { operand: constant(bits(word, 11, 0)), ..transfer(word) }
}

/// Rt, [Rn, Rm shifted].
pub fn load_reg(word: u32) -> Insn {
    Insn { m: reg(word, 0), operand: imm_shift(bits(word, 6, 5), bits(word, 11, 7)), ..transfer(word) }
}

/// Rt, [Rn, 8 bits].
pub fn load_imm8(word: u32) -> Insn {
    Insn { operand: constant(bits(word, 11, 8) << 4 | bits(word, 3, 0)), ..transfer(word) }
}

/// Rt, [Rn, Rm].
pub fn load_plain(word: u32) -> Insn {
    Insn { m: reg(word, 0), operand: Operand::REGISTER, ..transfer(word) }
}

/// Rt, Rt2, [Rn, 8 bits].
pub fn dual_imm8(word: u32) -> Insn {
    Insn { a: reg(word, 12) + 1, ..load_imm8(word) }
}

/// Rt, Rt2, [Rn, Rm].
pub fn dual_plain(word: u32) -> Insn {
    Insn { a: reg(word, 12) + 1, ..load_plain(word) }
}

/// [Rn, offset] of preloads; the offset is added or subtracted.
pub fn preload_imm(word: u32) -> Insn {
    Insn { d: 15, index: Index { add: bit(word, 23), ..Index::OFFSET }, ..load_imm(word) }
}

/// [Rn, Rm shifted] of preloads.
pub fn preload_reg(word: u32) -> Insn {
    Insn { d: 15, index: Index { add: bit(word, 23), ..Index::OFFSET }, ..load_reg(word) }
}

/// P, U and W of multiple loads and stores.
fn index_multiple(word: u32) -> Index {
    Index { add: bit(word, 23), pre: bit(word, 24), wback: bit(word, 21) }
}

/// Rn and a list of registers.
pub fn multiple(word: u32) -> Insn {
    Insn { n: reg(word, 16), list: word as u16, index: index_multiple(word), ..Insn::NONE }
}

/// Rn of RFE.
pub fn return_from(word: u32) -> Insn {
    Insn { n: reg(word, 16), index: index_multiple(word), ..Insn::NONE }
}

/// The mode of SRS.
pub fn store_return(word: u32) -> Insn {
    Insn { n: 13, imm: bits(word, 4, 0), index: index_multiple(word), ..Insn::NONE }
}

/// Rt, [Rn].
pub fn acquire(word: u32) -> Insn {
    Insn { d: reg(word, 12), n: reg(word, 16), ..Insn::NONE }
}

/// Rt, [Rn] of a store without status.
pub fn release(word: u32) -> Insn {
    Insn { d: reg(word, 0), n: reg(word, 16), ..Insn::NONE }
}

/// Rt, Rt2, [Rn].
pub fn acquire_dual(word: u32) -> Insn {
    Insn { a: reg(word, 12) + 1, ..acquire(word) }
}

/// Rd, Rt, Rt2, [Rn].
pub fn store_exclusive_dual(word: u32) -> Insn {
    Insn { a: reg(word, 0) + 1, ..three(word) }
}

/// A branch offset of 24 bits.
pub fn branch(word: u32) -> Insn {
    Insn { imm: (signed(word, 23, 0) as u32) << 2, ..Insn::NONE }
}

/// The same with a halfword, H.
pub fn branch_exchange(word: u32) -> Insn {
    let Insn { imm, .. } = branch(word);
    Insn { imm: imm | (bit(word, 24) as u32) << 1, ..Insn::NONE }
}

/// Rm alone.
pub fn register(word: u32) -> Insn {
    Insn { m: reg(word, 0), ..Insn::NONE }
}

/// 16 bits of comment.
pub fn comment16(word: u32) -> Insn {
    Insn { imm: bits(word, 19, 8) << 4 | bits(word, 3, 0), ..Insn::NONE }
}

/// 24 bits of comment.
pub fn comment24(word: u32) -> Insn {
    Insn { imm: bits(word, 23, 0), ..Insn::NONE }
}

/// 4 bits of comment, or a barrier's option.
pub fn option(word: u32) -> Insn {
    Insn { imm: bits(word, 3, 0), ..Insn::NONE }
}

/// A hint's number.
pub fn hint(word: u32) -> Insn {
    Insn { imm: bits(word, 7, 0), ..Insn::NONE }
}

/// Rd and R.
pub fn read_status(word: u32) -> Insn {
    Insn { d: reg(word, 12), imm: (bit(word, 22) as u32) << 4, ..Insn::NONE }
}

/// Fields and R.
fn status_fields(word: u32) -> u32 {
    bits(word, 19, 16) | (bit(word, 22) as u32) << 4
}

/// Rm, fields and R.
pub fn write_status(word: u32) -> Insn {
    Insn { m: reg(word, 0), operand: Operand::REGISTER, imm: status_fields(word), ..Insn::NONE }
}

/// A constant, fields and R.
pub fn write_status_imm(word: u32) -> Insn {
    Insn { operand: expand_imm(word), imm: status_fields(word), ..Insn::NONE }
}

/// The number of a banked register if it is one.
fn banked_number(word: u32) -> Option<u32> {
    banked(bits(word, 8, 8) << 4 | bits(word, 19, 16), bit(word, 22))
}

/// True if the banked register exists.
pub fn is_banked(word: u32) -> bool {
    banked_number(word).is_some()
}

/// Rd or Rm, and a banked register.
pub fn banked_register(word: u32) -> Insn {
    Insn { imm: banked_number(word).unwrap_or(0), ..two(word) }
}

/// Bits of CPS, which are [`Insn::imm`]'s.
pub fn change_state(word: u32) -> Insn {
    Insn { imm: word & 0xe_01df, ..Insn::NONE }
}

/// Bit 9, of SETEND and SETPAN.
pub fn bit9(word: u32) -> Insn {
    Insn { imm: bits(word, 9, 9), ..Insn::NONE }
}

/// Rt and a coprocessor register.
pub fn move_coprocessor(word: u32) -> Insn {
    Insn { d: reg(word, 12), imm: coprocessor(word), ..Insn::NONE }
}

/// Rt, Rt2 and a coprocessor register.
pub fn move_coprocessor64(word: u32) -> Insn {
    Insn { d: reg(word, 12), a: reg(word, 16), imm: coprocessor64(word), ..Insn::NONE }
}

/// [Rn, 8 bits of words] of LDC and STC p14, c5.
pub fn transfer_coprocessor(word: u32) -> Insn {
    let index = Index { wback: bit(word, 21), ..index(word) };
    Insn { n: reg(word, 16), operand: constant(bits(word, 7, 0) * 4), index, imm: 0xe05, ..Insn::NONE }
}

/// LDC and STC have a form of addressing, and write back to no program counter.
pub fn debug_transfer(word: u32) -> bool {
    let (forms, wback) = (word >> 21 & 0b1101, bit(word, 21));
    forms != 0 && !(wback && reg(word, 16) == 15)
}
