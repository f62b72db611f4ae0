//! What a device is, apart from its transport.

use std::borrow::Cow;

use super::buffers::Request;
use super::handle::Handle;
use super::virtqueue::Virtqueue;

/// The driver broke the rules in a way that can't be answered within the request, or the device can't go on: it
/// needs a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device needs a reset: {0}")]
pub struct Broken(pub &'static str);

#[cfg(unix)]
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
///
/// One that only answers needs [`Self::serve`] and nothing else. One that has something to say by itself keeps the
/// [`Handle`] that it gets, and works on its queues from threads of its own.
pub trait VirtioDevice: Send + Sync {
    /// Device type (chapter 5).
    fn id(&self) -> u32;
    /// Feature bits of the device type that it offers; those of the ring and the transport are not its business.
    fn features(&self) -> u64 {
        0
    }
    /// The most elements of each queue, powers of two.
    fn queue_sizes(&self) -> &[u16];
    /// The device-specific configuration, little-endian; what lies behind reads as zero. What changes it is
    /// [`Handle::change_config`].
    fn config(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[])
    }
    /// The driver writes `bytes` to its configuration at `offset`. False if nothing there can be written.
    fn set_config(&self, _offset: usize, _bytes: &[u8]) -> bool {
        false
    }
    /// The device has been put behind a transport.
    fn attach(&self, _handle: Handle) {}
    /// The driver has put requests into a queue, or has just become ready. Serves each, unless the device knows better.
    fn notified(&self, queue: &Virtqueue) {
        queue.serve_each(|request| self.serve(queue, request));
    }
    /// As [`Self::notified`], told by the vCPU that notifies, which waits meanwhile. It serves what takes no longer than
    /// waking a thread; false if there is something left to do.
    fn notified_by_vcpu(&self, _queue: &Virtqueue) -> bool {
        false
    }
    /// Serves a request; may block. Returns the number of bytes written to the start of the request's writable buffers.
    ///
    /// # Errors
    /// Only where the request gives no way to tell the driver what is wrong.
    fn serve(&self, _queue: &Virtqueue, _request: Request<'_>) -> Result<u32, Broken> {
        Err(Broken("the queue takes no requests"))
    }
    /// How many requests of a queue it serves at a time, at most, while the host is slow; if more than one, each by
    /// [`Self::serve`] from a thread that does nothing else, and they complete in any order.
    fn at_a_time(&self) -> usize {
        1
    }
    /// The driver has reset the device: its queues are gone. Not to wait for the driver.
    fn reset(&self) {}
    /// True if the device may have something to say that no request asks for: a guest that sleeps is not hung.
    fn awaits_host(&self) -> bool {
        false
    }
}
