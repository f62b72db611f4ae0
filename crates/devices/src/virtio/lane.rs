//! One queue of a device and how it is served.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_base::GuestRam;
use virtio_queue::{Queue, QueueOwnedT, QueueT};

use super::buffers::Request;
use super::device::{Broken, VirtioDevice};
use super::doorbell::Doorbell;
use super::link::Link;

pub(super) struct Lane {
    index: u16,
    device: Arc<dyn VirtioDevice>,
    ram: Arc<GuestRam>,
    link: Arc<Link>,
    /// `None` unless the driver has made the queue ready. Locked while a request is served.
    queue: Mutex<Option<Queue>>,
    /// Somebody wants the queue: the server lets go of it after the request in its hands.
    halt: AtomicBool,
    pub doorbell: Doorbell,
}

impl Lane {
    pub fn new(index: u16, device: Arc<dyn VirtioDevice>, ram: Arc<GuestRam>, link: Arc<Link>) -> Self {
        let (queue, halt, doorbell) = (Mutex::new(None), AtomicBool::new(false), Doorbell::default());
        Self { index, device, ram, link, queue, halt, doorbell }
    }

    fn queue(&self) -> MutexGuard<'_, Option<Queue>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the lane its queue.
    pub fn start(&self, queue: Queue) {
        *self.queue() = Some(queue);
    }

    /// Takes the queue away. A request that is being served is completed first.
    pub fn stop(&self) {
        self.halt.store(true, Ordering::SeqCst);
        *self.queue() = None;
        self.halt.store(false, Ordering::SeqCst);
    }

    /// Serves whenever the doorbell rings, until it says quit. For a thread of its own.
    pub fn serve(&self) {
        while self.doorbell.wait() {
            if catch_unwind(AssertUnwindSafe(|| self.drain())).is_err() {
                // A mistake in armlet, told on standard error: the guest loses a device, and no more.
                self.link.fail();
            }
        }
    }

    /// Serves all requests that are there.
    pub fn drain(&self) {
        let mut guard = self.queue();
        let Some(queue) = guard.as_mut().filter(|_| self.link.running()) else { return };
        if self.serve_all(queue).is_err() {
            *guard = None;
            self.link.fail();
        }
    }

    fn serve_all(&self, queue: &mut Queue) -> Result<(), Broken> {
        let ram = &*self.ram;
        loop {
            queue.disable_notification(ram)?;
            loop {
                if self.halt.load(Ordering::SeqCst) {
                    return Ok(());
                }
                let Some(chain) = queue.iter(ram)?.next() else { break };
                let head = chain.head_index();
                let request = Request::gather(ram, chain)?;
                let written = self.device.serve(self.link.features(), request)?;
                queue.add_used(ram, head, written)?;
                if queue.needs_notification(ram)? {
                    self.link.notify.used(self.index);
                }
            }
            if !queue.enable_notification(ram)? {
                return Ok(());
            }
        }
    }
}
