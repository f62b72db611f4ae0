//! Where a machine's random numbers come from.

use std::sync::Mutex;

use crate::console::lock;

/// Random bytes: the host's, or the same ones at every run.
pub(crate) enum Entropy {
    /// From the host's generator.
    Host,
    /// SplitMix64 over this state: no secret at all, for deterministic machines.
    Fixed(Mutex<u64>),
}

impl Entropy {
    /// The generator of a machine.
    pub fn new(deterministic: bool) -> Self {
        if deterministic { Self::Fixed(Mutex::new(0)) } else { Self::Host }
    }

    /// Fills `out`.
    ///
    /// # Errors
    /// If the host has none.
    pub fn fill(&self, out: &mut [u8]) -> Result<(), getrandom::Error> {
        let Self::Fixed(state) = self else { return getrandom::fill(out) };
        let mut state = lock(state);
        for bytes in out.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut value = *state;
            value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            value ^= value >> 31;
            bytes.copy_from_slice(&value.to_le_bytes()[..bytes.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_entropy_repeats_and_still_varies() {
        let take = |entropy: &Entropy| {
            let mut out = [0; 20];
            entropy.fill(&mut out).unwrap();
            out
        };
        let (one, other) = (Entropy::new(true), Entropy::new(true));
        let first = take(&one);
        assert_eq!(first, take(&other));
        assert_ne!(first, take(&one));
    }
}
