//! Operands of 32-bit T32 instructions, where A32 has them elsewhere.

use crate::aarch32::fields::*;
use crate::aarch32::insn::{Index, Insn, Operand};

/// i:imm3:imm8.
fn imm12(word: u32) -> u32 {
    bits(word, 26, 26) << 11 | bits(word, 14, 12) << 8 | bits(word, 7, 0)
}

/// imm3:imm2.
fn imm5(word: u32) -> u32 {
    bits(word, 14, 12) << 2 | bits(word, 7, 6)
}

/// T32ExpandImm_C (Arm ARM F2.4.2).
fn expand_imm(word: u32) -> Operand {
    let imm = imm12(word);
    let byte = imm & 0xff;
    match imm >> 8 {
        0 => constant(byte),
        1 => constant(byte << 16 | byte),
        2 => constant(byte << 24 | byte << 8),
        3 => constant(byte << 24 | byte << 16 | byte << 8 | byte),
        _ => {
            let value = (imm & 0x7f | 0x80).rotate_right(imm >> 7);
            Operand::Imm { value, carry: Some(bit(value, 31)) }
        }
    }
}

/// A byte that is repeated isn't zero.
pub fn expands(word: u32) -> bool {
    let imm = imm12(word);
    !(1..=3).contains(&(imm >> 8)) || imm & 0xff != 0
}

/// Rd, Rn and whether flags are set.
fn data(word: u32) -> Insn {
    Insn { d: reg(word, 8), n: reg(word, 16), sets: sets_if(bit(word, 20)), ..Insn::NONE }
}

/// Rd, Rn, modified constant.
pub fn immediate(word: u32) -> Insn {
    Insn { operand: expand_imm(word), ..data(word) }
}

/// Rd, Rn, Rm shifted by a constant.
pub fn shifted(word: u32) -> Insn {
    Insn { m: reg(word, 0), operand: imm_shift(bits(word, 5, 4), imm5(word)), ..data(word) }
}

/// Rd, Rm shifted by Rs.
pub fn shifted_by(word: u32) -> Insn {
    let Insn { d, n, sets, .. } = data(word);
    Insn { d, m: n, sets, operand: reg_shift(bits(word, 22, 21), reg(word, 0)), ..Insn::NONE }
}

/// Rd, Rn, Rm shifted; no flags.
pub fn pack(word: u32) -> Insn {
    Insn { operand: imm_shift(bits(word, 5, 4), imm5(word)), ..three(word) }
}

/// Rd, Rn, twelve bits of constant.
pub fn immediate12(word: u32) -> Insn {
    Insn { d: reg(word, 8), n: reg(word, 16), operand: constant(imm12(word)), ..Insn::NONE }
}

/// Rd, PC + constant.
pub fn address_after(word: u32) -> Insn {
    Insn { d: reg(word, 8), imm: imm12(word), ..Insn::NONE }
}

/// Rd, PC - constant.
pub fn address_before(word: u32) -> Insn {
    Insn { d: reg(word, 8), imm: imm12(word).wrapping_neg(), ..Insn::NONE }
}

/// Rd, sixteen bits of constant.
pub fn move_wide(word: u32) -> Insn {
    Insn { d: reg(word, 8), imm: bits(word, 19, 16) << 12 | imm12(word), ..Insn::NONE }
}

/// Rd, Rn, Rm.
pub fn three(word: u32) -> Insn {
    Insn { d: reg(word, 8), n: reg(word, 16), m: reg(word, 0), ..Insn::NONE }
}

/// Rd, Rm.
pub fn two(word: u32) -> Insn {
    Insn { d: reg(word, 8), m: reg(word, 0), ..Insn::NONE }
}

/// Both fields of Rm agree.
pub fn same_source(word: u32) -> bool {
    reg(word, 16) == reg(word, 0)
}

/// Rd, Rn, Rm rotated.
pub fn extend(word: u32) -> Insn {
    Insn { operand: rotated(bits(word, 5, 4)), ..three(word) }
}

/// Rd, Rn, Rm, Ra.
pub fn multiply(word: u32) -> Insn {
    Insn { a: reg(word, 12), ..three(word) }
}

/// RdLo, RdHi, Rn, Rm.
pub fn multiply_long(word: u32) -> Insn {
    Insn { d: reg(word, 12), a: reg(word, 8), n: reg(word, 16), m: reg(word, 0), ..Insn::NONE }
}

/// Rd, Rn shifted, and the width to saturate to: from 1 if signed, from 0 if not.
pub fn saturate(word: u32) -> Insn {
    let width = bits(word, 4, 0) + !bit(word, 23) as u32;
    let operand = imm_shift(bits(word, 21, 21) << 1, imm5(word));
    Insn { d: reg(word, 8), m: reg(word, 16), imm: width, operand, ..Insn::NONE }
}

