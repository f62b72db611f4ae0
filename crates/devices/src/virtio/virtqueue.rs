//! One queue of a device, as the device sees it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
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
    /// Somebody wants the queue: who works on it lets go of it after the request in hand.
    halt: AtomicBool,
    pace: Pace,
    pub(super) doorbell: Doorbell,
}

#[derive(Default)]
struct State {
    /// `None` unless the driver has made the queue ready.
    ring: Option<Ring>,
    /// How often the queue was taken away.
    epoch: u64,
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
        Self { index, ram, link, state, halt, pace: Pace::default(), doorbell: Doorbell::default() }
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
        let State { ring, epoch } = &mut *state;
        let ring_in_use = ring.as_mut().filter(|_| self.link.running())?;
        let mut open = Open { queue: self, ram: &self.ram, ring: ring_in_use, epoch: *epoch };
        let done = act(&mut open).and_then(|result| open.publish().map(|()| result));
        done.inspect_err(|_| {
            *ring = None;
            self.link.fail();
        })
        .ok()
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
        if !self.pace.allows(begun) {
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
                if !self.pace.allows(ended) {
                    return Ok(false);
                }
                begun = ended;
            }
            Ok(false)
        });
        done.unwrap_or(true)
    }

    /// Gives the queue its rings.
    pub(super) fn start(&self, queue: Queue) {
        self.state().ring = Some(Ring::new(queue));
    }

    /// Takes the rings away. A request that is being served is completed first.
    pub(super) fn stop(&self) {
        self.halt.store(true, Ordering::SeqCst);
        let mut state = self.state();
        state.ring = None;
        state.epoch += 1;
        self.halt.store(false, Ordering::SeqCst);
    }

    /// Has the device serve the queue whenever the doorbell rings, until it says quit. For a thread of its own.
    pub(super) fn attend(&self, device: &dyn VirtioDevice) {
        while self.doorbell.wait() {
            self.guarded(|| device.notified(self));
        }
    }

    /// Has the vCPU that notifies of requests serve what it can, and rings for the rest.
    pub(super) fn notified_by_vcpu(&self, device: &dyn VirtioDevice) {
        if self.guarded(|| device.notified_by_vcpu(self)) == Some(false) {
            self.doorbell.ring();
        }
    }

    /// `None` if `act` panics: a mistake in armlet, told on standard error. The guest loses a device, and no more.
    fn guarded<R>(&self, act: impl FnOnce() -> R) -> Option<R> {
        catch_unwind(AssertUnwindSafe(act)).inspect_err(|_| self.link.fail()).ok()
    }
}

/// A queue while somebody works on it.
pub struct Open<'a> {
    queue: &'a Virtqueue,
    ram: &'a GuestRam,
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
        if self.queue.halt.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let Some(chain) = self.ring.pop(self.ram)? else { return Ok(None) };
        let ticket = Ticket { head: chain.head_index(), epoch: self.epoch };
        Ok(Some((ticket, Request::gather(self.ram, chain)?)))
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
        self.ring.add_used(self.ram, ticket.head, written)
    }

    /// Shows the driver what was completed, all at once, and interrupts it if it wants that.
    ///
    /// # Errors
    /// None but [`Broken`] of the rings.
    pub fn publish(&mut self) -> Result<(), Broken> {
        if self.ring.publish(self.ram)? {
            self.queue.link.notify.used(self.queue.index);
        }
        Ok(())
    }
}
