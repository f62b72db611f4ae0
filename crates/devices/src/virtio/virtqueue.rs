//! One queue of a device, as the device sees it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use armlet_base::GuestRam;

use super::buffers::Request;
use super::device::{Broken, VirtioDevice};
use super::doorbell::Doorbell;
use super::link::Link;
use super::pace::Pace;
use super::queue::Queue;
use super::ring::Ring;

/// The most requests that a vCPU serves at one notification: others may put more in as fast as it takes them out.
const MOST_AT_ONCE: usize = 64;

/// A queue (2.6). Any thread may work on it, one at a time.
pub struct Virtqueue {
    index: u16,
    ram: Arc<GuestRam>,
    link: Arc<Link>,
    /// Locked while somebody works on the queue.
    state: Mutex<State>,
    /// The last request was given back that was served apart.
    none_apart: Condvar,
    /// Somebody wants the queue: who works on it lets go of it after the request in hand.
    halt: AtomicBool,
    pub(super) pace: Pace,
    pub(super) doorbell: Doorbell,
}

#[derive(Default)]
struct State {
    /// `None` unless the driver has made the queue ready.
    ring: Option<Ring>,
    /// How often the queue was taken away.
    epoch: u64,
    /// Requests that are served apart ([`Virtqueue::take`]).
    apart: usize,
}

/// What completes a request that was taken, now or later. Once the queue is reset it completes nothing.
#[derive(Debug)]
pub struct Ticket {
    head: u16,
    epoch: u64,
}

