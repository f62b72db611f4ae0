//! A network that keeps what it gets, and a driver in front of the card.

use std::sync::{Arc, Mutex};

use armlet_net::{Card, Header, Mac, Network, Offloads, Segmentation};
use virtio_bindings::virtio_mmio::*;
use virtio_bindings::virtio_net::*;
use virtio_bindings::virtio_ring::VIRTIO_RING_F_EVENT_IDX;

use super::*;
use crate::virtio::Service;
use crate::virtio::testing::*;

const SEVERAL: u64 = 1 << VIRTIO_NET_F_MQ | 1 << VIRTIO_NET_F_CTRL_VQ | 1 << VIRTIO_NET_F_CTRL_MAC_ADDR;
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
    fn send(&self, _: u16, header: &Header, frame: &[u8]) {
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
    card_with(1, features)
}

fn card_with(pairs: u16, features: u64) -> (Driver, Arc<Log>) {
    let log = Arc::new(Log::default());
    let mac: Mac = "52:54:00:00:00:01".parse().unwrap();
    (Driver::started(Net::new(log.clone(), mac, pairs), Service::Inline, features), log)
}

/// Offers a writable buffer of `len` bytes at a place of its own.
fn offer(driver: &mut Driver, index: u16, len: u32) {
    offer_on(driver, 0, index, len);
}

