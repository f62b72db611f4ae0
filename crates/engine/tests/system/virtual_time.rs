//! Virtual time: what happens at which instruction, whatever the shape of blocks.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use armlet_arm::SysReg;
use armlet_base::{Checkpoint, Checkpoints};
use armlet_engine::slice::SLICE;
use armlet_engine::{Code, Port, Stop};

use crate::kit::{CODE, Machine};

/// Limits of blocks to try.
const LIMITS: [usize; 4] = [64, 7, 3, 1];

const NOP: u32 = 0xd503_201f;
const ADD: u32 = 0x9100_0400; // add x0, x0, #1
const DAIFCLR_I: u32 = 0xd503_42ff;
const WFI: u32 = 0xd503_207f;
const HVC_1: u32 = 0xd400_0022;

/// `mov x0, #value` (16 bits); `msr reg, x0`, or the same with the upper half.
fn set(reg: u32, value: u32) -> Vec<u32> {
    vec![0xd280_0000 | (value & 0xffff) << 5, 0xf2a0_0000 | (value >> 16) << 5, 0xd51b_e000 | reg]
}

const CNTV_TVAL: u32 = 0x300;
const CNTV_CTL: u32 = 0x320;
const CNTV_CVAL: u32 = 0x340;

fn branch_to(from: usize, to: usize) -> u32 {
    0x1400_0000 | (to as i32 - from as i32) as u32 & 0x3ff_ffff
}

#[test]
fn slices_end_at_exact_counts_in_the_middle_of_blocks() {
    const LEN: usize = 37;
    let mut seen = Vec::new();
    for limit in LIMITS {
        let mut words = vec![ADD; LEN - 1];
        words.push(branch_to(LEN - 1, 0));
        let mut m = Machine::in_virtual_time(&words, limit);
        let checkpoints: Arc<Mutex<Vec<Checkpoint>>> = Arc::default();
        let (into, port) = (checkpoints.clone(), m.cpu.port.clone());
        let sink = Arc::new(move |checkpoint: &Checkpoint| {
            let mut checkpoints = into.lock().unwrap();
            checkpoints.push(*checkpoint);
            if checkpoints.len() == 20 {
                port.raise(Port::KICK);
            }
        });
        let every = SLICE + 1;
        m.cpu.slice.as_mut().unwrap().set_checkpoints(Checkpoints { from: 0, every, memory_every: 5, sink });
        assert_eq!(m.run_to_stop(), Stop::Kicked);
        let checkpoints = std::mem::take(&mut *checkpoints.lock().unwrap());
        for (n, checkpoint) in checkpoints.iter().enumerate() {
            let retired = (n as u64 + 1) * every;
            assert_eq!((checkpoint.retired, checkpoint.time_ns), (retired, retired));
            assert_eq!(checkpoint.pc, CODE + retired % LEN as u64 * 4);
            assert_eq!(checkpoint.memory.is_some(), (n + 1) % 5 == 0);
        }
        assert_eq!((m.cpu.retired, m.cpu.pc), (21 * SLICE, CODE + 21 * SLICE % LEN as u64 * 4));
        seen.push(checkpoints);
    }
    assert!(seen.iter().all(|checkpoints| *checkpoints == seen[0]));
}

#[test]
fn checkpoints_change_nothing() {
    let words = [set(CNTV_TVAL, 3), vec![DAIFCLR_I], set(CNTV_CTL, 1), vec![ADD; 100]].concat();
    let mut seen = Vec::new();
    for (from, every) in [(0, u64::MAX), (0, 1), (7, 2), (60, 9)] {
        let mut m = Machine::in_virtual_time(&words, 64).with_gic();
        let counts: Arc<Mutex<Vec<u64>>> = Arc::default();
        let into = counts.clone();
        let sink = Arc::new(move |checkpoint: &Checkpoint| into.lock().unwrap().push(checkpoint.retired));
        m.cpu.slice.as_mut().unwrap().set_checkpoints(Checkpoints { from, every, memory_every: 0, sink });
        assert_eq!(m.run(), 0x280);
        let counts = std::mem::take(&mut *counts.lock().unwrap());
        let first = if from == 0 { every } else { from };
        assert!(counts.iter().copied().eq((first..m.cpu.retired).step_by(every as usize)), "{counts:?}");
        seen.push((m.cpu.retired, m.elr_index(), m.cpu.x[0]));
    }
    assert!(seen.iter().all(|run| *run == seen[0]), "{seen:?}");
}

