use std::sync::Arc;

use super::*;
use crate::virtio::Service;
use crate::virtio::testing::*;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl SerialOutput for Captured {
    fn write(&mut self, bytes: &[u8]) {
        lock(&self.0).extend_from_slice(bytes);
    }
}

fn driver(service: Service) -> (Driver, Arc<Console>, Captured) {
    let captured = Captured::default();
    let console = Arc::new(Console::new(Box::new(captured.clone())));
    (Driver::over(console.clone(), service), console, captured)
}

#[test]
fn what_the_guest_writes_comes_out_in_order() {
    let (mut driver, _, captured) = driver(Service::Inline);
    driver.start(F_SIZE);
    let text: Vec<u8> = (0..10_000_u32).map(|n| n as u8).collect();
    driver.put(DATA, &text);
    driver.request(1, &[(DATA, 5, 0), (DATA + 5, 9995, 0)]);
    assert_eq!(driver.used(1), Some((0, 0)));
    assert_eq!(*lock(&captured.0), text);
    // Room for an answer, and nothing to write.
    driver.request(1, &[(DATA, 5, WRITE)]);
    assert_eq!(driver.used(1), Some((0, 0)));
    driver.request(1, &[(RAM + RAM_LEN - 1, 2, 0)]);
    assert!(driver.needs_reset());
}

#[test]
fn input_waits_for_the_driver_and_for_its_buffers() {
    let (mut driver, console, _) = driver(Service::Inline);
    console.receive_all(b"early");
    assert!(!console.awaits_host());
    driver.start(F_SIZE);
    assert!(console.awaits_host());
    driver.request(0, &[(DATA, 3, WRITE)]);
    assert_eq!((driver.used(0), driver.get(DATA, 3)), (Some((0, 3)), b"ear".to_vec()));
    // A reset loses what was handed over, and nothing else.
    driver.w(virtio_bindings::virtio_mmio::VIRTIO_MMIO_STATUS, 0);
    console.receive_all(b", late");
    driver.start(F_SIZE);
    driver.request(0, &[(DATA, 2, WRITE), (DATA + 2, 100, WRITE)]);
    assert_eq!((driver.used(0), driver.get(DATA, 8)), (Some((0, 8)), b"ly, late".to_vec()));
    // A buffer that waits for input.
    driver.request(0, &[(DATA, 100, WRITE)]);
    assert_eq!(driver.used(0), None);
    console.receive_all(b"x");
    assert_eq!(driver.used(0), Some((0, 1)));
    console.close();
    console.receive_all(b"lost");
    driver.request(0, &[(DATA, 100, WRITE)]);
    assert!(driver.used(0).is_none() && !console.awaits_host());
}

#[test]
fn who_types_more_than_is_read_waits() {
    let (mut driver, console, _) = driver(Service::Threads);
    driver.start(F_SIZE);
    let typed: Vec<u8> = (0..3 * WAITING + 7).map(|n| n as u8).collect();
    let typist = std::thread::spawn({
        let (console, typed) = (console.clone(), typed.clone());
        move || console.receive_all(&typed)
    });
    let mut seen = Vec::new();
    while seen.len() < typed.len() {
        driver.request(0, &[(DATA, 1000, WRITE)]);
        driver.wire.wait();
        driver.acknowledge();
        if let Some((_, count)) = driver.used(0) {
            seen.extend(driver.get(DATA, count as usize));
        }
    }
    assert!(seen == typed);
    typist.join().unwrap();
    // And who waits when the machine ends is let go.
    let typist = std::thread::spawn({
        let console = console.clone();
        move || console.receive_all(&[0; 3 * WAITING])
    });
    console.close();
    typist.join().unwrap();
}

#[test]
fn the_window_has_a_size_and_the_driver_hears_when_it_changes() {
    let (mut driver, console, _) = driver(Service::Inline);
    console.resize(Window { columns: 80, rows: 25 });
    driver.start(F_SIZE);
    assert_eq!((driver.r(0x100), driver.r(0x104), driver.r(0x108)), (80 | 25 << 16, 1, 0));
    driver.acknowledge();
    // With the first that the guest writes, and no more after that.
    driver.request(1, &[(DATA, 1, 0)]);
    assert_eq!(driver.acknowledge(), 3);
    driver.request(1, &[(DATA, 1, 0)]);
    assert_eq!(driver.acknowledge(), 1);
    console.resize(Window { columns: 132, rows: 50 });
    assert_eq!((driver.r(0x100), driver.acknowledge()), (132 | 50 << 16, 2));
    driver.w(0x100, 0);
    assert_eq!(driver.r(0x100), 132 | 50 << 16);
}
