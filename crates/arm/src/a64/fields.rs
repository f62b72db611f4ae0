//! Operand fields of an A64 word, and the immediate forms several instructions share.

/// Bits `[hi:lo]` of `word`.
#[inline(always)]
pub const fn bits(word: u32, hi: u32, lo: u32) -> u32 {
    word >> lo & (u32::MAX >> (31 - (hi - lo)))
}

/// Bit `n` of `word`.
#[inline(always)]
pub const fn bit(word: u32, n: u32) -> bool {
    word >> n & 1 != 0
}

/// Bits `[hi:lo]` of `word` as a two's complement number.
#[inline(always)]
pub const fn signed(word: u32, hi: u32, lo: u32) -> i64 {
    ((word << (31 - hi)) as i32 >> (31 - hi + lo)) as i64
}

/// Rd or Rt, bits `[4:0]`.
#[inline(always)]
pub const fn rd(word: u32) -> u8 {
    (word & 31) as u8
}

/// Rn, bits `[9:5]`.
#[inline(always)]
pub const fn rn(word: u32) -> u8 {
    (word >> 5 & 31) as u8
}

/// Rm or Rs, bits `[20:16]`.
#[inline(always)]
pub const fn rm(word: u32) -> u8 {
    (word >> 16 & 31) as u8
}

/// Ra or Rt2, bits `[14:10]`.
#[inline(always)]
pub const fn ra(word: u32) -> u8 {
    (word >> 10 & 31) as u8
}

/// DecodeBitMasks (Arm ARM J1.3, aarch64/instrs/integer/bitmasks): `(wmask, tmask)` for a register of
/// 32 or 64 bits, or `None` for a reserved combination. `logical` asks for the logical-immediate rule
/// that an element of all ones is reserved.
pub const fn bit_masks(n: u32, imms: u32, immr: u32, logical: bool, width: u32) -> Option<(u64, u64)> {
    let combined = n << 6 | (!imms & 0x3f);
    if combined < 2 || (width == 32 && n != 0) {
        return None;
    }
    let len = 31 - combined.leading_zeros();
    let levels = (1u32 << len) - 1;
    if logical && imms & levels == levels {
        return None;
    }
    let (s, r) = (imms & levels, immr & levels);
    let d = s.wrapping_sub(r) & levels;
    let esize = 1 << len;
    Some((replicate(ror(ones(s + 1), r, esize), esize), replicate(ones(d + 1), esize)))
}

const fn ones(count: u32) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

const fn ror(value: u64, by: u32, width: u32) -> u64 {
    if by == 0 { value } else { (value >> by | value << (width - by)) & ones(width) }
}

const fn replicate(mut value: u64, mut width: u32) -> u64 {
    while width < 64 {
        value |= value << width;
        width *= 2;
    }
    value
}

/// Condition codes as a truth table over NZCV: bit `nzcv` of `CONDITIONS[cond]` (Arm ARM C1.2.4).
pub const CONDITIONS: [u16; 16] = {
    let mut table = [0u16; 16];
    let mut cond = 0;
    while cond < 16 {
        let mut nzcv = 0;
        while nzcv < 16 {
            let (n, z, c, v) = (nzcv & 8 != 0, nzcv & 4 != 0, nzcv & 2 != 0, nzcv & 1 != 0);
            let holds = match cond >> 1 {
                0 => z,
                1 => c,
                2 => n,
                3 => v,
                4 => c && !z,
                5 => n == v,
                6 => n == v && !z,
                _ => true,
            };
            // The low bit inverts, except for the two encodings of "always".
            if holds != (cond & 1 != 0 && cond < 14) {
                table[cond] |= 1 << nzcv;
            }
            nzcv += 1;
        }
        cond += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_masks_of_known_immediates() {
        // and x0, x0, #0xff: N=1 immr=0 imms=7
        assert_eq!(bit_masks(1, 7, 0, true, 64).unwrap().0, 0xff);
        // orr w0, wzr, #0x55555555: N=0 imms=111100
        assert_eq!(bit_masks(0, 0b111100, 0, true, 32).unwrap().0, 0x5555_5555_5555_5555);
        assert_eq!(bit_masks(1, 63, 0, true, 64), None);
        assert_eq!(bit_masks(0, 63, 0, true, 64), None);
        assert_eq!(bit_masks(1, 7, 0, true, 32), None);
    }

    #[test]
    fn conditions() {
        assert_eq!(CONDITIONS[0], 0xf0f0); // EQ: Z
        assert_eq!(CONDITIONS[1], !0xf0f0); // NE
        assert_eq!((CONDITIONS[14], CONDITIONS[15]), (0xffff, 0xffff)); // AL, NV
        assert_eq!(CONDITIONS[8] >> 0b0010 & 1, 1); // HI: C and not Z
        assert_eq!(CONDITIONS[12] >> 0b1001 & 1, 1); // GT: N == V
    }
}
