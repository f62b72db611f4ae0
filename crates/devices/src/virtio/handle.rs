//! What a device needs to act by itself.

use std::sync::Arc;

use super::link::Link;
use super::virtqueue::Virtqueue;

/// The way from a device to its driver, for threads of the device's own.
#[derive(Clone)]
pub struct Handle {
    pub(super) link: Arc<Link>,
    pub(super) queues: Vec<Arc<Virtqueue>>,
}

impl Handle {
    /// Its queues, by number.
    pub fn queues(&self) -> &[Arc<Virtqueue>] {
        &self.queues
    }

    /// The features that the driver has accepted.
    pub fn features(&self) -> u64 {
        self.link.features()
    }

    /// Has `change` change the configuration: the driver sees all of the change or nothing, and is told (2.5.2).
    pub fn change_config(&self, change: impl FnOnce()) {
        self.link.change_config(change);
    }

    /// The device can't go on: the driver has to reset it.
    pub fn fail(&self) {
        self.link.fail();
    }
}