/// Rd, Rn, and the width to saturate halves to.
pub fn saturate16(word: u32) -> Insn {
    let Insn { d, m, imm, .. } = saturate(word);
    Insn { d, m, imm, ..Insn::NONE }
}

/// Rd, Rn and a field from lsb to msb.
pub fn insert(word: u32) -> Insn {
    let lsb = imm5(word);
    Insn { d: reg(word, 8), n: reg(word, 16), imm: bit_field(lsb, bits(word, 4, 0) + 1 - lsb), ..Insn::NONE }
}

/// The highest bit of a field is not below its lowest.
pub fn in_order(word: u32) -> bool {
    bits(word, 4, 0) >= imm5(word)
}

/// Rd, Rn and a field with its width.
pub fn extract(word: u32) -> Insn {
    let imm = bit_field(imm5(word), bits(word, 4, 0) + 1);
    Insn { d: reg(word, 8), n: reg(word, 16), imm, ..Insn::NONE }
}

/// A field ends within the register.
pub fn fits(word: u32) -> bool {
    imm5(word) + bits(word, 4, 0) < 32
}

/// Rt, [Rn, 12 bits].
pub fn load_imm12(word: u32) -> Insn {
    Insn { d: reg(word, 12), n: reg(word, 16), operand: constant(bits(word, 11, 0)), ..Insn::NONE }
}

/// Rt, [PC, 12 bits], added or subtracted.
pub fn literal(word: u32) -> Insn {
    Insn { index: Index { add: bit(word, 23), ..Index::OFFSET }, ..load_imm12(word) }
}

/// Rt, [Rn, 8 bits] with P, U and W.
pub fn load_imm8(word: u32) -> Insn {
    let index = Index { pre: bit(word, 10), add: bit(word, 9), wback: bit(word, 8) };
    Insn { d: reg(word, 12), n: reg(word, 16), operand: constant(bits(word, 7, 0)), index, ..Insn::NONE }
}

/// The base register changes, or the offset is subtracted.
pub fn is_indexed(word: u32) -> bool {
    bit(word, 8) || bits(word, 10, 9) == 0b10
}

/// Rt, [Rn, Rm shifted left].
pub fn load_reg(word: u32) -> Insn {
    let operand = imm_shift(0, bits(word, 5, 4));
    Insn { d: reg(word, 12), n: reg(word, 16), m: reg(word, 0), operand, ..Insn::NONE }
}

/// Rt, Rt2, [Rn, 8 bits of words] with P, U and W.
pub fn dual(word: u32) -> Insn {
    Insn {
        d: reg(word, 12),
        a: reg(word, 8),
        n: reg(word, 16),
        operand: constant(bits(word, 7, 0) << 2),
        index: Index { pre: bit(word, 24), add: bit(word, 23), wback: bit(word, 21) },
        ..Insn::NONE
    }
}

/// P and W aren't both zero, and the program counter gets no writeback.
pub fn is_dual(word: u32) -> bool {
    let wback = bit(word, 21);
    (bit(word, 24) || wback) && !(wback && reg(word, 16) == 15)
}

/// Two registers at least, the program counter and the link register not both.
pub fn some(word: u32) -> bool {
    bits(word, 15, 0).count_ones() >= 2 && bits(word, 15, 14) != 3
}

/// Rd, Rt, [Rn, 8 bits of words].
pub fn store_exclusive(word: u32) -> Insn {
    let (d, m) = (reg(word, 8), reg(word, 12));
    Insn { d, m, n: reg(word, 16), imm: bits(word, 7, 0) << 2, ..Insn::NONE }
}

/// Rt, [Rn, 8 bits of words].
pub fn load_exclusive(word: u32) -> Insn {
    Insn { imm: bits(word, 7, 0) << 2, ..acquire(word) }
}

/// Rd, Rt, Rt2, [Rn].
pub fn store_exclusive_dual(word: u32) -> Insn {
    Insn { d: reg(word, 0), m: reg(word, 12), a: reg(word, 8), n: reg(word, 16), ..Insn::NONE }
}

/// Rd, Rt, [Rn].
pub fn store_exclusive_plain(word: u32) -> Insn {
    Insn { a: 15, ..store_exclusive_dual(word) }
}

/// Rt, [Rn].
pub fn acquire(word: u32) -> Insn {
    Insn { d: reg(word, 12), n: reg(word, 16), ..Insn::NONE }
}

/// Rt, Rt2, [Rn].
pub fn acquire_dual(word: u32) -> Insn {
    Insn { a: reg(word, 8), ..acquire(word) }
}

/// [Rn, Rm].
pub fn table_branch(word: u32) -> Insn {
    Insn { n: reg(word, 16), m: reg(word, 0), ..Insn::NONE }
}

/// S, I1 and I2 of a branch offset, from its bit 22.
fn branch_top(word: u32) -> u32 {
    let s = bits(word, 26, 26);
    let (i1, i2) = (bits(word, 13, 13) ^ s ^ 1, bits(word, 11, 11) ^ s ^ 1);
    s.wrapping_neg() << 24 | i1 << 23 | i2 << 22
}

