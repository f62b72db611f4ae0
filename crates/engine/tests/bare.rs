//! Tiny programs on a bare PE: the engine's plumbing from words to registers.

use std::sync::Arc;

use armlet_arm::smccc::Conduit;
use armlet_base::{BusError, Clock, GuestRam, RamKind, RamRegion};
use armlet_engine::{CallOutcome, Cpu, Note, Stop, Vm, World, cache::Cache};

/// A world with nothing in it, which any HVC stops.
struct Nothing;

impl World for Nothing {
    fn mmio_read(&mut self, _: u64, pa: u64, _: u8) -> Result<u64, BusError> {
        Err(BusError::Unmapped(pa))
    }
    fn mmio_write(&mut self, _: u64, pa: u64, _: u8, _: u64) -> Result<(), BusError> {
        Err(BusError::Unmapped(pa))
    }
    fn call(&mut self, _: u64, _: Conduit, _: u16, _: &mut [u64; 18]) -> CallOutcome {
        CallOutcome::Stop
    }
    fn notes(&self) -> bool {
        false
    }
    fn note(&mut self, _: Note) {}
}

fn run(words: &[u32]) -> Cpu {
    let ram =
        GuestRam::new(&[RamRegion { gpa: 0x4000_0000, len: 0x10_0000, kind: RamKind::ReadWrite }]).unwrap();
    let code: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    ram.write(0x4000_0000, &code).unwrap();
    let model = armlet_arm::cpu::model("max").unwrap();
    let vm = Vm::new(Arc::new(ram), model, 1, Clock::default());
    let mut cpu = Cpu::new(vm, 0);
    cpu.pc = 0x4000_0000;
    assert_eq!(cpu.run(&mut Cache::default(), &mut Nothing), Stop::World);
    cpu
}

#[test]
fn counts_down_and_stops() {
    let cpu = run(&[
        0xd2800140, // mov x0, #10
        0x91000421, // add x1, x1, #1
        0xf1000400, // subs x0, x0, #1
        0x54ffffc1, // b.ne .-8
        0xd4000002, // hvc #0
    ]);
    assert_eq!((cpu.x[0], cpu.x[1], cpu.retired), (0, 10, 32));
}

#[test]
fn loads_what_it_stored() {
    let cpu = run(&[
        0xd2a80002, // movz x2, #0x4000, lsl #16
        0xd2824680, // mov x0, #0x1234
        0xf9008040, // str x0, [x2, #256]
        0xf9408043, // ldr x3, [x2, #256]
        0xd4000002, // hvc #0
    ]);
    assert_eq!(cpu.x[3], 0x1234);
}
