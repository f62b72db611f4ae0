//! Exception entry and return, interrupts, waiting.

use std::time::{Duration, Instant};

use armlet_arm::{Pstate, SysReg};
use armlet_base::CpuIrqInput;
use armlet_engine::{Note, Port, Stop};

use crate::kit::{CODE, Machine, VECTORS};

#[test]
fn svc_saves_the_state_and_masks() {
    let mut m = Machine::new(&[
        0xeb010020, // subs x0, x1, x1
        0xd4024681, // svc #0x1234
    ])
    .at_el0();
    m.change(|s| s.pstate |= Pstate::DIT | Pstate::UAO | Pstate::SSBS);
    assert_eq!(m.run(), 0x400);
    assert_eq!(m.esr(), (0x15, 0x1234));
    assert_eq!(m.elr_index(), 2);
    let saved = Pstate::DIT | Pstate::UAO | Pstate::SSBS | Pstate::Z | Pstate::C;
    assert_eq!(m.sys(SysReg::SPSR_EL1), saved.bits());
    // SCTLR_EL1.SPAN is set and DSSBS clear at reset: PAN stays, SSBS and UAO are cleared, DIT stays.
    assert_eq!(m.cpu.pstate, Pstate::RESET_EL1H | Pstate::DIT);
}

#[test]
fn entry_sets_pan_and_ssbs_as_sctlr_says() {
    let mut m = Machine::new(&[0xd400_0001]).at_el0(); // svc #0
    m.change(|s| s.sys[SysReg::SCTLR_EL1] = s.sys[SysReg::SCTLR_EL1] & !(1 << 23) | 1 << 44);
    m.run();
    assert_eq!(m.cpu.pstate, Pstate::RESET_EL1H | Pstate::PAN | Pstate::SSBS);
}

#[test]
fn vectors_follow_level_and_stack_pointer() {
    assert_eq!(Machine::new(&[0xd400_0001]).run(), 0x200); // svc #0
    // msr spsel, #0; svc #0
    assert_eq!(Machine::new(&[0xd500_40bf, 0xd400_0001]).run(), 0);
    assert_eq!(Machine::new(&[0xd400_0001]).at_el0().run(), 0x400);
}

#[test]
fn there_and_back_again() {
    let mut m = Machine::new(&[
        0xd2a80000, // mov x0, #0x40000000
        0x9100c000, // add x0, x0, #0x30
        0xd5184020, // msr elr_el1, x0
        0xd2b00000, // mov x0, #0x80000000
        0xd5184000, // msr spsr_el1, x0
        0xd2820000, // mov x0, #0x1000
        0x9100001f, // mov sp, x0
        0xd2840000, // mov x0, #0x2000
        0xd5184100, // msr sp_el0, x0
        0xd2800029, // mov x9, #0x1
        0xd503415f, // msr dit, #0x1
        0xd69f03e0, // eret
        0x910003e1, // mov x1, sp
        0xd53b4202, // mrs x2, nzcv
        0xd53b42a3, // mrs x3, dit
        0xd42000e0, // brk #0x7
    ]);
    assert_eq!(m.run(), 0x400);
    assert_eq!(m.esr(), (0x3c, 7));
    assert_eq!((m.cpu.x[1], m.cpu.x[2], m.cpu.x[3]), (0x2000, 0x8000_0000, 0));
    assert_eq!(m.elr_index(), 15);
    assert_eq!(m.cpu.x[32], 0x1000, "SP_EL1 is back");
    assert_eq!(m.cpu.port.signals() & Port::EVENT, Port::EVENT, "a return is an event");
}

/// ERET to this SPSR_EL1 from EL1h; gives the vector, the exception class and SPSR_EL1 then.
fn return_to(spsr: u64) -> (u16, u64, u64) {
    let mut m = Machine::new(&[
        0xd69f03e0, // eret
        0xd503201f, // nop
        0xd503201f, // nop
        0xd503201f, // nop
        0xd4200000, // brk #0x0
    ]);
    m.cpu.sys[SysReg::SPSR_EL1] = spsr;
    m.cpu.sys[SysReg::ELR_EL1] = CODE + 16;
    let vector = m.run();
    assert_eq!(m.elr_index(), 4);
    (vector, m.esr().0, m.sys(SysReg::SPSR_EL1))
}

