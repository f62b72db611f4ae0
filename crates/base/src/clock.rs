//! Time: a monotonic clock for guests, the host's or a virtual one, and a queue of alarms on it.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::virtual_time::{Queue, VirtualTime};

/// Nanoseconds since the machine was created. One per machine, so that all vCPUs agree.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The host's time since then.
    Host(Instant),
    Virtual(Arc<VirtualTime>),
}

impl Default for Clock {
    fn default() -> Self {
        Self(Source::Host(Instant::now()))
    }
}

impl Clock {
    /// A clock that stands still unless its [`VirtualTime`] is advanced.
    pub fn new_virtual() -> Self {
        Self(Source::Virtual(VirtualTime::new()))
    }

    /// The time behind a virtual clock.
    pub fn virtual_time(&self) -> Option<&Arc<VirtualTime>> {
        match &self.0 {
            Source::Host(_) => None,
            Source::Virtual(time) => Some(time),
        }
    }

    /// Nanoseconds since the clock was made.
    pub fn now_ns(&self) -> u64 {
        match &self.0 {
            Source::Host(start) => start.elapsed().as_nanos() as u64,
            Source::Virtual(time) => time.now_ns(),
        }
    }

    /// Ticks of a counter of `hz` since the clock was made.
    pub fn ticks(&self, hz: u64) -> u64 {
        ns_to_ticks(self.now_ns(), hz)
    }
}

/// Converts nanoseconds to ticks of `hz`, rounding down.
pub fn ns_to_ticks(ns: u64, hz: u64) -> u64 {
    (u128::from(ns) * u128::from(hz) / 1_000_000_000) as u64
}

/// Converts ticks of `hz` to nanoseconds, rounding up, so that an alarm never rings early.
pub fn ticks_to_ns(ticks: u64, hz: u64) -> u64 {
    (u128::from(ticks) * 1_000_000_000).div_ceil(u128::from(hz)).min(u128::from(u64::MAX)) as u64
}

/// What an [`AlarmQueue`] rings.
pub trait Alarm: Send + Sync {
    /// Called once when the deadline has passed, on the queue's thread or on the one that advances virtual
    /// time. Must not block.
    fn ring(&self);
}

#[derive(Default)]
struct Pending {
    by_deadline: BTreeMap<(u64, u64), Weak<dyn Alarm>>,
    deadline_of: std::collections::HashMap<u64, u64>,
    /// An alarm is being rung.
    ringing: bool,
    stop: bool,
}

struct Shared {
    clock: Clock,
    pending: Mutex<Pending>,
    changed: Condvar,
}

/// Rings alarms at points of a [`Clock`], on a thread of its own that sleeps in between. On a virtual clock
/// there is no thread: [`VirtualTime::ring_due`] rings.
///
/// Each alarm is named by a key of the caller's choice and has at most one deadline.
pub struct AlarmQueue {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl AlarmQueue {
    /// Starts the queue's thread, if the clock needs one.
    pub fn new(clock: Clock) -> Self {
        let shared = Arc::new(Shared { clock, pending: Mutex::default(), changed: Condvar::new() });
        if let Some(time) = shared.clock.virtual_time() {
            let queue: Weak<dyn Queue> = Arc::downgrade(&(shared.clone() as Arc<dyn Queue>));
            time.add(queue);
            return Self { shared, thread: None };
        }
        let for_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("alarms".into())
            .spawn(move || for_thread.serve())
            .expect("the host can start a thread");
        Self { shared, thread: Some(thread) }
    }

    /// The clock that deadlines refer to.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// True if no alarm is set and none is being rung: nothing comes from here until someone sets one.
    pub fn is_silent(&self) -> bool {
        let pending = self.shared.pending.lock().unwrap();
        pending.by_deadline.is_empty() && !pending.ringing
    }

