//! Real kernels, where they are: `ARMLET_KERNELS` names them, separated by colons.

mod common;

use armlet_hv_fake::FakeHypervisor;
use armlet_machine::{BoardKind, MachineConfig, Payload};
use common::build;

#[test]
#[ignore = "needs kernels: ARMLET_KERNELS=/boot/vmlinuz:... cargo test -- --ignored"]
fn real_kernels_load() {
    for path in std::env::var("ARMLET_KERNELS").unwrap_or_default().split(':').filter(|p| !p.is_empty()) {
        let payload = Payload::detect(path, std::fs::read(path).unwrap()).unwrap();
        let hv = FakeHypervisor::new([]);
        let kernel = Some(payload);
        let (machine, _) = build(&hv, MachineConfig { kernel, ..MachineConfig::new(BoardKind::Virt) });
        for (name, text) in machine.summary() {
            println!("{name:>12}: {text}");
        }
    }
}
