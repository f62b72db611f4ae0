//! State in and out of KVM, and what it is good for: a guest that goes on elsewhere, and a reset.
#![cfg(all(target_os = "linux", target_arch = "aarch64"))]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use armlet_arm::{CpuState, Pstate, SysReg};
use armlet_hv::{Capabilities, GuestMode, Hypervisor, Stop};
use armlet_hv_soft::SoftHypervisor;
use common::{DEVICE, GICD, RAM, Seen, Small, gic, kvm};

/// Integers, flags, floating point, vectors, pairs, system registers; ends with a store to the device at X0.
const COMPUTE: &[u32] = &[
    0xd282_4681, // mov x1, #0x1234
    0xf2ff_ffe1, // movk x1, #0xffff, lsl #48
    0x9b01_7c22, // mul x2, x1, x1
    0xab01_0043, // adds x3, x2, x1
    0xfa02_0064, // sbcs x4, x3, x2
    0xdac0_0c85, // rev x5, x4
    0x1e6f_1000, // fmov d0, #1.5
    0x1e71_1001, // fmov d1, #-3.0
    0x1e61_1802, // fdiv d2, d0, d1
    0x1e61_c023, // fsqrt d3, d1
    0x9e62_0024, // scvtf d4, x1
    0x4e64_cc45, // fmla v5.2d, v2.2d, v4.2d
    0x6e22_1c86, // eor v6.16b, v4.16b, v2.16b
    0xd53b_4426, // mrs x6, fpsr
    0xa900_08e1, // stp x1, x2, [x7]
    0xa940_24e8, // ldp x8, x9, [x7]
    0xf900_08e3, // str x3, [x7, #16]
    0xd51b_d043, // msr tpidr_el0, x3
    0xd518_d024, // msr contextidr_el1, x4
    0xb900_0005, // str w5, [x0]
    0x1400_0000, // b .
];

/// Sets some of the distributor at X1 up, then counts in X20 and at X7 for ever.
const COUNT: &[u32] = &[
    0x5280_0062, // mov w2, #3
    0xb900_0022, // str w2, [x1]
    0x5280_0602, // mov w2, #0x30
    0xb901_0422, // str w2, [x1, #0x104]
    0x5294_1402, // mov w2, #0xa0a0
    0xb904_2422, // str w2, [x1, #0x424]
    0x9100_0694, // add x20, x20, #1
    0xf900_00f4, // str x20, [x7]
    0x17ff_fffe, // b .-8
];

/// Turns CPU 1 on at X8 with the context X7, waits for the word at X7 + 8, then counts in X20 and at X7 for ever.
const START_ANOTHER: &[u32] = &[
    0xd280_0060, // mov x0, #3
    0xf2b8_8000, // movk x0, #0xc400, lsl #16
    0xd280_0021, // mov x1, #1
    0xaa08_03e2, // mov x2, x8
    0xaa07_03e3, // mov x3, x7
    0xd400_0002, // hvc #0
    0xf940_04e4, // 1: ldr x4, [x7, #8]
    0xb4ff_ffe4, // cbz x4, 1b
    0x9100_0694, // add x20, x20, #1
    0xf900_00f4, // str x20, [x7]
    0x17ff_fffc, // b 1b
    // CPU 1:
    0x9100_0694, // add x20, x20, #1
    0xf900_0414, // str x20, [x0, #8]
    0x17ff_fffe, // b .-8
];

/// Where the programs above leave words.
const WORDS: u64 = RAM + 0x1000;

