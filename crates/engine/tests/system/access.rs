//! Who may access which register, and what it reads as.

use armlet_arm::SysReg;

use crate::kit::{CODE, DATA, Machine};

#[test]
fn identification_registers_tell_of_the_model() {
    let program = &[
        0xd5380000, // mrs x0, midr_el1
        0xd5380401, // mrs x1, id_aa64pfr0_el1
        0xd5380602, // mrs x2, id_aa64isar0_el1
        0xd5380203, // mrs x3, id_isar0_el1
        0xd53807e4, // mrs x4, s3_0_c0_c7_7
        0xd53b0025, // mrs x5, ctr_el0
        0xd53b00e6, // mrs x6, dczid_el0
        0xd53800a7, // mrs x7, mpidr_el1
        0xd5384248, // mrs x8, currentel
        0xd5384209, // mrs x9, spsel
        0xd53be00a, // mrs x10, cntfrq_el0
        0xd538008b, // mrs x11, mpuir_el1
        0xd4040002, // hvc #0x2000
    ];
    let mut a72 = Machine::of("cortex-a72", program);
    assert_eq!(a72.run(), 0x2000);
    let x = &a72.cpu.x;
    assert_eq!(x[..5], [0x410f_d083, 0x22, 0x1_1120, 0x0210_1110, 0]);
    assert_eq!(x[5..12], [0x9444_c004, 4, 0x8000_0000, 4, 1, 62_500_000, 0]);
    let mut max = Machine::new(program).with_gic();
    assert_eq!(max.run(), 0x2000);
    assert_eq!(max.cpu.x[1] >> 24 & 0xf, 1, "a GIC with system registers");
}

#[test]
fn every_cache_of_clidr_has_a_size() {
    let mut m = Machine::new(&[
        0xd5390020, // mrs x0, clidr_el1
        0xd51a001f, // msr csselr_el1, xzr
        0xd5390001, // mrs x1, ccsidr_el1
        0xd2800049, // mov x9, #0x2
        0xd51a0009, // msr csselr_el1, x9
        0xd5390002, // mrs x2, ccsidr_el1
        0xd28000c9, // mov x9, #0x6
        0xd51a0009, // msr csselr_el1, x9
        0xd5390003, // mrs x3, ccsidr_el1
        0xd4040002, // hvc #0x2000
    ]);
    m.run();
    assert_eq!(m.cpu.x[0] & 0x3f, 0o43);
    assert_eq!(m.cpu.x[1] & 7, 2, "64-byte lines");
    assert_eq!((m.cpu.x[2] >> 13) + 1, 2048);
    assert_eq!(m.cpu.x[3], 0);
}

#[test]
fn res0_bits_stay_zero_and_res1_bits_one() {
    let mut m = Machine::of(
        "cortex-a53",
        &[
            0x92800000, // mov x0, #0xffffffffffffffff
            0xd518c000, // msr vbar_el1, x0
            0xd538c001, // mrs x1, vbar_el1
            0xd5181040, // msr cpacr_el1, x0
            0xd5381042, // mrs x2, cpacr_el1
            0xd518e100, // msr cntkctl_el1, x0
            0xd538e103, // mrs x3, cntkctl_el1
            0xd518d020, // msr contextidr_el1, x0
            0xd538d024, // mrs x4, contextidr_el1
            0xd5185100, // msr afsr0_el1, x0
            0xd5385105, // mrs x5, afsr0_el1
            0xd518101f, // msr sctlr_el1, xzr
            0xd5381006, // mrs x6, sctlr_el1
            0xd5182040, // msr tcr_el1, x0
            0xd5382047, // mrs x7, tcr_el1
            0xd51b9ca0, // msr pmselr_el0, x0
            0xd53b9ca8, // mrs x8, pmselr_el0
            0xd51b4400, // msr fpcr, x0
            0xd53b4409, // mrs x9, fpcr
            0xd51b4420, // msr fpsr, x0
            0xd53b442a, // mrs x10, fpsr
            0xd4040002, // hvc #0x2000
        ],
    );
    assert_eq!(m.run(), 0x2000);
    let x = &m.cpu.x;
    assert_eq!(x[1..6], [!0x7ff, 3 << 20, 0x3ff, 0xffff_ffff, 0]);
    assert_eq!(x[6], 0x30d0_0900, "SPAN is RES1 without PAN, and ITD RES0 with AArch32");
    assert_eq!(x[7], 0x77_ffff_ffbf, "no HA, HD, HPD or E0PD");
    // Where there is AArch32, FPSR has the flags of its comparisons.
    assert_eq!(x[8..11], [0x1f, 0x07c0_0000, 0xf800_009f]);
}

