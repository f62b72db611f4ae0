//! Where the rings of a queue are and how far it is: the library `virtio-queue`. It wants a part of `vm-memory` that is for
//! Unix hosts; others have [`super::split`] in its place, which is compared with it.

#[cfg(not(unix))]
pub(super) use super::split::{DescriptorChain, Queue};
#[cfg(unix)]
pub(super) use virtio_queue::{DescriptorChain, Queue, QueueOwnedT, QueueT};
