//! Any words decode and lower to a block that ends, in A64, A32 and T32.
#![no_main]

use armlet_arm::FeatureSet;
use armlet_base::{GuestRam, RamKind, RamRegion};
use armlet_engine::block::{Key, MAX_INSNS, Mode};
use armlet_engine::lower::Stretch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, u8, Vec<u32>)| {
    let (mode, place, words) = input;
    let ram = GuestRam::new(&[RamRegion { gpa: 0, len: 0x1000, kind: RamKind::ReadWrite }]).unwrap();
    let code: Vec<u8> = words.iter().take(1024).flat_map(|w| w.to_le_bytes()).collect();
    ram.write(0, &code).unwrap();
    let mode = Mode(mode);
    // The last halfwords of the page as well.
    let offset =
        if place >= 128 { 0x1000 - 4 * (1 + usize::from(place & 7)) } else { usize::from(place) * 4 };
    let code = Stretch { ram: &ram, offset, mode, features: FeatureSet::ALL, beyond: Some(place.into()) };
    let block = code.lower(Key::new(offset as u64, mode), MAX_INSNS);
    assert!((1..=MAX_INSNS).contains(&block.insns.into()));
    assert!(!block.uops.is_empty());
});
