//! Whether the host is quick: by whom, and by how many, requests are served.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What waking a thread takes on a host that has something else to do: a request that is served sooner than that was not
/// slow.
const SOON: Duration = Duration::from_micros(100);
/// The time for which a thread does the work, as a multiple of what a slow request took.
const REST: u32 = 20;

/// Keeps a vCPU from waiting for a slow host: after a request that took long threads serve all that come for a multiple
/// of that time. So vCPUs lose some hundredths of their time, at most, to what they serve themselves.
pub(super) struct Pace {
    start: Instant,
    /// Until when a thread does it, in nanoseconds after `start`.
    rests_until: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { start: Instant::now(), rests_until: AtomicU64::new(0) }
    }
}

impl Pace {
    fn nanoseconds(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }

    /// True if no request has taken long for a while: a vCPU may serve requests itself.
    pub fn is_quick(&self, now: Instant) -> bool {
        self.nanoseconds(now) >= self.rests_until.load(Ordering::Relaxed)
    }

    /// A request took from `begun` to `ended`.
    pub fn took(&self, begun: Instant, ended: Instant) {
        let time = ended.duration_since(begun);
        if time > SOON {
            let rest = u64::try_from(time.saturating_mul(REST).as_nanos()).unwrap_or(u64::MAX);
            self.rests_until.store(self.nanoseconds(ended).saturating_add(rest), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_request_is_followed_by_a_rest() {
        let pace = Pace::default();
        let at = |micros| pace.start + Duration::from_micros(micros);
        assert!(pace.is_quick(at(0)));
        pace.took(at(10), at(60));
        assert!(pace.is_quick(at(60)), "that was not slow");
        pace.took(at(1_000), at(2_000));
        assert!(!pace.is_quick(at(2_000)) && !pace.is_quick(at(21_999)));
        assert!(pace.is_quick(at(22_000)));
    }
}
