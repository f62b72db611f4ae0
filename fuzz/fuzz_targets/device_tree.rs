//! Any bytes are a device tree that can be patched, or a clear refusal.
#![no_main]

use armlet_machine::fdt::{Chosen, patch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: Vec<u8>| {
    let chosen = Chosen { bootargs: Some("quiet".into()), ..Chosen::default() };
    if let Ok(blob) = patch(&bytes, &chosen) {
        patch(&blob, &chosen).expect("what was patched can be patched again");
    }
});
