//! Which pair of queues a frame to the guest goes to: the one on which the guest has sent the flow's last (5.1.6.5.6.2).

use std::sync::atomic::{AtomicU8, AtomicU16, Ordering};

use armlet_net::flow;

/// Flows that are told apart; more share a pair.
const FLOWS: usize = 256;

pub(super) struct Steering {
    /// Pairs in use, the first ones.
    enabled: AtomicU16,
    /// The pair of each flow, by its number.
    pairs: [AtomicU8; FLOWS],
}

impl Default for Steering {
    fn default() -> Self {
        Self { enabled: AtomicU16::new(1), pairs: [const { AtomicU8::new(0) }; FLOWS] }
    }
}

impl Steering {
    pub fn enabled(&self) -> u16 {
        self.enabled.load(Ordering::SeqCst)
    }

    pub fn enable(&self, pairs: u16) {
        self.enabled.store(pairs, Ordering::SeqCst);
    }

    /// One pair, and nothing known of any flow.
    pub fn reset(&self) {
        self.enable(1);
        self.pairs.iter().for_each(|pair| pair.store(0, Ordering::Relaxed));
    }

    fn of(&self, frame: &[u8]) -> Option<&AtomicU8> {
        if self.enabled() == 1 {
            return None;
        }
        flow(frame).map(|flow| &self.pairs[flow as usize % FLOWS])
    }

    /// The guest has sent a frame on a pair.
    pub fn sent(&self, pair: u16, frame: &[u8]) {
        if let Some(known) = self.of(frame) {
            known.store(pair as u8, Ordering::Relaxed);
        }
    }

    /// The pair for a frame to the guest; the first one if nothing says which.
    pub fn pair(&self, frame: &[u8]) -> u16 {
        let pair = self.of(frame).map_or(0, |known| known.load(Ordering::Relaxed).into());
        if pair < self.enabled() { pair } else { 0 }
    }
}
