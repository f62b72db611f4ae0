//! The constants that floating-point code knows by name.

use crate::jit::context::RawFlags;

/// What there is.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// The least normal half as a single.
    LeastH,
    /// Ones in the upper two lanes of singles, which no operation that is applied to them can make invalid.
    UpperOnesS,
    /// All bits set.
    AllOnes,
    /// From here on all doubles are integers, and all singles.
    WholeD,
    WholeS,
    HalfD,
    HalfS,
    /// The guest's flags after comparisons.
    Less,
    Equal,
    Greater,
    Unordered,
}

const LEAST_D: u64 = f64::MIN_POSITIVE.to_bits();
const LEAST_S: u32 = f32::MIN_POSITIVE.to_bits();
const LEAST_H: u32 = (1f32 / 16384.0).to_bits();
const SIGN_D: u64 = 1 << 63;
const SIGN_S: u32 = 1 << 31;
const WHOLE_D: u64 = ((1u64 << 52) as f64).to_bits();
const WHOLE_S: u32 = ((1u32 << 23) as f32).to_bits();
const HALF_D: u64 = 0.5f64.to_bits();
const HALF_S: u32 = 0.5f32.to_bits();
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

impl Constant {
    /// Its 16 bytes.
    pub fn value(self) -> u128 {
        match self {
            Self::AbsD1 => doubles(!SIGN_D, 0),
            Self::AbsD2 => doubles(!SIGN_D, !SIGN_D),
            Self::AbsS1 => singles([!SIGN_S, 0, 0, 0]),
            Self::AbsS2 => singles([!SIGN_S, !SIGN_S, 0, 0]),
            Self::AbsS4 => singles([!SIGN_S; 4]),
            Self::SignD1 => doubles(SIGN_D, 0),
            Self::SignD2 => doubles(SIGN_D, SIGN_D),
            Self::SignS1 => singles([SIGN_S, 0, 0, 0]),
            Self::SignS2 => singles([SIGN_S, SIGN_S, 0, 0]),
            Self::SignS4 => singles([SIGN_S; 4]),
            Self::LeastD => doubles(LEAST_D, LEAST_D),
            Self::LeastS => singles([LEAST_S; 4]),
            Self::LeastH => singles([LEAST_H; 4]),
            Self::UpperOnesS => singles([0, 0, ONE_S, ONE_S]),
            Self::AllOnes => u128::MAX,
            Self::WholeD => doubles(WHOLE_D, WHOLE_D),
            Self::WholeS => singles([WHOLE_S; 4]),
            Self::HalfD => doubles(HALF_D, HALF_D),
            Self::HalfS => singles([HALF_S; 4]),
            Self::Less => flags(0b1000),
            Self::Equal => flags(0b0110),
            Self::Greater => flags(0b0010),
            Self::Unordered => flags(0b0011),
        }
    }
}
