//! The AES instructions (FIPS 197). Byte `n` of the state is row `n % 4` of column `n / 4`.

use super::lanes::{Bytes, Operands, one, ops};
use crate::uop::VectorOp;

ops! {
    Aese: own any aese;
    Aesd: own any aesd;
    Aesmc: own any aesmc;
    Aesimc: own any aesimc;
}

/// Multiplies by x in GF(2^8).
const fn xtime(a: u8) -> u8 {
    a << 1 ^ (a >> 7) * 0x1b
}

/// SubBytes and its inverse. Going through all `p`, powers of the generator 3, and `q`, those of 1/3,
/// `q` stays the inverse of `p`.
const BOXES: ([u8; 256], [u8; 256]) = {
    let (mut forward, mut inverse) = ([0; 256], [0; 256]);
    let (mut p, mut q) = (1u8, 1u8);
    loop {
        let s = q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4) ^ 0x63;
        forward[p as usize] = s;
        inverse[s as usize] = p;
        p ^= xtime(p);
        // To divide by 3 = x + 1 is to multiply by 0xf6, the sum of all x^n but x^3 and x^0.
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        if q & 0x80 != 0 {
            q ^= 0x09;
        }
        if p == 1 {
            break;
        }
    }
    // Zero has no inverse and stands for itself.
    forward[0] = 0x63;
    inverse[0x63] = 0;
    (forward, inverse)
};
static FORWARD: [u8; 256] = BOXES.0;
static INVERSE: [u8; 256] = BOXES.1;

/// AddRoundKey, then ShiftRows by `shift` columns a row and SubBytes.
#[inline(always)]
fn round(o: &Operands, d: &mut Bytes, table: &[u8; 256], shift: usize) -> bool {
    let state = (u128::from_le_bytes(o.c) ^ u128::from_le_bytes(o.a)).to_le_bytes();
    for (n, byte) in d.iter_mut().enumerate() {
        *byte = table[state[(n + 4 * shift * (n % 4)) % 16] as usize];
    }
    false
}

fn aese(o: &Operands, d: &mut Bytes) -> bool {
    round(o, d, &FORWARD, 1)
}

fn aesd(o: &Operands, d: &mut Bytes) -> bool {
    round(o, d, &INVERSE, 3)
}

/// [`xtime`] of the four bytes of a column, row 0 lowest.
fn xtime_column(a: u32) -> u32 {
    (a & 0x7f7f_7f7f) << 1 ^ (a >> 7 & 0x0101_0101) * 0x1b
}

/// MixColumns of one column: 2, 3, 1, 1 rotated.
fn mix(a: u32) -> u32 {
    let next = a.rotate_right(8);
    xtime_column(a ^ next) ^ next ^ a.rotate_right(16) ^ a.rotate_right(24)
}

/// InvMixColumns of one column. Its matrix is MixColumns times 5, 0, 4, 0 rotated.
fn unmix(a: u32) -> u32 {
    mix(a ^ xtime_column(xtime_column(a ^ a.rotate_right(16))))
}

fn aesmc(o: &Operands, d: &mut Bytes) -> bool {
    one::<u32>(o, d, mix)
}

fn aesimc(o: &Operands, d: &mut Bytes) -> bool {
    one::<u32>(o, d, unmix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_the_standard() {
        assert_eq!(FORWARD[..8], [0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5]);
        assert_eq!((FORWARD[0x53], FORWARD[0xff]), (0xed, 0x16));
        assert!((0..=255).all(|n: u8| INVERSE[FORWARD[n as usize] as usize] == n));
    }
}
