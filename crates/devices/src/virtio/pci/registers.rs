//! Common configuration (4.1.4.3).

use super::PciTransport;
use crate::virtio::common::QueueSetup;

const DEVICE_FEATURE_SELECT: u16 = 0x00;
const DEVICE_FEATURE: u16 = 0x04;
const DRIVER_FEATURE_SELECT: u16 = 0x08;
const DRIVER_FEATURE: u16 = 0x0c;
const CONFIG_MSIX_VECTOR: u16 = 0x10;
const NUM_QUEUES: u16 = 0x12;
const DEVICE_STATUS: u16 = 0x14;
const CONFIG_GENERATION: u16 = 0x15;
const QUEUE_SELECT: u16 = 0x16;
const QUEUE_SIZE: u16 = 0x18;
const QUEUE_MSIX_VECTOR: u16 = 0x1a;
const QUEUE_ENABLE: u16 = 0x1c;
const QUEUE_NOTIFY_OFF: u16 = 0x1e;
const QUEUE_DESC: u16 = 0x20;
const QUEUE_DRIVER: u16 = 0x28;
const QUEUE_DEVICE: u16 = 0x30;
const QUEUE_NOTIFY_DATA: u16 = 0x38;
const QUEUE_RESET: u16 = 0x3a;

/// Which half of the features and which queue the other registers are about.
#[derive(Clone, Copy, Default)]
pub struct Selected {
    device_feature: u32,
    driver_feature: u32,
    queue: u16,
}

/// Replaces a half of an address: the upper one at offsets with bit 2 set.
fn set_half(address: &mut u64, offset: u16, value: u32) {
    let shift = u32::from(offset & 4) * 8;
    *address = *address & !(0xffff_ffff << shift) | u64::from(value) << shift;
}

fn half(address: u64, offset: u16) -> u32 {
    (address >> (u32::from(offset & 4) * 8)) as u32
}

impl PciTransport {
    pub(super) fn register(&self, offset: u16, size: u8) -> Option<u32> {
        let selected = *self.selected();
        let max = self.common.queue_max(selected.queue.into());
        let queue = || self.common.queue(selected.queue.into()).unwrap_or_default();
        Some(match (offset, size) {
            (DEVICE_FEATURE_SELECT, 4) => selected.device_feature,
            (DEVICE_FEATURE, 4) => match selected.device_feature {
                half @ 0..=1 => (self.common.offered() >> (32 * half)) as u32,
                _ => 0,
            },
            (DRIVER_FEATURE_SELECT, 4) => selected.driver_feature,
            (DRIVER_FEATURE, 4) => self.common.accepted(selected.driver_feature),
            (CONFIG_MSIX_VECTOR, 2) => self.signals.config_vector().into(),
            (NUM_QUEUES, 2) => self.common.device().queue_sizes().len() as u32,
            (DEVICE_STATUS, 1) => self.common.status(),
            (CONFIG_GENERATION, 1) => self.common.config_generation() & 0xff,
            (QUEUE_SELECT, 2) => selected.queue.into(),
            // The most it can be, until the driver wants fewer.
            (QUEUE_SIZE, 2) => match queue().size {
                0 => max.into(),
                size => size,
            },
            (QUEUE_MSIX_VECTOR, 2) => self.signals.queue_vector(selected.queue).into(),
            (QUEUE_ENABLE, 2) => queue().ready.into(),
            (QUEUE_NOTIFY_OFF, 2) if max != 0 => selected.queue.into(),
            // A reset is over when the write that asks for it is.
            (QUEUE_NOTIFY_OFF | QUEUE_NOTIFY_DATA | QUEUE_RESET, 2) => 0,
            (QUEUE_DESC..QUEUE_DRIVER, 4) => half(queue().desc, offset),
            (QUEUE_DRIVER..QUEUE_DEVICE, 4) => half(queue().avail, offset),
            (QUEUE_DEVICE..QUEUE_NOTIFY_DATA, 4) => half(queue().used, offset),
            _ => return None,
        })
    }

    pub(super) fn set_register(&self, offset: u16, size: u8, value: u32) -> Option<()> {
        let queue = self.selected().queue;
        let edit = |edit: &dyn Fn(&mut QueueSetup)| self.common.edit_queue(queue.into(), edit);
        match (offset, size) {
            (DEVICE_FEATURE_SELECT, 4) => self.selected().device_feature = value,
            (DRIVER_FEATURE_SELECT, 4) => self.selected().driver_feature = value,
            (DRIVER_FEATURE, 4) => {
                let half = self.selected().driver_feature;
                self.common.accept(half, value);
            }
            (CONFIG_MSIX_VECTOR, 2) => self.signals.set_config_vector(value as u16),
            (DEVICE_STATUS, 1) => {
                self.common.set_status(value);
                self.place_bells();
            }
            (QUEUE_SELECT, 2) => self.selected().queue = value as u16,
            (QUEUE_SIZE, 2) => edit(&|setup| setup.size = value),
            (QUEUE_MSIX_VECTOR, 2) => self.signals.set_queue_vector(queue, value as u16),
            (QUEUE_ENABLE, 2) if value == 1 => self.enable(queue),
            (QUEUE_DESC..QUEUE_DRIVER, 4) => edit(&|setup| set_half(&mut setup.desc, offset, value)),
            (QUEUE_DRIVER..QUEUE_DEVICE, 4) => edit(&|setup| set_half(&mut setup.avail, offset, value)),
            (QUEUE_DEVICE..QUEUE_NOTIFY_DATA, 4) => edit(&|setup| set_half(&mut setup.used, offset, value)),
            (QUEUE_RESET, 2) if value == 1 => {
                self.common.reset_queue(queue.into());
                if self.common.queue(queue.into()) == Some(QueueSetup::default()) {
                    self.signals.forget_queue(queue);
                }
            }
            // Only a reset takes a queue away again.
            (QUEUE_ENABLE | QUEUE_RESET, 2) => {}
            _ => return None,
        }
        Some(())
    }

    fn enable(&self, queue: u16) {
        let max = self.common.queue_max(queue.into());
        self.common.edit_queue(queue.into(), |setup| {
            if setup.size == 0 {
                setup.size = max.into();
            }
        });
        self.common.set_ready(queue.into(), true);
    }
}
