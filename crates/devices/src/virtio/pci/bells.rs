//! Doorbells that the host's kernel rings: they have to follow the registers, which the guest may move at any moment.

use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

use super::layout::NOTIFY_MULTIPLIER;
use crate::virtio::common::Common;

/// A host that can signal an event when the guest stores anything at an address.
pub trait HostBells: Send + Sync {
    /// Signals `event` from now on when the guest stores at `gpa`. False if it can't: then the store is an access to the
    /// device, as without.
    fn add(&self, gpa: u64, event: BorrowedFd<'_>) -> bool;
    /// Takes that back.
    fn remove(&self, gpa: u64, event: BorrowedFd<'_>);
}

#[derive(Default)]
struct Placed {
    /// Where the first one is.
    at: Option<u64>,
    /// Those that the host took, by queue.
    queues: Vec<usize>,
}

/// The doorbells of a device; none of them the host's by default.
#[derive(Default)]
pub(super) struct Bells {
    host: Option<Arc<dyn HostBells>>,
    placed: Mutex<Placed>,
}

impl Bells {
    pub fn new(host: Arc<dyn HostBells>) -> Self {
        Self { host: Some(host), placed: Mutex::default() }
    }

    /// Moves them to `at`, or takes them away.
    pub fn place(&self, at: Option<u64>, common: &Common) {
        let Some(host) = &self.host else { return };
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        if placed.at == at {
            return;
        }
        let bell = |at: u64, queue: usize| at + u64::from(NOTIFY_MULTIPLIER) * queue as u64;
        if let Some(old) = placed.at {
            for queue in placed.queues.drain(..) {
                // It is there already: nothing can fail.
                if let Ok(event) = common.doorbell(queue) {
                    host.remove(bell(old, queue), event);
                }
            }
        }
        placed.at = at;
        if let Some(new) = at {
            let taken =
                |queue: &usize| common.doorbell(*queue).is_ok_and(|event| host.add(bell(new, *queue), event));
            placed.queues = (0..common.device().queue_sizes().len()).filter(taken).collect();
        }
    }
}
