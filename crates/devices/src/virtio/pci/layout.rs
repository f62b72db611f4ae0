//! Where everything is: identity, capabilities and the parts of the registers (4.1.2 to 4.1.4).

use virtio_bindings::virtio_ids::*;

use crate::pci::{Endpoint, Identity};

/// Base address register of the registers.
pub const REGISTERS_BAR: usize = 4;
/// Base address register of the table of MSI-X.
pub const VECTORS_BAR: usize = 1;

/// Each kind of registers has a part of this length.
pub const PART: u64 = 0x1000;
/// Common configuration (4.1.4.3).
pub const COMMON: u64 = 0;
/// ISR status (4.1.4.5).
pub const ISR: u64 = PART;
/// Device-specific configuration (4.1.4.6).
pub const DEVICE: u64 = 2 * PART;
/// Notifications (4.1.4.4), [`NOTIFY_MULTIPLIER`] bytes for each queue.
pub const NOTIFY: u64 = 3 * PART;
/// All of them.
pub const REGISTERS_LEN: u64 = 4 * PART;
/// Bytes from the address that notifies a queue to that of the next.
pub const NOTIFY_MULTIPLIER: u32 = 4;
const COMMON_LEN: u32 = 0x3c;

/// Vendor-specific capability.
const CAPABILITY: u8 = 0x09;
const CAP_COMMON: u8 = 1;
const CAP_NOTIFY: u8 = 2;
const CAP_ISR: u8 = 3;
const CAP_DEVICE: u8 = 4;
const CAP_ACCESS: u8 = 5;

/// Fields of struct virtio_pci_cap and of struct virtio_pci_cfg_cap, from the capability's start on.
pub const CAP_BAR: u16 = 4;
/// See [`CAP_BAR`].
pub const CAP_OFFSET: u16 = 8;
/// See [`CAP_BAR`].
pub const CAP_LENGTH: u16 = 12;
/// See [`CAP_BAR`].
pub const CAP_DATA: u16 = 16;

/// Who a device of this type is (4.1.2). Its class is for people; drivers go by the IDs.
pub fn identity(device: u32) -> Identity {
    let class = match device {
        VIRTIO_ID_NET => 0x02_0000,
        VIRTIO_ID_BLOCK => 0x01_0000,
        VIRTIO_ID_CONSOLE => 0x07_8000,
        VIRTIO_ID_9P => 0x02_8000,
        _ => 0xff_0000,
    };
    Identity {
        vendor: 0x1af4,
        device: 0x1040 + device as u16,
        revision: 1,
        class,
        subsystem: (0x1af4, 0x1100),
    }
}

/// The body of a capability, behind ID and next pointer.
fn body(kind: u8, offset: u64, len: u32, more: &[u8]) -> Vec<u8> {
    let cap_len = (CAP_DATA as usize + more.len()) as u8;
    let fields = [cap_len, kind, REGISTERS_BAR as u8, 0, 0, 0];
    [&fields[..], &(offset as u32).to_le_bytes(), &len.to_le_bytes(), more].concat()
}

/// Tells the driver where the registers of a device with so many queues are. Returns the offset of the capability that
/// leads to them.
pub fn add_capabilities(endpoint: &mut Endpoint, queues: usize) -> usize {
    let bells = NOTIFY_MULTIPLIER * queues as u32;
    endpoint.add_capability(CAPABILITY, &body(CAP_COMMON, COMMON, COMMON_LEN, &[]));
    endpoint.add_capability(CAPABILITY, &body(CAP_ISR, ISR, 1, &[]));
    endpoint.add_capability(CAPABILITY, &body(CAP_DEVICE, DEVICE, PART as u32, &[]));
    let multiplier = NOTIFY_MULTIPLIER.to_le_bytes();
    endpoint.add_capability(CAPABILITY, &body(CAP_NOTIFY, NOTIFY, bells, &multiplier));
    let access = endpoint.add_capability(CAPABILITY, &body(CAP_ACCESS, 0, 0, &[0; 4]));
    endpoint.allow(access + usize::from(CAP_BAR), &[0xff]);
    endpoint.allow(access + usize::from(CAP_OFFSET), &[0xff; 8]);
    access
}
