//! Integer operations that are more than a Rust operator.

const Z: u32 = 1 << 30;
const C: u32 = 1 << 29;
const V: u32 = 1 << 28;

macro_rules! flags {
    ($int:ty, $signed:ty, $adds:ident, $subs:ident, $adcs:ident, $ands:ident) => {
        /// `a + b` and NZCV.
        #[inline(always)]
        pub fn $adds(a: $int, b: $int) -> (u64, u32) {
            let (sum, carry) = a.overflowing_add(b);
            let overflow = (a as $signed).overflowing_add(b as $signed).1;
            (sum.into(), nzcv((sum as $signed) < 0, sum == 0, carry, overflow))
        }

        /// `a - b` and NZCV; C is not-borrow.
        #[inline(always)]
        pub fn $subs(a: $int, b: $int) -> (u64, u32) {
            let difference = a.wrapping_sub(b);
            let overflow = (a as $signed).overflowing_sub(b as $signed).1;
            (difference.into(), nzcv((difference as $signed) < 0, a == b, a >= b, overflow))
        }

        /// `a + b + carry` and NZCV (AddWithCarry); for a subtraction with carry, `b` comes inverted.
        #[inline(always)]
        pub fn $adcs(a: $int, b: $int, carry: bool) -> (u64, u32) {
            let (partial, carry1) = a.overflowing_add(b);
            let (sum, carry2) = partial.overflowing_add(carry.into());
            let overflow = ((a ^ sum) & (b ^ sum)) as $signed;
            (sum.into(), nzcv((sum as $signed) < 0, sum == 0, carry1 | carry2, overflow < 0))
        }

        /// A logical result and NZCV.
        #[inline(always)]
        pub fn $ands(result: $int) -> (u64, u32) {
            (result.into(), nzcv((result as $signed) < 0, result == 0, false, false))
        }
    };
}
flags!(u64, i64, adds64, subs64, adcs64, ands64);
flags!(u32, i32, adds32, subs32, adcs32, ands32);

/// Packs the four flags.
#[inline(always)]
pub fn nzcv(n: bool, z: bool, c: bool, v: bool) -> u32 {
    u32::from(n) << 31 | u32::from(z) << 30 | u32::from(c) << 29 | u32::from(v) << 28
}

/// C as it stands.
#[inline(always)]
pub fn carry(nzcv: u32) -> bool {
    nzcv & C != 0
}

/// RMIF: the flags in `mask` are those of `value`, both N:Z:C:V in bits `[3:0]`.
pub fn rmif(old: u32, value: u64, mask: u8) -> u32 {
    let mask = u32::from(mask & 15) << 28;
    old & !mask | (value as u32) << 28 & mask
}

/// SETF8 and SETF16: flags of the low `bits` of `value`. C stays.
pub fn setf(old: u32, value: u64, bits: u32) -> u32 {
    let top = value >> (bits - 1) & 1 != 0;
    let above = value >> bits & 1 != 0;
    let zero = value & ((1 << bits) - 1) == 0;
    nzcv(top, zero, old & C != 0, top != above)
}

/// AXFLAG: from Arm's to the alternative flags of a floating-point comparison.
pub fn axflag(old: u32) -> u32 {
    let (z, c, v) = (old & Z != 0, old & C != 0, old & V != 0);
    nzcv(false, z || v, c && !v, false)
}

/// XAFLAG: back.
pub fn xaflag(old: u32) -> u32 {
    let (z, c) = (old & Z != 0, old & C != 0);
    nzcv(!c && !z, z && c, c || z, !c && z)
}

/// CFINV.
pub fn cfinv(old: u32) -> u32 {
    old ^ C
}

/// `a / b` of unsigned numbers, 0 if `b` is.
#[inline(always)]
pub fn udiv(a: u64, b: u64) -> u64 {
    a.checked_div(b).unwrap_or(0)
}

/// `a / b` rounded to zero, 0 if `b` is; the one quotient that overflows wraps to `a`.
#[inline(always)]
pub fn sdiv64(a: u64, b: u64) -> u64 {
    if b == 0 { 0 } else { (a as i64).wrapping_div(b as i64) as u64 }
}

/// The same of words.
#[inline(always)]
pub fn sdiv32(a: u32, b: u32) -> u32 {
    if b == 0 { 0 } else { (a as i32).wrapping_div(b as i32) as u32 }
}

/// Product of two signed words.
#[inline(always)]
pub fn smull(a: u32, b: u32) -> u64 {
    (i64::from(a as i32) * i64::from(b as i32)) as u64
}

/// Leading bits below the sign bit that equal it.
#[inline(always)]
pub fn cls64(a: u64) -> u64 {
    ((a ^ (a as i64 >> 63) as u64) << 1 | 1).leading_zeros().into()
}

/// The same of a word.
#[inline(always)]
pub fn cls32(a: u32) -> u64 {
    ((a ^ (a as i32 >> 31) as u32) << 1 | 1).leading_zeros().into()
}

/// Swaps the bytes of each halfword.
#[inline(always)]
pub fn rev16(a: u64) -> u64 {
    a >> 8 & 0x00ff_00ff_00ff_00ff | (a & 0x00ff_00ff_00ff_00ff) << 8
}

/// CRC-32 tables of the polynomials 0x04c11db7 and 0x1edc6f41, bit-reversed as the instructions have them.
static CRC: [[u32; 256]; 2] = [crc_table(0xedb8_8320), crc_table(0x82f6_3b78)];

const fn crc_table(polynomial: u32) -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let (mut crc, mut bit) = (n as u32, 0);
        while bit < 8 {
            crc = crc >> 1 ^ if crc & 1 != 0 { polynomial } else { 0 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
}

/// CRC32 and CRC32C; `flags` is that of [`crate::uop::Op::Crc32`].
pub fn crc32(crc: u32, data: u64, flags: u8) -> u32 {
    let table = &CRC[usize::from(flags >> 2 & 1)];
    let bytes = data.to_le_bytes();
    bytes[..1 << (flags & 3)].iter().fold(crc, |crc, &byte| crc >> 8 ^ table[usize::from(crc as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_check_values() {
        // The catalogue's check values of "123456789", which start from and end with inversion.
        let data = b"123456789";
        let crc = |flags| !data.iter().fold(!0, |crc, &byte| crc32(crc, byte.into(), flags));
        assert_eq!((crc(0), crc(4)), (0xcbf4_3926, 0xe306_9283));
        let word = u64::from_le_bytes(data[..8].try_into().unwrap());
        assert_eq!(!crc32(crc32(!0, word, 3), b'9'.into(), 0), 0xcbf4_3926);
    }

    #[test]
    fn divisions_without_a_quotient() {
        assert_eq!((udiv(5, 0), sdiv64(5, 0), sdiv32(5, 0)), (0, 0, 0));
        assert_eq!(sdiv64(1 << 63, u64::MAX), 1 << 63);
        assert_eq!(sdiv32(1 << 31, u32::MAX), 1 << 31);
    }

    #[test]
    fn sign_bits() {
        assert_eq!((cls64(0), cls64(!0), cls64(1), cls64(1 << 63)), (63, 63, 62, 0));
        assert_eq!((cls32(0), cls32(!0), cls32(1), cls32(1 << 31)), (31, 31, 30, 0));
    }
}