impl Virtqueue {
    pub(super) fn new(index: u16, ram: Arc<GuestRam>, link: Arc<Link>) -> Self {
        let (state, halt) = (Mutex::default(), AtomicBool::new(false));
        let (pace, doorbell) = (Pace::default(), Doorbell::default());
        Self { index, ram, link, state, none_apart: Condvar::new(), halt, pace, doorbell }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its number.
    pub fn index(&self) -> u16 {
        self.index
    }

    /// The features that the driver has accepted.
    pub fn features(&self) -> u64 {
        self.link.features()
    }

    /// The guest's memory.
    pub fn ram(&self) -> &GuestRam {
        &self.ram
    }

    /// Lets `act` work on the queue; what it has completed the driver sees at the end. `None` if the driver has not
    /// made the queue ready, or the device needs a reset: that is so, too, once `act` fails.
    ///
    /// A reset of the queue waits for `act`, which is therefore not to wait for anything else than [`Open::pop`] to
    /// say that there is no more.
    pub fn with<R>(&self, act: impl FnOnce(&mut Open<'_>) -> Result<R, Broken>) -> Option<R> {
        self.work(self.state(), act)
    }

    fn work<R>(
        &self,
        mut state: MutexGuard<'_, State>,
        act: impl FnOnce(&mut Open<'_>) -> Result<R, Broken>,
    ) -> Option<R> {
        let State { ring, epoch, .. } = &mut *state;
        let ring_in_use = ring.as_mut().filter(|_| self.link.running())?;
        let mut open = Open { queue: self, ring: ring_in_use, epoch: *epoch };
        let done = act(&mut open).and_then(|result| open.publish().map(|()| result));
        done.inspect_err(|_| self.broke(ring)).ok()
    }

    /// The next request, by its first descriptor, unless the driver wants the queue back.
    fn next(&self, ring: &mut Ring) -> Result<Option<(u16, Request<'_>)>, Broken> {
        if self.halt.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let Some(chain) = ring.pop(&self.ram)? else { return Ok(None) };
        Ok(Some((chain.head_index(), Request::gather(&self.ram, chain)?)))
    }

    /// The driver has put into the queue what can't be.
    fn broke(&self, ring: &mut Option<Ring>) {
        *ring = None;
        self.link.fail();
    }

    /// Serves all requests that are there: `serve` returns the bytes that it has written to the start of a request's
    /// writable buffers.
    pub fn serve_each(&self, mut serve: impl FnMut(Request<'_>) -> Result<u32, Broken>) {
        self.with(|queue| {
            while let Some((ticket, request)) = queue.pop()? {
                let written = serve(request)?;
                queue.complete(ticket, written)?;
                queue.publish()?;
            }
            Ok(())
        });
    }

    /// Serves requests as [`Self::serve_each`] does, for a vCPU that waits meanwhile: as long as `quick` says that a request
    /// takes no longer than waking a thread, and the host makes that true. False if there is something left to do.
    pub fn serve_at_once(
        &self,
        quick: impl Fn(&Request<'_>) -> bool,
        mut serve: impl FnMut(Request<'_>) -> Result<u32, Broken>,
    ) -> bool {
        let mut begun = Instant::now();
        if !self.pace.is_quick(begun) {
            return false;
        }
        let state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(state)) => state.into_inner(),
            // Whoever works on the queue may have looked for the last time.
            Err(TryLockError::WouldBlock) => return false,
        };
        let done = self.work(state, |queue| {
            for _ in 0..MOST_AT_ONCE {
                let Some((ticket, request)) = queue.pop()? else { return Ok(true) };
                if !quick(&request) {
                    queue.put_back(vec![ticket]);
                    return Ok(false);
                }
                let written = serve(request)?;
                queue.complete(ticket, written)?;
                let ended = Instant::now();
                self.pace.took(begun, ended);
                if !self.pace.is_quick(ended) {
                    return Ok(false);
                }
                begun = ended;
            }
            Ok(false)
        });
        done.unwrap_or(true)
    }

    /// Takes a request to be served while others work on the queue. `None` if there is none.
    pub(super) fn take(&self) -> Option<Apart<'_>> {
        let mut state = self.state();
        let State { ring, epoch, apart } = &mut *state;
        let ring_in_use = ring.as_mut().filter(|_| self.link.running())?;
        let (head, request) = self.next(ring_in_use).inspect_err(|_| self.broke(ring)).ok()??;
        *apart += 1;
        Some(Apart { queue: self, ticket: Some(Ticket { head, epoch: *epoch }), request: Some(request) })
    }

    /// True if there are requests still to be taken. If not the driver is going to notify the device of the next one.
    pub(super) fn has_more(&self) -> bool {
        self.with(|queue| queue.ring.more(&self.ram)).unwrap_or(false)
    }

    /// Gives the queue its rings.
    pub(super) fn start(&self, queue: Queue) {
        self.state().ring = Some(Ring::new(queue));
    }

    /// Takes the rings away. Requests that are being served are completed first, or never.
    pub(super) fn stop(&self) {
        self.halt.store(true, Ordering::SeqCst);
        let mut state = self.state();
        state.ring = None;
        state.epoch += 1;
        drop(self.none_apart.wait_while(state, |state| state.apart > 0));
        self.halt.store(false, Ordering::SeqCst);
    }

    /// Has the vCPU that notifies of requests serve what it can, and rings for the rest.
    pub(super) fn notified_by_vcpu(&self, device: &dyn VirtioDevice) {
        if self.guarded(|| device.notified_by_vcpu(self)) == Some(false) {
            self.doorbell.ring();
        }
    }

    /// `None` if `act` panics: a mistake in armlet, told on standard error. The guest loses a device, and no more.
    pub(super) fn guarded<R>(&self, act: impl FnOnce() -> R) -> Option<R> {
        catch_unwind(AssertUnwindSafe(act)).inspect_err(|_| self.link.fail()).ok()
    }
}

/// A queue while somebody works on it.
pub struct Open<'a> {
    queue: &'a Virtqueue,
    ring: &'a mut Ring,
    epoch: u64,
}

impl<'a> Open<'a> {
    /// Takes the next request. `None` if there is none, in which case the driver is going to notify the device of the
    /// next one, or if the driver wants the queue back.
    ///
    /// # Errors
    /// The driver has put into the queue what can't be.
    pub fn pop(&mut self) -> Result<Option<(Ticket, Request<'a>)>, Broken> {
        let next = self.queue.next(self.ring)?;
        Ok(next.map(|(head, request)| (Ticket { head, epoch: self.epoch }, request)))
    }

    /// Leaves the requests that were taken last, and not completed, to be taken again.
    pub fn put_back(&mut self, tickets: Vec<Ticket>) {
        self.ring.put_back(tickets.len() as u16);
    }

    /// Completes a request, in any order. `written` is the number of bytes written to the start of its writable
    /// buffers. The driver sees it with the next [`Self::publish`].
    ///
    /// # Errors
    /// None but [`Broken`] of the rings.
    pub fn complete(&mut self, ticket: Ticket, written: u32) -> Result<(), Broken> {
        if ticket.epoch != self.epoch {
            return Ok(());
        }
        self.ring.add_used(&self.queue.ram, ticket.head, written)
    }

    /// Shows the driver what was completed, all at once, and interrupts it if it wants that.
    ///
    /// # Errors
    /// None but [`Broken`] of the rings.
    pub fn publish(&mut self) -> Result<(), Broken> {
        if self.ring.publish(&self.queue.ram)? {
            self.queue.link.notify.used(self.queue.index);
        }
        Ok(())
    }
}

/// A request that is served while others work on the queue. A reset waits until it is dropped.
pub(super) struct Apart<'a> {
    queue: &'a Virtqueue,
    ticket: Option<Ticket>,
    request: Option<Request<'a>>,
}

impl Apart<'_> {
    /// Has `device` serve it, and completes it unless the queue was reset meanwhile.
    pub fn serve(mut self, device: &dyn VirtioDevice) {
        let (Some(ticket), Some(request)) = (self.ticket.take(), self.request.take()) else { return };
        let served = device.serve(self.queue, request);
        self.queue.with(|queue| queue.complete(ticket, served?));
    }
}

impl Drop for Apart<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.apart -= 1;
        if state.apart == 0 {
            self.queue.none_apart.notify_all();
        }
    }
}
