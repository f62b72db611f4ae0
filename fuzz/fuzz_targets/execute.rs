//! Any words run: the guest gets exceptions, the host never panics or hangs.
#![no_main]

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use armlet_arm::smccc::Conduit;
use armlet_base::{BusError, Clock, GuestRam, RamKind, RamRegion};
use armlet_engine::{CallOutcome, Code, Cpu, Note, Port, Vm, World};
use libfuzzer_sys::fuzz_target;

struct Nothing;

impl World for Nothing {
    fn mmio_read(&mut self, _: u64, pa: u64, _: u8) -> Result<u64, BusError> {
        if pa & 1 == 0 { Ok(pa) } else { Err(BusError::Unmapped(pa)) }
    }
    fn mmio_write(&mut self, _: u64, pa: u64, _: u8, _: u64) -> Result<(), BusError> {
        if pa & 1 == 0 { Ok(()) } else { Err(BusError::Unmapped(pa)) }
    }
    fn call(&mut self, _: u64, _: Conduit, _: u16, _: &mut [u64; 18]) -> CallOutcome {
        CallOutcome::Stop
    }
    fn notes(&self) -> bool {
        false
    }
    fn note(&mut self, _: Note) {}
}

fuzz_target!(|input: (u8, Vec<u64>, Vec<u32>)| {
    let (how, registers, words) = input;
    let ram = GuestRam::new(&[RamRegion { gpa: 0, len: 0x10_0000, kind: RamKind::ReadWrite }]).unwrap();
    let code: Vec<u8> = words.iter().take(512).flat_map(|w| w.to_le_bytes()).collect();
    ram.write(0x8_0000, &code).unwrap();
    let vm = Vm::new(Arc::new(ram), armlet_arm::cpu::model("max").unwrap(), 1, Clock::default());
    let (aarch32, compiled) = (how & 1 != 0, how & 2 != 0);
    if aarch32 {
        vm.start_in_aarch32();
    }
    let mut cpu = Cpu::new(vm, 0);
    for (slot, value) in cpu.x.iter_mut().zip(registers).take(31) {
        *slot = if aarch32 { value & 0xffff_ffff } else { value };
    }
    cpu.pc = 0x8_0000;
    let mut code = if compiled { Code::jit(1 << 20).unwrap_or_default() } else { Code::interpreter() };
    // The guest may loop or sleep for ever, as it likes: it is stopped from outside, unless it has ended before.
    let port = cpu.port.clone();
    let (ended, end) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        if end.recv_timeout(Duration::from_millis(2)) == Err(RecvTimeoutError::Timeout) {
            port.raise(Port::KICK);
        }
    });
    cpu.run(&mut code, &mut Nothing);
    drop(ended);
    watch.join().unwrap();
});
