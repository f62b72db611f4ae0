//! Translation tables of AArch32 as guests use them.

use armlet_arm::{Pstate, SysReg};

use crate::kit::{CODE, DATA, Machine, VECTORS};
use crate::words::*;

/// Where the level 1 table is: 16 KiB.
const TABLE: u64 = DATA;
/// A level 2 table.
const PAGES: u64 = DATA + 0x8000;
/// Memory that tests map.
const TARGET: u64 = DATA + 0x1_0000;
/// A section for EL1 in domain 0, memory not cacheable.
const SECTION: u32 = 2 | 1 << 10 | 1 << 12;

/// A machine whose tables map the first MiB of memory onto itself, domain 0 being a client, and
/// 0x1000_0000 to `TARGET` by a page with the bits `page` in domain `domain`.
fn machine(words: &[u32], page: u32, domain: u32, dacr: u32) -> Machine {
    let mut m = Machine::aarch32("cortex-a15", words);
    put(&m, TABLE + (CODE >> 20) * 4, CODE as u32 | SECTION);
    put(&m, TABLE + (0x1000_0000 >> 20) * 4, PAGES as u32 | 1 | domain << 5);
    put(&m, PAGES, TARGET as u32 | page);
    put(&m, TARGET + 0x124, 0x5555_aaaa);
    m.change(|state| {
        state.sys[SysReg::SCTLR_EL1] |= 1;
        state.sys[SysReg::TTBR0_EL1] = TABLE;
        state.sys[SysReg::DACR32_EL2] = u64::from(dacr);
        state.x[0] = 0x1000_0124;
    });
    m
}

fn put(m: &Machine, at: u64, word: u32) {
    m.cpu.vm.ram.write(at, &word.to_le_bytes()).unwrap();
}

const LOAD: u32 = 0xe590_1000; // ldr r1, [r0]
const STORE: u32 = 0xe580_1000; // str r1, [r0]
const LOAD_USER: u32 = 0xe4b0_1000; // ldrt r1, [r0], #0
/// A small page, AP in place, Normal memory.
const fn small(ap: u32) -> u32 {
    2 | (ap & 3) << 4 | (ap >> 2) << 9 | 1 << 6
}

/// DFSR and DFAR.
fn fault(m: &Machine) -> (u64, u64) {
    (m.sys(SysReg::ESR_EL1) & 0xffff_ffff, m.sys(SysReg::FAR_EL1) & 0xffff_ffff)
}

#[test]
fn pages_translate() {
    let mut m = machine(&[LOAD, END], small(1), 0, 1);
    assert_eq!(m.run(), DONE);
    assert_eq!(m.cpu.x[1], 0x5555_aaaa);
}

#[test]
fn aborts_say_what_and_where() {
    // FS, domain, WnR.
    for (word, page, dacr, dfsr) in [
        (LOAD, 0, 5, 7 | 1 << 4),
        (STORE, 0, 5, 7 | 1 << 4 | 1 << 11),
        (STORE, small(5), 5, 0xf | 1 << 4 | 1 << 11),
        (LOAD, small(1), 1, 0xb | 1 << 4),
        (STORE, small(1), 1, 0xb | 1 << 4 | 1 << 11),
        (LOAD_USER, small(1), 5, 0xf | 1 << 4),
    ] {
        let mut m = machine(&[word, END], page, 1, dacr);
        assert_eq!(m.run(), vector::DATA, "{word:#x} {page:#x}");
        assert_eq!(fault(&m), (dfsr, 0x1000_0124), "{word:#x} {page:#x}");
        assert_eq!(m.cpu.x[14], CODE + 8);
    }
    // What nothing maps at level 1 has no domain.
    let mut m = machine(&[0xe3a0_0000, LOAD, END], small(1), 1, 5); // mov r0, #0
    assert_eq!((m.run(), fault(&m)), (vector::DATA, (5, 0)));
}

