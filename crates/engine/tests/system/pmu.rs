//! Performance monitors.

use std::sync::atomic::Ordering;

use armlet_arm::SysReg;

use crate::kit::Machine;

#[test]
fn what_the_monitors_say_of_themselves() {
    let mut m = Machine::new(&[
        0xd53b9c00, // mrs x0, pmcr_el0
        0xd53b9cc1, // mrs x1, pmceid0_el0
        0xd53b9ce2, // mrs x2, pmceid1_el0
        0xd5380503, // mrs x3, id_aa64dfr0_el1
        0xd4040002, // hvc #0x2000
    ]);
    m.run();
    assert_eq!(m.cpu.x[0] >> 11 & 0x1f, 6);
    assert_eq!(m.cpu.x[1], 1 << 0 | 1 << 8 | 1 << 0x11 | 1 << 0x1e);
    assert_eq!(m.cpu.x[2], 0);
    assert_eq!(m.cpu.x[3] >> 8 & 0xf, 1);
}

#[test]
fn instructions_are_counted_one_by_one() {
    let mut m = Machine::new(&[
        0xd2800100, // mov x0, #0x8
        0xd51bec00, // msr pmevtyper0_el0, x0
        0xd2800020, // mov x0, #0x1
        0xd51b9c20, // msr pmcntenset_el0, x0
        0xd51b9c00, // msr pmcr_el0, x0
        0xd503201f, // nop
        0xd503201f, // nop
        0xd53be801, // mrs x1, pmevcntr0_el0
        0xd503201f, // nop
        0xd53be802, // mrs x2, pmevcntr0_el0
        0xd2800c83, // mov x3, #0x64
        0xd1000463, // sub x3, x3, #0x1
        0xb5ffffe3, // cbnz x3, 2c
        0xd53be804, // mrs x4, pmevcntr0_el0
        0xd51b9c40, // msr pmcntenclr_el0, x0
        0xd503201f, // nop
        0xd53be805, // mrs x5, pmevcntr0_el0
        0xd53be806, // mrs x6, pmevcntr0_el0
        0xd4000002, // hvc #0x0
    ]);
    m.run();
    let x = &m.cpu.x;
    assert_eq!(x[2] - x[1], 2);
    assert_eq!(x[4] - x[2], 2 + 200, "from the second read up to the third");
    assert_eq!(x[5] - x[4], 1, "stopped before PMCNTENCLR_EL0 retires");
    assert_eq!(x[6], x[5]);
    assert!(x[1] == 3 || x[1] == 2, "{}", x[1]);
}

#[test]
fn filters_tell_el0_from_el1() {
    // Counter 0 counts EL0 only, counter 1 EL1 only; three instructions at EL0.
    let mut m = Machine::new(&[
        0xd2b00000, // mov x0, #0x80000000
        0xb27d0000, // orr x0, x0, #0x8
        0xd51bec00, // msr pmevtyper0_el0, x0
        0xd2a80000, // mov x0, #0x40000000
        0xb27d0000, // orr x0, x0, #0x8
        0xd51bec20, // msr pmevtyper1_el0, x0
        0xd2800060, // mov x0, #0x3
        0xd51b9c20, // msr pmcntenset_el0, x0
        0xd2800020, // mov x0, #0x1
        0xd51b9c00, // msr pmcr_el0, x0
        0xd53be821, // mrs x1, pmevcntr1_el0
        0x10000080, // adr x0, 3c
        0xd5184020, // msr elr_el1, x0
        0xd518401f, // msr spsr_el1, xzr
        0xd69f03e0, // eret
        0xd503201f, // nop
        0xd503201f, // nop
        0xd4000001, // svc #0x0
    ]);
    assert_eq!(m.run(), 0x400);
    m.change(|s| s.pc = crate::kit::CODE + 18 * 4);
    m.cpu
        .vm
        .ram
        .write(
            crate::kit::CODE + 18 * 4,
            &words(&[
                0xd53be802, // mrs x2, pmevcntr0_el0
                0xd53be823, // mrs x3, pmevcntr1_el0
                0xd4040002, // hvc #0x2000
            ]),
        )
        .unwrap();
    m.run();
    assert_eq!(m.cpu.x[2], 3, "NOP, NOP and SVC");
    assert!(m.cpu.x[3] - m.cpu.x[1] >= 5);
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

#[test]
fn overflow_raises_the_interrupt() {
    // Cycle counter a little below the top.
    let mut m = Machine::new(&[
        0xd2b00000, // mov x0, #0x80000000
        0xd5189e20, // msr pmintenset_el1, x0
        0xd51b9c20, // msr pmcntenset_el0, x0
        0xb26cafe1, // mov x1, #0xfffffffffff00000
        0xd51b9d01, // msr pmccntr_el0, x1
        0xd2800021, // mov x1, #0x1
        0xd51b9c01, // msr pmcr_el0, x1
        0xd50342ff, // msr daifclr, #0x2
        0xd503207f, // wfi
        0x17ffffff, // b 20
    ])
    .with_gic();
    assert_eq!(m.run(), 0x280);
    assert_eq!(m.gic.levels.load(Ordering::Relaxed), 1 << 23);
    assert_eq!(m.sys(SysReg::PMOVSSET_EL0), 1 << 31);
}

#[test]
fn software_increments_chain() {
    let mut m = Machine::new(&[
        0xd51bec5f, // msr pmevtyper2_el0, xzr
        0xd28003c0, // mov x0, #0x1e
        0xd51bec60, // msr pmevtyper3_el0, x0
        0xd2800180, // mov x0, #0xc
        0xd51b9c20, // msr pmcntenset_el0, x0
        0xd2800020, // mov x0, #0x1
        0xd51b9c00, // msr pmcr_el0, x0
        0x12800000, // mov w0, #0xffffffff
        0xd51be840, // msr pmevcntr2_el0, x0
        0xd2800080, // mov x0, #0x4
        0xd51b9c80, // msr pmswinc_el0, x0
        0xd53be841, // mrs x1, pmevcntr2_el0
        0xd53be862, // mrs x2, pmevcntr3_el0
        0xd53b9c63, // mrs x3, pmovsclr_el0
        0xd51b9c63, // msr pmovsclr_el0, x3
        0xd53b9e64, // mrs x4, pmovsset_el0
        0xd2800060, // mov x0, #0x3
        0xd51b9ca0, // msr pmselr_el0, x0
        0xd53b9d45, // mrs x5, pmxevcntr_el0
        0xd53b9d26, // mrs x6, pmxevtyper_el0
        0xd4000002, // hvc #0x0
    ]);
    m.run();
    assert_eq!(m.cpu.x[1..7], [0, 1, 4, 0, 1, 0x1e]);
}

#[test]
fn instruction_overflow_is_noticed_in_a_loop() {
    let mut m = Machine::new(&[
        0xd2800100, // mov x0, #0x8
        0xd51bec00, // msr pmevtyper0_el0, x0
        0x1281ffe0, // mov w0, #0xfffff000
        0xd51be800, // msr pmevcntr0_el0, x0
        0xd2800020, // mov x0, #0x1
        0xd5189e20, // msr pmintenset_el1, x0
        0xd51b9c20, // msr pmcntenset_el0, x0
        0xd51b9c00, // msr pmcr_el0, x0
        0xd50342ff, // msr daifclr, #0x2
        0x14000000, // b 24
    ])
    .with_gic();
    assert_eq!((m.run(), m.elr_index()), (0x280, 9));
}
