//! Tests of devices that act by themselves.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock};

use armlet_base::{Access, MmioDevice};
use virtio_bindings::virtio_mmio::*;
use virtio_bindings::virtio_ring::{VIRTIO_RING_F_EVENT_IDX, VRING_AVAIL_F_NO_INTERRUPT};

use super::testing::*;
use super::{Handle, Service, Ticket, VirtioDevice, Virtqueue};

/// Does nothing but what the test does through its handle.
#[derive(Clone, Default)]
struct Puppet(Arc<State>);

#[derive(Default)]
struct State {
    handle: OnceLock<Handle>,
    config: Mutex<[u8; 4]>,
    /// Queues of which the device was told, and its resets.
    told: Mutex<Vec<u16>>,
    resets: Mutex<usize>,
}

impl VirtioDevice for Puppet {
    fn id(&self) -> u32 {
        42
    }
    fn queue_sizes(&self) -> &[u16] {
        &[8, 8]
    }
    fn config(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.0.config.lock().unwrap().to_vec())
    }
    fn set_config(&self, offset: usize, bytes: &[u8]) -> bool {
        // Only the last two bytes are the driver's to write.
        let end = offset + bytes.len();
        let ok = offset >= 2 && end <= 4;
        if ok {
            self.0.config.lock().unwrap()[offset..end].copy_from_slice(bytes);
        }
        ok
    }
    fn attach(&self, handle: Handle) {
        self.0.handle.set(handle).ok().expect("a device is attached once");
    }
    fn notified(&self, queue: &Virtqueue) {
        self.0.told.lock().unwrap().push(queue.index());
    }
    fn reset(&self) {
        *self.0.resets.lock().unwrap() += 1;
    }
    fn awaits_host(&self) -> bool {
        true
    }
}

impl Puppet {
    fn queue(&self) -> &Virtqueue {
        &self.0.handle.get().unwrap().queues()[0]
    }

    /// Takes the requests that are there, each of which gets `fill` into its buffer.
    fn take(&self, fill: u8) -> Vec<Ticket> {
        let taken = self.queue().with(|queue| {
            let mut tickets = Vec::new();
            while let Some((ticket, request)) = queue.pop()? {
                request.writable.copy_from(&[fill]);
                tickets.push(ticket);
            }
            Ok(tickets)
        });
        taken.unwrap_or_default()
    }

    fn complete(&self, tickets: impl IntoIterator<Item = Ticket>) {
        self.queue().with(|queue| tickets.into_iter().try_for_each(|ticket| queue.complete(ticket, 1)));
    }
}

fn puppet(features: u64) -> (Driver, Puppet) {
    let puppet = Puppet::default();
    (Driver::started(puppet.clone(), Service::Inline, features), puppet)
}

/// Offers buffers of one byte each, told by their descriptors 0 to `count`.
fn offer(driver: &mut Driver, count: u16) {
    let [table, ..] = Driver::areas(0);
    for index in 0..count {
        driver.describe(table, index, (DATA + u64::from(index), 1, WRITE, 0));
        driver.offer(0, index);
    }
}

#[test]
fn requests_are_completed_later_and_in_any_order() {
    let (mut driver, puppet) = puppet(0);
    assert_eq!(*puppet.0.told.lock().unwrap(), [0, 1], "the driver is ready");
    offer(&mut driver, 3);
    let mut tickets = puppet.take(9);
    assert_eq!(driver.get(DATA, 4), [9, 9, 9, 0]);
    assert_eq!((driver.used(0), driver.wire.level()), (None, false));
    puppet.complete([tickets.remove(1)]);
    assert_eq!((driver.used(0), driver.used(0)), (Some((1, 1)), None));
    puppet.complete(tickets);
    assert_eq!((driver.used(0), driver.used(0), driver.used(0)), (Some((0, 1)), Some((2, 1)), None));
}

#[test]
fn several_completions_are_one_interrupt() {
    let (mut driver, puppet) = puppet(1 << VIRTIO_RING_F_EVENT_IDX);
    for (event, count, rises) in [(3, 3, 0), (3, 2, 1), (4, 3, 1), (7, 1, 1), (11, 4, 2)] {
        driver.set_used_event(0, event);
        offer(&mut driver, count);
        let tickets = puppet.take(1);
        puppet.complete(tickets);
        assert_eq!(driver.wire.rises(), rises, "{event} {count}");
        driver.acknowledge();
    }
}

#[test]
fn a_driver_that_polls_is_left_alone() {
    let (mut driver, puppet) = puppet(0);
    for (flags, level) in [(VRING_AVAIL_F_NO_INTERRUPT as u16, false), (0, true)] {
        driver.put_u16(Driver::areas(0)[1], flags);
        offer(&mut driver, 1);
        puppet.complete(puppet.take(1));
        assert_eq!(driver.wire.level(), level);
    }
}

