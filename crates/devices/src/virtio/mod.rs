//! Virtio devices (Virtual I/O Device specification 1.2): entropy source, memory balloon, console, disks,
//! network cards, sockets and shared directories, on the MMIO and the PCI transport.
//!
//! A device ([`VirtioDevice`]) knows nothing of its transport: it has features, a configuration space and queues
//! ([`Virtqueue`]). Most serve one request at a time, disks several; one that acts by itself works on its queues from threads of its
//! own, by its [`Handle`]. `common` is what every transport lets a driver do (status, features, queues); [`mmio`] and
//! [`pci`] make registers of it. Each queue has a thread that serves it ([`Service::Threads`]), or several (`crew`), and the
//! vCPU that notifies of requests serves those that take less time than waking one; a machine in virtual time serves all within the
//! notification instead, so that every run is the same.
//!
//! What a driver may not do (a chain that loops, a buffer where no memory is, a ring index that runs away) makes the
//! device set DEVICE_NEEDS_RESET and touch nothing more until the driver resets it (2.1.2).

#[cfg(test)]
mod acting;
pub mod balloon;
pub mod blk;
mod buffers;
mod common;
pub mod console;
mod crew;
mod device;
mod doorbell;
#[cfg(target_os = "linux")]
mod event;
mod handle;
#[cfg(test)]
mod hostile;
mod link;
pub mod mmio;
pub mod net;
#[cfg(target_os = "linux")]
pub mod p9;
mod pace;
pub mod pci;
mod queue;
mod ring;
pub mod rng;
#[cfg(any(test, not(unix)))]
#[cfg_attr(unix, allow(dead_code, reason = "compared with the library"))]
mod split;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod virtqueue;
#[cfg(target_os = "linux")]
pub mod vsock;

pub use buffers::{Buffers, Request};
pub use common::Service;
pub use device::{Broken, VirtioDevice};
pub use handle::Handle;
pub use virtqueue::{Open, Ticket, Virtqueue};