/// Runs one instruction at EL0 and says what it led to: the vector, the class and the syndrome.
fn at_el0(word: u32, prepare: impl FnOnce(&mut Machine)) -> (u16, u64, u64) {
    let mut m = Machine::new(&[word, 0xd400_0001]).at_el0(); // svc #0
    m.cpu.x[0] = DATA;
    prepare(&mut m);
    m.change(|_| {});
    let vector = m.run();
    let (ec, iss) = m.esr();
    (vector, ec, iss)
}

const SVC: (u16, u64, u64) = (0x400, 0x15, 0);
const UNDEFINED: (u16, u64, u64) = (0x400, 0, 0);

#[test]
fn el0_may_use_its_own_registers() {
    for word in [
        0xd51bd040, // msr tpidr_el0, x0
        0xd53bd040, // mrs x0, tpidr_el0
        0xd53bd060, // mrs x0, tpidrro_el0
        0xd53b4200, // mrs x0, nzcv
        0xd51b4200, // msr nzcv, x0
        0xd53b00e0, // mrs x0, dczid_el0
        0xd51b42a0, // msr dit, x0
        0xd51b42c0, // msr ssbs, x0
        0xd503413f, // msr ssbs, #0x1
        0xd503415f, // msr dit, #0x1
        0xd53b9e00, // mrs x0, pmuserenr_el0
        0xd5033bbf, // dmb ish
        0xd5033fdf, // isb
        0xd5033f5f, // clrex
        0xd503201f, // nop
    ] {
        assert_eq!(at_el0(word, |_| {}), SVC, "{word:#x}");
    }
}

#[test]
fn what_belongs_to_el1_is_undefined_at_el0() {
    for word in [
        0xd5381000, // mrs x0, sctlr_el1
        0xd5181000, // msr sctlr_el1, x0
        0xd5380000, // mrs x0, midr_el1
        0xd5380400, // mrs x0, id_aa64pfr0_el1
        0xd51bd060, // msr tpidrro_el0, x0
        0xd5384240, // mrs x0, currentel
        0xd50040bf, // msr spsel, #0x0
        0xd500419f, // msr pan, #0x1
        0xd500417f, // msr uao, #0x1
        0xd69f03e0, // eret
        0xd4000002, // hvc #0x0
        0xd4000003, // smc #0x0
        0xd5385200, // mrs x0, esr_el1
        0xd508871f, // tlbi vmalle1
        0xd508751f, // ic iallu
        0xd5087640, // dc isw, x0
        0xd5087800, // at s1e1r, x0
        0xd5300240, // mrs x0, mdscr_el1
        0xd51b9e00, // msr pmuserenr_el0, x0
        0xd4400000, // hlt #0x0
        0xd5384600, // mrs x0, icc_pmr_el1
        0xd4a00001, // dcps1
        0xd53bffe0, // mrs x0, s3_3_c15_c15_7
        0xd5384260, // mrs x0, pan
        0xd51b0020, // msr ctr_el0, x0
    ] {
        assert_eq!(at_el0(word, |_| {}), UNDEFINED, "{word:#x}");
    }
}

