//! What a driver can do to any device, right and wrong.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use armlet_base::{Access, MmioDevice};
use proptest::prelude::*;
use virtio_bindings::virtio_config::*;
use virtio_bindings::virtio_mmio::*;
use virtio_bindings::virtio_ring::*;

use super::mmio::EmptySlots;
use super::testing::*;
use super::{Broken, Request, Service, VirtioDevice, Virtqueue};

const QUEUE_RESET: u32 = 0xc0;
const EVENT_IDX: u64 = 1 << VIRTIO_RING_F_EVENT_IDX;

/// Writes what it reads, and counts requests.
#[derive(Clone, Default)]
struct Echo(Arc<AtomicUsize>);

impl VirtioDevice for Echo {
    fn id(&self) -> u32 {
        42
    }
    fn features(&self) -> u64 {
        1 << 3
    }
    fn queue_sizes(&self) -> &[u16] {
        &[16, 8]
    }
    fn config(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[1, 2, 3, 4, 5])
    }
    fn serve(&self, _: &Virtqueue, request: Request) -> Result<u32, Broken> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let mut bytes = vec![0; request.readable.len().min(4096)];
        request.readable.copy_to(&mut bytes);
        Ok(request.writable.copy_from(&bytes) as u32)
    }
}

fn echo() -> (Driver, Echo) {
    let echo = Echo::default();
    (Driver::started(echo.clone(), Service::Inline, 0), echo)
}

