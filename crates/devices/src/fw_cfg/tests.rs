use armlet_base::RamRegion;
use proptest::prelude::*;

use super::*;

const RAM: u64 = 0x4000_0000;
const ROM: u64 = 0x4000_2000;

fn device() -> FwCfg {
    let region = |gpa, len, kind| RamRegion { gpa, len, kind };
    let ram =
        GuestRam::new(&[region(RAM, 0x2000, RamKind::ReadWrite), region(ROM, 0x1000, RamKind::ReadOnly)]);
    let mut items = Items::new(3);
    items.set(item::KERNEL, (0..=99).collect());
    items.add_file("opt/b", b"second".to_vec()).unwrap();
    items.add_file("opt/a", b"first".to_vec()).unwrap();
    FwCfg::new(items, Arc::new(ram.unwrap()))
}

impl FwCfg {
    fn select(&self, number: u16) {
        self.write(Access { cpu: 0, size: 2 }, SELECTOR, number.to_be().into());
    }
    fn bytes(&self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.read(Access { cpu: 0, size: 1 }, DATA) as u8).collect()
    }
    /// Runs a descriptor at `RAM`; the first word afterwards.
    fn dma(&self, control: u32, len: u32, address: u64) -> u32 {
        let descriptor = [&control.to_be_bytes()[..], &len.to_be_bytes(), &address.to_be_bytes()].concat();
        self.ram.write(RAM, &descriptor).unwrap();
        self.write(Access { cpu: 0, size: 8 }, DMA, RAM.to_be());
        let mut status = [0; 4];
        self.ram.read(RAM, &mut status).unwrap();
        u32::from_be_bytes(status)
    }
    fn memory(&self, gpa: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.ram.read(gpa, &mut bytes).unwrap();
        bytes
    }
}

#[test]
fn items_are_read_through_the_register() {
    let device = device();
    assert_eq!(device.bytes(5), b"QEMU\0", "the signature, and nothing behind it");
    device.select(item::CPUS);
    assert_eq!(device.read(Access { cpu: 0, size: 4 }, DATA), 3);
    device.select(item::KERNEL);
    assert_eq!(device.read(Access { cpu: 0, size: 8 }, DATA), u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7]));
    assert_eq!(device.bytes(2), [8, 9]);
    device.select(0x7777);
    assert_eq!(device.bytes(2), [0, 0]);
    assert_eq!(device.read(Access { cpu: 0, size: 8 }, DMA), u64::from_le_bytes(*b"QEMU CFG"));
}

#[test]
fn files_are_in_the_directory_by_name() {
    let device = device();
    device.select(item::DIRECTORY);
    let directory = device.bytes(4 + 2 * 64);
    assert_eq!(directory[..4], [0, 0, 0, 2]);
    assert_eq!(directory[4..18], *b"\0\0\0\x05\0\x20\0\0opt/a\0");
    assert_eq!(directory[68..82], *b"\0\0\0\x06\0\x21\0\0opt/b\0");
    device.select(item::FIRST_FILE + 1);
    assert_eq!(device.bytes(7), b"second\0");
    let mut items = Items::default();
    assert!(items.add_file(&"n".repeat(56), vec![]).is_err());
    items.add_file(&"n".repeat(55), vec![]).unwrap();
    assert!(matches!(items.add_file(&"n".repeat(55), vec![]), Err(FileError::Twice(_))));
}

#[test]
fn transfers_go_to_writable_memory_only() {
    let device = device();
    let kernel = u32::from(item::KERNEL) << 16 | control::SELECT;
    device.ram.write(RAM + 0x100, &[0xff; 120]).unwrap();
    assert_eq!(device.dma(kernel | control::SKIP, 10, 0), 0);
    assert_eq!(device.dma(control::READ, 95, RAM + 0x100), 0);
    let copied = device.memory(RAM + 0x100, 96);
    assert_eq!((copied[0], copied[89], copied[90], copied[94], copied[95]), (10, 99, 0, 0, 0xff));
    for (address, len) in [(ROM - 4, 8), (0, 4), (u64::MAX - 2, 8), (RAM, u32::MAX)] {
        assert_eq!(device.dma(kernel | control::READ, len, address), control::ERROR, "{address:#x}");
    }
    assert_eq!(device.memory(ROM - 4, 8), [0; 8]);
    assert_eq!(device.dma(kernel | control::WRITE, 1, RAM), control::ERROR);
    // A descriptor where nothing can be answered.
    device.write(Access { cpu: 0, size: 4 }, DMA, 0);
    device.write(Access { cpu: 0, size: 4 }, DMA + 4, (ROM as u32).to_be().into());
}

#[test]
fn a_descriptor_may_be_given_in_two_halves() {
    let device = device();
    let descriptor = [0, item::SIGNATURE as u8, 0, 0xa, 0, 0, 0, 4, 0, 0, 0, 0, 0x40, 0, 0, 0x40];
    device.ram.write(RAM + 0x1000, &descriptor).unwrap();
    device.write(Access { cpu: 0, size: 4 }, DMA, 0);
    device.write(Access { cpu: 0, size: 4 }, DMA + 4, (RAM as u32 + 0x1000).to_be().into());
    assert_eq!(device.memory(RAM + 0x40, 4), b"QEMU");
    assert_eq!(device.memory(RAM + 0x1000, 4), [0; 4]);
}

proptest! {
    #[test]
    fn no_access_panics(
        ops in proptest::collection::vec((0..0x20_u64, 0..4_u32, any::<Option<u64>>()), 1..40),
        descriptor in any::<[u8; 16]>(),
    ) {
        let device = device();
        device.ram.write(RAM, &descriptor).unwrap();
        for (offset, size, value) in ops {
            let access = Access { cpu: 0, size: 1 << size };
            match value {
                None => { device.read(access, offset); }
                Some(value) if value & 3 == 0 => device.write(access, offset, RAM.to_be()),
                Some(value) => device.write(access, offset, value),
            }
        }
    }
}
