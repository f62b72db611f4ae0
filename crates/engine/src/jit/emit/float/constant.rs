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
    /// Infinity in every lane.
    InfinityS,
    MinusInfinityS,
    MinusInfinityD,
    /// The greatest exponents of products that may be tiny, in every lane; of products that something is added to, where
    /// the sum may be tiny and not exact; of doubles that are tiny singles; of quotients.
    TinyS,
    TinyD,
    TinyTermS,
    TinyTermD,
    TinyNarrowD,
    TinyQuotientS,
    TinyQuotientD,
    /// One more than those, as sums or differences of biased exponents.
    TinyBiased,
    TinyTermBiased,
    TinyQuotientBiased,
    /// 2 and 3 in every lane.
    TwoS,
    ThreeS,
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
    /// The same as NZCV.
    LessNzcv,
    EqualNzcv,
    GreaterNzcv,
    UnorderedNzcv,
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
            Self::InfinityS => singles([f32::INFINITY.to_bits(); 4]),
            Self::MinusInfinityS => singles([f32::NEG_INFINITY.to_bits(); 4]),
            Self::MinusInfinityD => doubles(f64::NEG_INFINITY.to_bits(), f64::NEG_INFINITY.to_bits()),
            Self::TinyS => singles([(-127f32).to_bits(); 4]),
            Self::TinyD => doubles((-1023f64).to_bits(), (-1023f64).to_bits()),
            Self::TinyTermS => singles([(-104f32).to_bits(); 4]),
            Self::TinyTermD => doubles((-971f64).to_bits(), (-971f64).to_bits()),
            Self::TinyNarrowD => doubles((-127f64).to_bits(), (-127f64).to_bits()),
            Self::TinyQuotientS => singles([(-126f32).to_bits(); 4]),
            Self::TinyQuotientD => doubles((-1022f64).to_bits(), (-1022f64).to_bits()),
            Self::TinyBiased => singles([254 - 126; 4]),
            Self::TinyTermBiased => singles([254 - 103; 4]),
            Self::TinyQuotientBiased => singles([-125i32 as u32; 4]),
            Self::TwoS => singles([2f32.to_bits(); 4]),
            Self::ThreeS => singles([3f32.to_bits(); 4]),
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
            Self::LessNzcv => 0b1000 << 28,
            Self::EqualNzcv => 0b0110 << 28,
            Self::GreaterNzcv => 0b0010 << 28,
            Self::UnorderedNzcv => 0b0011 << 28,
        }
    }
}
