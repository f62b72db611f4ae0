//! What A32 instructions lower to, where that matters beside their results.

use armlet_arm::feature::FeatureSet;
use armlet_base::{GuestRam, RamKind, RamRegion};
use armlet_engine::block::Mode;
use armlet_engine::lower::Stretch;
use armlet_engine::uop::{DspOp, MemoryOp, Op, SystemOp, Uop};

fn memory() -> GuestRam {
    GuestRam::new(&[RamRegion { gpa: 0, len: 0x1000, kind: RamKind::ReadWrite }]).unwrap()
}

fn uops(ram: &GuestRam, mode: u16, words: &[u32]) -> Vec<Uop> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    ram.write(0, &bytes).unwrap();
    let mode = Mode(Mode::AARCH32 | mode);
    let code = Stretch { ram, offset: 0, mode, features: FeatureSet::ALL, beyond: None };
    let mut uops = Vec::new();
    code.lower_into(&mut uops, words.len());
    uops.retain(|u| u.op != Op::Next);
    uops
}

fn ops(mode: u16, words: &[u32]) -> Vec<Op> {
    uops(&memory(), mode, words).iter().map(|u| u.op).collect()
}

#[test]
fn hot_forms_are_one_uop() {
    for (word, op) in [
        (0xe1a0_1003, Op::Mov32),            // mov r1, r3
        (0xe3a0_1001, Op::MovI),             // mov r1, #1
        (0xe3e0_1000, Op::MovI),             // mvn r1, #0
        (0xe1e0_1003, Op::Orn32),            // mvn r1, r3
        (0xe281_2004, Op::AddI32),           // add r2, r1, #4
        (0xe241_2004, Op::AddI32),           // sub r2, r1, #4
        (0xe28f_2010, Op::PcRel32),          // add r2, pc, #16
        (0xe081_2003, Op::Add32),            // add r2, r1, r3
        (0xe261_2000, Op::Sub32),            // rsb r2, r1, #0
        (0xe351_0005, Op::SubSI32),          // cmp r1, #5
        (0xe151_0003, Op::SubS32),           // cmp r1, r3
        (0xe251_1001, Op::SubSI32),          // subs r1, r1, #1
        (0xe1a0_1203, Op::LslI32),           // lsl r1, r3, #4
        (0xe1b0_1203, Op::LslSI32),          // lsls r1, r3, #4
        (0xe1a0_1213, Op::LslV32),           // lsl r1, r3, r2
        (0xe6ef_1073, Op::AndI),             // uxtb r1, r3
        (0xe6bf_1073, Op::Sbf32),            // sxth r1, r3
        (0xe7e3_1253, Op::Ubf),              // ubfx r1, r3, #4, #4
        (0xe7a7_1253, Op::Sbf32),            // sbfx r1, r3, #4, #8
        (0xe7c7_1213, Op::Bfi32),            // bfi r1, r3, #4, #4
        (0xe7c7_121f, Op::AndI),             // bfc r1, #4, #4
        (0xe340_1001, Op::MovK32),           // movt r1, #1
        (0xe001_0392, Op::Madd32),           // mul r1, r2, r3
        (0xe591_2004, Op::Load32),           // ldr r2, [r1, #4]
        (0xe511_2004, Op::Load32),           // ldr r2, [r1, #-4]
        (0xe791_2103, Op::Load32),           // ldr r2, [r1, r3, lsl #2]
        (0xe1d1_20d4, Op::Load8S32),         // ldrsb r2, [r1, #4]
        (0xe781_2003, Op::Store32),          // str r2, [r1, r3]
        (0x0a00_0000, Op::JumpIf),           // beq .+8
        (0xea00_0000, Op::Jump),             // b .+8
        (0xe12f_ff1e, Op::JumpExchange),     // bx lr
        (0xe100_1052, Op::Dsp(DspOp::Qadd)), // qadd r1, r2, r0
        (0x01a0_1003, Op::Csel32),           // moveq r1, r3
    ] {
        assert_eq!(ops(0, &[word]), [op], "{word:08x}");
    }
}

