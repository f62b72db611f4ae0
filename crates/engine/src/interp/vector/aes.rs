//! The AES instructions (FIPS 197). Byte `n` of the state is row `n % 4` of column `n / 4`.

use super::lanes::{Bytes, Operands, ops};
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

/// MixColumns of one column: 2, 3, 1, 1 rotated, that is each byte plus the sum of all plus twice the
/// sum of itself and the next.
fn mix(a: [u8; 4]) -> [u8; 4] {
    let all = a[0] ^ a[1] ^ a[2] ^ a[3];
    std::array::from_fn(|n| a[n] ^ all ^ xtime(a[n] ^ a[(n + 1) % 4]))
}

/// InvMixColumns of one column. Its matrix is MixColumns times 5, 0, 4, 0 rotated.
fn unmix(a: [u8; 4]) -> [u8; 4] {
    let even = xtime(xtime(a[0] ^ a[2]));
    let odd = xtime(xtime(a[1] ^ a[3]));
    mix([a[0] ^ even, a[1] ^ odd, a[2] ^ even, a[3] ^ odd])
}

#[inline(always)]
fn columns(o: &Operands, d: &mut Bytes, f: impl Fn([u8; 4]) -> [u8; 4]) -> bool {
    for n in [0, 4, 8, 12] {
        d[n..n + 4].copy_from_slice(&f([o.a[n], o.a[n + 1], o.a[n + 2], o.a[n + 3]]));
    }
    false
}

fn aesmc(o: &Operands, d: &mut Bytes) -> bool {
    columns(o, d, mix)
}

fn aesimc(o: &Operands, d: &mut Bytes) -> bool {
    columns(o, d, unmix)
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
