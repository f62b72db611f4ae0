//! Any descriptors and any requests to a disk end in an answer or in a device that asks for a reset.
#![no_main]

use std::sync::Arc;

use armlet_devices::virtio::blk::Blk;
use armlet_fuzz::{Act, Driver, MemoryDisk};
use libfuzzer_sys::{arbitrary, fuzz_target};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input {
    read_only: bool,
    features: u64,
    acts: Vec<Act>,
}

fuzz_target!(|input: Input| {
    let disk = Arc::new(MemoryDisk::new(input.read_only));
    let driver = Driver::new(Blk::new(disk, "fuzz", 2));
    driver.start(input.features);
    input.acts.iter().take(100).for_each(|act| driver.play(act));
    driver.start(0);
    assert_eq!(driver.status() & 0x40, 0, "as good as new");
});