#[test]
fn a_counter_reads_the_instructions_before_it() {
    for limit in LIMITS {
        let mut words = vec![0xd53b_e041, NOP, NOP, NOP, 0xd53b_e042, NOP]; // mrs x1, cntvct_el0; mrs x2
        words.extend([0xd53b_e023, HVC_1]); // mrs x3, cntpct_el0
        let mut m = Machine::in_virtual_time(&words, limit);
        m.run();
        assert_eq!(m.cpu.x[1..4], [0, 4, 6], "{limit}");
    }
}

#[test]
fn the_cycle_counter_counts_instructions() {
    for limit in LIMITS {
        let mut m = Machine::in_virtual_time(
            &[
                0xd2b0_0000, // mov x0, #0x80000000
                0xd51b_9c20, // msr pmcntenset_el0, x0
                0xd280_0020, // mov x0, #1
                0xd51b_9c00, // msr pmcr_el0, x0: counts from here
                NOP,
                NOP,
                0xd53b_9d01, // mrs x1, pmccntr_el0
                HVC_1,
            ],
            limit,
        );
        m.run();
        assert_eq!(m.cpu.x[1], 3, "{limit}");
    }
}

#[test]
fn a_timer_interrupts_at_its_instruction() {
    // In this slice, at its end, right after it, and in a later one.
    for at in [1000, SLICE, SLICE + 1, 3 * SLICE + 77] {
        for limit in LIMITS {
            let mut words = [set(CNTV_CVAL, at as u32), set(CNTV_CTL, 1), vec![DAIFCLR_I]].concat();
            let start = words.len();
            words.extend([ADD; 20]);
            words.push(branch_to(start + 20, start));
            let mut m = Machine::in_virtual_time(&words, limit).with_gic();
            assert_eq!(m.run(), 0x280);
            // The vector's HVC retires too.
            assert_eq!(m.cpu.retired, at + 1, "{limit}");
            assert_eq!(m.elr_index(), start as u64 + (at - start as u64) % 21, "{limit}");
        }
    }
}

#[test]
fn what_the_guest_does_itself_is_seen_soon_and_at_a_fixed_place() {
    for limit in LIMITS {
        // The deadline passes while interrupts are masked: taken right after they are unmasked.
        let mut words = [set(CNTV_CVAL, 1), set(CNTV_CTL, 1), vec![NOP; 90], vec![DAIFCLR_I]].concat();
        words.extend([NOP; 100]);
        let mut m = Machine::in_virtual_time(&words, limit).with_gic();
        assert_eq!((m.run(), m.elr_index()), (0x280, 97), "{limit}");

        // A deadline too near for the block that may be running: 64 instructions from the write on.
        let mut words = [set(CNTV_TVAL, 1), vec![DAIFCLR_I], set(CNTV_CTL, 1)].concat();
        words.extend([NOP; 100]);
        let mut m = Machine::in_virtual_time(&words, limit).with_gic();
        assert_eq!((m.run(), m.elr_index()), (0x280, 6 + 64), "{limit}");
    }
}

#[test]
fn wfi_skips_to_the_alarm_and_retires() {
    for limit in LIMITS {
        let mut words = [set(CNTV_CVAL, 5_000_000), set(CNTV_CTL, 1)].concat();
        words.extend([WFI, 0xd53b_e041, HVC_1]); // mrs x1, cntvct_el0
        let mut m = Machine::in_virtual_time(&words, limit).with_gic();
        assert_eq!(m.run(), 1);
        assert_eq!((m.cpu.x[1], m.cpu.retired), (5_000_001, 9), "{limit}");
        assert_eq!(m.gic.levels.load(Ordering::Relaxed), 1 << 27);
    }
}

#[test]
fn wfi_takes_the_interrupt_after_it() {
    for limit in LIMITS {
        let mut words = [set(CNTV_CVAL, 900), set(CNTV_CTL, 1), vec![DAIFCLR_I]].concat();
        words.extend([WFI, NOP, NOP]);
        let mut m = Machine::in_virtual_time(&words, limit).with_gic();
        assert_eq!((m.run(), m.elr_index(), m.cpu.retired), (0x280, 8, 9), "{limit}");
    }
}

