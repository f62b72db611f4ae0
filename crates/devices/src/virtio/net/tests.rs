//! A network that keeps what it gets, and a driver in front of the card.

use std::sync::{Arc, Mutex};

use armlet_net::{Card, Header, Mac, Network, Offloads, Segmentation};
use virtio_bindings::virtio_mmio::*;
use virtio_bindings::virtio_net::*;
use virtio_bindings::virtio_ring::VIRTIO_RING_F_EVENT_IDX;

use super::*;
use crate::virtio::Service;
use crate::virtio::testing::*;

const MERGE: u64 = 1 << VIRTIO_NET_F_MRG_RXBUF;
const CUT: Header = Header {
    checksum: Some((34, 16)),
    segmentation: Some(Segmentation { ipv6: false, ecn: false, header_len: 54, size: 1446 }),
};

#[derive(Default)]
struct Log {
    card: Mutex<Option<Arc<dyn Card>>>,
    frames: Mutex<Vec<(Header, Vec<u8>)>>,
    /// How often there was room again, and the card was reset.
    told: Mutex<(usize, usize)>,
}

impl Network for Log {
    fn attach(&self, card: Arc<dyn Card>) {
        *self.card.lock().unwrap() = Some(card);
    }
    fn offloads(&self) -> Offloads {
        Offloads { checksum: true, tcp4: true, tcp6: false }
    }
    fn send(&self, header: &Header, frame: &[u8]) {
        self.frames.lock().unwrap().push((*header, frame.to_vec()));
    }
    fn ready(&self) {
        self.told.lock().unwrap().0 += 1;
    }
    fn reset(&self) {
        self.told.lock().unwrap().1 += 1;
    }
}

impl Log {
    fn deliver(&self, header: &Header, frame: &[u8]) -> bool {
        let card = self.card.lock().unwrap().clone().unwrap();
        card.deliver(header, frame)
    }
}

fn card(features: u64) -> (Driver, Arc<Log>) {
    let log = Arc::new(Log::default());
    let mac: Mac = "52:54:00:00:00:01".parse().unwrap();
    (Driver::started(Net::new(log.clone(), mac), Service::Inline, features), log)
}

/// Offers a writable buffer of `len` bytes at a place of its own.
fn offer(driver: &mut Driver, index: u16, len: u32) {
    let [table, ..] = Driver::areas(0);
    driver.describe(table, index, (place(index), len, WRITE, 0));
    driver.offer(0, index);
    driver.w(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
}

fn place(index: u16) -> u64 {
    DATA + 0x1000 * u64::from(index)
}

#[test]
fn it_says_what_it_is() {
    let (driver, _) = card(0);
    driver.w(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    let features = u64::from(driver.r(VIRTIO_MMIO_DEVICE_FEATURES));
    for (feature, there) in [
        (VIRTIO_NET_F_MAC, true),
        (VIRTIO_NET_F_MRG_RXBUF, true),
        (VIRTIO_NET_F_CSUM, true),
        (VIRTIO_NET_F_GUEST_TSO4, true),
        (VIRTIO_NET_F_GUEST_TSO6, false),
        (VIRTIO_NET_F_HOST_UFO, false),
    ] {
        assert_eq!(features >> feature & 1 != 0, there, "{feature}");
    }
    let config = (0..12).map(|at| driver.r(0x100 + (at & !3)) >> (8 * (at & 3)));
    let config: Vec<u8> = config.map(|byte| byte as u8).collect();
    assert_eq!(config, [0x52, 0x54, 0, 0, 0, 1, 1, 0, 1, 0, 0xdc, 5]);
}

#[test]
fn frames_go_out_with_what_is_left_to_do() {
    let (mut driver, log) = card(0);
    driver.put(DATA, &CUT.encode(0));
    driver.put(DATA + 0x100, b"frame");
    driver.request(1, &[(DATA, 12, 0), (DATA + 0x100, 5, 0)]);
    driver.put(DATA, &[0; 12]);
    driver.request(1, &[(DATA, 12, 0)]);
    assert_eq!([driver.used(1), driver.used(1)], [Some((0, 0)); 2]);
    let frames = log.frames.lock().unwrap().clone();
    assert_eq!(frames, [(CUT, b"frame".to_vec()), (Header::default(), Vec::new())]);
    // What can't be a frame is no reason to stop; what has no header is.
    driver.put(DATA, &[0, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    driver.request(1, &[(DATA, 12, 0)]);
    driver.request(1, &[(DATA, 0x2_0000, 0)]);
    assert!(!driver.needs_reset() && log.frames.lock().unwrap().len() == 2);
    driver.request(1, &[(DATA, 11, 0)]);
    assert!(driver.needs_reset());
}

#[test]
fn a_frame_fills_one_buffer_or_several_at_once() {
    let (mut driver, log) = card(MERGE | 1 << VIRTIO_RING_F_EVENT_IDX);
    [20, 12, 3, 100].into_iter().zip(0..).for_each(|(len, index)| offer(&mut driver, index, len));
    assert!(log.deliver(&CUT, b"0123456789abcdefghijABC"));
    assert_eq!(driver.wire.rises(), 1, "one interrupt");
    assert_eq!(
        [driver.used(0), driver.used(0), driver.used(0)],
        [Some((0, 20)), Some((1, 12)), Some((2, 3))]
    );
    assert_eq!(driver.get(place(0), 20), [&CUT.encode(3)[..], b"01234567"].concat());
    assert_eq!((driver.get(place(1), 12), driver.get(place(2), 3)), (b"89abcdefghij".into(), b"ABC".into()));
    assert!(log.deliver(&Header::default(), b"x"));
    assert_eq!((driver.used(0), driver.get(place(3), 14)[10..].into()), (Some((3, 13)), vec![1, 0, b'x', 0]));
}

#[test]
fn without_room_a_frame_waits_for_it() {
    let (mut driver, log) = card(MERGE);
    let told = |log: &Log| log.told.lock().unwrap().0;
    offer(&mut driver, 0, 20);
    let before = told(&log);
    assert!(!log.deliver(&Header::default(), b"0123456789"));
    assert_eq!(driver.used(0), None);
    offer(&mut driver, 1, 20);
    assert!(told(&log) > before);
    assert!(log.deliver(&Header::default(), b"0123456789"));
    assert_eq!([driver.used(0), driver.used(0)], [Some((0, 20)), Some((1, 2))]);
}

#[test]
fn without_merging_a_frame_that_fits_no_buffer_is_lost() {
    let (mut driver, log) = card(0);
    offer(&mut driver, 0, 20);
    assert!(log.deliver(&Header::default(), b"0123456789"));
    assert_eq!(driver.used(0), None);
    assert!(log.deliver(&Header::default(), b"01234567"));
    assert_eq!(driver.used(0), Some((0, 20)));
}

#[test]
fn a_card_that_is_not_in_use_takes_everything() {
    let (mut driver, log) = card(0);
    offer(&mut driver, 0, 64);
    driver.w(VIRTIO_MMIO_STATUS, 0);
    assert_eq!(log.told.lock().unwrap().1, 1);
    assert!(log.deliver(&Header::default(), b"lost"));
    assert_eq!((driver.used(0), driver.get(place(0), 16)), (None, vec![0; 16]));
}

#[test]
fn buffers_that_can_not_hold_a_header_stop_the_card() {
    let (mut driver, log) = card(MERGE);
    (0..3).for_each(|index| offer(&mut driver, index, 8));
    assert!(log.deliver(&Header::default(), b"12345"));
    assert!(driver.needs_reset());
}