#[test]
fn soft_computes_the_same() {
    let Some(kvm) = kvm() else { return };
    let soft = SoftHypervisor::new();
    let run = |hv: &dyn Hypervisor| {
        let mut small = Small::new(hv, COMPUTE, None, 1);
        small.start(&[(0, DEVICE), (7, WORDS)]);
        let seen = small.run();
        (small.state(0), seen.writes, [WORDS, WORDS + 8, WORDS + 16].map(|at| small.word(at)))
    };
    let ((native, writes, words), (soft, soft_writes, soft_words)) = (run(&kvm), run(&soft));
    assert_eq!((writes, words), (soft_writes, soft_words));
    assert_eq!(native.x, soft.x);
    assert_eq!((native.pc, native.pstate), (RAM + 80, soft.pstate));
    assert_eq!(native.v, soft.v);
    assert_eq!((native.fpsr, native.fpcr), (soft.fpsr, soft.fpcr));
    assert_eq!(soft.pc, native.pc);
    for reg in [SysReg::TPIDR_EL0, SysReg::CPACR_EL1, SysReg::SP_EL1] {
        assert_eq!(native.sys[reg], soft.sys[reg], "{}", reg.name());
    }
    // Its upper half is RES0.
    let contextidr = |state: &CpuState| state.sys[SysReg::CONTEXTIDR_EL1] as u32;
    assert_eq!(contextidr(&native), contextidr(&soft));
}

/// A value for each register, of bits that are there on every CPU.
fn fill(state: &mut CpuState) {
    let value = |n: usize| 0x0123_4567_89ab_cdef_u64.rotate_left(n as u32);
    (0..31).for_each(|n| state.x[n] = value(n));
    (0..32).for_each(|n| state.v[n] = u128::from(value(n)) << 64 | u128::from(value(n + 32)));
    (state.fpcr, state.fpsr) = (0x0340_0000, 0x0800_001f);
    for (n, reg) in PLAIN.iter().enumerate() {
        state.sys[*reg] = value(n) & 0x0000_ffff_ffff_fff0;
    }
    for (n, reg) in NARROW.iter().enumerate() {
        state.sys[*reg] = value(n) & 0xffff_ffff;
    }
}

const PLAIN: &[SysReg] = &[
    SysReg::TTBR0_EL1,
    SysReg::TTBR1_EL1,
    SysReg::MAIR_EL1,
    SysReg::TPIDR_EL0,
    SysReg::TPIDRRO_EL0,
    SysReg::TPIDR_EL1,
    SysReg::FAR_EL1,
    SysReg::SP_EL0,
    SysReg::SP_EL1,
    SysReg::ELR_EL1,
    SysReg::CNTV_CVAL_EL0,
];
const NARROW: &[SysReg] = &[
    SysReg::ESR_EL1,
    SysReg::CONTEXTIDR_EL1,
    SysReg::SPSR_EL1,
    SysReg::SPSR_ABT,
    SysReg::SPSR_UND,
    SysReg::SPSR_IRQ,
    SysReg::SPSR_FIQ,
];

#[test]
fn all_of_the_state_goes_in_and_comes_out() {
    let Some(kvm) = kvm() else { return };
    let mut small = Small::new(&kvm, &[0x1400_0000], Some(gic(&kvm)), 1);
    let mut state = small.state(0);
    assert_ne!(state.sys[SysReg::CNTFRQ_EL0], 0);
    fill(&mut state);
    (state.pc, state.pstate) = (RAM + 0x100, Pstate::RESET_EL1H | Pstate::N | Pstate::C);
    small.vcpus[0].load(&state).unwrap();
    assert_eq!(small.state(0), state);
    // In the kernel, not only in the backend's memory.
    small.vcpus[0].kicker().kick();
    assert_eq!(small.vcpus[0].run(&mut Seen::default()).unwrap(), Stop::Kicked);
    let back = small.state(0);
    assert_eq!((back.x, back.v, back.pc, back.pstate), (state.x, state.v, state.pc, state.pstate));
    for reg in PLAIN.iter().chain(NARROW) {
        assert_eq!(back.sys[*reg], state.sys[*reg], "{}", reg.name());
    }
    small.vcpus[0].reset().unwrap();
    let fresh = small.state(0);
    assert_eq!((fresh.x, fresh.pc, fresh.pstate), ([0; 31], 0, Pstate::RESET_EL1H));
}

