//! What vector instructions compute, in plain Rust.

use armlet_x64::VOp;

/// A function of two vectors.
pub type Model = Box<dyn Fn(u128, u128) -> u128>;

/// Applies `f` to every pair of elements of `bits` bits; it gets them zero-extended.
fn zip(bits: u32, f: impl Fn(u64, u64) -> u64 + 'static) -> Model {
    Box::new(move |a, b| {
        let element = |x: u128, at| (x >> at) as u64 & (u64::MAX >> (64 - bits));
        let results = (0..128 / bits).map(|i| {
            let result = f(element(a, i * bits), element(b, i * bits));
            u128::from(result & (u64::MAX >> (64 - bits))) << (i * bits)
        });
        results.sum()
    })
}

/// The same with sign-extended elements.
fn zip_signed(bits: u32, f: impl Fn(i64, i64) -> i64 + 'static) -> Model {
    let extend = move |x: u64| (x << (64 - bits)) as i64 >> (64 - bits);
    zip(bits, move |a, b| f(extend(a), extend(b)) as u64)
}

/// Two elements of each vector become one of twice the size, by their low halves.
fn interleave(bits: u32, upper: bool) -> Model {
    Box::new(move |a, b| {
        let (a, b) = if upper { (a >> 64, b >> 64) } else { (a, b) };
        let mask = (1u128 << bits) - 1;
        let pair = |i: u32| (a >> (i * bits) & mask) | (b >> (i * bits) & mask) << bits;
        (0..64 / bits).map(|i| pair(i) << (2 * i * bits)).sum()
    })
}

/// Elements of `bits` bits are narrowed, `a`'s first.
fn pack(bits: u32, min: i64, max: i64) -> Model {
    Box::new(move |a, b| {
        let half = bits / 2;
        let narrow = |x: u128, i: u32| {
            let element = ((x >> (i * bits)) as i64) << (64 - bits) >> (64 - bits);
            (element.clamp(min, max) as u128 & ((1 << half) - 1)) << (i * half)
        };
        let packed = |x| (0..128 / bits).map(|i| narrow(x, i)).sum::<u128>();
        packed(a) | packed(b) << 64
    })
}

fn shuffle(a: u128, b: u128) -> u128 {
    let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
    u128::from_le_bytes(b.map(|at| if at & 0x80 != 0 { 0 } else { a[at as usize & 15] }))
}

fn all_ones(condition: bool) -> u64 {
    if condition { u64::MAX } else { 0 }
}

fn all_ones_signed(condition: bool) -> i64 {
    -i64::from(condition)
}

/// A shift of every element by the number in the lower half of `b`.
fn shift(bits: u32, f: impl Fn(u64, u32) -> u64 + 'static) -> Model {
    Box::new(move |a, b| {
        let by = u32::try_from(b as u64).unwrap_or(u32::MAX).min(bits);
        let element = |i: u32| (a >> (i * bits)) as u64 & (u64::MAX >> (64 - bits));
        let result = |i| f(element(i), by) & (u64::MAX >> (64 - bits));
        (0..128 / bits).map(|i| u128::from(result(i)) << (i * bits)).sum()
    })
}

/// A pair of floats; of two NaNs the first wins and becomes quiet.
fn float(f: impl Fn(f64, f64) -> f64 + 'static) -> impl Fn(u64, u64) -> u64 {
    const QUIET: u64 = 1 << 51;
    move |a, b| match (f64::from_bits(a), f64::from_bits(b)) {
        (x, _) if x.is_nan() => a | QUIET,
        (_, y) if y.is_nan() => b | QUIET,
        (x, y) => {
            let result = f(x, y);
            if result.is_nan() { 0xfff8_0000_0000_0000 } else { result.to_bits() }
        }
    }
}

/// Of two that do not compare, the second.
fn lesser(a: u64, b: u64) -> u64 {
    if f64::from_bits(a) < f64::from_bits(b) { a } else { b }
}

/// The lowest element alone; the others are `a`'s.
fn scalar(f: impl Fn(u64, u64) -> u64 + 'static) -> Model {
    Box::new(move |a, b| a & !u128::from(u64::MAX) | u128::from(f(a as u64, b as u64)))
}

/// `mask`'s sign bits choose elements of `b`.
pub fn blend(bits: u32, a: u128, b: u128, mask: u128) -> u128 {
    let chosen = zip_signed(bits, |m, _| m >> 63)(mask, 0);
    a & !chosen | b & chosen
}

fn shift_left(x: u64, by: u32) -> u64 {
    x.checked_shl(by).unwrap_or(0)
}

fn shift_right(x: u64, by: u32) -> u64 {
    x.checked_shr(by).unwrap_or(0)
}

/// Operations with their models.
pub fn table() -> Vec<(VOp, Model)> {
    let mut all = integers();
    all.extend(moves_and_shifts());
    all.extend(floats());
    all
}