/// A branch offset of 24 bits.
pub fn branch(word: u32) -> Insn {
    Insn { imm: branch_top(word) | bits(word, 25, 16) << 12 | bits(word, 10, 0) << 1, ..Insn::NONE }
}

/// A condition and a branch offset of 20 bits.
pub fn branch_if(word: u32) -> Insn {
    let top = bits(word, 26, 26).wrapping_neg() << 20 | bits(word, 11, 11) << 19 | bits(word, 13, 13) << 18;
    let imm = top | bits(word, 21, 16) << 12 | bits(word, 10, 0) << 1;
    Insn { cond: reg(word, 22), imm, ..Insn::NONE }
}

/// The condition isn't 14 or 15, which are other instructions.
pub fn is_conditional(word: u32) -> bool {
    bits(word, 25, 23) != 7
}

/// 16 bits of comment.
pub fn comment16(word: u32) -> Insn {
    Insn { imm: bits(word, 19, 16) << 12 | bits(word, 11, 0), ..Insn::NONE }
}

/// 4 bits of comment.
pub fn comment4(word: u32) -> Insn {
    Insn { imm: bits(word, 19, 16), ..Insn::NONE }
}

/// Eight bits that are subtracted from LR for the program counter.
pub fn return_minus(word: u32) -> Insn {
    Insn { d: 15, n: 14, sets: sets_if(true), operand: constant(bits(word, 7, 0)), ..Insn::NONE }
}

/// Rd and R.
pub fn read_status(word: u32) -> Insn {
    Insn { d: reg(word, 8), imm: bits(word, 20, 20) << 4, ..Insn::NONE }
}

/// Rn, fields and R.
pub fn write_status(word: u32) -> Insn {
    let imm = bits(word, 11, 8) | bits(word, 20, 20) << 4;
    Insn { m: reg(word, 16), operand: Operand::REGISTER, imm, ..Insn::NONE }
}

/// MSR writes a field of the status register.
pub fn some_field(word: u32) -> bool {
    bits(word, 11, 8) != 0
}

/// The number of the banked register that MRS reads, if it is one.
fn banked_source(word: u32) -> Option<u32> {
    banked(bits(word, 4, 4) << 4 | bits(word, 19, 16), bit(word, 20))
}

/// MRS reads a banked register that exists.
pub fn is_banked_source(word: u32) -> bool {
    banked_source(word).is_some()
}

/// Rd and a banked register.
pub fn read_banked(word: u32) -> Insn {
    Insn { d: reg(word, 8), imm: banked_source(word).unwrap_or(0), ..Insn::NONE }
}

/// The number of the banked register that MSR writes, if it is one.
fn banked_target(word: u32) -> Option<u32> {
    banked(bits(word, 4, 4) << 4 | bits(word, 11, 8), bit(word, 20))
}

/// MSR writes a banked register that exists.
pub fn is_banked_target(word: u32) -> bool {
    banked_target(word).is_some()
}

/// A banked register and Rn.
pub fn write_banked(word: u32) -> Insn {
    Insn { m: reg(word, 16), imm: banked_target(word).unwrap_or(0), ..Insn::NONE }
}

/// imod, M, masks and mode.
pub fn change_state(word: u32) -> Insn {
    Insn { imm: bits(word, 10, 8) << 17 | bits(word, 7, 5) << 6 | bits(word, 4, 0), ..Insn::NONE }
}

/// CPS changes masks if it names some, and the mode if it names one.
pub fn changes_state(word: u32) -> bool {
    let (imod, masks) = (bits(word, 10, 9), bits(word, 7, 5));
    let (change_mode, mode) = (bit(word, 8), bits(word, 4, 0));
    imod != 1 && (imod != 0) == (masks != 0) && (change_mode || mode == 0) && (change_mode || imod != 0)
}

/// SRS before (DB) or after (IA): the mode.
fn store_return(word: u32, after: bool) -> Insn {
    let index = Index { add: after, pre: !after, wback: bit(word, 21) };
    Insn { n: 13, imm: bits(word, 4, 0), index, ..Insn::NONE }
}

/// SRSDB.
pub fn store_before(word: u32) -> Insn {
    store_return(word, false)
}

/// SRSIA.
pub fn store_after(word: u32) -> Insn {
    store_return(word, true)
}

/// RFE before (DB) or after (IA): Rn.
fn return_from(word: u32, after: bool) -> Insn {
    let index = Index { add: after, pre: !after, wback: bit(word, 21) };
    Insn { n: reg(word, 16), index, ..Insn::NONE }
}

/// RFEDB.
pub fn return_before(word: u32) -> Insn {
    return_from(word, false)
}

/// RFEIA.
pub fn return_after(word: u32) -> Insn {
    return_from(word, true)
}
