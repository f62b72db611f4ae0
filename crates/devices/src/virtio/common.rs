//! What every transport lets a driver do: initialise the device (chapter 3), set queues up, reset both.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use armlet_base::GuestRam;
use virtio_bindings::virtio_config::{
    VIRTIO_CONFIG_S_ACKNOWLEDGE, VIRTIO_CONFIG_S_DRIVER, VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FAILED,
    VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_F_RING_RESET, VIRTIO_F_VERSION_1,
};
use virtio_bindings::virtio_ring::{VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC};
use vm_memory::GuestAddress;

use super::device::{Broken, VirtioDevice};
use super::handle::Handle;
use super::link::{Link, Notify};
use super::queue::*;
use super::virtqueue::Virtqueue;

/// Features of the ring and the transport.
const COMMON_FEATURES: u64 = 1 << VIRTIO_F_VERSION_1
    | 1 << VIRTIO_F_RING_RESET
    | 1 << VIRTIO_RING_F_EVENT_IDX
    | 1 << VIRTIO_RING_F_INDIRECT_DESC;

/// Status bits that are the driver's to set.
const DRIVER_STATUS: u32 = VIRTIO_CONFIG_S_ACKNOWLEDGE
    | VIRTIO_CONFIG_S_DRIVER
    | VIRTIO_CONFIG_S_DRIVER_OK
    | VIRTIO_CONFIG_S_FEATURES_OK
    | VIRTIO_CONFIG_S_FAILED;

/// Who serves the queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// A thread for each queue, started when the driver is ready. What takes less time than waking it, the vCPU that
    /// notifies the device does.
    Threads,
    /// The vCPU that notifies the device, before it goes on: the same at every run.
    Inline,
}

/// What the driver has said about a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct QueueSetup {
    /// Elements; 0 until the driver chooses.
    pub size: u32,
    /// Guest physical address of the descriptor area.
    pub desc: u64,
    /// Of the driver area.
    pub avail: u64,
    /// Of the device area.
    pub used: u64,
    pub ready: bool,
}

#[derive(Default)]
struct Setup {
    features: u64,
    queues: Vec<QueueSetup>,
    servers: Vec<JoinHandle<()>>,
}

/// A device with everything but registers.
pub(super) struct Common {
    device: Arc<dyn VirtioDevice>,
    ram: Arc<GuestRam>,
    link: Arc<Link>,
    queues: Vec<Arc<Virtqueue>>,
    service: Service,
    setup: Mutex<Setup>,
}

impl Common {
    pub fn new(
        device: Arc<dyn VirtioDevice>,
        ram: Arc<GuestRam>,
        service: Service,
        notify: Arc<dyn Notify>,
    ) -> Self {
        let link = Arc::new(Link::new(notify));
        let count = device.queue_sizes().len();
        let queue = |index| Arc::new(Virtqueue::new(index as u16, ram.clone(), link.clone()));
        let queues: Vec<_> = (0..count).map(queue).collect();
        device.attach(Handle { link: link.clone(), queues: queues.clone() });
        let setup = Setup { queues: vec![QueueSetup::default(); count], ..Setup::default() };
        Self { device, ram, link, queues, service, setup: Mutex::new(setup) }
    }

