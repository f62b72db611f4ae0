//! The kernel's Interrupt Translation Service: a guest sets it up, the host sends messages, and all of it goes on in
//! another VM (GIC architecture, IHI 0069, chapter 5).
#![cfg(all(target_os = "linux", target_arch = "aarch64"))]

mod common;

use armlet_base::Message;
use armlet_hv::{GicConfig, GicKind, Hypervisor};
use common::{DEVICE, GICD, RAM, Small, gic, kvm};

const GICR: u64 = 0x080a_0000;
const ITS: u64 = 0x0808_0000;
/// GITS_TRANSLATER.
const TRANSLATER: u64 = ITS + 0x1_0040;

/// Pairs of an address, odd for 32 bits, and what to store there; none ends them.
const PAIRS: u64 = RAM + 0x1000;
const DEVICES: u64 = RAM + 0x10_0000;
const COLLECTIONS: u64 = RAM + 0x11_0000;
const TRANSLATIONS: u64 = RAM + 0x12_0000;
const COMMANDS: u64 = RAM + 0x13_0000;
/// A byte for each LPI: priority, and bit 0 enables it.
const PROPERTIES: u64 = RAM + 0x14_0000;
const PENDING: u64 = RAM + 0x15_0000;

const DEVICE_ID: u32 = 7;
const EVENT: u32 = 3;
/// The first LPI.
const LPI: u64 = 8192;

/// Stores the pairs at X0, then tells of each interrupt at X8 + 8, and at X8 that it waits for the next one.
const PROGRAM: [u32; 23] = [
    0xa8c1_0801, // 1: ldp x1, x2, [x0], #16
    0xb400_00e1, // cbz x1, 3f
    0x3700_0061, // tbnz w1, #0, 2f
    0xf900_0022, // str x2, [x1]
    0x17ff_fffc, // b 1b
    0xd100_0421, // 2: sub x1, x1, #1
    0xb900_0022, // str w2, [x1]
    0x17ff_fff9, // b 1b
    0xd280_1fe3, // 3: mov x3, #0xff
    0xd518_4603, // msr icc_pmr_el1, x3
    0xd280_0023, // mov x3, #1
    0xd518_cce3, // msr icc_igrpen1_el1, x3
    0xd503_3fdf, // isb
    0xf900_011f, // 4: str xzr, [x8]
    0xd503_201f, // nop
    0xd538_cc04, // 5: mrs x4, icc_iar1_el1
    0xf10f_fc9f, // cmp x4, #1023
    0x54ff_ffc0, // b.eq 5b
    0xd503_3f9f, // dsb sy
    0xd518_cc24, // msr icc_eoir1_el1, x4
    0xd503_3fdf, // isb
    0xf900_0504, // str x4, [x8, #8]
    0x17ff_fff7, // b 4b
];

/// What the guest stores.
fn pairs() -> Vec<u64> {
    let valid = 1 << 63;
    // A page of 64 KiB for each table.
    let table = |at| valid | 2 << 8 | at;
    [
        (GICD | 1, 2),
        (GICR + 0x70, PROPERTIES | 15),
        (GICR + 0x78, PENDING | 1 << 62),
        (GICR | 1, 1),
        (ITS + 0x100, table(DEVICES)),
        (ITS + 0x108, table(COLLECTIONS)),
        (ITS + 0x80, valid | COMMANDS),
        (ITS | 1, 1),
        (ITS + 0x88, 32 * commands().len() as u64),
        (0, 0),
    ]
    .into_iter()
    .flat_map(|(at, value)| [at, value])
    .collect()
}

/// MAPD, MAPC and MAPTI: the device's event becomes the first LPI, of CPU 0.
fn commands() -> [[u64; 4]; 3] {
    let (device, event) = (u64::from(DEVICE_ID) << 32, u64::from(EVENT));
    [
        [0x08 | device, 4, 1 << 63 | TRANSLATIONS, 0],
        [0x09, 0, 1 << 63, 0],
        [0x0a | device, event | LPI << 32, 0, 0],
    ]
}

fn put(small: &Small, gpa: u64, numbers: impl IntoIterator<Item = u64>) {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
    small.ram.write(gpa, &bytes).unwrap();
}

/// True if the message leads anywhere.
fn send(small: &Small, data: u32) -> bool {
    small.vm.as_msi().unwrap().send(Message { address: TRANSLATER, data, device: DEVICE_ID })
}

/// What the guest tells of the interrupt that a message leads to.
fn message(small: &mut Small) -> Vec<(u64, u8, u64)> {
    assert!(send(small, EVENT));
    small.run().writes
}

#[test]
fn messages_become_interrupts_here_and_in_a_copy() {
    let Some(kvm) = kvm() else { return };
    let can = kvm.capabilities();
    if !can.its || can.gics.first() != Some(&GicKind::V3) {
        eprintln!("this host has no ITS for guests; nothing to test");
        return;
    }
    let config = GicConfig { its: Some(ITS), ..gic(&kvm) };
    let mut small = Small::new(&kvm, &PROGRAM, Some(config), 1);
    put(&small, PAIRS, pairs());
    put(&small, COMMANDS, commands().into_iter().flatten());
    small.ram.write(PROPERTIES, &[0xa1]).unwrap();
    small.start(&[(0, PAIRS), (8, DEVICE)]);
    assert_eq!(small.run().writes, [(0, 8, 0)]);
    assert!(!send(&small, EVENT + 1));

    let told = [(8, 8, LPI), (0, 8, 0)];
    assert_eq!(message(&mut small), told);
    let mut other = Small::new(&kvm, &[], Some(config), 1);
    common::copy(&mut small, &mut other);
    assert_eq!(message(&mut other), told);
    assert_eq!(message(&mut small), told, "the original goes on as well");

    small.vm.reset().unwrap();
    assert!(!send(&small, EVENT), "a reset unmaps it");
}
