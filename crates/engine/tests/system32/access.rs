//! Which coprocessor registers there are, what they hold and who may access them.

use armlet_arm::cpu::{MODELS, model};
use armlet_arm::{CpuState, Feature, Pstate, SysReg};
use armlet_engine::sys::regs32;

use crate::kit::{CODE, Machine};
use crate::words::*;

/// R0 to R14 after a run.
pub fn registers(m: &Machine) -> [u32; 15] {
    let mut state = CpuState::default();
    m.cpu.save(&mut state);
    // R13 and R14 of Supervisor mode are X19 and X18.
    std::array::from_fn(|n| state.x[if n < 13 { n } else { 32 - n }] as u32)
}

fn run(model: &str, words: &[u32]) -> [u32; 15] {
    let mut m = Machine::aarch32(model, words).with_gic();
    assert_eq!(m.run(), DONE);
    registers(&m)
}

#[test]
fn identification_registers_tell_of_the_model() {
    let program = [
        mrc((0, 0, 0, 0), 0),   // MIDR
        mrc((0, 0, 0, 1), 1),   // CTR
        mrc((0, 0, 0, 5), 2),   // MPIDR
        mrc((0, 0, 1, 0), 3),   // ID_PFR0
        mrc((0, 0, 1, 1), 4),   // ID_PFR1
        mrc((0, 0, 1, 2), 5),   // ID_DFR0
        mrc((0, 0, 2, 0), 6),   // ID_ISAR0
        mrc((1, 0, 0, 1), 7),   // CLIDR
        mrc((0, 0, 7, 7), 8),   // reserved
        mrc14((0, 0, 0, 0), 9), // DBGDIDR
        mrc((0, 0, 0, 7), 10),  // MIDR again
        mrc((0, 0, 0, 2), 11),  // TCMTR
        mrc((0, 1, 0, 0), 12),  // SCTLR
        END,
    ];
    let a15 = run("cortex-a15", &program);
    assert_eq!(a15[..6], [0x414f_c0f0, 0x8444_c004, 0x8000_0000, 0x131, 0x1001_0001, 0x0200_0005]);
    assert_eq!(a15[6..13], [0x0210_1110, 0x0a20_0023, 0, 0x3515_8040, 0x414f_c0f0, 0, 0x00c5_0078]);
    let a53 = run("cortex-a53", &program);
    assert_eq!(a53[..6], [0x410f_d034, 0x9444_8004, 0x8000_0000, 0x131, 0x1001_0001, 0x0300_0006]);
    assert_eq!(a53[12], 0x00c5_0838);
}

#[test]
fn every_row_can_be_read_and_is_undefined_at_el0_unless_it_says_otherwise() {
    for model in MODELS.iter().filter(|model| model.features.has(Feature::AA32EL1)) {
        for row in regs32::rows().iter().filter(|row| regs32::find(row.key, model.features).is_some()) {
            let key = row.key;
            let word = match key.is_wide() {
                true => 0xec50_0000 | u32::from(key.opc1()) << 4 | u32::from(key.crm()) | 1 << 16,
                false => {
                    let name = [key.opc1(), key.crn(), key.crm(), key.opc2()].map(u32::from);
                    mrc((name[0], name[1], name[2], name[3]), 0) & !0xf00
                }
            } | u32::from(key.coproc()) << 8;
            let gic = matches!(row.read, regs32::Read::Gic(_));
            let mut m = Machine::aarch32(model.name, &[word, END]).with_gic();
            let expected = if row.is_defined(true) { DONE } else { vector::UNDEFINED };
            let result = m.run();
            assert!(result == expected || gic, "{} {} {:#x}", model.name, row.name, result);
            let open = matches!(row.el0_rule(true), armlet_engine::sys::regs::El0::Allowed);
            let mut m = Machine::aarch32(model.name, &[word, 0xe7f0_00f0]).with_gic(); // udf #0
            m.change(|state| {
                state.pstate = state.pstate.with_mode32(0x10);
                state.sys[SysReg::MDSCR_EL1] = 1 << 12;
            });
            assert_eq!(m.run(), vector::UNDEFINED);
            let at = m.cpu.x[14] - CODE;
            assert_eq!(at == 8, open && row.is_defined(true), "{} {} at {at}", model.name, row.name);
        }
    }
}