#[test]
fn a_manager_may_do_anything_even_execute() {
    let mut m = machine(&[STORE, LOAD_USER, END], small(0), 1, 0xd);
    assert_eq!(m.run(), DONE);
    // XN counts for clients only: BX R0 into the page.
    for (dacr, stop) in [(0xd, DONE), (5, vector::PREFETCH)] {
        let mut m = machine(&[0xe12f_ff10], small(1) | 1, 1, dacr);
        put(&m, TARGET + 0x124, END);
        assert_eq!(m.run(), stop);
    }
    let mut m = machine(&[0xe12f_ff10], small(1) | 1, 1, 5);
    m.run();
    assert_eq!(m.sys(SysReg::IFSR32_EL2), 0xf);
    assert_eq!(m.sys(SysReg::FAR_EL1) >> 32, 0x1000_0124);
}

#[test]
fn switching_domains_off_and_on_forgets_nothing() {
    // Two values of DACR in turn, a load under one of them, 64 times.
    let program = [
        0xe3a0_2040, // mov r2, #64
        0xe3a0_3001, // mov r3, #1
        0xe3a0_4005, // mov r4, #5
        mcr(DACR, 3),
        mcr(DACR, 4),
        LOAD,
        0xe252_2001, // subs r2, r2, #1
        0x1aff_fffa, // bne to the first MCR
        mcr(DACR, 3),
        LOAD,
        END,
    ];
    let mut m = machine(&program, small(1), 1, 1);
    assert_eq!(m.run(), vector::DATA, "the last load is under the other value");
    assert_eq!(fault(&m).0, 0xb | 1 << 4);
    let counters = m.cpu.mmu.counters();
    assert!(counters.walks < 8 && counters.data_misses < 4, "{counters:?}");
}

#[test]
fn more_values_of_dacr_than_sets() {
    // Ten values, twice; odd ones make domain 1 a client.
    let mut program = Vec::new();
    for value in (0..10u32).chain(0..10) {
        let dacr = value << 4 | if value % 2 == 1 { 5 } else { 0xd };
        program.extend([0xe3a0_3000 | dacr & 0xff, mcr(DACR, 3), LOAD, STORE]);
    }
    program.push(END);
    let mut m = machine(&program, small(1), 1, 1);
    assert_eq!(m.run(), DONE);
}

#[test]
fn tlb_maintenance_reaches_what_it_names() {
    let second = 0x6666_bbbb;
    for (name, operand, goes) in [
        (TLBIALL, 0, true),
        (TLBIMVA, 0x1000_0007, true),
        (TLBIMVA, 0x1000_0008, false),
        (TLBIMVAA, 0x1000_0000, true),
        (TLBIMVAA, 0x1000_1000, false),
        (TLBIASID, 7, true),
        (TLBIASID, 8, false),
        ((0, 8, 3, 1), 0x1000_0007, true),
        ((0, 8, 5, 1), 0x1000_0007, true),
    ] {
        // R4 is the descriptor's address, R5 the new one, R6 the operand.
        let words = [LOAD, 0xe584_5000, mcr(name, 6), LOAD, END]; // str r5, [r4]
        let mut m = machine(&words, small(1) | 1 << 11, 0, 1);
        put(&m, TARGET + 0x1124, second);
        m.change(|state| {
            state.sys[SysReg::CONTEXTIDR_EL1] = 7;
            state.x[4] = PAGES;
            state.x[5] = TARGET + 0x1000 | u64::from(small(1)) | 1 << 11;
            state.x[6] = operand;
        });
        assert_eq!(m.run(), DONE);
        assert_eq!(m.cpu.x[1] == u64::from(second), goes, "{name:?} {operand:#x}");
    }
}

