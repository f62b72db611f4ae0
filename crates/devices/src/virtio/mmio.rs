//! The MMIO transport (4.2), version 2. Slots without a device are there too, with device ID 0.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_base::{Access, GuestRam, IrqLine, MmioDevice};
use virtio_bindings::virtio_mmio::*;

use super::common::{Common, QueueSetup, Service};
use super::device::VirtioDevice;
use super::link::Notify;
use crate::mmio::{self, GuestErrors};

/// "virt", little-endian.
const MAGIC: u32 = 0x7472_6976;
const VERSION: u32 = 2;
/// "ARML".
const VENDOR: u32 = 0x4c4d_5241;
/// Resets the selected queue; not among the bindings.
const QUEUE_RESET: u32 = 0xc0;

/// Offset of the register that notifies the queue whose number is written to it (QueueNotify, 32 bits).
pub const NOTIFY: u64 = VIRTIO_MMIO_QUEUE_NOTIFY as u64;
/// Bytes of a slot's registers.
pub const SIZE: u64 = 0x200;

/// A device on the MMIO transport.
pub struct MmioTransport {
    common: Common,
    selected: Mutex<Selected>,
    interrupt: Arc<Interrupt>,
    errors: GuestErrors,
}

/// Which half of the features and which queue the other registers are about.
#[derive(Clone, Copy, Default)]
struct Selected {
    device_features: u32,
    driver_features: u32,
    queue: u32,
}

/// InterruptStatus, and the wire that is high while it is not zero.
struct Interrupt {
    status: Mutex<u32>,
    line: IrqLine,
}

impl Interrupt {
    fn lock(&self) -> MutexGuard<'_, u32> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn raise(&self, bits: u32) {
        let mut status = self.lock();
        if *status == 0 {
            self.line.set(true);
        }
        *status |= bits;
    }

    /// The device tree calls the interrupt an edge. Of what came since the driver looked, and is not among `bits`, another rise
    /// has to tell it: the wire would stay up, and nothing would interrupt ever again.
    fn acknowledge(&self, bits: u32) {
        let mut status = self.lock();
        if *status == 0 {
            return;
        }
        *status &= !bits;
        self.line.set(false);
        if *status != 0 {
            self.line.set(true);
        }
    }

    fn status(&self) -> u32 {
        *self.lock()
    }
}

impl Notify for Interrupt {
    fn used(&self, _queue: u16) {
        self.raise(VIRTIO_MMIO_INT_VRING);
    }

    fn config_changed(&self) {
        self.raise(VIRTIO_MMIO_INT_CONFIG);
    }

    fn reset(&self) {
        self.acknowledge(!0);
    }
}

impl MmioTransport {
    /// Puts `device` behind registers. It reaches guest memory through `ram` and interrupts by `irq`.
    pub fn new(device: Arc<dyn VirtioDevice>, ram: Arc<GuestRam>, service: Service, irq: IrqLine) -> Self {
        let interrupt = Arc::new(Interrupt { status: Mutex::new(0), line: irq });
        let common = Common::new(device, ram, service, interrupt.clone());
        Self { common, selected: Mutex::default(), interrupt, errors: GuestErrors::default() }
    }