#[test]
fn control_registers_keep_what_they_have() {
    let all = 0xe3e0_0000; // mvn r0, #0
    let zero = 0xe3a0_0000; // mov r0, #0
    let program = |word| {
        [
            word,
            mcr((0, 12, 0, 0), 0), // VBAR
            mrc((0, 12, 0, 0), 1),
            mcr((0, 1, 0, 2), 0), // CPACR
            mrc((0, 1, 0, 2), 2),
            mcr(DACR, 0),
            mrc(DACR, 3),
            mcr((0, 5, 0, 0), 0), // DFSR
            mrc((0, 5, 0, 0), 4),
            mcr((0, 6, 0, 2), 0), // IFAR
            mrc((0, 6, 0, 0), 5), // DFAR
            mrc((0, 6, 0, 2), 6),
            mcr((0, 13, 0, 4), 0), // TPIDRPRW
            mrc((0, 13, 0, 4), 7),
            mcr((0, 10, 2, 1), 0), // NMRR
            mrc((0, 10, 2, 0), 8), // PRRR
            mrc((0, 10, 2, 1), 9),
            mcr(TTBCR, 0),
            mrc(TTBCR, 10),
            END,
        ]
    };
    let a15 = run("cortex-a15", &program(all));
    assert_eq!(a15[1..11], [!0x1f, 15 << 20, !0, !0, 0, !0, !0, 0, !0, 0xbfc7_3f87]);
    let a53 = run("cortex-a53", &program(zero));
    assert_eq!(a53[1..11], [0; 10]);
}

#[test]
fn sctlr_has_fixed_bits() {
    let with_mmu_off = [0xe3e0_0001, mcr(SCTLR, 0), mrc(SCTLR, 1), END]; // mvn r0, #1
    let zeros = [0xe3a0_0000, mcr(SCTLR, 0), mrc(SCTLR, 1), END]; // mov r0, #0
    assert_eq!(run("cortex-a15", &with_mmu_off)[1], 0x72dd_3c7e);
    assert_eq!(run("cortex-a15", &zeros)[1], 0x00c5_0058);
    assert_eq!(run("cortex-a53", &with_mmu_off)[1], 0x72dd_393e);
    assert_eq!(run("cortex-a53", &zeros)[1], 0x00c0_0818);
    assert_eq!(run("max", &zeros)[1], 0x0040_0818, "SPAN can be cleared");
}

#[test]
fn wide_registers_come_in_two_words() {
    let program = [
        0xe3a0_0001,      // mov r0, #1
        0xe3a0_1002,      // mov r1, #2
        mcrr(0, 2, 0, 1), // TTBR0
        mrrc(0, 2, 2, 3),
        mrc(TTBR0, 4),
        mcr(TTBR0, 1),
        mrrc(0, 2, 5, 6),
        mcrr(3, 14, 0, 1), // CNTV_CVAL
        mrrc(3, 14, 7, 8),
        mrrc(1, 14, 9, 10), // CNTVCT
        END,
    ];
    let r = run("cortex-a7", &program);
    assert_eq!(r[2..9], [1, 2, 1, 2, 2, 1, 2]);
}

#[test]
fn timers_and_monitors_let_el0_in() {
    // MRRC p15, 1, R0, R1, c14; MRC PMCCNTR; UDF.
    let program = [mrrc(1, 14, 0, 1), mrc((0, 9, 13, 0), 2), 0xe7f0_00f0];
    for (cntkctl, pmuserenr, at) in [(0, 0, 4), (2, 0, 8), (2, 4, 12), (2, 1, 12)] {
        let mut m = Machine::aarch32("cortex-a15", &program);
        m.change(|state| {
            state.pstate = state.pstate.with_mode32(0x10);
            state.sys[SysReg::CNTKCTL_EL1] = cntkctl;
            state.sys[SysReg::PMUSERENR_EL0] = pmuserenr;
        });
        assert_eq!(m.run(), vector::UNDEFINED);
        assert_eq!(m.cpu.x[14] - CODE, at);
    }
}

/// One instruction at EL0 in AArch32 state under an EL1 in AArch64 state: class and syndrome.
fn under_aarch64(word: u32, prepare: impl FnOnce(&mut CpuState)) -> (u64, u64) {
    let mut m = Machine::of("cortex-a53", &[word, 0xef00_0000]); // svc #0
    m.change(|state| {
        state.pstate = Pstate::from_bits_retain(0x10);
        state.x[3] = 0x1234_5678;
        prepare(state);
    });
    assert_eq!(m.run(), 0x600);
    m.esr()
}

