//! Any descriptors in an entropy source's queue end in random bytes or in a device that asks for a reset.
#![no_main]

use armlet_devices::virtio::rng::Rng;
use armlet_fuzz::{Act, Driver};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, Vec<Act>)| {
    let (features, acts) = input;
    let driver = Driver::new(Rng::new(Box::new(|bytes| {
        bytes.fill(7);
        true
    })));
    driver.start(features);
    acts.iter().take(100).for_each(|act| driver.play(act));
    driver.start(0);
    assert_eq!(driver.status() & 0x40, 0, "as good as new");
});
