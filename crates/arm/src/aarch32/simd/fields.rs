//! Operand fields of floating-point and AdvSIMD words, in their A32 form.
//!
//! Five bits of a register number lie in four and one: a D register has the one on top, an S register below.

use crate::a64::fields::{bit, bits};
use crate::table::Buckets;

/// Where the opcodes are: bits `[24:20]` and `[11:6]`.
pub(super) const BUCKETS: Buckets = Buckets { high: [24, 20], low: [11, 6] };

/// Vd as the number of a D register: D:Vd.
pub const fn dd(word: u32) -> u8 {
    (bits(word, 22, 22) << 4 | bits(word, 15, 12)) as u8
}

/// Vn as the number of a D register: N:Vn.
pub const fn dn(word: u32) -> u8 {
    (bits(word, 7, 7) << 4 | bits(word, 19, 16)) as u8
}

/// Vm as the number of a D register: M:Vm.
pub const fn dm(word: u32) -> u8 {
    (bits(word, 5, 5) << 4 | bits(word, 3, 0)) as u8
}

/// Vd as the number of an S register: Vd:D.
pub const fn sd(word: u32) -> u8 {
    (bits(word, 15, 12) << 1 | bits(word, 22, 22)) as u8
}

/// Vn as the number of an S register: Vn:N.
pub const fn sn(word: u32) -> u8 {
    (bits(word, 19, 16) << 1 | bits(word, 7, 7)) as u8
}

/// Vm as the number of an S register: Vm:M.
pub const fn sm(word: u32) -> u8 {
    (bits(word, 3, 0) << 1 | bits(word, 5, 5)) as u8
}

/// Rn, bits `[19:16]`.
pub const fn rn(word: u32) -> u8 {
    bits(word, 19, 16) as u8
}

/// Rt, bits `[15:12]`.
pub const fn rt(word: u32) -> u8 {
    bits(word, 15, 12) as u8
}

/// Rm, bits `[3:0]`.
pub const fn rm(word: u32) -> u8 {
    bits(word, 3, 0) as u8
}

/// Bit 8 of floating-point words: doubles, else singles.
pub const fn is_double(word: u32) -> bool {
    bit(word, 8)
}

/// Bit 6 of AdvSIMD words: Q registers, else D registers.
pub const fn is_q(word: u32) -> bool {
    bit(word, 6)
}

/// Size and index of the scalar in a move between a core register and an element of D: log2 of the size in bytes.
/// `None` for the reserved combination.
pub const fn scalar(word: u32) -> Option<(u8, u8)> {
    let (opc1, opc2) = (bits(word, 22, 21), bits(word, 6, 5));
    match (opc1, opc2) {
        (2.., _) => Some((0, ((opc1 & 1) << 2 | opc2) as u8)),
        (_, 1 | 3) => Some((1, ((opc1 & 1) << 1 | opc2 >> 1) as u8)),
        (_, 0) => Some((2, (opc1 & 1) as u8)),
        _ => None,
    }
}

/// AdvSIMDExpandImm (Arm ARM F2.4): the 64 bits that a modified immediate stands for, op included only where it
/// chooses the form of a mask.
pub const fn expand_imm(word: u32) -> u64 {
    let imm8 = bits(word, 24, 24) << 7 | bits(word, 18, 16) << 4 | bits(word, 3, 0);
    let cmode = bits(word, 11, 8);
    let half = cmode >> 1;
    match cmode {
        0..=7 => twice(imm8 << (8 * half)),
        8..=11 => twice((imm8 << 16 | imm8) << (8 * (half & 1))),
        12 => twice(imm8 << 8 | 0xff),
        13 => twice(imm8 << 16 | 0xffff),
        14 if bit(word, 5) => spread(imm8),
        14 => twice(imm8 * 0x0101_0101),
        _ => twice(expand_float(imm8, false) as u32),
    }
}

const fn twice(word: u32) -> u64 {
    (word as u64) << 32 | word as u64
}

/// A byte of ones for each bit.
const fn spread(imm8: u32) -> u64 {
    let (mut value, mut n) = (0, 0);
    while n < 8 {
        if bit(imm8, n) {
            value |= 0xff << (8 * n);
        }
        n += 1;
    }
    value
}

/// VFPExpandImm (Arm ARM F2.4): a sign, three bits of exponent and four of fraction.
pub const fn expand_float(imm8: u32, double: bool) -> u64 {
    let (sign, top, low) = ((imm8 >> 7) as u64, bit(imm8, 6), (imm8 & 0x3f) as u64);
    // The exponent is NOT(b):b...b:cd, of 8 or 11 bits; cd and the fraction are the low six bits.
    if double {
        sign << 63 | if top { 0xff << 54 } else { 1 << 62 } | low << 48
    } else {
        sign << 31 | if top { 0x1f << 25 } else { 1 << 30 } | low << 19
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immediates() {
        let imm = |cmode: u32, op: u32, imm8: u32| {
            expand_imm(cmode << 8 | op << 5 | imm8 >> 7 << 24 | (imm8 >> 4 & 7) << 16 | imm8 & 15)
        };
        assert_eq!(imm(0, 0, 0xab), 0x0000_00ab_0000_00ab);
        assert_eq!(imm(6, 1, 0xab), 0xab00_0000_ab00_0000);
        assert_eq!(imm(10, 0, 0xab), 0xab00_ab00_ab00_ab00);
        assert_eq!(imm(12, 0, 0xab), 0x0000_abff_0000_abff);
        assert_eq!(imm(13, 0, 0xab), 0x00ab_ffff_00ab_ffff);
        assert_eq!(imm(14, 0, 0xab), 0xabab_abab_abab_abab);
        assert_eq!(imm(14, 1, 0xa5), 0xff00_ff00_00ff_00ff);
        assert_eq!(imm(15, 0, 0x70), 0x3f80_0000_3f80_0000);
        assert_eq!(f64::from_bits(expand_float(0x70, true)), 1.0);
        assert_eq!(f32::from_bits(expand_float(0xc0, false) as u32), -0.125);
    }

    #[test]
    fn register_numbers() {
        // vadd.f32 s1, s2, s5 and vadd.f64 d17, d2, d20
        let singles = 0xee71_0a22;
        assert_eq!((sd(singles), sn(singles), sm(singles)), (1, 2, 5));
        let doubles = 0xee72_1b24;
        assert_eq!((dd(doubles), dn(doubles), dm(doubles)), (17, 2, 20));
    }
}
