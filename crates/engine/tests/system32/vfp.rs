//! Floating point: who lets whom have it, and its system registers.

use armlet_arm::cpu::model;
use armlet_engine::Code;

use crate::access::registers;
use crate::kit::Machine;
use crate::words::*;

const FPSID: u32 = 0;
const FPSCR: u32 = 1;
const MVFR2: u32 = 5;
const MVFR0: u32 = 7;
const FPEXC: u32 = 8;
/// MOV R0, #0xf00000: CP10 and CP11 for all.
const ALL: u32 = 0xe3a0_060f;
/// The same for EL1 alone.
const EL1_ALONE: u32 = 0xe3a0_0605;
/// MOV R1, #1 << 30: FPEXC.EN.
const ON: u32 = 0xe3a0_1101;
const VADD: u32 = 0xee30_0a00;
/// VADD of Q registers.
const NEON: u32 = 0xf220_0840;
const VLDR: u32 = 0xed9f_0b00;

fn vmrs(reg: u32, rt: u32) -> u32 {
    0xeef0_0a10 | reg << 16 | rt << 12
}

fn vmsr(reg: u32, rt: u32) -> u32 {
    0xeee0_0a10 | reg << 16 | rt << 12
}

fn allow() -> u32 {
    mcr((0, 1, 0, 2), 0)
}

/// Runs words by the interpreter, and by the JIT where there is one.
#[track_caller]
fn run(words: &[u32], end: u16) -> [u32; 15] {
    let mut m = Machine::aarch32("cortex-a15", words).with_gic();
    assert_eq!(m.run(), end);
    if Code::HAS_JIT {
        let mut compiled = Machine::aarch32("cortex-a15", words).with_gic().compiled();
        assert_eq!((compiled.run(), registers(&compiled)), (end, registers(&m)));
    }
    registers(&m)
}

#[test]
fn nothing_goes_without_cpacr() {
    for word in [VADD, NEON, VLDR, vmrs(FPEXC, 2), vmrs(FPSID, 2), vmrs(FPSCR, 2)] {
        run(&[word, END], vector::UNDEFINED);
    }
}

#[test]
fn fpexc_and_what_identifies_go_without_fpexc() {
    for word in [VADD, NEON, VLDR, vmrs(FPSCR, 2), vmsr(FPSCR, 2)] {
        run(&[ALL, allow(), word, END], vector::UNDEFINED);
        run(&[ALL, allow(), ON, vmsr(FPEXC, 1), word, END], DONE);
    }
    let r = run(&[ALL, allow(), vmrs(FPEXC, 2), vmrs(FPSID, 3), vmrs(MVFR0, 4), vmrs(6, 5), END], DONE);
    assert_eq!(r[2..6], [0, 0x4104_30f0, 0x1011_0222, 0x1111_1111]);
    let r = run(&[ALL, allow(), ON, vmsr(FPEXC, 1), vmrs(FPEXC, 2), END], DONE);
    assert_eq!(r[2], 1 << 30);
    // Armv7 has no MVFR2.
    run(&[ALL, allow(), vmrs(MVFR2, 2), END], vector::UNDEFINED);
    assert_eq!(model("cortex-a53").unwrap().mvfr(2), Some(0x43));
}

#[test]
fn code_that_ran_traps_once_floating_point_is_off() {
    const COUNT: u32 = 0xe284_4001; // add r4, r4, #1
    const DONE_COUNT: u32 = 0xe285_5001; // add r5, r5, #1
    const OFF: u32 = 0xe3a0_1000; // mov r1, #0
    let on = [ALL, allow(), ON, vmsr(FPEXC, 1)];
    let is = |count: u32| 0xe354_0000 | count; // cmp r4, #count
    let back = |words: u32| 0x1aff_fffe - words; // bne, so many words back
    for word in [VADD, NEON, VLDR, vmrs(FPSCR, 2)] {
        let turn = [COUNT, word, DONE_COUNT, OFF, vmsr(FPEXC, 1), is(3), back(6), END];
        assert_eq!(run(&[&on[..], &turn].concat(), vector::UNDEFINED)[4..6], [2, 1], "{word:08x}");
    }
    // The second turn passes it over: that checks nothing.
    let vadd_ne = VADD & 0x0fff_ffff | 1 << 28;
    let turn = [COUNT, is(2), vadd_ne, DONE_COUNT, OFF, vmsr(FPEXC, 1), is(3), back(7), END];
    assert_eq!(run(&[&on[..], &turn].concat(), vector::UNDEFINED)[4..6], [3, 2]);
}

#[test]
fn el0_has_what_cpacr_allows_it_but_no_registers_of_el1() {
    // CPS to User mode; the program goes on there.
    const USER: u32 = 0xf102_0010;
    // SVC takes EL0 out.
    const SVC: u32 = 0xef00_0000;
    let at_el0 = |allowed: u32, word: u32| [allowed, allow(), ON, vmsr(FPEXC, 1), USER, word, SVC];
    for word in [VADD, NEON, vmrs(FPSCR, 2), vmsr(FPSCR, 2)] {
        run(&at_el0(ALL, word), vector::SVC);
        run(&at_el0(EL1_ALONE, word), vector::UNDEFINED);
    }
    for word in [vmrs(FPEXC, 2), vmrs(FPSID, 2), vmsr(FPEXC, 1)] {
        run(&at_el0(ALL, word), vector::UNDEFINED);
    }
}

#[test]
fn fpscr_keeps_controls_flags_and_exceptions() {
    // MVN R1, #0; Len and Stride, and what would trap exceptions, are zero.
    let words = [ALL, allow(), ON, vmsr(FPEXC, 1), 0xe3e0_1000, vmsr(FPSCR, 1), vmrs(FPSCR, 2), END];
    assert_eq!(run(&words, DONE)[2], 0xffc0_009f);
    // VMRS APSR_nzcv, then MRS.
    let words =
        [ALL, allow(), ON, vmsr(FPEXC, 1), 0xe3a0_1209, vmsr(FPSCR, 1), vmrs(FPSCR, 15), 0xe10f_2000, END];
    assert_eq!(run(&words, DONE)[2] >> 28, 9);
}