    fn setup(&self) -> MutexGuard<'_, Setup> {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn device(&self) -> &dyn VirtioDevice {
        &*self.device
    }

    fn has(&self, status: u32) -> bool {
        self.link.status() & status != 0
    }

    /// All features on offer.
    pub fn offered(&self) -> u64 {
        self.device.features() | COMMON_FEATURES
    }

    /// Word `index` of the features that the driver accepts; too late once they are agreed on.
    pub fn accept(&self, index: u32, value: u32) {
        let mut setup = self.setup();
        // Words 0 and 1 hold all features that there are.
        if index <= 1 && !self.has(VIRTIO_CONFIG_S_FEATURES_OK) {
            let (shift, value) = (32 * index, u64::from(value));
            setup.features = setup.features & !(0xffff_ffff << shift) | value << shift;
        }
    }

    /// Word `index` of the features that the driver has accepted.
    pub fn accepted(&self, index: u32) -> u32 {
        if index <= 1 { (self.setup().features >> (32 * index)) as u32 } else { 0 }
    }

    pub fn status(&self) -> u32 {
        self.link.status()
    }

    /// True once the driver is ready, until a reset.
    #[cfg(target_os = "linux")]
    pub fn is_ready(&self) -> bool {
        self.has(VIRTIO_CONFIG_S_DRIVER_OK)
    }

    /// Takes a write of the status field: 0 resets, bits are only ever added (2.1.1).
    pub fn set_status(&self, value: u32) {
        let mut setup = self.setup();
        if value == 0 {
            return self.reset_with(&mut setup);
        }
        let mut new = value & DRIVER_STATUS & !self.link.status();
        if new & VIRTIO_CONFIG_S_FEATURES_OK != 0 {
            let wanted = setup.features;
            // Without the bit coming up the driver sees that the device can't do it (3.1.1).
            if wanted & !self.offered() != 0 || wanted & 1 << VIRTIO_F_VERSION_1 == 0 {
                new &= !VIRTIO_CONFIG_S_FEATURES_OK;
            } else {
                self.link.set_features(wanted);
            }
        }
        self.link.raise(new);
        if new & VIRTIO_CONFIG_S_DRIVER_OK != 0 {
            if self.has(VIRTIO_CONFIG_S_FEATURES_OK) {
                self.go(&mut setup);
            } else {
                self.link.fail();
            }
        }
    }

    /// The driver is ready: buffers may be there already.
    fn go(&self, setup: &mut Setup) {
        if self.service == Service::Threads && setup.servers.is_empty() {
            for queue in &self.queues {
                let (queue, device) = (queue.clone(), self.device.clone());
                let thread = std::thread::Builder::new().name("virtio".into());
                match thread.spawn(move || queue.attend(&*device)) {
                    Ok(thread) => setup.servers.push(thread),
                    Err(_) => return self.link.fail(),
                }
            }
        }
        (0..self.queues.len()).for_each(|index| self.notify(index as u32));
    }

    /// Device reset, at any moment: nothing of guest memory is touched once it returns (2.4).
    pub fn reset(&self) {
        self.reset_with(&mut self.setup());
    }

    fn reset_with(&self, setup: &mut Setup) {
        self.queues.iter().for_each(|queue| queue.stop());
        setup.features = 0;
        setup.queues.fill(QueueSetup::default());
        self.link.reset();
        self.device.reset();
    }

    /// The most elements of a queue; 0 for one that is not there.
    pub fn queue_max(&self, index: u32) -> u16 {
        self.device.queue_sizes().get(index as usize).copied().unwrap_or(0)
    }

    /// What the driver has said about a queue.
    pub fn queue(&self, index: u32) -> Option<QueueSetup> {
        self.setup().queues.get(index as usize).copied()
    }

    /// Changes what the driver says about a queue that is not ready yet.
    pub fn edit_queue(&self, index: u32, edit: impl FnOnce(&mut QueueSetup)) {
        let mut setup = self.setup();
        if let Some(queue) = setup.queues.get_mut(index as usize).filter(|queue| !queue.ready) {
            edit(queue);
        }
    }

    /// Makes a queue ready, or takes it back from the device.
    pub fn set_ready(&self, index: u32, ready: bool) {
        let mut setup = self.setup();
        let Some(queue) = setup.queues.get_mut(index as usize) else { return };
        let virtqueue = &self.queues[index as usize];
        if ready == queue.ready {
            return;
        }
        if !ready {
            virtqueue.stop();
        } else if let Ok(live) = self.live(queue, self.queue_max(index)) {
            virtqueue.start(live);
        } else {
            return self.link.fail();
        }
        queue.ready = ready;
    }

    /// Puts a queue back into its state after a device reset (2.6.1).
    pub fn reset_queue(&self, index: u32) {
        let mut setup = self.setup();
        let negotiated = self.link.features() & 1 << VIRTIO_F_RING_RESET != 0;
        if let Some(queue) = setup.queues.get_mut(index as usize).filter(|_| negotiated) {
            self.queues[index as usize].stop();
            *queue = QueueSetup::default();
        }
    }

    /// The queue as the driver describes it, checked.
    fn live(&self, setup: &QueueSetup, max: u16) -> Result<Queue, Broken> {
        if !self.has(VIRTIO_CONFIG_S_FEATURES_OK) {
            return Err(Broken("a queue was made ready before features were agreed on"));
        }
        let mut queue = Queue::new(max)?;
        queue.try_set_size(u16::try_from(setup.size).unwrap_or(0))?;
        queue.try_set_desc_table_address(GuestAddress(setup.desc))?;
        queue.try_set_avail_ring_address(GuestAddress(setup.avail))?;
        queue.try_set_used_ring_address(GuestAddress(setup.used))?;
        queue.set_event_idx(self.link.features() & 1 << VIRTIO_RING_F_EVENT_IDX != 0);
        queue.set_ready(true);
        if queue.is_valid(&*self.ram) { Ok(queue) } else { Err(Broken("a ring lies outside guest memory")) }
    }

    /// The driver has put buffers into a queue.
    pub fn notify(&self, index: u32) {
        let Some(queue) = self.queues.get(index as usize) else { return };
        match self.service {
            Service::Threads => queue.notified_by_vcpu(&*self.device),
            Service::Inline => self.device.notified(queue),
        }
    }

    /// The event of the host that notifies a queue from now on, besides [`Self::notify`]. Before the driver is there.
    #[cfg(target_os = "linux")]
    pub fn doorbell(&self, index: usize) -> std::io::Result<std::os::fd::BorrowedFd<'_>> {
        self.queues[index].doorbell.event()
    }

    /// `size` bytes of the configuration space, at most 8.
    pub fn config(&self, offset: usize, size: usize) -> u64 {
        self.link.with_config(|| {
            let config = self.device.config();
            let byte = |index| u64::from(config.get(offset + index).copied().unwrap_or(0));
            (0..size).fold(0, |value, index| value | byte(index) << (8 * index))
        })
    }

    /// Writes `size` bytes of it; false if nothing there can be written.
    pub fn set_config(&self, offset: usize, size: usize, value: u64) -> bool {
        self.link.with_config(|| self.device.set_config(offset, &value.to_le_bytes()[..size]))
    }

    /// Changes whenever the device has changed its configuration.
    pub fn config_generation(&self) -> u32 {
        self.link.config_generation()
    }

    /// True while a request is, or may be, in the hands of a server, or the device waits for something of the host's.
    pub fn busy(&self) -> bool {
        self.device.awaits_host() || self.queues.iter().any(|queue| queue.doorbell.busy())
    }
}

impl Drop for Common {
    fn drop(&mut self) {
        self.queues.iter().for_each(|queue| queue.doorbell.quit());
        for server in self.setup().servers.drain(..) {
            // It has told already if it panicked.
            let _ = server.join();
        }
        // Threads of the device's own may outlive its transport.
        self.queues.iter().for_each(|queue| queue.stop());
    }
}
