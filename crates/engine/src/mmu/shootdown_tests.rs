//! Broadcast maintenance between threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use armlet_arm::SysReg;
use armlet_arm::sysreg::Encoding;
use armlet_base::{Clock, GuestRam, RamKind, RamRegion};

use crate::code::Code;
use crate::cpu::Cpu;
use crate::port::Port;
use crate::vm::Vm;
use crate::world::EmptyWorld;

const RAM: u64 = 0x4000_0000;
/// Page `n` of the virtual address space is mapped by descriptor `n` of this table.
const TABLE: u64 = RAM;
const DATA: u64 = RAM + 0x10_0000;
/// TLBI VAE1IS, TLBI VMALLE1IS.
const VAE1IS: Encoding = Encoding::new(1, 0, 8, 3, 1);
const VMALLE1IS: Encoding = Encoding::new(1, 0, 8, 3, 0);

fn machine(cpus: usize) -> (Arc<Vm>, Vec<Cpu>) {
    let regions = [RamRegion { gpa: RAM, len: 0x100_0000, kind: RamKind::ReadWrite }];
    let ram = Arc::new(GuestRam::new(&regions).unwrap());
    let model = armlet_arm::cpu::model("max").unwrap();
    let vm = Vm::new(ram, model, cpus, Clock::default());
    let cpus = (0..cpus)
        .map(|n| {
            let mut cpu = Cpu::new(vm.clone(), n);
            // 25 bits of address: the walk begins at level 2, of which entry 0 leads to the table.
            cpu.sys[SysReg::TCR_EL1] = 39 | 5 << 32 | 1 << 23;
            cpu.sys[SysReg::MAIR_EL1] = 0xff;
            cpu.sys[SysReg::TTBR0_EL1] = RAM + 0x8000;
            cpu.sys[SysReg::SCTLR_EL1] = 1;
            cpu.state_replaced();
            cpu
        })
        .collect();
    put(&vm, RAM + 0x8000, TABLE | 3);
    (vm, cpus)
}

fn put(vm: &Vm, pa: u64, value: u64) {
    let (_, offset, _) = vm.ram.find(pa).unwrap();
    vm.ram.store(offset, value, Ordering::SeqCst);
}

fn map(vm: &Vm, page: u64, pa: u64) {
    put(vm, TABLE + page * 8, pa | 1 << 10 | 3);
}

/// What the run loop does between blocks.
fn between_blocks(cpu: &mut Cpu, code: &mut Code) {
    if cpu.port.signals() & Port::MAIL != 0 {
        cpu.read_mail(code, &mut EmptyWorld);
    }
}

/// Each thread moves a page of its own back and forth, writes a count that only grows to the new place,
/// and after TLBI and DSB makes the count known. Who knows a count must not read a smaller one.
#[test]
fn no_stale_translation_after_dsb() {
    const THREADS: usize = 4;
    const ROUNDS: u64 = 1000;
    let (vm, cpus) = machine(THREADS);
    let known: [AtomicU64; THREADS] = Default::default();
    let left = AtomicU64::new(THREADS as u64);
    for n in 0..THREADS as u64 {
        map(&vm, n, DATA + n * 0x2000);
    }
    std::thread::scope(|scope| {
        for (n, mut cpu) in cpus.into_iter().enumerate() {
            let (vm, known, left) = (&vm, &known, &left);
            scope.spawn(move || {
                let mut code = Code::default();
                cpu.enter_guest();
                let mut round = 0;
                while left.load(Ordering::SeqCst) > 0 {
                    between_blocks(&mut cpu, &mut code);
                    for (other, count) in known.iter().enumerate() {
                        let least = count.load(Ordering::SeqCst);
                        let seen: u64 = cpu.load_mem(&mut EmptyWorld, (other as u64) << 12).unwrap();
                        assert!(seen >= least, "PE {n} reads {seen} of {other} after {least}");
                    }
                    if round == ROUNDS {
                        continue;
                    }
                    round += 1;
                    let place = DATA + n as u64 * 0x2000 + (round & 1) * 0x1000;
                    put(vm, place, round);
                    map(vm, n as u64, place);
                    if round % 7 == 0 {
                        cpu.tlbi(VMALLE1IS, 0);
                    } else {
                        cpu.tlbi(VAE1IS, n as u64);
                    }
                    assert!(cpu.dsb(&mut EmptyWorld));
                    known[n].store(round, Ordering::SeqCst);
                    match round % 64 {
                        5 => cpu.port.wait(Port::MAIL, Some(Duration::from_micros(50))),
                        6 => {
                            cpu.leave_guest();
                            cpu.enter_guest();
                        }
                        _ => {}
                    }
                    if round == ROUNDS {
                        left.fetch_sub(1, Ordering::SeqCst);
                    }
                }
                cpu.leave_guest();
            });
        }
    });
}

#[test]
fn a_pe_outside_the_guest_catches_up_when_it_enters() {
    let (vm, mut cpus) = machine(2);
    let mut other = cpus.pop().unwrap();
    let mut cpu = cpus.pop().unwrap();
    map(&vm, 0, DATA);
    put(&vm, DATA, 1);
    put(&vm, DATA + 0x1000, 2);
    assert_eq!(other.load_mem(&mut EmptyWorld, 0), Ok(1_u64));
    map(&vm, 0, DATA + 0x1000);
    cpu.enter_guest();
    // More than a mailbox keeps apart.
    for page in (0..100).rev() {
        cpu.tlbi(VAE1IS, page);
        assert!(cpu.dsb(&mut EmptyWorld));
    }
    assert_eq!(other.load_mem(&mut EmptyWorld, 0), Ok(1_u64), "nobody made it look");
    other.enter_guest();
    between_blocks(&mut other, &mut Code::default());
    assert_eq!(other.load_mem(&mut EmptyWorld, 0), Ok(2_u64));
}

#[test]
fn a_kick_ends_the_wait() {
    let (_vm, mut cpus) = machine(2);
    let mut other = cpus.pop().unwrap();
    let mut cpu = cpus.pop().unwrap();
    other.enter_guest();
    cpu.enter_guest();
    cpu.tlbi(VMALLE1IS, 0);
    let port = cpu.port.clone();
    let kicked = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            kicked.store(true, Ordering::SeqCst);
            port.raise(Port::KICK);
        });
        assert!(!cpu.dsb(&mut EmptyWorld));
        assert!(kicked.load(Ordering::SeqCst));
    });
    // The wait is still owed.
    assert!(!cpu.dsb(&mut EmptyWorld));
    between_blocks(&mut other, &mut Code::default());
    assert!(cpu.dsb(&mut EmptyWorld));
}
