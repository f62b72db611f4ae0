//! Any bytes are a payload or a clear refusal.
#![no_main]

use armlet_machine::Payload;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: Vec<u8>| {
    if let Err(error) = Payload::detect("input", bytes) {
        assert!(!error.to_string().contains('\n'));
    }
});
