//! Software step, breakpoints, watchpoints and BRK, as a debugger inside the guest uses them.

use armlet_arm::{Pstate, SysReg};

use crate::kit::{CODE, DATA, Machine};

const SS: u64 = 1;
const KDE: u64 = 1 << 13;
const MDE: u64 = 1 << 15;

/// A machine whose debugger at EL1 set MDSCR_EL1 and returns to the program at EL0 with SPSR_EL1.SS.
fn stepping(words: &[u32], spsr: u64) -> Machine {
    let mut program = vec![0xd69f_03e0]; // eret
    program.extend(words);
    let mut m = Machine::new(&program);
    m.change(|s| {
        s.sys[SysReg::OSLSR_EL1] = 8;
        s.sys[SysReg::MDSCR_EL1] = SS;
        s.sys[SysReg::SPSR_EL1] = spsr;
        s.sys[SysReg::ELR_EL1] = CODE + 4;
        s.sys[SysReg::VBAR_EL1] = crate::kit::VECTORS;
    });
    m
}

/// Goes on from the stop in a vector: back by ERET with SPSR_EL1.SS set again.
fn step_again(m: &mut Machine) {
    let ss = Pstate::SS.bits();
    m.change(|s| {
        s.sys[SysReg::SPSR_EL1] |= ss;
        s.pc = CODE;
    });
}

#[test]
fn each_return_steps_one_instruction() {
    let mut m = stepping(
        &[
            0xd2800021, // mov x1, #0x1
            0x14000002, // b c
            0xd503201f, // nop
            0x91000421, // add x1, x1, #0x1
            0xc85ffc62, // ldaxr x2, [x3]
            0xd4000001, // svc #0x0
        ],
        Pstate::SS.bits(),
    );
    m.cpu.x[3] = DATA;
    const ISV: u64 = 1 << 24;
    for (elr, x1, iss) in [(2, 1, ISV), (4, 1, ISV), (5, 2, ISV), (6, 2, ISV | 1 << 6)] {
        assert_eq!(m.run(), 0x400);
        assert_eq!((m.elr_index(), m.cpu.x[1]), (elr, x1));
        assert_eq!(m.esr(), (0x32, iss | 0x22));
        assert_eq!(m.sys(SysReg::SPSR_EL1), 0, "SS was used up");
        step_again(&mut m);
    }
    // The SVC is taken, not stepped over; returning from it, the step is due at once.
    assert_eq!((m.run(), m.esr(), m.elr_index()), (0x400, (0x15, 0), 7));
    assert_eq!(m.sys(SysReg::SPSR_EL1), 0);
    m.change(|s| s.pc = CODE);
    assert_eq!((m.run(), m.esr(), m.elr_index()), (0x400, (0x32, 0x22), 7), "ISV is clear: nothing ran");
}

#[test]
fn a_fault_keeps_the_step_for_later() {
    let mut m = stepping(&[0x0000_0000], Pstate::SS.bits()); // udf #0
    assert_eq!((m.run(), m.esr(), m.elr_index()), (0x400, (0, 0), 1));
    assert_eq!(m.sys(SysReg::SPSR_EL1), Pstate::SS.bits());
}

#[test]
fn el1_steps_itself_only_with_kde_and_d_clear() {
    let spsr = (Pstate::RESET_EL1H.difference(Pstate::D) | Pstate::SS).bits();
    // nop; hvc #0x2000
    let mut m = stepping(&[0xd503_201f, 0xd404_0002], spsr);
    assert_eq!(m.run(), 0x2000, "KDE is clear");
    let mut m = stepping(&[0xd503_201f, 0xd404_0002], spsr);
    m.change(|s| s.sys[SysReg::MDSCR_EL1] |= KDE);
    assert_eq!((m.run(), m.esr().0, m.elr_index()), (0x200, 0x33, 2));
    let mut m = stepping(&[0xd503_201f, 0xd404_0002], spsr);
    m.change(|s| {
        s.sys[SysReg::MDSCR_EL1] |= KDE;
        s.sys[SysReg::OSLSR_EL1] |= 2;
    });
    assert_eq!(m.run(), 0x2000, "the OS lock is set");
}

/// An EL0 program with breakpoint 0 at its word 2.
fn with_breakpoint(control: u64) -> Machine {
    let mut m = Machine::new(&[
        0xd2800020, // mov x0, #0x1
        0xd2800040, // mov x0, #0x2
        0xd2800060, // mov x0, #0x3
        0xd4000001, // svc #0x0
    ])
    .at_el0();
    m.change(|s| {
        s.sys[SysReg::OSLSR_EL1] = 8;
        s.sys[SysReg::MDSCR_EL1] = MDE;
        s.sys[SysReg::DBGBVR0_EL1] = CODE + 8;
        s.sys[SysReg::DBGBCR0_EL1] = control;
    });
    m
}

/// E, PMC = EL0, BAS = 1111.
const EL0: u64 = 1 | 0b10 << 1 | 0xf << 5;

