//! Any descriptors in the queues of a network card with two pairs, any commands, and frames from either side at any moment, end in frames, in nothing, or in a
//! device that asks for a reset.
#![no_main]

use std::sync::Arc;

use armlet_devices::virtio::net::Net;
use armlet_fuzz::{Act, BUFFERS, Driver, Mirror};
use armlet_net::{Header, MAX_FRAME, Segmentation};
use libfuzzer_sys::{arbitrary, fuzz_target};

/// The queue of commands behind two pairs.
const CONTROL: u8 = 4;

#[derive(arbitrary::Arbitrary, Debug)]
enum Event {
    Driver(Act),
    Command { class: u8, command: u8, data: Vec<u8> },
    Frame { segment: bool, len: u16 },
}

fuzz_target!(|input: (u64, Vec<Event>)| {
    let (features, events) = input;
    let network = Arc::new(Mirror::default());
    let driver = Driver::new(Net::new(network.clone(), "52:54:00:00:00:01".parse().unwrap(), 2));
    driver.start(features);
    for event in events.iter().take(100) {
        match event {
            Event::Driver(act) => driver.play(act),
            Event::Command { class, command, data } => {
                let bytes = [&[class % 6, command % 3], &data[..data.len().min(16)]].concat();
                driver.put(BUFFERS, &bytes);
                let queue = CONTROL;
                let (readable, writable) = ([(0, bytes.len() as u16)], [(0x20, 1)]);
                driver.play(&Act::Chain { queue, readable: readable.into(), writable: writable.into() });
            }
            Event::Frame { segment, len } => {
                let cut = Segmentation { ipv6: false, ecn: false, header_len: 54, size: 1446 };
                let header = Header { checksum: Some((34, 16)), segmentation: segment.then_some(cut) };
                network.deliver(&header, &vec![7; usize::from(*len).min(MAX_FRAME)]);
            }
        }
    }
    driver.start(0);
    assert_eq!(driver.status() & 0x40, 0, "as good as new");
});