#[test]
fn el1_finds_undefined_what_no_model_has() {
    for word in [
        0xd53c1100, // mrs x0, hcr_el2
        0xd53c4100, // mrs x0, sp_el1
        0xd53e1100, // mrs x0, scr_el3
        0xd538f000, // mrs x0, s3_0_c15_c0_0
        0xd5180000, // msr midr_el1, x0
        0xd5301080, // mrs x0, oslar_el1
        0xd5101180, // msr oslsr_el1, x0
        0xd5287100, // sysl x0, #0, C7, C1, #0
        0xd4a00001, // dcps1
        0xd4400000, // hlt #0x0
        0xd4000003, // smc #0x0
        0xd5384600, // mrs x0, icc_pmr_el1
        0xd5300680, // mrs x0, dbgbvr6_el1
        0xd53b2400, // mrs x0, rndr
        0xd50c871f, // tlbi alle2
        0xd53c4000, // mrs x0, spsr_el2
    ] {
        let mut m = Machine::new(&[word]);
        assert_eq!((m.run(), m.esr()), (0x200, (0, 0)), "{word:#x}");
    }
}

#[test]
fn features_bring_their_registers() {
    let words = [
        0xd5384260, // mrs x0, pan
        0xd500419f, // msr pan, #0x1
        0xd500417f, // msr uao, #0x1
        0xd53b42a0, // mrs x0, dit
        0xd503413f, // msr ssbs, #0x1
        0xd50b7c20, // dc cvap, x0
        0xd5087900, // at s1e1rp, x0
        0xd508811f, // tlbi vmalle1os
        0xd500401f, // cfinv
        0xd50330ff, // sb
    ];
    for word in words {
        let mut a72 = Machine::of("cortex-a72", &[word, 0xd404_0002]);
        assert_eq!((a72.run(), a72.esr()), (0x200, (0, 0)), "{word:#x}");
        let mut max = Machine::new(&[word, 0xd404_0002]); // hvc #0x2000
        max.cpu.x[0] = DATA;
        assert_eq!(max.run(), 0x2000, "{word:#x}");
    }
}

/// Each of these traps to EL1 unless a control bit lets EL0 have it.
#[test]
fn control_bits_let_el0_in() {
    use SysReg::*;
    // ISS: Op0 [21:20], Op2 [19:17], Op1 [16:14], CRn [13:10], Rt [9:5], CRm [4:1], read [0].
    let iss = |op0: u64, op1: u64, crn: u64, crm: u64, op2: u64, rt: u64, read: u64| {
        op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | rt << 5 | crm << 1 | read
    };
    let cases: &[(u32, SysReg, u64, u64)] = &[
        (0xd53b0020, SCTLR_EL1, 1 << 15, iss(3, 3, 0, 0, 1, 0, 1)), // mrs x0, ctr_el0
        (0xd53b4225, SCTLR_EL1, 1 << 9, iss(3, 3, 4, 2, 1, 5, 1)),  // mrs x5, daif
        (0xd50343df, SCTLR_EL1, 1 << 9, iss(0, 3, 4, 3, 6, 31, 0)), // msr daifset, #3
        (0xd50b7a20, SCTLR_EL1, 1 << 26, iss(1, 3, 7, 10, 1, 0, 0)), // dc cvac, x0
        (0xd50b7520, SCTLR_EL1, 1 << 26, iss(1, 3, 7, 5, 1, 0, 0)), // ic ivau, x0
        (0xd50b7380, SCTLR_EL1, 1 << 10, iss(1, 3, 7, 3, 4, 0, 0)), // cfp rctx, x0
        (0xd53be040, CNTKCTL_EL1, 1 << 1, iss(3, 3, 14, 0, 2, 0, 1)), // mrs x0, cntvct_el0
        (0xd53be020, CNTKCTL_EL1, 1 << 0, iss(3, 3, 14, 0, 1, 0, 1)), // mrs x0, cntpct_el0
        (0xd53be000, CNTKCTL_EL1, 1 << 1, iss(3, 3, 14, 0, 0, 0, 1)), // mrs x0, cntfrq_el0
        (0xd51be321, CNTKCTL_EL1, 1 << 8, iss(3, 3, 14, 3, 1, 1, 0)), // msr cntv_ctl_el0, x1
        (0xd53be240, CNTKCTL_EL1, 1 << 9, iss(3, 3, 14, 2, 2, 0, 1)), // mrs x0, cntp_cval_el0
        (0xd53b9d00, PMUSERENR_EL0, 1 << 2, iss(3, 3, 9, 13, 0, 0, 1)), // mrs x0, pmccntr_el0
        (0xd53be800, PMUSERENR_EL0, 1 << 3, iss(3, 3, 14, 8, 0, 0, 1)), // mrs x0, pmevcntr0_el0
        (0xd51b9c80, PMUSERENR_EL0, 1 << 1, iss(3, 3, 9, 12, 4, 0, 0)), // msr pmswinc_el0, x0
        (0xd51b9d00, PMUSERENR_EL0, 1 << 0, iss(3, 3, 9, 13, 0, 0, 0)), // msr pmccntr_el0, x0
    ];
    for &(word, reg, bit, iss) in cases {
        let closed = at_el0(word, |m| m.cpu.sys[reg] &= !bit);
        assert_eq!(closed, (0x400, 0x18, iss), "{word:#x} closed");
        assert_eq!(at_el0(word, |m| m.cpu.sys[reg] |= bit), SVC, "{word:#x} open");
    }
    // dc zva, x0: without MMU memory is Device, which
    // it faults on.
    let closed = at_el0(0xd50b_7420, |m| m.cpu.sys[SCTLR_EL1] &= !(1 << 14));
    assert_eq!(closed, (0x400, 0x18, iss(1, 3, 7, 4, 1, 0, 0)));
    assert_eq!(at_el0(0xd50b_7420, |m| m.cpu.sys[SCTLR_EL1] |= 1 << 14), (0x400, 0x24, 0x61));
    // The debug channel is open unless it is closed: mrs x0, mdccsr_el0.
    assert_eq!(at_el0(0xd533_0100, |_| {}), SVC);
    let closed = at_el0(0xd533_0100, |m| m.cpu.sys[MDSCR_EL1] |= 1 << 12);
    assert_eq!(closed, (0x400, 0x18, iss(2, 3, 0, 1, 0, 0, 1)));
}