#[test]
fn the_driver_is_asked_to_notify_only_where_nothing_is_left() {
    let (mut driver, puppet) = puppet(0);
    let no_notify = |driver: &Driver| driver.get(Driver::areas(0)[2], 2)[0] == 1;
    offer(&mut driver, 2);
    puppet.queue().with(|queue| queue.pop().map(drop));
    assert!(no_notify(&driver));
    assert_eq!(puppet.take(0).len(), 1);
    assert!(!no_notify(&driver));
}

#[test]
fn what_was_put_back_is_taken_again() {
    let (mut driver, puppet) = puppet(0);
    offer(&mut driver, 3);
    puppet.queue().with(|queue| {
        let first = queue.pop()?.unwrap().0;
        let rest = vec![queue.pop()?.unwrap().0, queue.pop()?.unwrap().0];
        queue.put_back(rest);
        queue.complete(first, 1)
    });
    let again = puppet.take(5);
    assert_eq!((again.len(), driver.get(DATA, 3)), (2, vec![0, 5, 5]));
    puppet.complete(again);
    assert_eq!([0; 4].map(|_| driver.used(0).map(|used| used.0)), [Some(0), Some(1), Some(2), None]);
}

#[test]
fn after_a_reset_nothing_is_reached_and_old_tickets_are_void() {
    let (mut driver, puppet) = puppet(0);
    offer(&mut driver, 2);
    let old = puppet.take(1);
    driver.w(VIRTIO_MMIO_STATUS, 0);
    assert_eq!(*puppet.0.resets.lock().unwrap(), 1);
    assert!(puppet.queue().with(|_| Ok(())).is_none());
    driver.start(0);
    offer(&mut driver, 1);
    puppet.complete(old);
    assert_eq!(driver.used(0), None);
    puppet.complete(puppet.take(2));
    assert_eq!((driver.used(0), driver.needs_reset()), (Some((0, 1)), false));
}

#[test]
fn a_device_that_can_not_go_on_says_so() {
    let (mut driver, puppet) = puppet(0);
    offer(&mut driver, 1);
    puppet.0.handle.get().unwrap().fail();
    assert!(driver.needs_reset() && driver.acknowledge() == VIRTIO_MMIO_INT_CONFIG);
    assert!(puppet.take(1).is_empty() && driver.used(0).is_none());
}

#[test]
fn a_changed_configuration_has_a_new_generation_and_an_interrupt() {
    let (driver, puppet) = puppet(0);
    let before = driver.r(VIRTIO_MMIO_CONFIG_GENERATION);
    let handle = puppet.0.handle.get().unwrap();
    handle.change_config(|| puppet.0.config.lock().unwrap()[0] = 7);
    assert_eq!(driver.acknowledge(), VIRTIO_MMIO_INT_CONFIG);
    assert_eq!(driver.r(VIRTIO_MMIO_CONFIG), 7);
    assert_ne!(driver.r(VIRTIO_MMIO_CONFIG_GENERATION), before);
    driver.w(VIRTIO_MMIO_STATUS, 0);
    handle.change_config(|| puppet.0.config.lock().unwrap()[0] = 8);
    assert!(!driver.wire.level(), "nobody wants to know");
}

#[test]
fn what_comes_after_the_driver_has_looked_interrupts_once_more() {
    let (mut driver, puppet) = puppet(0);
    offer(&mut driver, 1);
    puppet.complete(puppet.take(1));
    let seen = driver.r(VIRTIO_MMIO_INTERRUPT_STATUS);
    puppet.0.handle.get().unwrap().change_config(|| {});
    assert_eq!((seen, driver.wire.level(), driver.wire.rises()), (VIRTIO_MMIO_INT_VRING, true, 1));
    // A driver that takes the wire for an edge has heard of one thing only.
    driver.w(VIRTIO_MMIO_INTERRUPT_ACK, seen);
    assert_eq!((driver.wire.level(), driver.wire.rises()), (true, 2));
    assert_eq!(driver.acknowledge(), VIRTIO_MMIO_INT_CONFIG);
    assert!(!driver.wire.level());
}

#[test]
fn a_driver_writes_where_it_may() {
    let (driver, puppet) = puppet(0);
    let write =
        |size, offset: u64, value| driver.device.write(Access { cpu: 0, size }, 0x100 + offset, value);
    write(2, 2, 0xabcd);
    assert_eq!((*puppet.0.config.lock().unwrap(), driver.device.errors().count()), ([0, 0, 0xcd, 0xab], 0));
    write(4, 0, !0);
    write(8, 0, !0);
    write(1, 4, 1);
    assert_eq!((driver.r(VIRTIO_MMIO_CONFIG), driver.device.errors().count()), (0xabcd_0000, 3));
    assert!(driver.device.awaits_host());
}