fn offer_on(driver: &mut Driver, queue: u32, index: u16, len: u32) {
    let [table, ..] = Driver::areas(queue);
    driver.describe(table, index, (place(index), len, WRITE, 0));
    driver.offer(queue, index);
    driver.w(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

/// Commands on a queue; the answer.
fn command(driver: &mut Driver, queue: u32, bytes: &[u8]) -> u32 {
    driver.put(DATA, bytes);
    driver.put(DATA + 0x100, &[0xff]);
    driver.request(queue, &[(DATA, bytes.len() as u32, 0), (DATA + 0x100, 1, WRITE)]);
    assert_eq!(driver.used(queue), Some((0, 1)), "{bytes:?}");
    driver.get(DATA + 0x100, 1)[0].into()
}

/// A datagram between two ends of 10.0.2.0/24, each a last byte of the address and a port.
fn datagram(from: [u8; 2], to: [u8; 2]) -> Vec<u8> {
    let ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 2, from[0], 10, 0, 2, to[0]];
    [&[2; 12][..], &[8, 0], &ip, &[0, from[1], 0, to[1], 0, 8, 0, 0]].concat()
}

fn send(driver: &mut Driver, queue: u32, frame: &[u8]) {
    driver.put(DATA, &[&[0; 12], frame].concat());
    driver.request(queue, &[(DATA, 12 + frame.len() as u32, 0)]);
    assert!(driver.used(queue).is_some());
}

fn config(driver: &Driver) -> Vec<u8> {
    (0..12).map(|at| (driver.r(0x100 + (at & !3)) >> (8 * (at & 3))) as u8).collect()
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
        (VIRTIO_NET_F_CTRL_VQ, true),
        (VIRTIO_NET_F_MQ, false),
    ] {
        assert_eq!(features >> feature & 1 != 0, there, "{feature}");
    }
    assert_eq!(config(&driver), [0x52, 0x54, 0, 0, 0, 1, 1, 0, 1, 0, 0xdc, 5]);
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

#[test]
fn commands_that_can_not_be_are_answered_with_an_error() {
    for (pairs, features, queue, right) in [
        (2, SEVERAL, 4, Some(2)),
        // A driver that knows of one pair commands behind that one.
        (2, SEVERAL & !(1 << VIRTIO_NET_F_MQ), 2, None),
        (1, SEVERAL & !(1 << VIRTIO_NET_F_MQ), 2, None),
    ] {
        let (mut driver, _) = card_with(pairs, features);
        let mut set = |pairs: u16| command(&mut driver, queue, &[&[4, 0][..], &pairs.to_le_bytes()].concat());
        for count in [0, 1, 2, 3, 0x100, 0x8000, 0xffff] {
            let there = right.is_some_and(|most| (1..=most).contains(&count));
            assert_eq!(set(count), if there { VIRTIO_NET_OK } else { VIRTIO_NET_ERR }, "{pairs}: {count}");
        }
        for bytes in [
            &[4][..],
            &[4, 0],
            &[4, 0, 1],
            &[4, 0, 1, 0, 0],
            &[4, 1, 1, 0],
            &[0, 0, 1],
            &[9, 9, 9, 9],
            &[1, 1, 2, 0, 0, 0, 0],
            &[1, 1, 2, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(command(&mut driver, queue, bytes), VIRTIO_NET_ERR, "{bytes:?}");
        }
        // An answer without a command, and a command without room for the answer.
        driver.request(queue, &[(DATA + 0x100, 1, WRITE)]);
        assert_eq!((driver.used(queue), driver.get(DATA + 0x100, 1)), (Some((0, 1)), vec![1]));
        assert!(!driver.needs_reset());
        driver.request(queue, &[(DATA, 4, 0)]);
        assert!(driver.needs_reset());
    }
}

#[test]
fn a_new_address_is_in_the_configuration_until_a_reset() {
    let (mut driver, _) = card(SEVERAL & !(1 << VIRTIO_NET_F_MQ));
    let mut set = |mac: [u8; 6]| (command(&mut driver, 2, &[&[1, 1], &mac[..]].concat()), config(&driver));
    let (answer, new) = set([2, 1, 2, 3, 4, 5]);
    assert_eq!((answer, &new[..6]), (VIRTIO_NET_OK, &[2, 1, 2, 3, 4, 5][..]));
    for group_or_none in [[3, 1, 2, 3, 4, 5], [0; 6]] {
        assert_eq!(set(group_or_none), (VIRTIO_NET_ERR, new.clone()));
    }
    driver.w(VIRTIO_MMIO_STATUS, 0);
    driver.start(1 << VIRTIO_NET_F_CTRL_VQ);
    assert_eq!(config(&driver)[..6], [0x52, 0x54, 0, 0, 0, 1]);
    assert_eq!(command(&mut driver, 2, &[1, 1, 2, 1, 2, 3, 4, 5]), VIRTIO_NET_ERR, "not agreed on");
}

#[test]
fn frames_come_where_their_flow_was_sent() {
    let (mut driver, log) = card_with(2, SEVERAL);
    assert_eq!(config(&driver)[8..10], [2, 0]);
    (0..4).for_each(|index| offer_on(&mut driver, 0, index, 128));
    (4..6).for_each(|index| offer_on(&mut driver, 2, index, 128));
    let (there, back) = (datagram([15, 9], [2, 53]), datagram([2, 53], [15, 9]));
    let deliver = |frame: &[u8]| log.deliver(&Header::default(), frame);
    let came = |driver: &mut Driver| [driver.used(0), driver.used(2)].map(|used| used.map(|used| used.0));
    // Until the driver says so there is one pair.
    send(&mut driver, 3, &there);
    assert!(deliver(&back));
    assert_eq!(came(&mut driver), [Some(0), None]);
    assert_eq!(command(&mut driver, 4, &[4, 0, 2, 0]), VIRTIO_NET_OK);
    send(&mut driver, 3, &there);
    assert!(deliver(&back) && deliver(&datagram([2, 54], [15, 9])) && deliver(b"no packet at all"));
    assert_eq!((came(&mut driver), came(&mut driver)), ([Some(1), Some(4)], [Some(2), None]));
    // The flow has moved.
    send(&mut driver, 1, &there);
    assert!(deliver(&back));
    assert_eq!(came(&mut driver), [Some(3), None]);
    send(&mut driver, 3, &there);
    assert!(deliver(&back));
    assert_eq!(came(&mut driver), [None, Some(5)]);
}

#[test]
fn a_frame_waits_for_room_in_its_pair_and_goes_elsewhere_once_that_is_off() {
    let (mut driver, log) = card_with(2, SEVERAL);
    offer(&mut driver, 0, 128);
    assert_eq!(command(&mut driver, 4, &[4, 0, 2, 0]), VIRTIO_NET_OK);
    send(&mut driver, 3, &datagram([15, 9], [2, 53]));
    let back = datagram([2, 53], [15, 9]);
    assert!(!log.deliver(&Header::default(), &back));
    let told = log.told.lock().unwrap().0;
    assert_eq!(command(&mut driver, 4, &[4, 0, 1, 0]), VIRTIO_NET_OK);
    assert!(log.told.lock().unwrap().0 > told);
    assert!(log.deliver(&Header::default(), &back));
    assert_eq!([driver.used(0), driver.used(2)], [Some((0, 12 + back.len() as u32)), None]);
}

#[test]
fn after_a_reset_there_is_one_pair() {
    let (mut driver, log) = card_with(2, SEVERAL);
    assert_eq!(command(&mut driver, 4, &[4, 0, 2, 0]), VIRTIO_NET_OK);
    send(&mut driver, 3, &datagram([15, 9], [2, 53]));
    driver.w(VIRTIO_MMIO_STATUS, 0);
    // Queue 2 is the one of commands now, and gets no frames.
    driver.start(1 << VIRTIO_NET_F_CTRL_VQ);
    offer(&mut driver, 0, 128);
    assert!(log.deliver(&Header::default(), &datagram([2, 53], [15, 9])));
    assert_eq!((driver.used(0).map(|used| used.0), driver.needs_reset()), (Some(0), false));
    assert_eq!(command(&mut driver, 2, &[4, 0, 2, 0]), VIRTIO_NET_ERR);
}