fn can_aarch32(can: &Capabilities) -> bool {
    let can = can.modes.contains(&GuestMode::A32El1);
    if !can {
        eprintln!("skipped: this host's CPU has no AArch32 at EL1");
    }
    can
}

#[test]
fn aarch32_has_its_banked_registers() {
    let Some(kvm) = kvm() else { return };
    if !can_aarch32(kvm.capabilities()) {
        return;
    }
    // mov r4, #5; mrs r5, cpsr; str r4, [r0]; b .
    let code = [0xe3a0_4005, 0xe10f_5000, 0xe580_4000, 0xeaff_fffe];
    let mut small = Small::in_mode(&kvm, &code, None, 1, GuestMode::A32El1);
    let mut state = small.state(0);
    (0..31).for_each(|n| state.x[n] = 0x1000_0000 + n as u64);
    state.x[0] = DEVICE;
    (state.pc, state.pstate) = (RAM, Pstate::RESET_SVC);
    let banked = [SysReg::SPSR_EL1, SysReg::SPSR_ABT, SysReg::SPSR_UND, SysReg::SPSR_IRQ, SysReg::SPSR_FIQ];
    banked.iter().enumerate().for_each(|(n, reg)| state.sys[*reg] = 0x6000_01d0 + n as u64);
    state.sys[SysReg::DACR32_EL2] = 0x5555_5555;
    state.sys[SysReg::IFSR32_EL2] = 7;
    small.vcpus[0].load(&state).unwrap();
    assert_eq!(small.run().writes, [(0, 4, 5)]);
    let after = small.state(0);
    assert_eq!((after.x[4], after.x[5], after.pc), (5, 0x1d3, RAM + 12));
    assert_eq!(after.x[6..31], state.x[6..31]);
    for reg in banked.into_iter().chain([SysReg::DACR32_EL2, SysReg::IFSR32_EL2]) {
        assert_eq!(after.sys[reg], state.sys[reg], "{}", reg.name());
    }
}

/// Runs all vCPUs on threads of their own until the words at [`WORDS`] have all grown beyond `least`, and then stops them.
fn run_all(small: &mut Small, words: u64, least: u64) {
    let done = AtomicBool::new(false);
    let kickers: Vec<_> = small.vcpus.iter().map(|vcpu| vcpu.kicker()).collect();
    let ram = small.ram.clone();
    let grown = || {
        (0..words).all(|n| {
            let mut bytes = [0; 8];
            ram.read(WORDS + 8 * n, &mut bytes).unwrap();
            u64::from_le_bytes(bytes) > least
        })
    };
    std::thread::scope(|scope| {
        let done = &done;
        for vcpu in &mut small.vcpus {
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    assert_eq!(vcpu.run(&mut Seen::default()).unwrap(), Stop::Kicked);
                }
            });
        }
        while !grown() {
            std::thread::yield_now();
        }
        done.store(true, Ordering::SeqCst);
        kickers.iter().for_each(|kicker| kicker.kick());
    });
}

/// The numbers of 64 bits behind the heading that are not alike: which, and both.
fn differences(one: &[u8], other: &[u8]) -> Vec<(usize, u64, u64)> {
    let numbers = |state: &[u8]| -> Vec<u64> {
        state[28..].as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()
    };
    assert_eq!((&one[..28], one.len()), (&other[..28], other.len()));
    let pairs = numbers(one).into_iter().zip(numbers(other)).enumerate();
    pairs.filter(|(_, (a, b))| a != b).map(|(n, (a, b))| (n, a, b)).collect()
}

fn opaque(small: &mut Small) -> Vec<u8> {
    small.vm.as_opaque_state().unwrap().save_opaque().unwrap()
}

