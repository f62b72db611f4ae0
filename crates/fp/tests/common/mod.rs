//! Operands that reach the corners: after the generator of Berkeley TestFloat, patterns of exponents and of
//! significands are combined, and operands are made to depend on each other.
#![allow(dead_code)]

use armlet_fp::Float;

/// A small generator of random numbers (xorshift64*), so that every run tests the same.
pub struct Rng(u64);

impl Rng {
    /// A generator for one test.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A random number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// `width` bits of a pattern that carries, borrows and ties are made of.
pub fn pattern(rng: &mut Rng, width: u32) -> u64 {
    let mask = u64::MAX >> (64 - width);
    let (at, len) = (rng.below(width.into()) as u32, rng.below(width.into()) as u32);
    mask & match rng.below(10) {
        0 => 0,
        1 => 1 << at,
        2 => u64::MAX,
        3 => u64::MAX << at,
        4 => u64::MAX >> (63 - at),
        5 => (u64::MAX >> (63 - len)) << at,
        6 => !(1 << at),
        7 => rng.bits() << at,
        8 => (rng.bits() << at) | u64::MAX >> (63 - at),
        _ => rng.bits(),
    }
}

/// A random operand.
pub fn operand<F: Float>(rng: &mut Rng) -> F {
    let (max, bias, frac) = (F::EXP_MAX, F::BIAS as u64, u64::from(F::FRAC_BITS));
    let exp = match rng.below(12) {
        0 => 0,
        1 => 1 + rng.below(3),
        2 => max - 1 - rng.below(3),
        3 => max,
        4 => bias - 3 + rng.below(6),
        5 => bias + frac - 3 + rng.below(6),
        6 => (bias + 2).saturating_sub(frac) + rng.below(6),
        7 => bias / 2 - 1 + rng.below(3),
        8 => bias + rng.below(70),
        _ => rng.below(max + 1),
    };
    F::from_fields(rng.one_in(2), exp.min(max), pattern(rng, F::FRAC_BITS))
}

/// Three operands, often near each other or with exponents that add up, so that sums cancel and products
/// meet the ends of the range.
pub fn operands<F: Float>(rng: &mut Rng) -> [F; 3] {
    let (a, mut b, mut c): (F, F, F) = (operand(rng), operand(rng), operand(rng));
    let sign = 1 << (F::BITS - 1);
    let mask = sign | (sign - 1);
    let clamp = |exp: i64| exp.clamp(0, F::EXP_MAX as i64) as u64;
    match rng.below(8) {
        0 => b = F::from_low_bits((a.bits() ^ sign).wrapping_add(rng.below(5)).wrapping_sub(2) & mask),
        1 => {
            let exp = clamp(a.exp_field() as i64 + rng.below(7) as i64 - 3);
            b = F::from_fields(!a.sign(), exp, b.frac_field());
        }
        2 => {
            let exp =
                clamp(F::BIAS as i64 + 2 - F::FRAC_BITS as i64 * rng.below(2) as i64 - a.exp_field() as i64);
            b = F::from_fields(b.sign(), exp, b.frac_field());
        }
        3 => {
            let exp =
                clamp(F::EXP_MAX as i64 + F::BIAS as i64 - 3 + rng.below(4) as i64 - a.exp_field() as i64);
            b = F::from_fields(b.sign(), exp, b.frac_field());
        }
        _ => (),
    }
    if rng.one_in(3) {
        // An addend of about the size of the product, or of the part of it that is rounded away.
        let below = if rng.one_in(2) { 0 } else { F::FRAC_BITS as i64 };
        let exp =
            a.exp_field() as i64 + b.exp_field() as i64 - F::BIAS as i64 - below + rng.below(5) as i64 - 2;
        let frac = if rng.one_in(2) { c.frac_field() } else { product_fraction(a, b) };
        c = F::from_fields(c.sign(), clamp(exp), frac);
    }
    [a, b, c]
}

/// The leading bits of the fraction of a product.
fn product_fraction<F: Float>(a: F, b: F) -> u64 {
    let hidden = 1u128 << F::FRAC_BITS;
    let wide = (u128::from(a.frac_field()) | hidden) * (u128::from(b.frac_field()) | hidden);
    let top = wide >> (wide.ilog2() - F::FRAC_BITS);
    top as u64 & F::FRAC_MASK
}

/// An operand whose exponent is near the ends of the range of a narrower format.
pub fn edge<F: Float, To: Float>(rng: &mut Rng) -> F {
    let spread = To::FRAC_BITS as i64 + 6;
    let exp = match rng.below(3) {
        0 => F::BIAS as i64 - To::BIAS as i64 - spread + rng.below(spread as u64 + 6) as i64,
        1 => F::BIAS as i64 + To::BIAS as i64 - 2 + rng.below(5) as i64,
        _ => F::BIAS as i64 + rng.below(20) as i64 - 10,
    };
    F::from_fields(rng.one_in(2), exp as u64, pattern(rng, F::FRAC_BITS))
}

/// A value at which something turns: ends of ranges, NaNs, ties, integers at the edges of their ranges.
pub fn special<F: Float>(rng: &mut Rng) -> F {
    let (bias, frac) = (F::BIAS as u64, F::FRAC_MASK);
    let quiet = F::QUIET;
    let ints = [7, 8, 15, 16, 31, 32, 63, 64, 52, 53, 23, 24];
    let sign = rng.one_in(2);
    let near = match rng.below(5) {
        0 => 0,
        1 => 1,
        2 => frac,
        3 => frac - rng.below(3),
        _ => quiet,
    };
    let (exp, fraction) = match rng.below(12) {
        0 => (0, 0),
        1 => (0, near),
        2 => (1, near),
        3 => (F::EXP_MAX - 1, near),
        4 => (F::EXP_MAX, 0),
        5 => (F::EXP_MAX, quiet | rng.below(4)),
        6 => (F::EXP_MAX, 1 + rng.below(4)),
        7 => (bias, near),
        8 => (bias - 1, near),
        9 => (bias + 1, near),
        _ => ((bias + ints[rng.below(12) as usize] - rng.below(2)).min(F::EXP_MAX), near),
    };
    F::from_fields(sign, exp, fraction)
}

/// Operands whose product, quotient, or sum with a product rounds to about the least normal number.
pub fn nearly_tiny<F: Float>(rng: &mut Rng) -> [F; 3] {
    let bias = F::BIAS as u64;
    let down = rng.below(bias - 4) + 2;
    let addend = if rng.one_in(2) { F::zero(rng.one_in(2)) } else { special(rng) };
    let (high, low) = (F::FRAC_MASK - rng.below(3), rng.below(4));
    let signs = [rng.one_in(2), rng.one_in(2), rng.one_in(2)];
    match rng.below(3) {
        0 => {
            let below = rng.below(4).saturating_sub(1);
            [F::from_fields(signs[0], bias - down, high), F::from_fields(signs[1], down + below, low), addend]
        }
        1 => [
            F::from_fields(signs[0], down, high),
            F::from_fields(signs[1], down + bias - rng.below(2), low),
            addend,
        ],
        _ => {
            let up = rng.below(u64::from(F::FRAC_BITS) + 8);
            let exp = (bias / 2).saturating_sub(up / 2);
            [
                F::from_fields(signs[0], exp, low),
                F::from_fields(signs[1], exp, high),
                F::from_fields(signs[2], 1, rng.below(2)),
            ]
        }
    }
}
