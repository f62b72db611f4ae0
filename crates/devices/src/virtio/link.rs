//! What a device's queues share with its transport: status, accepted features and the way to the driver.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use virtio_bindings::virtio_config::{VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_NEEDS_RESET};

/// How a transport tells the driver: an interrupt and a status bit over MMIO, a message of MSI-X over PCI.
pub(super) trait Notify: Send + Sync {
    /// Buffers of a queue were used.
    fn used(&self, queue: u16);
    /// Configuration or status has changed.
    fn config_changed(&self);
    /// Forgets what was not yet taken notice of (device reset).
    fn reset(&self);
}

pub(super) struct Link {
    /// The device status field (2.1).
    status: AtomicU32,
    features: AtomicU64,
    /// How often the configuration has changed. Locked while it is read or changed.
    generation: Mutex<u32>,
    pub notify: Arc<dyn Notify>,
}

impl Link {
    pub fn new(notify: Arc<dyn Notify>) -> Self {
        let (status, features, generation) = (AtomicU32::new(0), AtomicU64::new(0), Mutex::new(0));
        Self { status, features, generation, notify }
    }

    fn generation(&self) -> MutexGuard<'_, u32> {
        self.generation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the configuration that is read now: two reads belong together if it was the same before and after.
    pub fn config_generation(&self) -> u32 {
        *self.generation()
    }

    /// Reads or, for the driver, writes the configuration while nobody changes it.
    pub fn with_config<R>(&self, act: impl FnOnce() -> R) -> R {
        let _locked = self.generation();
        act()
    }

    /// Changes the configuration and tells the driver.
    pub fn change_config(&self, change: impl FnOnce()) {
        let mut generation = self.generation();
        change();
        *generation = generation.wrapping_add(1);
        if self.status() & VIRTIO_CONFIG_S_DRIVER_OK != 0 {
            self.notify.config_changed();
        }
    }

    pub fn status(&self) -> u32 {
        self.status.load(Ordering::SeqCst)
    }

    /// Adds bits.
    pub fn raise(&self, bits: u32) {
        self.status.fetch_or(bits, Ordering::SeqCst);
    }

    /// The device does nothing more until it is reset (2.1.2).
    pub fn fail(&self) {
        self.raise(VIRTIO_CONFIG_S_NEEDS_RESET);
        if self.status() & VIRTIO_CONFIG_S_DRIVER_OK != 0 {
            self.notify.config_changed();
        }
    }

    /// True while buffers may be consumed.
    pub fn running(&self) -> bool {
        let bits = VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET;
        self.status() & bits == VIRTIO_CONFIG_S_DRIVER_OK
    }

    pub fn features(&self) -> u64 {
        self.features.load(Ordering::SeqCst)
    }

    pub fn set_features(&self, features: u64) {
        self.features.store(features, Ordering::SeqCst);
    }

    /// Back to the state of power-on, once no queue is served any more.
    pub fn reset(&self) {
        let _locked = self.generation();
        self.status.store(0, Ordering::SeqCst);
        self.set_features(0);
        self.notify.reset();
    }
}
