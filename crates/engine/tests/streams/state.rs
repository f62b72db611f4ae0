//! States that streams begin with: operands at which arithmetic turns.

#[path = "../../../fp/tests/common/mod.rs"]
mod common;

use armlet_fp::{FLAGS, Float};

use crate::oracle::{Case, Rng};

/// FPCR's RMode, FZ, DN and AHP.
pub const FPCR: u32 = 3 << 22 | 1 << 24 | 1 << 25 | 1 << 26;
/// FPSR's QC and exception flags.
pub const FPSR: u32 = 1 << 27 | FLAGS;

/// Lanes of one floating-point format.
fn floats<F: Float>(rng: &mut common::Rng) -> u128 {
    (0..128 / F::BITS)
        .fold(0, |v, n| v | u128::from(common::operands::<F>(rng)[n as usize % 3].bits()) << (n * F::BITS))
}

/// Integer lanes of a random size.
fn integers(rng: &mut common::Rng) -> u128 {
    let bits = 8 << rng.below(4);
    (0..128 / bits).fold(0, |v, n| v | u128::from(common::pattern(rng, bits)) << (n * bits))
}

/// A vector register.
fn vector(rng: &mut common::Rng) -> u128 {
    match rng.below(8) {
        0 | 1 => floats::<u32>(rng),
        2 | 3 => floats::<u64>(rng),
        4 => floats::<u16>(rng),
        5 => u128::from(rng.bits()) << 64 | u128::from(rng.bits()),
        _ => integers(rng),
    }
}

/// A case of these words.
pub fn case(rng: &mut Rng, words: &[u32]) -> Case {
    let mut case = Case::random(rng, words.to_vec());
    let mut operands = common::Rng::new(rng.next());
    case.state.v.fill_with(|| vector(&mut operands));
    for bytes in case.mem.chunks_exact_mut(16) {
        bytes.copy_from_slice(&vector(&mut operands).to_le_bytes());
    }
    if rng.below(3) != 0 {
        case.state.fpcr = rng.next() as u32 & FPCR;
    }
    if rng.below(2) != 0 {
        case.state.fpsr = rng.next() as u32 & FPSR;
    }
    case
}