#[test]
fn registers_after_power_on() {
    let driver = Driver::new(Echo::default(), Service::Inline);
    let identity = [VIRTIO_MMIO_MAGIC_VALUE, VIRTIO_MMIO_VERSION, VIRTIO_MMIO_DEVICE_ID, VIRTIO_MMIO_STATUS];
    assert_eq!(identity.map(|offset| driver.r(offset)), [0x7472_6976, 2, 42, 0]);
    driver.w(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    assert_eq!(driver.r(VIRTIO_MMIO_DEVICE_FEATURES) & 1, 1, "VERSION_1");
    driver.w(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
    assert_eq!(driver.r(VIRTIO_MMIO_DEVICE_FEATURES), 0);
    let max = [0, 1, 2, !0].map(|queue| {
        driver.w(VIRTIO_MMIO_QUEUE_SEL, queue);
        driver.r(VIRTIO_MMIO_QUEUE_NUM_MAX)
    });
    assert_eq!(max, [16, 8, 0, 0]);
    assert_eq!(driver.r(VIRTIO_MMIO_SHM_LEN_LOW), !0);
    let config = |size, offset: u64| driver.device.read(Access { cpu: 0, size }, 0x100 + offset);
    assert_eq!((config(1, 1), config(2, 2), config(4, 4), config(8, 0)), (2, 0x403, 5, 0x5_0403_0201));
    assert_eq!(driver.device.errors().count(), 0);
    driver.w(VIRTIO_MMIO_QUEUE_PFN, 1);
    assert_eq!(driver.device.errors().count(), 1, "a register of version 1");
    let empty = EmptySlots::default();
    let slot = |offset: u64| empty.read(Access { cpu: 0, size: 4 }, 0x200 + offset);
    assert_eq!((slot(0), slot(4), slot(8), slot(0x70)), (0x7472_6976, 2, 0, 0));
}

#[test]
fn features_are_agreed_on_once_and_only_on_offer() {
    let driver = Driver::new(Echo::default(), Service::Inline);
    let agreed = |features| {
        driver.w(VIRTIO_MMIO_STATUS, 0);
        driver.negotiate(features);
        driver.status() & VIRTIO_CONFIG_S_FEATURES_OK != 0
    };
    assert!(!agreed(1 << 3), "without VERSION_1");
    assert!(!agreed(VERSION_1 | 1 << 4), "not on offer");
    assert!(!agreed(VERSION_1 | 1 << VIRTIO_F_RING_PACKED));
    assert!(agreed(VERSION_1 | 1 << 3));
    driver.w(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    driver.w(VIRTIO_MMIO_DRIVER_FEATURES, 1 << 4);
    driver.w(VIRTIO_MMIO_STATUS, driver.status() | VIRTIO_CONFIG_S_DRIVER_OK);
    assert!(!driver.needs_reset());
    driver.w(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    assert_eq!(driver.status(), 15, "bits are never cleared but all at once");
    driver.w(VIRTIO_MMIO_STATUS, 0);
    driver.w(VIRTIO_MMIO_STATUS, 7);
    assert!(driver.needs_reset(), "no features were agreed on");
}

#[test]
fn a_request_is_served_and_interrupts() {
    let (mut driver, _) = echo();
    driver.put(DATA, b"hello");
    driver
        .request(1, &[(DATA, 2, 0), (DATA + 2, 3, 0), (DATA + 0x1000, 1, WRITE), (DATA + 0x2000, 9, WRITE)]);
    assert_eq!(driver.used(1), Some((0, 5)));
    assert_eq!((driver.get(DATA + 0x1000, 1), driver.get(DATA + 0x2000, 4)), (b"h".into(), b"ello".into()));
    assert!(driver.wire.level());
    assert_eq!(driver.acknowledge(), VIRTIO_MMIO_INT_VRING);
    assert!(!driver.wire.level());
    assert_eq!(driver.used(1), None);
    driver.w(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
    driver.w(VIRTIO_MMIO_QUEUE_NOTIFY, 7);
    assert!(!driver.wire.level() && !driver.needs_reset(), "nothing is there");
}

#[test]
fn rings_wrap_around() {
    let (mut driver, echo) = echo();
    for round in 0..70_000u32 {
        driver.request(0, &[(DATA, 1, 0), (DATA + 1, 1, WRITE)]);
        assert_eq!(driver.used(0), Some((0, 1)), "{round}");
    }
    assert_eq!(echo.0.load(Ordering::SeqCst), 70_000);
}

#[test]
fn buffers_offered_before_the_driver_is_ready_wait_for_it() {
    let echo = Echo::default();
    let mut driver = Driver::new(echo.clone(), Service::Inline);
    driver.negotiate(VERSION_1);
    driver.w(VIRTIO_MMIO_QUEUE_SEL, 0);
    driver.set_up(0);
    driver.request(0, &[(DATA, 1, WRITE)]);
    assert_eq!(driver.used(0), None);
    driver.w(VIRTIO_MMIO_STATUS, 15);
    assert_eq!(driver.used(0), Some((0, 0)));
}

#[test]
fn indirect_tables_are_followed() {
    let (mut driver, _) = echo();
    let table = DATA + 0x8000;
    driver.put(DATA, b"ab");
    driver.describe(table, 0, (DATA, 2, NEXT, 2));
    driver.describe(table, 2, (DATA + 0x100, 2, WRITE, 0));
    driver.request(0, &[(table, 48, VRING_DESC_F_INDIRECT as u16)]);
    assert_eq!(driver.used(0), Some((0, 2)));
    assert_eq!(driver.get(DATA + 0x100, 2), b"ab");
}

#[test]
fn event_indices_suppress_interrupts() {
    let mut driver = Driver::started(Echo::default(), Service::Inline, EVENT_IDX);
    driver.set_used_event(0, 2);
    for rises in [0, 0, 1, 1] {
        driver.request(0, &[(DATA, 1, WRITE)]);
        assert_eq!(driver.wire.rises(), rises);
    }
    assert_eq!(driver.avail_event(0), 4, "the device asks to be told of the next one");
}

type Misdeed = (&'static str, fn(&mut Driver));

/// Each does to queue 0 what no driver may.
fn malformed() -> Vec<Misdeed> {
    fn chain(driver: &mut Driver, descriptors: &[Descriptor]) {
        let [table, ..] = Driver::areas(0);
        for (index, descriptor) in descriptors.iter().enumerate() {
            driver.describe(table, index as u16, *descriptor);
        }
        driver.offer(0, 0);
        driver.w(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    }
    const INDIRECT: u16 = VRING_DESC_F_INDIRECT as u16;
    vec![
        ("a loop", |d| chain(d, &[(DATA, 1, NEXT, 1), (DATA, 1, NEXT, 0)])),
        ("a chain out of the table", |d| chain(d, &[(DATA, 1, NEXT, 8)])),
        ("a head out of the table", |d| {
            d.offer(0, 8);
            d.w(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
        }),
        ("no memory", |d| chain(d, &[(RAM - 1, 2, 0, 0)])),
        ("beyond memory", |d| chain(d, &[(RAM + RAM_LEN - 1, 2, WRITE, 0)])),
        ("around the end", |d| chain(d, &[(u64::MAX, 2, 0, 0)])),
        ("too long", |d| chain(d, &[(RAM, u32::MAX, NEXT, 1), (RAM, u32::MAX, 0, 0)])),
        ("writable first", |d| chain(d, &[(DATA, 1, WRITE | NEXT, 1), (DATA, 1, 0, 0)])),
        ("half a table", |d| chain(d, &[(DATA, 24, INDIRECT, 0)])),
        ("an empty table", |d| chain(d, &[(DATA, 0, INDIRECT, 0)])),
        ("a table in a table", |d| {
            d.describe(DATA, 0, (DATA, 16, INDIRECT, 0));
            chain(d, &[(DATA, 16, INDIRECT, 0)]);
        }),
        ("a table nowhere", |d| chain(d, &[(RAM - 64, 32, INDIRECT, 0)])),
        ("an index that runs away", |d| {
            d.put_u16(Driver::areas(0)[1] + 2, 9);
            d.w(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
        }),
        ("an index that goes back", |d| {
            d.put_u16(Driver::areas(0)[1] + 2, !0);
            d.w(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
        }),
    ]
}

#[test]
fn malformed_requests_stop_the_device_until_it_is_reset() {
    for (what, act) in malformed() {
        let (mut driver, echo) = echo();
        act(&mut driver);
        assert!(driver.needs_reset(), "{what}");
        assert_eq!(driver.acknowledge(), VIRTIO_MMIO_INT_CONFIG, "{what}");
        driver.request(1, &[(DATA, 1, WRITE)]);
        assert_eq!(
            (driver.used(0), driver.used(1), echo.0.load(Ordering::SeqCst)),
            (None, None, 0),
            "{what}"
        );
        driver.w(VIRTIO_MMIO_STATUS, 0);
        assert_eq!((driver.status(), driver.wire.level()), (0, false), "{what}");
        driver.start(0);
        driver.request(1, &[(DATA, 1, WRITE)]);
        assert_eq!(driver.used(1), Some((0, 0)), "{what}");
    }
}

#[test]
fn queues_that_can_not_be_are_refused() {
    let [desc, avail, used] = Driver::areas(0);
    for (what, size, desc, avail, used) in [
        ("no size", 0, desc, avail, used),
        ("no power of two", 3, desc, avail, used),
        ("too large", 32, desc, avail, used),
        ("far too large", 0x1_0008, desc, avail, used),
        ("descriptors unaligned", 8, desc + 8, avail, used),
        ("driver area unaligned", 8, desc, avail + 1, used),
        ("device area unaligned", 8, desc, avail, used + 2),
        ("descriptors nowhere", 8, 0x1000, avail, used),
        ("driver area beyond the end", 8, desc, RAM + RAM_LEN - 4, used),
        ("device area around the end", 8, desc, avail, u64::MAX - 3),
    ] {
        let driver = Driver::new(Echo::default(), Service::Inline);
        driver.negotiate(VERSION_1);
        driver.w(VIRTIO_MMIO_QUEUE_SEL, 0);
        driver.set_up_at(size, desc, avail, used);
        assert!(driver.needs_reset() && driver.r(VIRTIO_MMIO_QUEUE_READY) == 0, "{what}");
    }
    let driver = Driver::new(Echo::default(), Service::Inline);
    driver.set_up(0);
    assert!(driver.needs_reset(), "before features");
}

#[test]
fn a_queue_can_be_taken_back_and_set_up_anew() {
    let ring_reset = 1 << VIRTIO_F_RING_RESET;
    for (reset, features) in [(VIRTIO_MMIO_QUEUE_READY, 0), (QUEUE_RESET, ring_reset)] {
        let mut driver = Driver::started(Echo::default(), Service::Inline, features);
        driver.w(VIRTIO_MMIO_QUEUE_SEL, 1);
        driver.w(VIRTIO_MMIO_QUEUE_NUM, 4);
        driver.w(reset, u32::from(reset == QUEUE_RESET));
        assert_eq!((driver.r(VIRTIO_MMIO_QUEUE_READY), driver.r(QUEUE_RESET)), (0, 0));
        driver.request(1, &[(DATA, 1, WRITE)]);
        driver.request(0, &[(DATA, 1, WRITE)]);
        assert_eq!((driver.used(1), driver.used(0)), (None, Some((0, 0))));
        driver.set_up(1);
        driver.offer(1, 0);
        assert!(driver.r(VIRTIO_MMIO_QUEUE_READY) == 1 && !driver.needs_reset());
    }
    let driver = Driver::started(Echo::default(), Service::Inline, 0);
    driver.w(VIRTIO_MMIO_QUEUE_SEL, 1);
    driver.w(QUEUE_RESET, 1);
    assert_eq!(driver.r(VIRTIO_MMIO_QUEUE_READY), 1, "not agreed on");
}

/// Tells when it is asked, and answers when it is told to.
struct Slow {
    asked: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl VirtioDevice for Slow {
    fn id(&self) -> u32 {
        42
    }
    fn queue_sizes(&self) -> &[u16] {
        &[8]
    }
    fn serve(&self, _: &Virtqueue, request: Request) -> Result<u32, Broken> {
        self.asked.lock().unwrap().send(()).unwrap();
        self.go.lock().unwrap().recv().unwrap();
        Ok(request.writable.copy_from(&[1]) as u32)
    }
}

#[test]
fn a_reset_waits_for_the_request_in_hand_and_drops_the_others() {
    let ((asked, was_asked), (go, told)) = (channel(), channel());
    let slow = Slow { asked: Mutex::new(asked), go: Mutex::new(told) };
    let mut driver = Driver::started(slow, Service::Threads, 0);
    driver.request(0, &[(DATA, 1, WRITE)]);
    was_asked.recv().unwrap();
    driver.offer(0, 0);
    driver.w(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    assert!(driver.device.awaits_host(), "it is busy");
    let device = driver.device.clone();
    let reset = std::thread::spawn(move || device.reset());
    go.send(()).unwrap();
    // Whether the second request was begun before the reset came is open; that none is after it is not.
    let again = go.clone();
    let helper = std::thread::spawn(move || again.send(()));
    reset.join().unwrap();
    helper.join().unwrap().unwrap();
    driver.put(DATA, &[0]);
    assert_eq!((driver.status(), driver.wire.level()), (0, false));
    driver.w(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    assert_eq!(driver.get(DATA, 1), [0]);
}

#[test]
fn a_thread_serves_and_ends_with_its_device() {
    let mut driver = Driver::started(Echo::default(), Service::Threads, 0);
    driver.put(DATA, b"x");
    for _ in 0..100 {
        driver.request(0, &[(DATA, 1, 0), (DATA + 1, 1, WRITE)]);
        driver.wire.wait();
        driver.acknowledge();
        assert_eq!(driver.used(0), Some((0, 1)));
    }
    // Joins the threads.
    drop(driver);
}

#[test]
fn a_device_that_panics_is_lost_alone() {
    struct Wrong;
    impl VirtioDevice for Wrong {
        fn id(&self) -> u32 {
            42
        }
        fn queue_sizes(&self) -> &[u16] {
            &[8]
        }
        fn serve(&self, _: &Virtqueue, _: Request) -> Result<u32, Broken> {
            panic!("as the test wants it");
        }
    }
    let mut driver = Driver::started(Wrong, Service::Threads, 0);
    driver.request(0, &[(DATA, 1, WRITE)]);
    driver.wire.wait();
    assert!(driver.needs_reset());
    driver.w(VIRTIO_MMIO_STATUS, 0);
    assert_eq!(driver.status(), 0);
}

/// A register access or a scribble over the rings.
#[derive(Clone, Debug)]
enum Act {
    Read(u64, u8),
    Write(u64, u8, u64),
    Scribble(u64, u16),
    Start(u64),
    Offer(u32, Vec<(u64, u32, u16)>),
}

fn act() -> impl Strategy<Value = Act> {
    let offset = || prop_oneof![8 => (0..0x48_u64).prop_map(|o| o * 4), 1 => 0..0x210_u64];
    let size = || prop_oneof![6 => Just(4u8), 1 => prop_oneof![Just(1u8), Just(2), Just(8)]];
    let value = prop_oneof![0..20_u64, Just(RAM), any::<u64>()];
    let buffer =
        (prop_oneof![RAM..RAM + RAM_LEN, any::<u64>()], prop_oneof![0..600_u32, any::<u32>()], 0..8_u16);
    prop_oneof![
        2 => (offset(), size()).prop_map(|(o, s)| Act::Read(o, s)),
        4 => (offset(), size(), value).prop_map(|(o, s, v)| Act::Write(o, s, v)),
        4 => (0..0x8000_u64, prop_oneof![0..20_u16, any::<u16>()]).prop_map(|(at, v)| Act::Scribble(at & !1, v)),
        1 => any::<u64>().prop_map(Act::Start),
        2 => (0..3_u32, proptest::collection::vec(buffer, 1..4)).prop_map(|(q, b)| Act::Offer(q, b)),
    ]
}

proptest! {
    #[test]
    fn no_driver_can_do_harm(acts in proptest::collection::vec(act(), 1..60)) {
        let mut driver = Driver::started(Echo::default(), Service::Inline, EVENT_IDX);
        for act in acts {
            match act {
                Act::Read(offset, size) => {
                    driver.device.read(Access { cpu: 0, size }, offset);
                }
                Act::Write(offset, size, value) => driver.device.write(Access { cpu: 0, size }, offset, value),
                Act::Scribble(at, value) => driver.put_u16(RAM + at, value),
                Act::Start(features) => {
                    driver.w(VIRTIO_MMIO_STATUS, 0);
                    driver.start(features & 0x3000_0008);
                }
                Act::Offer(queue, buffers) => driver.request(queue, &buffers),
            }
        }
        driver.device.reset();
        prop_assert!(!driver.wire.level());
        driver.start(0);
        driver.request(1, &[(DATA, 1, WRITE)]);
        prop_assert_eq!(driver.used(1), Some((0, 0)));
    }
}

/// Serves requests of up to four bytes at once, and remembers which thread served each.
#[derive(Clone, Default)]
struct Hasty(Arc<Mutex<Vec<std::thread::ThreadId>>>);

impl VirtioDevice for Hasty {
    fn id(&self) -> u32 {
        42
    }
    fn queue_sizes(&self) -> &[u16] {
        &[8]
    }
    fn notified_by_vcpu(&self, queue: &Virtqueue) -> bool {
        queue.serve_at_once(|request| request.readable.len() <= 4, |request| self.serve(queue, request))
    }
    fn serve(&self, _: &Virtqueue, request: Request) -> Result<u32, Broken> {
        self.0.lock().unwrap().push(std::thread::current().id());
        assert!(request.readable.len() != 3, "a mistake in the device");
        Ok(request.writable.copy_from(b"!") as u32)
    }
}

#[test]
fn the_vcpu_serves_what_is_quick_and_a_thread_the_rest() {
    let device = Hasty::default();
    let mut driver = Driver::started(device.clone(), Service::Threads, 0);
    // As they are in the ring: the long one, and what comes after it, is not the vCPU's.
    for (head, len) in [(0, 4), (2, 5), (4, 4)] {
        driver.describe(Driver::areas(0)[0], head, (DATA, len, NEXT, head + 1));
        driver.describe(Driver::areas(0)[0], head + 1, (DATA + 0x1000, 1, WRITE, 0));
        driver.offer(0, head);
    }
    driver.w(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    for head in [0, 2, 4] {
        let used = loop {
            match driver.used(0) {
                Some(used) => break used,
                None => driver.wire.wait(),
            }
        };
        assert_eq!(used, (head, 1));
        driver.acknowledge();
    }
    let (here, servers) = (std::thread::current().id(), device.0.lock().unwrap().clone());
    assert_eq!(servers.len(), 3, "each is served once");
    assert!(servers[0] == here && servers[1] != here && servers[2] == servers[1]);
}

#[test]
fn a_device_that_panics_while_a_vcpu_waits_needs_a_reset() {
    let mut driver = Driver::started(Hasty::default(), Service::Threads, 0);
    driver.request(0, &[(DATA, 3, 0), (DATA + 0x1000, 1, WRITE)]);
    // The vCPU has come back, or a thread does it.
    while !driver.needs_reset() {
        std::thread::yield_now();
    }
}