#[test]
fn a_running_guest_goes_on_in_another_vm() {
    let Some(kvm) = kvm() else { return };
    let config = gic(&kvm);
    let mut old = Small::new(&kvm, COUNT, Some(config), 1);
    let fresh = opaque(&mut old);
    // A wire that is high there and will be in the copy.
    let sink = old.vm.in_kernel_irqs().unwrap();
    sink.set_level(37, true);
    old.start(&[(1, GICD), (7, WORDS)]);
    run_all(&mut old, 1, 1000);
    let counted = old.word(WORDS);
    let mut new = Small::new(&kvm, &[], Some(config), 1);
    new.vm.in_kernel_irqs().unwrap().set_level(37, true);
    common::copy(&mut old, &mut new);
    let controller = opaque(&mut old);
    assert_ne!(controller, fresh);
    assert_eq!(differences(&opaque(&mut new), &controller), []);
    assert_eq!(new.state(0).x, old.state(0).x);
    run_all(&mut new, 1, counted + 1000);
    assert!(new.state(0).x[20] >= new.word(WORDS));
    // And a reset brings back what was at first.
    sink.set_level(37, false);
    old.vm.reset().unwrap();
    assert_eq!(differences(&opaque(&mut old), &fresh), []);
}

#[test]
fn cpus_that_are_on_are_on_in_the_copy() {
    let Some(kvm) = kvm() else { return };
    let config = gic(&kvm);
    let mut old = Small::new(&kvm, START_ANOTHER, Some(config), 2);
    old.start(&[(7, WORDS), (8, RAM + 11 * 4)]);
    run_all(&mut old, 2, 1000);
    let counted = old.word(WORDS).max(old.word(WORDS + 8));
    let mut new = Small::new(&kvm, &[], Some(config), 2);
    common::copy(&mut old, &mut new);
    drop(old);
    run_all(&mut new, 2, counted + 1000);
}

#[test]
fn foreign_state_is_refused_in_words() {
    let Some(kvm) = kvm() else { return };
    let mut small = Small::new(&kvm, &[0x1400_0000], Some(gic(&kvm)), 1);
    let good = opaque(&mut small);
    let mut other = Small::new(&kvm, &[], Some(gic(&kvm)), 2);
    let mut error = |state: &[u8]| {
        let error = other.vm.as_opaque_state().unwrap().load_opaque(state).unwrap_err();
        error.to_string()
    };
    assert!(error(&good).contains("another shape"));
    assert!(error(&good[..14]).contains("cut short"));
    assert!(error(b"").contains("cut short"));
    assert!(error(b"something else").contains("another kind"));
    let vcpu = other.vcpus[0].as_opaque_state().unwrap();
    assert!(vcpu.load_opaque(&good).is_err());
    let whole = vcpu.save_opaque().unwrap();
    for cut in [whole.len() - 1, whole.len() / 2, 13] {
        assert!(vcpu.load_opaque(&whole[..cut]).is_err());
    }
    vcpu.load_opaque(&whole).unwrap();
}

#[test]
fn a_kick_ends_a_run_once_whenever_it_comes() {
    let Some(kvm) = kvm() else { return };
    let mut small = Small::new(&kvm, &[0x1400_0000], None, 1);
    small.start(&[]);
    let kicker = small.vcpus[0].kicker();
    for _ in 0..100 {
        kicker.kick();
        assert_eq!(small.vcpus[0].run(&mut Seen::default()).unwrap(), Stop::Kicked);
        let (other, kicked) = (kicker.clone(), Arc::new(AtomicBool::new(false)));
        let told = kicked.clone();
        let thread = std::thread::spawn(move || {
            told.store(true, Ordering::SeqCst);
            other.kick();
        });
        assert_eq!(small.vcpus[0].run(&mut Seen::default()).unwrap(), Stop::Kicked);
        assert!(kicked.load(Ordering::SeqCst), "the kick before was told twice");
        thread.join().unwrap();
    }
    drop(small);
    kicker.kick();
}