fn integers() -> Vec<(VOp, Model)> {
    vec![
        (VOp::Paddb, zip(8, u64::wrapping_add)),
        (VOp::Paddw, zip(16, u64::wrapping_add)),
        (VOp::Paddd, zip(32, u64::wrapping_add)),
        (VOp::Paddq, zip(64, u64::wrapping_add)),
        (VOp::Psubb, zip(8, u64::wrapping_sub)),
        (VOp::Psubw, zip(16, u64::wrapping_sub)),
        (VOp::Psubd, zip(32, u64::wrapping_sub)),
        (VOp::Psubq, zip(64, u64::wrapping_sub)),
        (VOp::Paddsb, zip_signed(8, |a, b| (a + b).clamp(-0x80, 0x7f))),
        (VOp::Psubsw, zip_signed(16, |a, b| (a - b).clamp(-0x8000, 0x7fff))),
        (VOp::Paddusw, zip(16, |a, b| (a + b).min(0xffff))),
        (VOp::Psubusb, zip(8, u64::saturating_sub)),
        (VOp::Pmullw, zip(16, u64::wrapping_mul)),
        (VOp::Pmulld, zip(32, u64::wrapping_mul)),
        (VOp::Vpmullq, zip(64, u64::wrapping_mul)),
        (VOp::Pmulhw, zip_signed(16, |a, b| (a * b) >> 16)),
        (VOp::Pmulhuw, zip(16, |a, b| (a * b) >> 16)),
        (VOp::Pmulhrsw, zip_signed(16, |a, b| (a * b + 0x4000) >> 15)),
        (VOp::Pmuludq, zip(64, |a, b| u64::from(a as u32) * u64::from(b as u32))),
        (VOp::Pmuldq, zip_signed(64, |a, b| i64::from(a as i32) * i64::from(b as i32))),
        (VOp::Pavgb, zip(8, |a, b| (a + b + 1) >> 1)),
        (VOp::Pminsb, zip_signed(8, i64::min)),
        (VOp::Pmaxsd, zip_signed(32, i64::max)),
        (VOp::Pminuw, zip(16, u64::min)),
        (VOp::Pmaxud, zip(32, u64::max)),
        (VOp::Vpminsq, zip_signed(64, i64::min)),
        (VOp::Vpmaxuq, zip(64, u64::max)),
        (VOp::Psignw, zip_signed(16, |a, b| a * b.signum())),
        (VOp::Pcmpeqb, zip(8, |a, b| all_ones(a == b))),
        (VOp::Pcmpeqq, zip(64, |a, b| all_ones(a == b))),
        (VOp::Pcmpgtw, zip_signed(16, |a, b| all_ones_signed(a > b))),
        (VOp::Pcmpgtd, zip_signed(32, |a, b| all_ones_signed(a > b))),
        (VOp::Pcmpgtq, zip_signed(64, |a, b| all_ones_signed(a > b))),
        (VOp::Pand, Box::new(|a, b| a & b)),
        (VOp::Pandn, Box::new(|a, b| !a & b)),
        (VOp::Por, Box::new(|a, b| a | b)),
        (VOp::Pxor, Box::new(|a, b| a ^ b)),
    ]
}

fn moves_and_shifts() -> Vec<(VOp, Model)> {
    vec![
        (VOp::Psllw, shift(16, shift_left)),
        (VOp::Pslld, shift(32, shift_left)),
        (VOp::Psrlq, shift(64, shift_right)),
        (VOp::Psraw, shift(16, |x, by| ((x as u16 as i16) >> by.min(15)) as u64)),
        (VOp::Vpsraq, shift(64, |x, by| ((x as i64) >> by.min(63)) as u64)),
        (VOp::Vpsllvd, zip(32, |a, b| if b < 32 { a << b } else { 0 })),
        (VOp::Vpsrlvq, zip(64, |a, b| if b < 64 { a >> b } else { 0 })),
        (VOp::Vpsravw, zip(16, |a, b| ((a as i16) >> b.min(15)) as u64)),
        (VOp::Vprolvd, zip(32, |a, b| (a as u32).rotate_left(b as u32 & 31).into())),
        (VOp::Vprorvq, zip(64, |a, b| a.rotate_right(b as u32 & 63))),
        (VOp::Punpcklbw, interleave(8, false)),
        (VOp::Punpcklwd, interleave(16, false)),
        (VOp::Punpckhdq, interleave(32, true)),
        (VOp::Punpckhqdq, interleave(64, true)),
        (VOp::Packsswb, pack(16, -0x80, 0x7f)),
        (VOp::Packuswb, pack(16, 0, 0xff)),
        (VOp::Packssdw, pack(32, -0x8000, 0x7fff)),
        (VOp::Packusdw, pack(32, 0, 0xffff)),
        (VOp::Pshufb, Box::new(shuffle)),
        (VOp::Movsd, scalar(|_, b| b)),
        (VOp::Movhlps, scalar_high()),
        (VOp::Movlhps, Box::new(|a, b| u128::from(a as u64) | b << 64)),
    ]
}

fn scalar_high() -> Model {
    Box::new(|a, b| a & !u128::from(u64::MAX) | b >> 64)
}

fn floats() -> Vec<(VOp, Model)> {
    vec![
        (VOp::Addpd, zip(64, float(|a, b| a + b))),
        (VOp::Subpd, zip(64, float(|a, b| a - b))),
        (VOp::Mulpd, zip(64, float(|a, b| a * b))),
        (VOp::Divpd, zip(64, float(|a, b| a / b))),
        (VOp::Minpd, zip(64, lesser)),
        (VOp::Addsd, scalar(float(|a, b| a + b))),
        (VOp::Divsd, scalar(float(|a, b| a / b))),
        (VOp::Minsd, scalar(lesser)),
        (VOp::Sqrtsd, scalar(|_, b| float(|x, _| x.sqrt())(b, 0))),
    ]
}
