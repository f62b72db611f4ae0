use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::virtio::Service;
use crate::virtio::testing::*;

const NEVER: Duration = Duration::ZERO;
const PATIENCE: Duration = Duration::from_secs(30);
const ALL: u64 = F_STATS_VQ | F_DEFLATE_ON_OOM | F_PAGE_POISON | F_REPORTING;
/// The configuration space (virtio-mmio).
const CONFIG: u32 = 0x100;

/// A driver whose pages from `DATA` on are full.
fn driver(service: Service, features: u64) -> (Driver, Arc<Balloon>) {
    let balloon = Arc::new(Balloon::new(RAM_LEN));
    let mut driver = Driver::over(balloon.clone(), service);
    driver.start(features);
    driver.put(DATA, &[0xa5; 0x1_0000]);
    (driver, balloon)
}

fn give(driver: &mut Driver, pages: &[u64]) {
    let numbers: Vec<u8> = pages.iter().flat_map(|page| ((page / PAGE) as u32).to_le_bytes()).collect();
    driver.put(RAM + 0x3_0000, &numbers);
    driver.request(0, &[(RAM + 0x3_0000, numbers.len() as u32, 0)]);
}

/// Which of the sixteen pages from `DATA` on are zeros.
fn zeros(driver: &Driver) -> Vec<u64> {
    let clear = |page: &u64| driver.get(DATA + page * PAGE, PAGE as usize).iter().all(|byte| *byte == 0);
    (0..16).filter(clear).collect()
}

#[test]
fn pages_of_the_balloon_are_discarded_in_any_order_and_more_than_once() {
    let (mut driver, _) = driver(Service::Inline, ALL);
    give(&mut driver, &[DATA + 5 * PAGE, DATA + 3 * PAGE, DATA + 4 * PAGE, DATA + 9 * PAGE, DATA + 5 * PAGE]);
    assert_eq!(driver.used(0), Some((0, 0)));
    assert_eq!(zeros(&driver), [3, 4, 5, 9]);
    // A page is there again without a word, and comes back with one.
    driver.put(DATA + 3 * PAGE, b"again");
    driver.request(1, &[(RAM + 0x3_0000, 20, 0)]);
    assert_eq!(driver.used(1), Some((0, 0)));
    assert_eq!(driver.get(DATA + 3 * PAGE, 5), b"again");
    // Nothing, and half a number.
    driver.request(0, &[(DATA, 3, 0)]);
    assert!(driver.used(0).is_some() && !driver.needs_reset());
}

#[test]
fn pages_that_are_not_there_break_the_device() {
    for page in [0, RAM - PAGE, RAM + RAM_LEN, u64::from(u32::MAX) * PAGE] {
        let (mut driver, _) = driver(Service::Inline, ALL);
        give(&mut driver, &[DATA, page]);
        assert!(driver.needs_reset() && driver.used(0).is_none(), "{page:#x}");
        driver.w(virtio_bindings::virtio_mmio::VIRTIO_MMIO_STATUS, 0);
        driver.start(ALL);
        give(&mut driver, &[DATA]);
        assert!(driver.used(0).is_some() && zeros(&driver).contains(&0));
    }
    // More than anybody has to give: the same megabyte of numbers, eight times.
    let (mut driver, _) = driver(Service::Inline, ALL);
    driver.request(0, &[(RAM, RAM_LEN as u32, 0); 8]);
    assert!(driver.needs_reset());
}

