//! Whatever a guest does with its console while somebody types and the window changes, the device answers or asks for a
//! reset.
#![no_main]

use std::sync::Arc;

use armlet_devices::pl011::SerialOutput;
use armlet_devices::virtio::console::{Console, Window};
use armlet_fuzz::{Act, Driver};
use libfuzzer_sys::fuzz_target;

struct Nowhere;

impl SerialOutput for Nowhere {
    fn write(&mut self, _: &[u8]) {}
}

fuzz_target!(|input: (u64, Vec<(Act, Option<u8>)>)| {
    let (features, acts) = input;
    let console = Arc::new(Console::new(Box::new(Nowhere)));
    let driver = Driver::over(console.clone());
    driver.start(features);
    for (act, typed) in acts.iter().take(200) {
        driver.play(act);
        if let Some(key) = typed {
            // Less than waits without a guest that reads.
            console.receive_all(&[*key; 16]);
            console.resize(Window { columns: (*key).into(), rows: 25 });
        }
    }
});
