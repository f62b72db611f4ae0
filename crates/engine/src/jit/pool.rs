//! Constants that generated code reads: 16 aligned bytes each, at the start of code memory.

use armlet_x64::Mem;

use super::context::RawFlags;

/// What there is.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Constant {
    /// All bits but signs: of one double, of two, of one single, of two, of four; zero above.
    AbsD1,
    AbsD2,
    AbsS1,
    AbsS2,
    AbsS4,
    /// The same places, signs alone.
    SignD1,
    SignD2,
    SignS1,
    SignS2,
    SignS4,
    /// The least normal number in every lane.
    LeastD,
    LeastS,
    /// Ones in the upper two lanes of singles, which no operation that is applied to them can make invalid.
    UpperOnesS,
    /// All bits set.
    AllOnes,
    /// The guest's flags after comparisons.
    Less,
    Equal,
    Greater,
    Unordered,
}

const LEAST_D: u64 = f64::MIN_POSITIVE.to_bits();
const LEAST_S: u32 = f32::MIN_POSITIVE.to_bits();
const SIGN_D: u64 = 1 << 63;
const SIGN_S: u32 = 1 << 31;
const ONE_S: u32 = 1f32.to_bits();

const fn doubles(low: u64, high: u64) -> u128 {
    (high as u128) << 64 | low as u128
}

const fn singles(lanes: [u32; 4]) -> u128 {
    let [a, b, c, d] = lanes;
    doubles((b as u64) << 32 | a as u64, (d as u64) << 32 | c as u64)
}

/// NZCV of a comparison's outcome.
fn flags(nzcv: u32) -> u128 {
    RawFlags::from_nzcv(nzcv << 28).0.into()
}

/// All of them.
pub fn bytes() -> Vec<u8> {
    [
        doubles(!SIGN_D, 0),
        doubles(!SIGN_D, !SIGN_D),
        singles([!SIGN_S, 0, 0, 0]),
        singles([!SIGN_S, !SIGN_S, 0, 0]),
        singles([!SIGN_S; 4]),
        doubles(SIGN_D, 0),
        doubles(SIGN_D, SIGN_D),
        singles([SIGN_S, 0, 0, 0]),
        singles([SIGN_S, SIGN_S, 0, 0]),
        singles([SIGN_S; 4]),
        doubles(LEAST_D, LEAST_D),
        singles([LEAST_S; 4]),
        singles([0, 0, ONE_S, ONE_S]),
        u128::MAX,
        flags(0b1000),
        flags(0b0110),
        flags(0b0010),
        flags(0b0011),
    ]
    .into_iter()
    .flat_map(u128::to_le_bytes)
    .collect()
}

/// Where a constant is, with the pool at `pool`.
pub fn at(pool: u64, constant: Constant) -> Mem {
    Mem::Near(pool + 16 * constant as u64)
}
