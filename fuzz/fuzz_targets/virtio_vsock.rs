//! Any packets of a guest end in packets for it, or in a device that asks for a reset.
#![no_main]

use std::sync::atomic::{AtomicU32, Ordering};

use armlet_devices::virtio::vsock::Vsock;
use armlet_fuzz::{Driver, RAM};
use libfuzzer_sys::{arbitrary, fuzz_target};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input {
    /// Operation, ports, flags and what the guest says of its buffer; then data, and how long it is said to be.
    packets: Vec<(u8, u8, u8, u8, u32, u32, Vec<u8>, u32)>,
    /// The length of the guest's buffers.
    room: u16,
}

const CID: u32 = 3;
const PACKET: u64 = RAM + 0x5000;
const BUFFER: u64 = RAM + 0x8000;

static NUMBER: AtomicU32 = AtomicU32::new(0);

fuzz_target!(|input: Input| {
    let dir = tempfile::tempdir().expect("a directory");
    let name = format!("s{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let path = dir.path().join(name);
    let mut other = path.clone().into_os_string();
    other.push("_1");
    let _listener = std::os::unix::net::UnixListener::bind(other).expect("a socket");
    let driver = Driver::new(Vsock::new(CID, &path).expect("a device"));
    driver.start(0);
    driver.describe(0, 0, BUFFER, input.room.into(), 2, 0);
    for (op, host, guest, flags, alloc, forwarded, data, len) in input.packets.iter().take(64) {
        let word = |value: u32| value.to_le_bytes();
        let kind = word(1 | u32::from(op % 9) << 16);
        let header = [
            word(CID),
            word(0),
            word(2),
            word(0),
            word(u32::from(guest % 3)),
            word(u32::from(host % 3)),
            word(*len),
            kind,
            word(u32::from(*flags)),
            word(*alloc),
            word(*forwarded),
        ]
        .concat();
        let data = &data[..data.len().min(0x1000)];
        driver.put(PACKET, &[&header[..], data].concat());
        driver.describe(1, 0, PACKET, (header.len() + data.len()) as u32, 0, 0);
        driver.offer(0, 0);
        driver.offer(1, 0);
    }
});
