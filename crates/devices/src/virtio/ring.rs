//! The rings of a queue (2.7): chains come out of the driver area, used ones go into the device area, several at once
//! if need be.

use std::num::Wrapping;
use std::sync::atomic::{Ordering, fence};

use armlet_base::GuestRam;
use virtio_bindings::virtio_ring::VRING_AVAIL_F_NO_INTERRUPT;
use vm_memory::{Bytes, GuestAddress};

use super::device::Broken;
use super::queue::*;

/// Offsets of the index and of the elements in either area, and the lengths of an element.
const INDEX: u64 = 2;
const ELEMENTS: u64 = 4;
const AVAIL_ELEMENT: u64 = 2;
const USED_ELEMENT: u64 = 8;

pub(super) struct Ring {
    queue: Queue,
    /// Chains in the device area that the driver can't see yet.
    unseen: u16,
    /// The driver was told that it need not notify.
    quiet: bool,
}

impl Ring {
    pub fn new(queue: Queue) -> Self {
        Self { queue, unseen: 0, quiet: false }
    }

    /// Takes the next chain. If there is none the driver is going to notify the device of the next one.
    pub fn pop<'a>(&mut self, ram: &'a GuestRam) -> Result<Option<DescriptorChain<&'a GuestRam>>, Broken> {
        loop {
            if let Some(chain) = self.queue.iter(ram)?.next() {
                if !self.quiet {
                    self.queue.disable_notification(ram)?;
                    self.quiet = true;
                }
                return Ok(Some(chain));
            }
            self.quiet = false;
            if !self.queue.enable_notification(ram)? {
                return Ok(None);
            }
        }
    }

    /// True if there is another chain now. If not the driver is going to notify the device of the next one.
    pub fn more(&mut self, ram: &GuestRam) -> Result<bool, Broken> {
        self.quiet = false;
        Ok(self.queue.enable_notification(ram)?)
    }

    /// Makes the last `count` chains taken, none of which was used, available again.
    pub fn put_back(&mut self, count: u16) {
        self.queue.set_next_avail(self.queue.next_avail().wrapping_sub(count));
    }

    /// Puts a chain into the device area, where the driver sees it after [`Self::publish`].
    pub fn add_used(&mut self, ram: &GuestRam, head: u16, written: u32) -> Result<(), Broken> {
        let slot = self.queue.next_used().wrapping_add(self.unseen) % self.queue.size();
        let at = self.queue.used_ring() + ELEMENTS + USED_ELEMENT * u64::from(slot);
        let element = u64::from(head) | u64::from(written) << 32;
        ram.write_obj(element.to_le(), GuestAddress(at))?;
        self.unseen = self.unseen.wrapping_add(1);
        Ok(())
    }

    /// Shows the driver all used chains at once. True if it wants an interrupt for them.
    pub fn publish(&mut self, ram: &GuestRam) -> Result<bool, Broken> {
        if self.unseen == 0 {
            return Ok(false);
        }
        let old = self.queue.next_used();
        let new = old.wrapping_add(self.unseen);
        self.unseen = 0;
        self.queue.set_next_used(new);
        Bytes::store(ram, new.to_le(), GuestAddress(self.queue.used_ring() + INDEX), Ordering::Release)?;
        // The driver writes its wish, then looks at the index; here it is the other way round.
        fence(Ordering::SeqCst);
        let avail = self.queue.avail_ring();
        let word = |at| Bytes::load::<u16>(ram, GuestAddress(at), Ordering::Relaxed).map(u16::from_le);
        if !self.queue.event_idx_enabled() {
            return Ok(word(avail)? & VRING_AVAIL_F_NO_INTERRUPT as u16 == 0);
        }
        let event = word(avail + ELEMENTS + AVAIL_ELEMENT * u64::from(self.queue.size()))?;
        // It wants one when the index goes past the event (2.7.7.2).
        Ok(Wrapping(new) - Wrapping(event) - Wrapping(1) < Wrapping(new) - Wrapping(old))
    }
}
