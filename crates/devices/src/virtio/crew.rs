//! The threads that serve a queue.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, Scope, scope};
use std::time::Instant;

use super::device::VirtioDevice;
use super::virtqueue::Virtqueue;

impl Virtqueue {
    /// Has the device serve the queue whenever the doorbell rings, until it says quit. For a thread of its own; others come
    /// to its help if the device serves several requests at a time.
    pub(super) fn attend(&self, device: &dyn VirtioDevice) {
        if device.at_a_time() > 1 {
            let crew = Crew { queue: self, device, members: AtomicUsize::new(1) };
            return scope(|scope| crew.attend(scope));
        }
        while let Some(_awake) = self.doorbell.wait() {
            self.guarded(|| device.notified(self));
        }
    }
}

/// Threads that serve a queue side by side while the host is slow, one alone while it is quick: waking another takes longer
/// then than serving the next request.
struct Crew<'a> {
    queue: &'a Virtqueue,
    device: &'a dyn VirtioDevice,
    members: AtomicUsize,
}

impl Crew<'_> {
    fn attend<'s>(&'s self, scope: &'s Scope<'s, '_>) {
        while let Some(_awake) = self.queue.doorbell.wait() {
            self.queue.guarded(|| while self.serve_one(scope) {});
        }
    }

    /// Serves a request; false if there is none.
    fn serve_one<'s>(&'s self, scope: &'s Scope<'s, '_>) -> bool {
        let begun = Instant::now();
        let Some(request) = self.queue.take() else { return false };
        if !self.queue.pace.is_quick(begun) {
            self.leave_the_rest(scope);
        }
        request.serve(self.device);
        self.queue.pace.took(begun, Instant::now());
        true
    }

    /// Sees to it that somebody hears the doorbell while this request is served, and that it rings for what is there.
    fn leave_the_rest<'s>(&'s self, scope: &'s Scope<'s, '_>) {
        let members = self.members.load(Ordering::Relaxed);
        if self.queue.doorbell.awake() >= members && members < self.device.at_a_time() {
            self.hire(scope, members);
        }
        if self.queue.has_more() {
            self.queue.doorbell.ring();
        }
    }

    /// Adds a member to so many, unless another does.
    fn hire<'s>(&'s self, scope: &'s Scope<'s, '_>, members: usize) {
        let (one, order) = (members + 1, Ordering::Relaxed);
        if self.members.compare_exchange(members, one, order, order).is_ok() {
            let thread = Builder::new().name("virtio".into());
            if thread.spawn_scoped(scope, || self.attend(scope)).is_err() {
                self.members.fetch_sub(1, order);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Arc, Condvar, Mutex, OnceLock};
    use std::thread::{self, ThreadId};
    use std::time::{Duration, Instant};

    use armlet_base::MmioDevice;
    use virtio_bindings::virtio_mmio::*;

    use crate::virtio::testing::*;
    use crate::virtio::{Broken, Handle, Request, Service, VirtioDevice, Virtqueue};

    /// Keeps each request until it is let go; the first byte of a request says who it is.
    #[derive(Default)]
    struct Keeper {
        handle: OnceLock<Handle>,
        state: Mutex<State>,
        changed: Condvar,
    }

    #[derive(Default)]
    struct State {
        kept: Vec<u8>,
        free: HashSet<u8>,
        threads: HashSet<ThreadId>,
    }

    const MOST: usize = 3;

    impl VirtioDevice for Keeper {
        fn id(&self) -> u32 {
            42
        }
        fn queue_sizes(&self) -> &[u16] {
            &[8]
        }
        fn at_a_time(&self) -> usize {
            MOST
        }
        fn attach(&self, handle: Handle) {
            let _ = self.handle.set(handle);
        }
        fn serve(&self, _: &Virtqueue, request: Request) -> Result<u32, Broken> {
            let mut who = [0];
            request.readable.copy_to(&mut who);
            let mut state = self.state.lock().unwrap();
            state.kept.push(who[0]);
            state.threads.insert(thread::current().id());
            self.changed.notify_all();
            let state = self.changed.wait_while(state, |state| !state.free.contains(&who[0])).unwrap();
            drop(state);
            assert!(who[0] != 9, "a mistake in the device");
            Ok(request.writable.copy_from(&who) as u32)
        }
    }

    impl Keeper {
        /// From now on the host is a slow one.
        fn slow(&self) {
            let now = Instant::now();
            self.handle.get().unwrap().queues()[0].pace.took(now - Duration::from_secs(60), now);
        }

        fn wait_for(&self, count: usize) {
            drop(self.changed.wait_while(self.state.lock().unwrap(), |state| state.kept.len() < count));
        }

        fn free(&self, who: u8) {
            self.state.lock().unwrap().free.insert(who);
            self.changed.notify_all();
        }
    }

    fn started() -> (Driver, Arc<Keeper>) {
        let keeper = Arc::new(Keeper::default());
        let mut driver = Driver::over(keeper.clone(), Service::Threads);
        driver.start(0);
        (driver, keeper)
    }

    /// Offers requests by their first descriptors, half of their numbers.
    fn offer(driver: &mut Driver, who: &[u8]) {
        for who in who {
            let (head, at) = (2 * u16::from(who % 4), DATA + 16 * u64::from(*who));
            driver.put(at, &[*who]);
            driver.describe(Driver::areas(0)[0], head, (at, 1, NEXT, head + 1));
            driver.describe(Driver::areas(0)[0], head + 1, (at + 8, 1, WRITE, 0));
            driver.offer(0, head);
        }
        driver.w(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    }

    fn used(driver: &mut Driver) -> u32 {
        loop {
            if let Some((head, _)) = driver.used(0) {
                return head;
            }
            driver.wire.wait();
            driver.acknowledge();
        }
    }

    #[test]
    fn a_slow_host_has_several_requests_in_hand() {
        let (mut driver, keeper) = started();
        keeper.slow();
        offer(&mut driver, &[0]);
        keeper.wait_for(1);
        // It comes while the first is being served, and all that there are is the first to be heard of.
        offer(&mut driver, &[1, 2, 3]);
        keeper.wait_for(MOST);
        keeper.free(2);
        keeper.wait_for(4);
        assert_eq!((used(&mut driver), driver.used(0)), (4, None), "the third is done, the others are not");
        [0, 1, 3].into_iter().for_each(|who| keeper.free(who));
        let rest: HashSet<_> = (0..3).map(|_| used(&mut driver)).collect();
        assert_eq!(rest, HashSet::from([0, 2, 6]));
        assert_eq!(keeper.state.lock().unwrap().threads.len(), MOST);
    }

    #[test]
    fn a_reset_waits_for_all_and_they_complete_nothing() {
        let (mut driver, keeper) = started();
        keeper.slow();
        offer(&mut driver, &[0, 1]);
        keeper.wait_for(2);
        thread::scope(|scope| {
            let device = driver.device.clone();
            let reset = scope.spawn(move || device.reset());
            keeper.free(0);
            keeper.free(1);
            reset.join().unwrap();
        });
        assert_eq!(driver.status(), 0);
        driver.start(0);
        keeper.free(2);
        offer(&mut driver, &[2]);
        assert_eq!((used(&mut driver), driver.used(0)), (4, None));
    }

    #[test]
    fn a_mistake_in_one_does_not_keep_a_reset_from_the_others() {
        let (mut driver, keeper) = started();
        keeper.slow();
        keeper.free(9);
        offer(&mut driver, &[9]);
        while !driver.needs_reset() {
            thread::yield_now();
        }
        driver.w(VIRTIO_MMIO_STATUS, 0);
        assert_eq!(driver.status(), 0);
        assert!(driver.used(0).is_none());
    }
}
