//! Time that passes only when somebody says so: for machines whose runs can be repeated exactly.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::clock::Alarm;

/// A queue of alarms on virtual time.
pub(crate) trait Queue: Send + Sync {
    /// The earliest deadline in nanoseconds.
    fn first(&self) -> Option<u64>;
    /// Takes the earliest alarm out if its deadline is `now_ns` or before. `Some(None)` is one whose
    /// owner is gone.
    fn take_due(&self, now_ns: u64) -> Option<Option<Arc<dyn Alarm>>>;
}

/// Virtual time in nanoseconds since the machine was made, and the alarms on it.
///
/// Whoever drives it, a vCPU, sets the time and then rings what is due on its own thread. All alarms are
/// in one order: by deadline, then by the age of their queue, then by their key.
#[derive(Default)]
pub struct VirtualTime {
    now: AtomicU64,
    /// The earliest deadline of all queues; `u64::MAX` without any.
    first: AtomicU64,
    queues: Mutex<Vec<Weak<dyn Queue>>>,
}

impl std::fmt::Debug for VirtualTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualTime").field("now", &self.now_ns()).finish_non_exhaustive()
    }
}

impl VirtualTime {
    /// Time zero, no alarms.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { first: AtomicU64::new(u64::MAX), ..Self::default() })
    }

    /// Nanoseconds since the machine was made.
    pub fn now_ns(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// Sets the time, which may not go back. Rings nothing.
    pub fn set_now(&self, ns: u64) {
        self.now.store(ns, Ordering::Relaxed);
    }

    /// The deadline of the next alarm in nanoseconds.
    #[inline]
    pub fn next_alarm(&self) -> Option<u64> {
        Some(self.first.load(Ordering::Relaxed)).filter(|&first| first != u64::MAX)
    }

    /// Rings all alarms whose deadline has come, on this thread, those included that ring one another.
    pub fn ring_due(&self) {
        while self.next_alarm().is_some_and(|at| at <= self.now_ns()) {
            let queues = self.queues();
            let earliest = queues.iter().filter_map(|queue| Some((queue.first()?, queue)));
            let due = earliest.min_by_key(|(at, _)| *at).and_then(|(_, queue)| queue.take_due(self.now_ns()));
            self.deadlines_changed();
            if let Some(Some(alarm)) = due {
                alarm.ring();
            }
        }
    }

    /// Makes the alarms of `queue` count.
    pub(crate) fn add(&self, queue: Weak<dyn Queue>) {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).push(queue);
    }

    /// A queue's first deadline may be another.
    pub(crate) fn deadlines_changed(&self) {
        let first = self.queues().iter().filter_map(|queue| queue.first()).min();
        self.first.store(first.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn queues(&self) -> Vec<Arc<dyn Queue>> {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.iter().filter_map(Weak::upgrade).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{AlarmQueue, Clock};

    struct Bell(Arc<Mutex<Vec<(u32, u64)>>>, u32, Clock);
    impl Alarm for Bell {
        fn ring(&self) {
            self.0.lock().unwrap().push((self.1, self.2.now_ns()));
        }
    }

    #[test]
    fn alarms_ring_on_the_thread_that_advances_time_and_in_one_order() {
        let clock = Clock::new_virtual();
        let time = clock.virtual_time().unwrap().clone();
        let queues = [AlarmQueue::new(clock.clone()), AlarmQueue::new(clock.clone())];
        let rung = Arc::new(Mutex::new(Vec::new()));
        let bells: Vec<_> = (0..4).map(|n| Arc::new(Bell(rung.clone(), n, clock.clone()))).collect();
        queues[1].set(7, Some(100), &bells[0]);
        queues[0].set(9, Some(100), &bells[1]);
        queues[0].set(8, Some(100), &bells[2]);
        queues[0].set(1, Some(50), &bells[3]);
        queues[0].set(1, Some(200), &bells[3]);
        assert_eq!(time.next_alarm(), Some(100));
        time.set_now(99);
        time.ring_due();
        assert!(rung.lock().unwrap().is_empty());
        time.set_now(150);
        time.ring_due();
        assert_eq!(*rung.lock().unwrap(), [(2, 150), (1, 150), (0, 150)]);
        assert_eq!(time.next_alarm(), Some(200));
        assert!(queues[1].is_silent() && !queues[0].is_silent());
        drop(bells);
        time.set_now(200);
        time.ring_due();
        assert_eq!((rung.lock().unwrap().len(), time.next_alarm()), (3, None));
    }

    #[test]
    fn an_alarm_may_set_the_next_one() {
        struct Chain(AlarmQueue, Mutex<u64>);
        struct Link(Weak<Chain>);
        impl Alarm for Link {
            fn ring(&self) {
                let chain = self.0.upgrade().unwrap();
                let mut at = chain.1.lock().unwrap();
                *at += 10;
                if *at < 100 {
                    LINK.with(|link| chain.0.set(0, Some(*at), link.borrow().as_ref().unwrap()));
                }
            }
        }
        thread_local!(static LINK: std::cell::RefCell<Option<Arc<Link>>> = const { std::cell::RefCell::new(None) });
        let clock = Clock::new_virtual();
        let chain = Arc::new(Chain(AlarmQueue::new(clock.clone()), Mutex::new(0)));
        let link = Arc::new(Link(Arc::downgrade(&chain)));
        LINK.with(|slot| *slot.borrow_mut() = Some(link.clone()));
        chain.0.set(0, Some(0), &link);
        let time = clock.virtual_time().unwrap();
        time.set_now(45);
        time.ring_due();
        assert_eq!((*chain.1.lock().unwrap(), time.next_alarm()), (50, Some(50)));
    }
}
