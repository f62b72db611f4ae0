//! What a device is, apart from its transport.

use super::buffers::Request;

/// The driver broke the rules in a way that can't be answered within the request, or the device can't go on: it
/// needs a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device needs a reset: {0}")]
pub struct Broken(pub &'static str);

impl From<virtio_queue::Error> for Broken {
    fn from(_: virtio_queue::Error) -> Self {
        Self("a ring or a descriptor is malformed")
    }
}

impl From<vm_memory::GuestMemoryError> for Broken {
    fn from(_: vm_memory::GuestMemoryError) -> Self {
        Self("a buffer lies outside guest memory")
    }
}

/// A virtio device: features, a configuration space and queues of requests.
pub trait VirtioDevice: Send + Sync {
    /// Device type (chapter 5).
    fn id(&self) -> u32;
    /// Feature bits of the device type that it offers; those of the ring and the transport are not its business.
    fn features(&self) -> u64 {
        0
    }
    /// The most elements of each queue, powers of two.
    fn queue_sizes(&self) -> &[u16];
    /// The device-specific configuration, little-endian; what lies behind reads as zero.
    fn config(&self) -> &[u8] {
        &[]
    }
    /// Serves a request, with the features that the driver has accepted; may block. Returns the number of bytes
    /// written to the start of the request's writable buffers.
    ///
    /// # Errors
    /// Only where the request gives no way to tell the driver what is wrong.
    fn serve(&self, features: u64, request: Request) -> Result<u32, Broken>;
}