#[test]
fn illegal_returns_set_il_and_stay() {
    assert_eq!(return_to(0x0), (0x400, 0x3c, 0));
    assert_eq!(return_to(0x4), (0x000, 0x3c, 4));
    assert_eq!(return_to(0x5), (0x200, 0x3c, 5));
    let il = Pstate::IL.bits();
    // EL0h, EL2, EL3, M[1], AArch32 above EL0: to EL1h again, illegal; flags and masks are restored.
    for mode in [1, 2, 6, 8, 9, 0xc, 0xd, 0x11, 0x13, 0x1f] {
        let spsr = 0x6000_0140 | mode;
        assert_eq!(return_to(spsr), (0x200, 0x0e, 0x6000_0145 | il), "{mode:#x}");
    }
    // A legal return may restore IL.
    assert_eq!(return_to(il), (0x400, 0x0e, il));
}

#[test]
fn returns_drop_the_tag_of_an_address() {
    for (tcr, elr, pc) in [
        (1u64 << 37, 0x5a00_0000_4000_0010u64, 0x4000_0010u64),
        (1 << 38, 0x5a80_0000_4000_0010, 0xff80_0000_4000_0010),
        (0, 0x5a00_0000_4000_0010, 0x5a00_0000_4000_0010),
    ] {
        let mut m = Machine::new(&[]);
        m.cpu.sys[SysReg::TCR_EL1] = tcr;
        assert_eq!(m.cpu.branch_address(elr), pc);
    }
}

#[test]
fn branches_drop_the_tag_of_an_address() {
    // br, blr, ret
    for word in [0xd61f0000, 0xd63f0000, 0xd65f0000] {
        let mut m = Machine::new(&[
            0xd2a80000, // mov x0, #0x40000000
            0xf2eb4000, // movk x0, #0x5a00, lsl #48
            0x91004400, // add x0, x0, #0x11
            word,
        ]);
        m.cpu.sys[SysReg::TCR_EL1] = 1 << 37;
        assert_eq!((m.run(), m.esr()), (0x200, (0x22, 0)), "misaligned, so that FAR shows where it went");
        assert_eq!(m.sys(SysReg::FAR_EL1), CODE + 0x11);
    }
}

#[test]
fn pc_and_sp_must_be_aligned() {
    let mut m = Machine::new(&[
        0xd2a80000, // mov x0, #0x40000000
        0x91002400, // add x0, x0, #0x9
        0xd61f0000, // br x0
    ]);
    assert_eq!(m.run(), 0x200);
    assert_eq!((m.esr(), m.sys(SysReg::FAR_EL1)), ((0x22, 0), CODE + 9));
    assert_eq!(m.sys(SysReg::ELR_EL1), CODE + 9);

    let mut m = Machine::new(&[
        0xd2a80040, // mov x0, #0x40020000
        0x9100201f, // add sp, x0, #0x8
        0xf94003e1, // ldr x1, [sp]
        0xd503201f, // nop
    ]);
    assert_eq!((m.run(), m.esr(), m.elr_index()), (0x200, (0x26, 0), 2));
}

#[test]
fn cpacr_traps_fp() {
    for (fpen, el0, el1) in [(0, true, true), (1, true, false), (2, true, true), (3, false, false)] {
        // movi v0.2d, #0; svc #0
        let mut m = Machine::new(&[0x6f00_e400, 0xd400_0001]);
        m.change(|s| s.sys[SysReg::CPACR_EL1] = fpen << 20);
        m.run();
        assert_eq!(m.esr(), if el1 { (7, 0x1e << 20) } else { (0x15, 0) });
        // mrs x0, fpcr; svc #0
        let mut m = Machine::new(&[0xd53b_4400, 0xd400_0001]).at_el0();
        m.change(|s| s.sys[SysReg::CPACR_EL1] = fpen << 20);
        m.run();
        assert_eq!(m.esr(), if el0 { (7, 0x1e << 20) } else { (0x15, 0) });
    }
}

#[test]
fn an_interrupt_waits_until_it_is_unmasked() {
    let mut m = Machine::new(&[
        0xd2800020, // mov x0, #0x1
        0xd50341ff, // msr daifclr, #0x1
        0xd2800040, // mov x0, #0x2
        0xd538c101, // mrs x1, isr_el1
        0xd50342ff, // msr daifclr, #0x2
        0xd2800060, // mov x0, #0x3
    ]);
    m.cpu.port.set_irq(true);
    assert_eq!(m.run(), 0x280);
    assert_eq!((m.cpu.x[0], m.cpu.x[1], m.elr_index()), (2, 0x80, 5));
    assert_eq!(m.sys(SysReg::SPSR_EL1), 0x305);
    // FIQ goes first.
    let mut m = Machine::new(&[0xd503_43ff]); // msr daifclr, #3
    m.cpu.port.set_irq(true);
    m.cpu.port.set_fiq(true);
    assert_eq!((m.run(), m.elr_index()), (0x300, 1));
}