#[test]
fn contextidr_chooses_the_address_space() {
    // A load under ASID 7; the page then changes; ASID 8 sees the new one, 7 still the old one.
    let words = [
        LOAD,
        0xe1a0_7001,        // mov r7, r1
        0xe584_5000,        // str r5, [r4]
        mcr(CONTEXTIDR, 6), // 8
        LOAD,
        0xe1a0_8001, // mov r8, r1
        0xe3a0_6007, // mov r6, #7
        mcr(CONTEXTIDR, 6),
        LOAD,
        END,
    ];
    let mut m = machine(&words, small(1) | 1 << 11, 0, 1);
    put(&m, TARGET + 0x1124, 0x77);
    m.change(|state| {
        state.sys[SysReg::CONTEXTIDR_EL1] = 7;
        state.x[4] = PAGES;
        state.x[5] = TARGET + 0x1000 | u64::from(small(1)) | 1 << 11;
        state.x[6] = 8;
    });
    assert_eq!(m.run(), DONE);
    assert_eq!((m.cpu.x[8], m.cpu.x[1]), (0x77, 0x5555_aaaa));
}

#[test]
fn address_translation_reports_in_par() {
    for (page, dacr, par) in [
        (small(1), 5, TARGET | 1 << 9 | 1 << 7),
        (0, 5, 7 << 1 | 1),
        (small(0), 5, 0xf << 1 | 1),
        (small(1), 1, 0xb << 1 | 1),
    ] {
        let mut m = machine(&[mcr(ATS1CPR, 0), mrc(PAR, 2), END], page, 1, dacr);
        assert_eq!(m.run(), DONE);
        assert_eq!(m.cpu.x[2], par, "{page:#x}");
    }
}

#[test]
fn long_descriptors_translate_and_fault() {
    const LEVEL1: u64 = DATA;
    const BLOCK: u64 = 1 << 10 | 1;
    let words = [LOAD, mcr(ATS1CPR, 0), mrrc(0, 7, 2, 3), 0xe280_0a01, LOAD, END]; // add r0, r0, #0x1000
    let mut m = Machine::aarch32("cortex-a15", &words);
    let put64 = |m: &Machine, at: u64, value: u64| m.cpu.vm.ram.write(at, &value.to_le_bytes()).unwrap();
    put64(&m, LEVEL1, (DATA + 0x1000) | 3);
    put64(&m, LEVEL1 + 8, CODE | BLOCK);
    put64(&m, DATA + 0x1000 + 0x80 * 8, (DATA + 0x2000) | 3);
    put64(&m, DATA + 0x2000, TARGET | BLOCK | 2 | 3 << 8);
    put(&m, TARGET + 0x124, 0x5555_aaaa);
    m.change(|state| {
        state.sys[SysReg::SCTLR_EL1] |= 1;
        state.sys[SysReg::TCR_EL1] = 1 << 31;
        state.sys[SysReg::MAIR_EL1] = 0xff;
        state.sys[SysReg::TTBR0_EL1] = LEVEL1;
        state.x[0] = 0x1000_0124;
    });
    assert_eq!(m.run(), vector::DATA);
    assert_eq!(m.cpu.x[1], 0x5555_aaaa);
    assert_eq!(m.cpu.x[2] | m.cpu.x[3] << 32, TARGET | 0xff << 56 | 1 << 11 | 1 << 9 | 3 << 7);
    // STATUS: translation fault, level 3; LPAE.
    assert_eq!(fault(&m), (1 << 9 | 7, 0x1000_1124));
}

#[test]
fn unprivileged_and_user_accesses_see_their_own_rights() {
    // At EL0 the page is read-only; SVC leads back.
    let mut m = machine(&[LOAD, STORE], small(2), 0, 1);
    put(&m, TABLE + (CODE >> 20) * 4, CODE as u32 | SECTION | 1 << 11);
    m.change(|state| state.pstate = Pstate::from_bits_retain(0x10));
    m.cpu.sys[SysReg::VBAR_EL1] = VECTORS;
    assert_eq!(m.run(), vector::DATA);
    assert_eq!(fault(&m), (0xf | 1 << 11, 0x1000_0124));
    assert_eq!(m.cpu.x[1], 0x5555_aaaa);
}
