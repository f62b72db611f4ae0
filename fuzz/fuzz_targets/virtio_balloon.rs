//! Any pages that a guest gives up, and whatever it says of its memory, leave the device answering or asking for a reset.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use armlet_devices::virtio::balloon::Balloon;
use armlet_fuzz::{Act, Driver, RAM_LEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, Vec<(Act, Option<u16>)>)| {
    let (features, acts) = input;
    let balloon = Arc::new(Balloon::new(RAM_LEN));
    let driver = Driver::over(balloon.clone());
    driver.start(features);
    for (act, target) in acts.iter().take(200) {
        driver.play(act);
        if let Some(target) = target {
            balloon.set_target(u64::from(*target) << 12);
        }
        balloon.report(Duration::ZERO);
    }
});
