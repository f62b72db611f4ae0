//! Debian's kernels, raw and gzip'd, load; a truncated one is refused.

mod common;

use std::io::Write;

use armlet_hv_fake::FakeHypervisor;
use armlet_machine::{BoardKind, MachineConfig, Payload, PayloadKind};
use armlet_testkit::{payloads, skip};
use common::build;

fn load(payload: Payload) {
    let config = MachineConfig { kernel: Some(payload), ..MachineConfig::new(BoardKind::Virt) };
    build(&FakeHypervisor::new([]), config);
}

#[test]
fn debian_32_bit_kernels_load() {
    let payloads = match payloads::get32() {
        Ok(payloads) => payloads,
        Err(why) => return skip(&why),
    };
    for path in [&payloads.armmp, &payloads.armmp_lpae] {
        let bytes = std::fs::read(path).unwrap();
        let cut = Payload::detect("cut", bytes[..bytes.len() / 2].to_vec()).unwrap_err().to_string();
        assert!(cut.contains("zImage is cut short"), "{cut}");
        let kernel = Payload::detect("zImage", bytes).unwrap();
        assert_eq!(kernel.kind, PayloadKind::Zimage);
        let config = MachineConfig { kernel: Some(kernel), ..MachineConfig::new(BoardKind::Virt) };
        let (machine, _) = build(&FakeHypervisor::new([]), config);
        // The header tells that the kernel unpacks to less than 32 MiB.
        let rows = machine.summary();
        assert!(rows.iter().any(|(_, text)| text.ends_with("entry 0x42000000")), "{rows:?}");
    }
}

#[test]
fn debian_kernels_load() {
    let payloads = match payloads::get() {
        Ok(payloads) => payloads,
        Err(why) => return skip(&why),
    };
    for path in [&payloads.kernel, &payloads.cloud_kernel] {
        let bytes = std::fs::read(path).unwrap();
        let cut = Payload::detect("cut", bytes[..bytes.len() / 2].to_vec()).unwrap_err().to_string();
        assert!(cut.contains("truncated") || cut.contains("bytes"), "{cut}");
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&bytes).unwrap();
        let packed = Payload::detect("gz", packer.finish().unwrap()).unwrap();
        assert_eq!(packed.kind, PayloadKind::GzipImage);
        load(packed);
        let raw = Payload::detect("raw", bytes).unwrap();
        assert_eq!(raw.kind, PayloadKind::Arm64Image);
        load(raw);
    }
}