#[test]
fn wfi_and_wfe_trap_from_el0() {
    let wfi = at_el0(0xd503_207f, |m| m.cpu.sys[SysReg::SCTLR_EL1] &= !(1 << 16));
    assert_eq!(wfi, (0x400, 1, 0x1e << 20));
    let wfe = at_el0(0xd503_205f, |m| m.cpu.sys[SysReg::SCTLR_EL1] &= !(1 << 18));
    assert_eq!(wfe, (0x400, 1, 0x1e << 20 | 1));
}

#[test]
fn the_interrupt_controller_answers_its_registers() {
    let mut m = Machine::new(&[
        0xd2801e00, // mov x0, #0xf0
        0xd5184600, // msr icc_pmr_el1, x0
        0xd5384601, // mrs x1, icc_pmr_el1
        0xd538cca2, // mrs x2, icc_sre_el1
        0xd538cc03, // mrs x3, icc_iar1_el1
    ])
    .with_gic();
    assert_eq!(m.run(), 0x200, "ICC_IAR1_EL1 is not one of this controller's");
    assert_eq!((m.cpu.x[1], m.cpu.x[2], m.elr_index()), (0xf0, 7, 4));
}

#[test]
fn sp_el0_has_a_name_only_while_it_rests() {
    let mut m = Machine::new(&[
        0xd2802000, // mov x0, #0x100
        0x9100001f, // mov sp, x0
        0xd2804001, // mov x1, #0x200
        0xd5184101, // msr sp_el0, x1
        0xd50040bf, // msr spsel, #0x0
        0x910003e2, // mov x2, sp
        0xd2806003, // mov x3, #0x300
        0x9100007f, // mov sp, x3
        0xd50041bf, // msr spsel, #0x1
        0xd5384104, // mrs x4, sp_el0
        0x910003e5, // mov x5, sp
        0xd518421f, // msr spsel, xzr
        0xd5384206, // mrs x6, spsel
        0xd5384107, // mrs x7, sp_el0
    ]);
    assert_eq!(m.run(), 0, "from EL1t");
    assert_eq!((m.cpu.x[2], m.cpu.x[4], m.cpu.x[5], m.cpu.x[6]), (0x200, 0x300, 0x100, 0));
    assert_eq!(m.sys(SysReg::ELR_EL1), CODE + 13 * 4);
}