#[test]
fn a_breakpoint_stops_before_its_instruction() {
    let mut m = with_breakpoint(EL0);
    assert_eq!((m.run(), m.esr(), m.elr_index(), m.cpu.x[0]), (0x400, (0x30, 0x22), 2, 2));
    // Disabled; for EL1 only; Secure only; linked to a breakpoint that is not enabled.
    for control in [EL0 & !1, EL0 & !(3 << 1) | 1 << 1, EL0 | 0b10 << 14, EL0 | 1 << 20 | 4 << 16] {
        let mut m = with_breakpoint(control);
        assert_eq!((m.run(), m.esr().0), (0x400, 0x15), "{control:#x}");
    }
}

#[test]
fn a_breakpoint_may_ask_for_a_context() {
    for (context, class) in [(7, 0x30), (8, 0x15)] {
        let mut m = with_breakpoint(EL0 | 1 << 20 | 4 << 16);
        m.change(|s| {
            s.sys[SysReg::DBGBVR4_EL1] = 7;
            s.sys[SysReg::DBGBCR4_EL1] = EL0 | 0b0011 << 20;
            s.sys[SysReg::CONTEXTIDR_EL1] = context;
        });
        assert_eq!((m.run(), m.esr().0), (0x400, class));
    }
}

#[test]
fn registers_written_by_the_guest_take_effect() {
    let mut m = Machine::new(&[
        0xd510109f, // msr oslar_el1, xzr
        0xd2940000, // mov x0, #0xa000
        0xd5100240, // msr mdscr_el1, x0
        0x100000c0, // adr x0, 24
        0xd5100580, // msr dbgbvr5_el1, x0
        0xd2803c60, // mov x0, #0x1e3
        0xd51005a0, // msr dbgbcr5_el1, x0
        0xd50348ff, // msr daifclr, #0x8
        0xd503201f, // nop
        0xd503201f, // nop
    ]);
    assert_eq!((m.run(), m.esr(), m.elr_index()), (0x200, (0x31, 0x22), 9));
}

#[test]
fn watchpoints_match_bytes_and_ranges() {
    let mut m = Machine::new(&[]).at_el0();
    let mut watch = |address, control| {
        m.change(|s| {
            s.sys[SysReg::OSLSR_EL1] = 8;
            s.sys[SysReg::MDSCR_EL1] = MDE;
            s.sys[SysReg::DBGWVR1_EL1] = address;
            s.sys[SysReg::DBGWCR1_EL1] = control;
        });
        let hits = |va: u64, len, write| m.cpu.watch_hit(va, len, write);
        let page = |va: u64| m.cpu.watched_page(va);
        [
            hits(DATA, 8, true),
            hits(DATA, 8, false),
            hits(DATA + 4, 1, true),
            hits(DATA - 4, 8, true),
            hits(DATA + 0x800, 4, true),
            page(DATA + 0xfff),
            page(DATA + 0x1000),
        ]
    };
    const E: u64 = 1 | 0b10 << 1;
    // Stores to the doubleword.
    assert_eq!(watch(DATA, E | 0b10 << 3 | 0xff << 5), [true, false, true, true, false, true, false]);
    // Byte 4 alone, loads and stores.
    assert_eq!(watch(DATA, E | 0b11 << 3 | 0x10 << 5), [true, true, true, false, false, true, false]);
    // The same by a word address: BAS counts from it.
    assert_eq!(watch(DATA + 4, E | 0b11 << 3 | 1 << 5), [true, true, true, false, false, true, false]);
    // 8 KiB by mask.
    assert_eq!(
        watch(DATA, E | 0b10 << 3 | 0xff << 5 | 13 << 24),
        [true, false, true, true, true, true, true]
    );
    // EL1's only.
    assert_eq!(
        watch(DATA, 1 | 0b01 << 1 | 0b11 << 3 | 0xff << 5),
        [false, false, false, false, false, true, false]
    );
}

#[test]
fn a_watched_store_stops_and_its_neighbours_do_not() {
    let mut m = Machine::new(&[
        0xf9000401, // str x1, [x0, #8]
        0xf9400002, // ldr x2, [x0]
        0xf9000001, // str x1, [x0]
        0xd4000001, // svc #0x0
    ])
    .at_el0();
    m.change(|s| {
        (s.x[0], s.x[1]) = (DATA, 7);
        s.sys[SysReg::OSLSR_EL1] = 8;
        s.sys[SysReg::MDSCR_EL1] = MDE;
        s.sys[SysReg::DBGWVR0_EL1] = DATA;
        s.sys[SysReg::DBGWCR0_EL1] = 1 | 0b10 << 1 | 0b10 << 3 | 0xff << 5;
    });
    assert_eq!((m.run(), m.esr(), m.elr_index()), (0x400, (0x34, 1 << 6 | 0x22), 2));
    assert_eq!((m.sys(SysReg::FAR_EL1), m.cpu.x[2]), (DATA, 0));
}