#[test]
fn free_pages_are_taken_from_either_queue_unless_the_guest_has_filled_them() {
    for (features, queue) in [(ALL, 3), (ALL & !F_STATS_VQ, 2)] {
        let (mut driver, _) = driver(Service::Inline, features);
        driver.request(queue, &[(DATA, 0x2000, WRITE), (DATA + 0x5000, 0x1000, WRITE)]);
        assert_eq!(driver.used(queue), Some((0, 0)));
        assert_eq!(zeros(&driver), [0, 1, 5]);
    }
    let (mut driver, balloon) = driver(Service::Inline, ALL);
    driver.w(CONFIG + POISON as u32, 0xaaaa_aaaa);
    assert_eq!(driver.r(CONFIG + POISON as u32), 0xaaaa_aaaa);
    driver.request(3, &[(DATA, 0x2000, WRITE)]);
    assert_eq!((driver.used(3), zeros(&driver)), (Some((0, 0)), vec![]));
    // Memory that is not there, and a device that was reset.
    driver.request(3, &[(RAM + RAM_LEN, 0x2000, WRITE)]);
    assert!(driver.needs_reset());
    driver.w(virtio_bindings::virtio_mmio::VIRTIO_MMIO_STATUS, 0);
    assert_eq!(balloon.state().poison, 0);
}

#[test]
fn the_driver_hears_of_the_target_and_says_what_it_has() {
    let (driver, balloon) = driver(Service::Inline, ALL);
    assert_eq!(driver.r(CONFIG), 0);
    driver.acknowledge();
    balloon.set_target(0x1_2fff);
    assert_eq!((driver.r(CONFIG), driver.acknowledge()), (0x12, 2), "configuration has changed");
    driver.w(CONFIG + ACTUAL as u32, 7);
    assert_eq!(
        balloon.report(NEVER),
        Report { target: 0x1_2000, actual: 0x7000, guest: Statistics::default() }
    );
    // Its own field alone is the driver's.
    driver.w(CONFIG, 99);
    assert_eq!(driver.r(CONFIG), 0x12);
    assert!(!balloon.set_config(13, &[0; 4]) && !balloon.set_config(usize::MAX, &[0; 4]));
    driver.w(virtio_bindings::virtio_mmio::VIRTIO_MMIO_STATUS, 0);
    assert_eq!(balloon.report(NEVER).actual, 0);
    assert_eq!(driver.r(CONFIG), 0x12, "the user still wants that");
    balloon.set_target(u64::MAX);
    assert_eq!(driver.r(CONFIG), (RAM_LEN / PAGE) as u32, "there is no more");
}

fn tell(driver: &mut Driver, entries: &[(u16, u64)]) {
    let entry = |(tag, value): &(u16, u64)| [&tag.to_le_bytes()[..], &value.to_le_bytes()].concat();
    let bytes: Vec<u8> = entries.iter().flat_map(entry).collect();
    driver.put(DATA, &bytes);
    driver.request(2, &[(DATA, bytes.len() as u32, 0)]);
}

#[test]
fn statistics_come_when_they_are_asked_for() {
    let (mut driver, balloon) = driver(Service::Threads, ALL);
    // The driver begins with a buffer that is kept.
    tell(&mut driver, &[(4, 1000), (77, 1), (5, 5000)]);
    while balloon.state().question.is_none() {
        std::thread::yield_now();
    }
    assert_eq!(driver.used(2), None);
    let asker = std::thread::spawn({
        let balloon = balloon.clone();
        move || balloon.report(PATIENCE)
    });
    driver.wire.wait();
    assert_eq!(driver.used(2), Some((0, 0)));
    tell(&mut driver, &[(4, 2000), (6, 4000), (7, 300)]);
    let guest = Statistics { free: Some(2000), total: None, available: Some(4000), caches: Some(300) };
    assert_eq!(asker.join().unwrap().guest, guest);
    // A second buffer is one too many: the first goes back.
    driver.acknowledge();
    tell(&mut driver, &[]);
    driver.wire.wait();
    assert_eq!(driver.used(2), Some((0, 0)));
    // Who waits while the device is reset waits no longer, and the buffer from before completes nothing.
    let asker = std::thread::spawn({
        let balloon = balloon.clone();
        move || balloon.report(PATIENCE)
    });
    while !balloon.state().asked {
        std::thread::yield_now();
    }
    driver.w(virtio_bindings::virtio_mmio::VIRTIO_MMIO_STATUS, 0);
    assert_eq!(asker.join().unwrap(), Report::default());
}
