//! Any descriptors of transfers from fw_cfg end in an answer, and change no memory but what the guest can write.
#![no_main]

use std::sync::Arc;

use armlet_base::{Access, GuestRam, MmioDevice, RamKind, RamRegion};
use armlet_devices::fw_cfg::{FwCfg, Items, item};
use libfuzzer_sys::fuzz_target;

const RAM: u64 = 0x4000_0000;
const ROM: u64 = RAM + 0x1000;

fuzz_target!(|ops: Vec<(u8, u8, Option<u64>, [u8; 16])>| {
    let region = |gpa, kind| RamRegion { gpa, len: 0x1000, kind };
    let regions = [region(RAM, RamKind::ReadWrite), region(ROM, RamKind::ReadOnly)];
    let ram = Arc::new(GuestRam::new(&regions).unwrap());
    let mut items = Items::new(1);
    items.set(item::KERNEL, vec![7; 10_000]);
    items.add_file("opt/fuzz", vec![8; 100]).unwrap();
    let device = FwCfg::new(items, ram.clone());
    for (offset, size, value, descriptor) in ops.into_iter().take(100) {
        ram.write(RAM, &descriptor).unwrap();
        let access = Access { cpu: 0, size: 1 << (size & 3) };
        match value {
            None => drop(device.read(access, (offset & 0x1f).into())),
            Some(value) if size & 4 != 0 => {
                device.write(Access { cpu: 0, size: 8 }, 0x10, (RAM | value & 0xfff).to_be())
            }
            Some(value) => device.write(access, (offset & 0x1f).into(), value),
        }
    }
    let mut rom = vec![0; 0x1000];
    ram.read(ROM, &mut rom).unwrap();
    assert!(rom.iter().all(|byte| *byte == 0));
});
