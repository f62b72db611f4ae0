//! Any descriptors and any requests to a disk end in an answer or in a device that asks for a reset.
#![no_main]

use armlet_devices::virtio::blk::Blk;
use armlet_fuzz::{Driver, MemoryDisk, RAM};
use libfuzzer_sys::{arbitrary, fuzz_target};
use std::sync::Arc;

#[derive(arbitrary::Arbitrary, Debug)]
struct Input {
    read_only: bool,
    features: u64,
    /// What guest memory holds, request headers among it.
    memory: Vec<u8>,
    /// Descriptors: a buffer in 64 KiB of memory or anywhere, its length, flags, the next one.
    descriptors: Vec<(bool, u64, u16, u8, u8)>,
    heads: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let disk = Arc::new(MemoryDisk::new(input.read_only));
    let driver = Driver::new(Blk::new(disk, "fuzz", 2));
    driver.start(input.features);
    driver.put(RAM + 0x8000, &input.memory[..input.memory.len().min(0x8000)]);
    for (index, (inside, at, len, flags, next)) in input.descriptors.iter().take(16).enumerate() {
        let at = if *inside { RAM + (at & 0xffff) } else { *at };
        let flags = u16::from(flags & 7);
        driver.describe(index as u64, at, u32::from(*len), flags, u16::from(next & 15));
    }
    for head in input.heads.iter().take(64) {
        driver.offer(u16::from(head & 15));
    }
});
