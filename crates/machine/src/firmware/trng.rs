//! The true random number generator interface (DEN0098), fed by the machine's generator.

use armlet_arm::smccc::{NOT_SUPPORTED, trng};
use armlet_hv::CallOutcome;

use super::{Call, SMC64};
use crate::entropy::Entropy;

/// Version 1.0.
const VERSION: u64 = 0x1_0000;
/// This implementation's name, 88bd3dee-5e04-4d0c-9d43-1b1b0a1a4f6e, as its four words.
const UUID: [u64; 4] = [0x88bd_3dee, 0x5e04_4d0c, 0x9d43_1b1b, 0x0a1a_4f6e];
const INVALID_PARAMETERS: u64 = -2i64 as u64;
const NO_ENTROPY: u64 = -3i64 as u64;

/// Serves a call if it is one of these.
pub(super) fn call(call: &mut Call, entropy: &Entropy) -> Option<CallOutcome> {
    Some(match call.function {
        trng::VERSION => call.done(VERSION),
        trng::FEATURES => {
            let known = [trng::VERSION, trng::FEATURES, trng::GET_UUID, trng::RND32, trng::RND64];
            let found = known.contains(&(call.args[1] as u32));
            call.done(if found { 0 } else { NOT_SUPPORTED })
        }
        trng::GET_UUID => call.done4(UUID),
        trng::RND32 | trng::RND64 => random(call, entropy),
        _ => return None,
    })
}

/// X1 bits of entropy in X3, then X2, then X1; the bits above are zero.
fn random(call: &mut Call, source: &Entropy) -> CallOutcome {
    let width = if call.function & SMC64 != 0 { 64 } else { 32 };
    let bits = call.args[1];
    if bits == 0 || bits > 3 * width {
        return call.done(INVALID_PARAMETERS);
    }
    let mut entropy = [0; 24];
    if source.fill(&mut entropy).is_err() {
        return call.done(NO_ENTROPY);
    }
    let mut results = [0; 4];
    for (i, word) in entropy.as_chunks::<8>().0.iter().enumerate() {
        let wanted = bits.saturating_sub(i as u64 * width).min(width);
        let mask = if wanted == 64 { u64::MAX } else { (1 << wanted) - 1 };
        results[3 - i] = u64::from_le_bytes(*word) & mask;
    }
    call.done4(results)
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn gives_as_many_bits_as_asked_for() {
        let (firmware, _) = testing::firmware(1);
        let call = |args: &[u64]| testing::call(&firmware, args).1;
        let (rnd32, rnd64) = (u64::from(trng::RND32), u64::from(trng::RND64));
        for _ in 0..20 {
            let [status, x1, x2, x3] = call(&[rnd64, 65]);
            assert!(status == 0 && x1 == 0 && x2 <= 1 && x3 != 0);
            let [status, x1, x2, x3] = call(&[rnd32, 40]);
            assert!(status == 0 && x1 == 0 && x2 <= 0xff && x3 <= 0xffff_ffff);
        }
        assert_ne!(call(&[rnd64, 192]), call(&[rnd64, 192]));
        for bad in [[rnd64, 0], [rnd64, 193], [rnd32, 97], [rnd64, u64::MAX]] {
            assert_eq!(call(&bad)[0], INVALID_PARAMETERS);
        }
        assert_eq!(call(&[trng::GET_UUID.into()]), UUID);
        assert_eq!(call(&[trng::FEATURES.into(), rnd64])[0], 0);
        assert_eq!(call(&[trng::FEATURES.into(), 1])[0], NOT_SUPPORTED);
    }
}