#[test]
fn el1_in_aarch64_state_gets_traps() {
    let read = |name| under_aarch64(mrc(name, 3), |_| {});
    // CNTP_CTL, CNTFRQ, PMCR: MRC of CP15.
    assert_eq!(read((0, 14, 2, 1)), (0x03, 0x1e << 20 | 1 << 17 | 14 << 10 | 3 << 5 | 2 << 1 | 1));
    assert_eq!(read((0, 14, 0, 0)), (0x03, 0x1e << 20 | 14 << 10 | 3 << 5 | 1));
    assert_eq!(read((0, 9, 12, 0)), (0x03, 0x1e << 20 | 9 << 10 | 3 << 5 | 12 << 1 | 1));
    // CNTVCT: MRRC; it may be let in.
    let word = mrrc(1, 14, 4, 5);
    assert_eq!(under_aarch64(word, |_| {}), (0x04, 0x1e << 20 | 1 << 16 | 5 << 10 | 4 << 5 | 14 << 1 | 1));
    assert_eq!(under_aarch64(word, |state| state.sys[SysReg::CNTKCTL_EL1] = 2).0, 0x11);
    // DBGDIDR: MRC of CP14, if MDSCR_EL1.TDCC says so.
    let word = mrc14((0, 0, 0, 0), 3);
    assert_eq!(under_aarch64(word, |_| {}).0, 0x11);
    assert_eq!(under_aarch64(word, |state| state.sys[SysReg::MDSCR_EL1] = 1 << 12).0, 0x05);
    // What EL0 never has is UNDEFINED; its own thread registers are there.
    assert_eq!(read((0, 1, 0, 0)), (0, 0));
    assert_eq!(read((0, 13, 0, 4)), (0, 0));
    assert_eq!(read((0, 13, 0, 3)).0, 0x11);
    assert_eq!(under_aarch64(mcr((0, 13, 0, 3), 3), |_| {}), (0, 0));
    // CP15DMB hangs on SCTLR_EL1.CP15BEN.
    let word = mcr((0, 7, 10, 5), 3);
    assert_eq!(under_aarch64(word, |_| {}).0, 0x11);
    assert_eq!(under_aarch64(word, |state| state.sys[SysReg::SCTLR_EL1] &= !(1 << 5)), (0, 0));
}

#[test]
fn thread_registers_are_those_of_aarch64() {
    let program = [
        mrc((0, 13, 0, 2), 0),
        mcr((0, 13, 0, 2), 3), // TPIDRURW
        mrc((0, 13, 0, 3), 1), // TPIDRURO
        0xef00_0000,           // svc #0
    ];
    let mut m = Machine::of("cortex-a53", &program);
    m.change(|state| {
        state.pstate = Pstate::from_bits_retain(0x10);
        state.x[3] = 0x1234_5678;
        state.sys[SysReg::TPIDR_EL0] = 0x5_0000_0007;
        state.sys[SysReg::TPIDRRO_EL0] = 0x6_0000_0008;
    });
    assert_eq!(m.run(), 0x600);
    assert_eq!((m.cpu.x[0], m.cpu.x[1]), (7, 8));
    assert_eq!(m.sys(SysReg::TPIDR_EL0) as u32, 0x1234_5678);
}

/// A kernel in AArch64 state keeps the flags of a comparison in FPSR while another program runs.
#[test]
fn flags_of_floating_point_pass_through_fpsr() {
    let program = [
        0xd51b_4420, // msr fpsr, x0
        0xd53b_4421, // mrs x1, fpsr
        0xd69f_03e0, // eret
        0xeef1_4a10, // vmrs r4, fpscr
        0xef00_0000, // svc #0
    ];
    let mut m = Machine::of("cortex-a53", &program);
    m.change(|state| {
        state.x[0] = 0xffff_ffff;
        state.sys[SysReg::CPACR_EL1] = 3 << 20;
        state.sys[SysReg::SPSR_EL1] = 0x10;
        state.sys[SysReg::ELR_EL1] = CODE + 12;
    });
    assert_eq!(m.run(), 0x600);
    assert_eq!((m.cpu.x[1], m.cpu.x[4]), (0xf800_009f, 0xf800_009f));
}

/// What Linux does to find out what hardware breakpoints there are.
#[test]
fn debug_registers_can_be_probed() {
    let program = [
        mrc14((0, 1, 1, 4), 0), // DBGOSLSR
        mrc14((0, 1, 3, 4), 1), // DBGOSDLR
        0xe3a0_2000,            // mov r2, #0
        mcr14((0, 1, 0, 4), 2), // DBGOSLAR
        mcr14((0, 0, 7, 0), 2), // DBGVCR
        mrc14((0, 1, 1, 4), 3),
        mcr14((0, 0, 5, 5), 2), // DBGBCR5
        mcr14((0, 0, 3, 7), 2), // DBGWCR3
        mrc14((0, 0, 1, 0), 4), // DBGDSCRint
        0xe384_5902,            // orr r5, r4, #0x8000: MDBGen
        mcr14((0, 0, 2, 2), 5), // DBGDSCRext
        mrc14((0, 0, 1, 0), 6),
        mrc14((0, 7, 2, 7), 7),  // DBGDEVID
        mrc14((0, 0, 1, 0), 15), // flags
        END,
    ];
    for name in ["cortex-a15", "cortex-a53"] {
        let r = run(name, &program);
        assert_eq!(r[..8], [0xa, 0, 0, 8, 0, 0x8000, 0x8000, 0x10_0f10]);
    }
    assert_eq!(model("cortex-a15").unwrap().dbgdidr() >> 16 & 15, 5);
}