    /// Sets the alarm `key` to ring at `deadline_ns`, or never with `None`. Replaces an earlier deadline.
    pub fn set(&self, key: u64, deadline_ns: Option<u64>, alarm: &Arc<impl Alarm + 'static>) {
        let mut pending = self.shared.pending.lock().unwrap();
        let first = pending.by_deadline.keys().next().copied();
        if let Some(old) = pending.deadline_of.remove(&key) {
            pending.by_deadline.remove(&(old, key));
        }
        if let Some(at) = deadline_ns {
            let alarm: Weak<dyn Alarm> = Arc::downgrade(&(alarm.clone() as Arc<dyn Alarm>));
            pending.deadline_of.insert(key, at);
            pending.by_deadline.insert((at, key), alarm);
            if first.is_none_or(|(first, _)| at < first) {
                self.shared.changed.notify_one();
            }
        }
        drop(pending);
        if let Some(time) = self.shared.clock.virtual_time() {
            time.deadlines_changed();
        }
    }
}

impl Pending {
    /// Takes the earliest alarm out; `None` if its owner is gone.
    fn pop(&mut self) -> Option<Arc<dyn Alarm>> {
        let ((_, key), alarm) = self.by_deadline.pop_first()?;
        self.deadline_of.remove(&key);
        alarm.upgrade()
    }
}

impl Queue for Shared {
    fn first(&self) -> Option<u64> {
        self.pending.lock().unwrap().by_deadline.first_key_value().map(|(&(at, _), _)| at)
    }

    fn take_due(&self, now_ns: u64) -> Option<Option<Arc<dyn Alarm>>> {
        let mut pending = self.pending.lock().unwrap();
        let (&(at, _), _) = pending.by_deadline.first_key_value()?;
        (at <= now_ns).then(|| pending.pop())
    }
}

impl Shared {
    fn serve(&self) {
        let mut pending = self.pending.lock().unwrap();
        while !pending.stop {
            let now = self.clock.now_ns();
            let first = pending.by_deadline.first_key_value().map(|(&key, _)| key);
            pending = match first {
                None => self.changed.wait(pending).unwrap(),
                Some((at, _)) if at > now => {
                    self.changed.wait_timeout(pending, Duration::from_nanos(at - now)).unwrap().0
                }
                Some(_) => {
                    let alarm = pending.pop();
                    pending.ringing = true;
                    drop(pending);
                    if let Some(alarm) = alarm {
                        alarm.ring();
                    }
                    let mut pending = self.pending.lock().unwrap();
                    pending.ringing = false;
                    pending
                }
            };
        }
    }
}

impl Drop for AlarmQueue {
    fn drop(&mut self) {
        self.shared.pending.lock().unwrap().stop = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // An alarm that owns the last reference would join the thread it runs on.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Bell(mpsc::Sender<u32>, u32);
    impl Alarm for Bell {
        fn ring(&self) {
            self.0.send(self.1).unwrap();
        }
    }

    /// Holds up the queue that rings it until it is opened.
    struct Gate(Mutex<mpsc::Receiver<()>>);
    impl Alarm for Gate {
        fn ring(&self) {
            self.0.lock().unwrap().recv().unwrap();
        }
    }

    fn gate() -> (mpsc::Sender<()>, Arc<Gate>) {
        let (open, gate) = mpsc::channel();
        (open, Arc::new(Gate(Mutex::new(gate))))
    }

    #[test]
    fn rings_in_order_of_deadline_and_forgets_replaced_ones() {
        let queue = AlarmQueue::new(Clock::default());
        let (tx, rx) = mpsc::channel();
        let bells: Vec<_> = (0..3).map(|n| Arc::new(Bell(tx.clone(), n))).collect();
        let (open, gate) = gate();
        queue.set(3, Some(0), &gate);
        queue.set(0, Some(3), &bells[0]);
        queue.set(1, Some(2), &bells[1]);
        queue.set(2, Some(1), &bells[2]);
        assert!(!queue.is_silent());
        queue.set(0, Some(u64::MAX), &bells[0]);
        open.send(()).unwrap();
        assert_eq!((rx.recv().unwrap(), rx.recv().unwrap()), (2, 1));
        queue.set(0, None, &bells[0]);
        assert!(rx.try_recv().is_err());
    }

    #[test]
    fn is_not_silent_before_the_last_alarm_has_rung() {
        let queue = AlarmQueue::new(Clock::default());
        assert!(queue.is_silent());
        let (open, gate) = gate();
        queue.set(0, Some(0), &gate);
        // Set, or already at the gate.
        assert!(!queue.is_silent());
        open.send(()).unwrap();
        while !queue.is_silent() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn tick_conversion_never_rings_early() {
        for ticks in [0, 1, 7, 62_499_999, 1 << 40] {
            assert!(ns_to_ticks(ticks_to_ns(ticks, 62_500_000), 62_500_000) >= ticks);
        }
    }
}