#[test]
fn wfe_follows_the_event_stream() {
    let mut m = Machine::in_virtual_time(
        &[
            0xd280_1e80, // mov x0, #0xf4: EVNTEN, EVNTI = 15
            0xd518_e100, // msr cntkctl_el1, x0
            0xd503_205f, // wfe
            0xd53b_e041, // mrs x1, cntvct_el0
            HVC_1,
        ],
        64,
    );
    m.run();
    assert_eq!((m.cpu.x[1], m.cpu.retired), ((1 << 15) + 1, 5));
}

#[test]
fn a_kick_ends_a_sleep_without_alarm_and_the_wfi_runs_again() {
    let mut m = Machine::in_virtual_time(&[WFI, HVC_1], 64);
    for _ in 0..3 {
        let port = m.cpu.port.clone();
        let kicker = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            port.raise(Port::KICK);
        });
        assert_eq!(m.run_to_stop(), Stop::Kicked);
        kicker.join().unwrap();
        assert_eq!((m.cpu.pc, m.cpu.retired), (CODE, 0));
    }
    m.cpu.port.raise(Port::IRQ);
    assert_eq!((m.run(), m.cpu.retired), (1, 2));
}

/// A program that calls what is at word 32 five times and adds `next` to its first instruction after each call.
fn patching(start: [u32; 4], next: [u32; 8], function: [u32; 2]) -> Vec<u32> {
    let mut words = [&start[..], &next].concat();
    words.resize(32, 0);
    words.extend(function);
    words
}

#[test]
fn patched_code_runs_at_once_whatever_executes_it() {
    let a64 = patching(
        [0x1000_0401, 0xb940_0022, 0xd280_00a3, NOP], // adr x1, #0x80; ldr w2, [x1]; mov x3, #5
        [
            0x9400_001c, // bl #0x70
            0x1110_0042, // add w2, w2, #0x400
            0xb900_0022, // str w2, [x1]
            0xd50b_7521, // ic ivau, x1
            0xd503_3fdf, // isb
            0xf100_0463, // subs x3, x3, #1
            0x54ff_ff41, // b.ne #-0x18
            HVC_1,
        ],
        [ADD, 0xd65f_03c0], // ret
    );
    let a32 = patching(
        // mov r1, #0x40000000; add r1, r1, #0x80; ldr r2, [r1]; mov r3, #5
        [0xe3a0_1101, 0xe281_1080, 0xe591_2000, 0xe3a0_3005],
        [
            0xeb00_001a, // bl #0x70
            0xe282_2001, // add r2, r2, #1
            0xe581_2000, // str r2, [r1]
            0xee07_1f35, // mcr p15, 0, r1, c7, c5, 1: ICIMVAU
            0xf57f_f06f, // isb
            0xe253_3001, // subs r3, r3, #1
            0x1aff_fff8, // bne #-0x18
            0xe140_0071, // hvc #1
        ],
        [0xe280_0001, 0xe12f_ff1e], // add r0, r0, #1; bx lr
    );
    for compiled in [false, Code::HAS_JIT] {
        for machine in [Machine::in_virtual_time(&a64, 64), Machine::aarch32_in_virtual_time(&a32)] {
            let mut m = if compiled { machine.compiled() } else { machine };
            assert_eq!(m.run(), 1);
            assert_eq!((m.cpu.x[0], m.cpu.retired), (1 + 2 + 3 + 4 + 5, 50), "{compiled}");
        }
    }
}

#[test]
fn the_registers_are_all_in_the_hash() {
    use armlet_arm::CpuState;
    use armlet_engine::slice::hash_registers as hash;
    let zero = CpuState::default();
    let mut seen = vec![hash(&zero)];
    let mut differs = |change: &dyn Fn(&mut CpuState)| {
        let mut state = zero.clone();
        change(&mut state);
        let value = hash(&state);
        assert!(!seen.contains(&value));
        seen.push(value);
    };
    differs(&|s| s.x[30] = 1);
    differs(&|s| s.pc = 1);
    differs(&|s| s.pstate = armlet_arm::Pstate::empty());
    differs(&|s| s.v[31] = 1 << 127);
    differs(&|s| s.fpcr = 1);
    differs(&|s| s.fpsr = 1);
    for &reg in SysReg::ALL {
        differs(&|s| s.sys[reg] = 1);
    }
}
