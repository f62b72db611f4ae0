//! Any words decode and lower to a block that ends.
#![no_main]

use armlet_arm::FeatureSet;
use armlet_engine::a64;
use armlet_engine::block::{Key, MAX_INSNS, Mode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, Vec<u32>)| {
    let (mode, words) = input;
    if words.is_empty() {
        return;
    }
    let mode = Mode(mode);
    let block = a64::lower(Key::new(0x4000_0000, mode), mode, FeatureSet::ALL, words.into_iter());
    assert!((1..=MAX_INSNS as u32).contains(&block.insns));
    assert!(!block.uops.is_empty());
});
