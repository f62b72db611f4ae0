//! One queue of a device, as the device sees it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_base::GuestRam;

use super::buffers::Request;
use super::device::{Broken, VirtioDevice};
use super::doorbell::Doorbell;
use super::link::Link;
use super::queue::Queue;
use super::ring::Ring;

/// A queue (2.6). Any thread may work on it, one at a time.
pub struct Virtqueue {
    index: u16,
    ram: Arc<GuestRam>,
    link: Arc<Link>,
    /// Locked while somebody works on the queue.
    state: Mutex<State>,
    /// Somebody wants the queue: who works on it lets go of it after the request in hand.
    halt: AtomicBool,
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
        let (state, halt, doorbell) = (Mutex::default(), AtomicBool::new(false), Doorbell::default());
        Self { index, ram, link, state, halt, doorbell }
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

    /// Lets `act` work on the queue; what it has completed the driver sees at the end. `None` if the driver has not
    /// made the queue ready, or the device needs a reset: that is so, too, once `act` fails.
    ///
    /// A reset of the queue waits for `act`, which is therefore not to wait for anything else than [`Open::pop`] to
    /// say that there is no more.
    pub fn with<R>(&self, act: impl FnOnce(&mut Open<'_>) -> Result<R, Broken>) -> Option<R> {
        let mut state = self.state();
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
            if catch_unwind(AssertUnwindSafe(|| device.notified(self))).is_err() {
                // A mistake in armlet, told on standard error: the guest loses a device, and no more.
                self.link.fail();
            }
        }
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