#[test]
fn others_are_few() {
    use Op::*;
    const LDM: Op = Memory(MemoryOp::LoadMultiple);
    const STM: Op = Memory(MemoryOp::StoreMultiple);
    let check = |word: u32, expected: &[Op]| assert_eq!(ops(0, &[word]), expected, "{word:08x}");
    check(0xe081_2183, &[LslI32, Add32]); // add r2, r1, r3, lsl #3
    check(0xe011_2003, &[And32, NzS32]); // ands r2, r1, r3
    check(0xe311_0001, &[AndI, NzS32]); // tst r1, #1
    check(0xe311_0102, &[AndI, SetC, NzS32]); // tst r1, #0x80000000
    check(0xe011_21a3, &[LsrSI32, And32, NzS32]); // ands r2, r1, r3, lsr #3
    check(0xe59f_1010, &[PcRel32, Load32]); // ldr r1, [pc, #16]
    check(0xe711_2003, &[Sub32, Load32]); // ldr r2, [r1, -r3]
    check(0xe491_2004, &[Load32, AddI32]); // ldr r2, [r1], #4
    check(0xe5b1_2004, &[Load32, AddI32]); // ldr r2, [r1, #4]!
    check(0xe491_1004, &[Load32]); // ldr r1, [r1], #4
    check(0xe49d_f004, &[Load32, AddI32, JumpExchange]); // ldr pc, [sp], #4
    check(0xe92d_4010, &[CheckAlign, StorePair32, AddI32]); // push {r4, lr}
    check(0xe92d_4070, &[AddI32, STM, AddI32]); // push {r4-r6, lr}
    check(0xe8bd_8070, &[LDM, AddI32, JumpExchange]); // pop {r4-r6, pc}
    check(0xe1c1_20d8, &[CheckAlign, LoadPair32]); // ldrd r2, r3, [r1, #8]
    check(0xe082_1293, &[Umaddl, LsrI64, Mov32]); // umull r1, r2, r3, r2
    check(0xeb00_0000, &[PcRel32, Jump]); // bl .+8
    check(0x0281_2004, &[AddI32, Csel32]); // addeq r2, r1, #4
    check(0x0591_2004, &[Skip, Load32]); // ldreq r2, [r1, #4]
    check(0x012f_ff1e, &[Skip, JumpExchange, Jump]); // bxeq lr
    check(0xe128_f001, &[System(SystemOp::WriteNzcv), Ubf]); // msr APSR_nzcvq, r1
}

#[test]
fn the_mode_decides() {
    let subs_pc_lr = 0xe25e_f004;
    assert_eq!(ops(0, &[subs_pc_lr]), [Op::Undefined]);
    let expected = [Op::AddI32, Op::System(SystemOp::ReadSpsr), Op::System(SystemOp::ReturnTo32)];
    assert_eq!(ops(Mode::EL1, &[subs_pc_lr]), expected);
    let ldrt = 0xe4b1_2000;
    assert_eq!(ops(0, &[ldrt]), [Op::Load32]);
    assert_eq!(ops(Mode::EL1, &[ldrt]), [Op::Memory(MemoryOp::LoadUnprivileged)]);
    assert_eq!(ops(Mode::BE, &[0xe591_2004]), [Op::Load32, Op::Rev32]);
    assert_eq!(ops(Mode::BE, &[0xe581_2004]), [Op::Rev32, Op::Store32]);
    let cps = 0xf102_0013;
    assert_eq!(ops(0, &[cps]), []);
    assert_eq!(ops(Mode::EL1, &[cps]), [Op::System(SystemOp::Cps)]);
}

/// No instruction uses up the temporaries, and each skip ends within its instruction.
#[test]
fn every_word_stays_within_bounds() {
    let (mut word, ram) = (1u32, memory());
    for n in 0..200_000u32 {
        word = (word.wrapping_mul(0x9e37_79b9) ^ word >> 15).wrapping_add(n);
        for mode in [0, Mode::EL1, Mode::EL1 | Mode::BE, Mode::T32, Mode::T32 | Mode::EL1 | Mode::BE] {
            let uops = uops(&ram, mode, &[word]);
            for (n, u) in uops.iter().enumerate() {
                assert!([u.dst, u.a, u.b].iter().all(|&slot| slot < 64), "{word:08x} {u:?}");
                assert!(u.op != Op::Skip || n + u.imm as usize <= uops.len(), "{word:08x} {u:?}");
            }
        }
    }
}

#[test]
fn floating_point_is_checked_once_in_a_straight_line() {
    let checks = |words: &[u32]| ops(0, words).iter().filter(|&&op| op == Op::CheckFp).count();
    let (vadd, vldr, vadd_ne) = (0xee30_0a00, 0xed9f_0b00, 0x1e30_0a00);
    assert_eq!(checks(&[vadd, vldr, vadd, vadd_ne]), 1);
    assert_eq!(checks(&[vadd_ne, vadd_ne, vadd, vadd]), 3, "what has a condition may not have run");
    assert_eq!(checks(&[0xe281_2004]), 0);
}
