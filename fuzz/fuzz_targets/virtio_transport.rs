//! Whatever a driver does to registers and rings, the device serves or asks for a reset: the host never panics or
//! hangs, and a reset makes the device as good as new.
#![no_main]

use armlet_fuzz::{Driver, Echo, RAM};
use libfuzzer_sys::{arbitrary, fuzz_target};

#[derive(arbitrary::Arbitrary, Debug)]
enum Act {
    Read { offset: u16, size: u8 },
    Write { offset: u16, size: u8, value: u64 },
    Ring { queue: u8 },
    Memory { at: u16, bytes: Vec<u8> },
    Start { features: u64 },
}

fuzz_target!(|acts: Vec<Act>| {
    let driver = Driver::new(Echo);
    driver.start(1 << 29);
    for act in acts.into_iter().take(200) {
        match act {
            Act::Read { offset, size } => driver.read(offset.into(), size),
            Act::Write { offset, size, value } => driver.write(offset.into(), size, value),
            Act::Ring { queue } => driver.write(0x50, 4, queue.into()),
            Act::Memory { at, bytes } => driver.put(RAM + u64::from(at), &bytes),
            Act::Start { features } => driver.start(features),
        }
    }
    driver.start(0);
    assert_eq!(driver.status() & 0x40, 0, "as good as new");
});
