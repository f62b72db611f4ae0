//! AArch32's shifts and flags (Arm ARM F2.4, pseudocode Shift_C). Flags are NZCV in bits `[31:28]`.

use crate::uop::Op;

const C: u32 = 1 << 29;
const N_Z: u32 = 3 << 30;

/// `flags` with N and Z as of `value`.
pub fn with_nz(flags: u32, value: u32) -> u32 {
    flags & !N_Z | value & 1 << 31 | u32::from(value == 0) << 30
}

/// `flags` with another carry.
pub fn with_c(flags: u32, carry: bool) -> u32 {
    flags & !C | u32::from(carry) << 29
}

/// `flags` with N and Z as of `value`, and this carry.
fn with_nzc(flags: u32, value: u32, carry: bool) -> u32 {
    with_c(with_nz(flags, value), carry)
}

/// RRX, and the flags of RRXS.
pub fn rrx(value: u32, flags: u32) -> (u32, u32) {
    let result = value >> 1 | (flags & C) << 2;
    (result, with_nzc(flags, result, value & 1 != 0))
}

/// The word `value` shifted as `op` says, by `amount`, 0 to 255; and the carry out, `carry` if the amount is 0.
fn shift(op: Op, value: u32, amount: u32, carry: bool) -> (u32, bool) {
    let wide = u64::from(value);
    match op {
        _ if amount == 0 => (value, carry),
        Op::LslSI32 | Op::LslV32 | Op::LslSV32 => {
            let all = wide.checked_shl(amount).unwrap_or(0);
            (all as u32, all >> 32 & 1 != 0)
        }
        Op::LsrSI32 | Op::LsrV32 | Op::LsrSV32 => {
            let all = (wide << 1).checked_shr(amount).unwrap_or(0);
            ((all >> 1) as u32, all & 1 != 0)
        }
        Op::AsrSI32 | Op::AsrV32 | Op::AsrSV32 => {
            let all = (i64::from(value as i32) << 1) >> amount.min(63);
            ((all >> 1) as u32, all & 1 != 0)
        }
        _ => {
            let result = value.rotate_right(amount & 31);
            (result, result >> 31 != 0)
        }
    }
}

/// The shift `op` of `value` by `amount`, and the flags of its S form.
pub fn shift_flags(op: Op, value: u32, amount: u32, flags: u32) -> (u32, u32) {
    let (result, carry) = shift(op, value, amount, flags & C != 0);
    (result, with_nzc(flags, result, carry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_beyond_the_word() {
        let one = |op, amount| shift(op, 0x8000_0001, amount, false);
        assert_eq!(one(Op::LslSV32, 31), (0x8000_0000, false));
        assert_eq!(one(Op::LslSV32, 32), (0, true));
        assert_eq!(one(Op::LslSV32, 33), (0, false));
        assert_eq!(one(Op::LslSV32, 64), (0, false));
        assert_eq!(one(Op::LsrSV32, 1), (0x4000_0000, true));
        assert_eq!(one(Op::LsrSV32, 32), (0, true));
        assert_eq!(one(Op::LsrSV32, 33), (0, false));
        assert_eq!(one(Op::AsrSV32, 32), (u32::MAX, true));
        assert_eq!(one(Op::AsrSV32, 200), (u32::MAX, true));
        assert_eq!(one(Op::RorSV32, 32), (0x8000_0001, true));
        assert_eq!(one(Op::RorSV32, 33), (0xc000_0000, true));
        assert_eq!(one(Op::RorSV32, 0), (0x8000_0001, false));
    }

    #[test]
    fn rrx_takes_the_carry_in_and_puts_bit_0_out() {
        assert_eq!(rrx(3, C), (0x8000_0001, 1 << 31 | C));
        assert_eq!(rrx(2, 0), (1, 0));
        assert_eq!(rrx(1, 0), (0, 1 << 30 | C));
    }
}