    /// The event of the host of each queue, by number, for whoever can signal it in place of the write to
    /// [`NOTIFY`] that notifies the queue. To be asked for before the driver is there.
    ///
    /// # Errors
    /// If the host has no events left.
    #[cfg(target_os = "linux")]
    pub fn doorbells(&self) -> std::io::Result<Vec<std::os::fd::BorrowedFd<'_>>> {
        (0..self.common.device().queue_sizes().len()).map(|queue| self.common.doorbell(queue)).collect()
    }

    /// Accesses to registers that do not exist.
    pub fn errors(&self) -> &GuestErrors {
        &self.errors
    }

    fn selected(&self) -> MutexGuard<'_, Selected> {
        self.selected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, offset: u32) -> Option<u32> {
        let selected = *self.selected();
        let queue = || self.common.queue(selected.queue).unwrap_or_default();
        Some(match offset {
            VIRTIO_MMIO_MAGIC_VALUE => MAGIC,
            VIRTIO_MMIO_VERSION => VERSION,
            VIRTIO_MMIO_DEVICE_ID => self.common.device().id(),
            VIRTIO_MMIO_VENDOR_ID => VENDOR,
            VIRTIO_MMIO_DEVICE_FEATURES => match selected.device_features {
                half @ 0..=1 => (self.common.offered() >> (32 * half)) as u32,
                _ => 0,
            },
            VIRTIO_MMIO_QUEUE_NUM_MAX => self.common.queue_max(selected.queue).into(),
            VIRTIO_MMIO_QUEUE_READY => queue().ready.into(),
            VIRTIO_MMIO_INTERRUPT_STATUS => self.interrupt.status(),
            VIRTIO_MMIO_STATUS => self.common.status(),
            // A reset is over when the write that asks for it is.
            QUEUE_RESET => 0,
            // There is no shared memory: its length is -1 (4.2.2.1).
            VIRTIO_MMIO_SHM_LEN_LOW | VIRTIO_MMIO_SHM_LEN_HIGH => !0,
            VIRTIO_MMIO_SHM_BASE_LOW | VIRTIO_MMIO_SHM_BASE_HIGH => !0,
            VIRTIO_MMIO_CONFIG_GENERATION => self.common.config_generation(),
            _ => return None,
        })
    }

    fn set_register(&self, offset: u32, value: u32) -> Option<()> {
        let selected = *self.selected();
        let edit = |edit: fn(&mut QueueSetup, u64)| {
            self.common.edit_queue(selected.queue, |queue| edit(queue, value.into()));
        };
        match offset {
            VIRTIO_MMIO_DEVICE_FEATURES_SEL => self.selected().device_features = value,
            VIRTIO_MMIO_DRIVER_FEATURES_SEL => self.selected().driver_features = value,
            VIRTIO_MMIO_QUEUE_SEL => self.selected().queue = value,
            VIRTIO_MMIO_DRIVER_FEATURES => self.common.accept(selected.driver_features, value),
            VIRTIO_MMIO_QUEUE_NUM => edit(|queue, value| queue.size = value as u32),
            VIRTIO_MMIO_QUEUE_READY => self.common.set_ready(selected.queue, value & 1 != 0),
            VIRTIO_MMIO_QUEUE_NOTIFY => self.common.notify(value),
            VIRTIO_MMIO_INTERRUPT_ACK => self.interrupt.acknowledge(value),
            VIRTIO_MMIO_STATUS => self.common.set_status(value),
            VIRTIO_MMIO_QUEUE_DESC_LOW => edit(|queue, value| set_low(&mut queue.desc, value)),
            VIRTIO_MMIO_QUEUE_DESC_HIGH => edit(|queue, value| set_high(&mut queue.desc, value)),
            VIRTIO_MMIO_QUEUE_AVAIL_LOW => edit(|queue, value| set_low(&mut queue.avail, value)),
            VIRTIO_MMIO_QUEUE_AVAIL_HIGH => edit(|queue, value| set_high(&mut queue.avail, value)),
            VIRTIO_MMIO_QUEUE_USED_LOW => edit(|queue, value| set_low(&mut queue.used, value)),
            VIRTIO_MMIO_QUEUE_USED_HIGH => edit(|queue, value| set_high(&mut queue.used, value)),
            QUEUE_RESET if value & 1 != 0 => self.common.reset_queue(selected.queue),
            VIRTIO_MMIO_SHM_SEL | QUEUE_RESET => {}
            _ => return None,
        }
        Some(())
    }
}

fn set_low(address: &mut u64, value: u64) {
    *address = *address & !0xffff_ffff | value;
}

fn set_high(address: &mut u64, value: u64) {
    *address = *address & 0xffff_ffff | value << 32;
}

impl MmioDevice for MmioTransport {
    fn read(&self, access: Access, offset: u64) -> u64 {
        mmio::read(&self.errors, access, offset, |offset, size| {
            match offset.checked_sub(VIRTIO_MMIO_CONFIG.into()) {
                Some(within) => Some(self.common.config(within as usize, size.into())),
                None if size == 4 => self.register(offset as u32).map(u64::from),
                None => None,
            }
        })
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        mmio::write(&self.errors, access, offset, value, |offset, size, value| {
            match offset.checked_sub(VIRTIO_MMIO_CONFIG.into()) {
                Some(within) => self.common.set_config(within as usize, size.into(), value).then_some(()),
                None if size == 4 => self.set_register(offset as u32, value as u32),
                None => None,
            }
        });
    }

    fn reset(&self) {
        self.common.reset();
        *self.selected() = Selected::default();
    }

    fn awaits_host(&self) -> bool {
        self.common.busy()
    }
}

/// Slots without a device: they say so by device ID 0, and drivers leave them alone (4.2.2.1).
#[derive(Default)]
pub struct EmptySlots {
    errors: GuestErrors,
}

impl MmioDevice for EmptySlots {
    fn read(&self, access: Access, offset: u64) -> u64 {
        mmio::read(&self.errors, access, offset, |offset, size| {
            let register = (offset % SIZE) as u32;
            (size == 4).then_some(match register {
                VIRTIO_MMIO_MAGIC_VALUE => MAGIC.into(),
                VIRTIO_MMIO_VERSION => VERSION.into(),
                VIRTIO_MMIO_VENDOR_ID => VENDOR.into(),
                _ => 0,
            })
        })
    }

    fn write(&self, access: Access, offset: u64, _value: u64) {
        self.errors.note(offset, access.size, true);
    }

    fn awaits_host(&self) -> bool {
        false
    }
}