#[test]
fn an_interrupt_ends_a_loop() {
    let mut m = Machine::new(&[0x1400_0000]).at_el0(); // b .
    let port = m.cpu.port.clone();
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(5));
        port.set_irq(true);
    });
    assert_eq!((m.run(), m.elr_index()), (0x480, 0));
    later.join().unwrap();
}

#[test]
fn wfi_sleeps_until_an_interrupt_even_a_masked_one() {
    let mut m = Machine::new(&[
        0xd503207f, // wfi
        0xd2800020, // mov x0, #0x1
        0xd4040002, // hvc #0x2000
    ]);
    m.world.notes = Some(Vec::new());
    let port = m.cpu.port.clone();
    let start = Instant::now();
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(5));
        port.raise(Port::TIMER | Port::MAIL);
        std::thread::sleep(Duration::from_millis(5));
        port.set_irq(true);
    });
    assert_eq!((m.run(), m.cpu.x[0]), (0x2000, 1));
    assert!(start.elapsed() >= Duration::from_millis(10), "timer and mail alone don't end it");
    later.join().unwrap();
    assert!(m.world.notes.unwrap().contains(&Note::Wfi { pc: CODE }));
}

#[test]
fn a_kick_during_wfi_returns_and_the_wait_goes_on() {
    let mut m = Machine::new(&[0xd503_207f, 0xd404_0002]); // wfi; hvc #0x2000
    let port = m.cpu.port.clone();
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(5));
        port.raise(Port::KICK);
    });
    assert_eq!(m.run_to_stop(), Stop::Kicked);
    later.join().unwrap();
    assert_eq!(m.cpu.pc, CODE);
    m.cpu.port.set_irq(true);
    assert_eq!(m.run(), 0x2000);
}

#[test]
fn events_end_wfe() {
    // sevl; wfe: at once. sev reaches the other PE too. So often that timeouts would add up to 20 s.
    let mut m = Machine::new(&[
        0xd2807d01, // mov x1, #0x3e8
        0xd50320bf, // sevl
        0xd503205f, // wfe
        0xd503209f, // sev
        0xd503205f, // wfe
        0xd1000421, // sub x1, x1, #0x1
        0xb5ffff61, // cbnz x1, 4
        0xd4040002, // hvc #0x2000
    ]);
    let start = Instant::now();
    assert_eq!(m.run(), 0x2000);
    assert!(start.elapsed() < Duration::from_secs(5), "no WFE timed out");
    assert_eq!(m.cpu.port.signals() & Port::EVENT, 0);
    assert_eq!(m.cpu.vm.ports[1].signals() & Port::EVENT, Port::EVENT);
    // Alone it ends by itself some time.
    let mut m = Machine::new(&[0xd503_205f, 0xd404_0002]); // wfe; hvc #0x2000
    assert_eq!(m.run(), 0x2000);
}

#[test]
fn a_store_to_the_monitored_location_ends_wfe() {
    let mut m = Machine::new(&[
        0xd2a80040, // mov x0, #0x40020000
        0xc85ffc01, // ldaxr x1, [x0]
        0xd503205f, // wfe
        0xc85ffc01, // ldaxr x1, [x0]
        0xb4ffffc1, // cbz x1, 8
        0xd4040002, // hvc #0x2000
    ]);
    let vm = m.cpu.vm.clone();
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(3));
        vm.ram.write(0x4002_0000, &1u64.to_le_bytes()).unwrap();
    });
    assert_eq!((m.run(), m.cpu.x[1]), (0x2000, 1));
    later.join().unwrap();
}

#[test]
fn a_vector_that_faults_for_ever_is_a_dead_end() {
    let mut m = Machine::new(&[0]); // udf #0
    m.change(|s| s.sys[SysReg::VBAR_EL1] = 0xdead_0000);
    let Stop::Dead(why) = m.run_to_stop() else { panic!("lives on") };
    assert!(why.contains("0xdead0200") && why.contains("instruction abort"), "{why}");
    // An undefined instruction at the vector is one as well; a fault elsewhere is not.
    let mut m = Machine::new(&[0]);
    m.change(|s| s.sys[SysReg::VBAR_EL1] = VECTORS + 0x800);
    let Stop::Dead(why) = m.run_to_stop() else { panic!("lives on") };
    assert!(why.contains("undefined instruction"), "{why}");
}

#[test]
fn notes_tell_of_exceptions_and_unknown_registers() {
    let mut m = Machine::new(&[0xd53c_1100]); // mrs x0, hcr_el2
    m.world.notes = Some(Vec::new());
    m.run();
    let notes = m.world.notes.unwrap();
    assert!(matches!(notes[0], Note::SysReg { pc: CODE, read: true, .. }), "{notes:?}");
    assert!(matches!(notes[1], Note::Exception { pc: CODE, from_el: 1, .. }), "{notes:?}");
}
