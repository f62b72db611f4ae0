//! What instructions lower to, where that matters beside their results.

use armlet_arm::feature::FeatureSet;
use armlet_engine::a64::lower;
use armlet_engine::block::{Key, Mode};
use armlet_engine::uop::{FloatOp, MemoryOp, Op};

fn ops(mode: u16, words: &[u32]) -> Vec<Op> {
    let mode = Mode(mode);
    let block = lower(Key::new(0x1000, mode), mode, FeatureSet::ALL, words.iter().copied());
    block.uops.iter().map(|u| u.op).filter(|&op| op != Op::Next).collect()
}

fn checks(words: &[u32]) -> usize {
    ops(Mode::SP_CHECK, words).iter().filter(|&&op| op == Op::CheckSp).count()
}

const LDR_X0_SP: u32 = 0xf940_03e0;

#[test]
fn sp_is_checked_once_while_it_moves_by_multiples_of_16() {
    let two = |between: u32| checks(&[LDR_X0_SP, between, LDR_X0_SP]);
    assert_eq!(two(0xd280_0000), 1); // mov x0, #0
    assert_eq!(two(0x9100_83ff), 1); // add sp, sp, #32
    assert_eq!(two(0xd100_43ff), 1); // sub sp, sp, #16
    assert_eq!(two(0xa9bf_7bfd), 1); // stp x29, x30, [sp, #-16]!
    assert_eq!(two(0xf841_07e0), 1); // ldr x0, [sp], #16
    assert_eq!(two(0x9100_23ff), 2); // add sp, sp, #8
    assert_eq!(two(0x1100_43ff), 2); // add wsp, wsp, #16
    assert_eq!(two(0x9100_03bf), 2); // mov sp, x29
    assert_eq!(two(0xf840_87e0), 2); // ldr x0, [sp], #8
    assert_eq!(two(0x8b20_63ff), 2); // add sp, sp, x0
    assert_eq!(two(0x927c_ec1f), 2); // and sp, x0, #~15
    assert_eq!(two(0x4cc0_7be0), 2); // ld1 {v0.4s}, [sp], x0
    assert_eq!(two(0x4cdf_7be0), 1); // ld1 {v0.4s}, [sp], #16
    assert_eq!(two(0x0cdf_7be0), 2); // ld1 {v0.2s}, [sp], #8
    assert_eq!(checks(&[0xf980_03e0]), 0); // prfm pldl1keep, [sp]
    assert_eq!(ops(0, &[LDR_X0_SP]), [Op::Load64]);
}

#[test]
fn hot_forms_are_one_uop() {
    for (word, op) in [
        (0xf940_0441, Op::Load64),      // ldr x1, [x2, #8]
        (0xf863_6841, Op::Load64),      // ldr x1, [x2, x3]
        (0xf823_7841, Op::Store64),     // str x1, [x2, x3, lsl #3]
        (0x5400_0041, Op::JumpIf),      // b.ne 8
        (0x9400_0002, Op::Call),        // bl 8
        (0xd63f_03c0, Op::CallReg),     // blr x30
        (0x39c0_0041, Op::Load8S32),    // ldrsb w1, [x2]
        (0x3980_0041, Op::Load8S64),    // ldrsb x1, [x2]
        (0xa940_0c41, Op::LoadPair64),  // ldp x1, x3, [x2]
        (0x2900_0c41, Op::StorePair32), // stp w1, w3, [x2]
        (0x3dc0_0041, Op::VLoad128),    // ldr q1, [x2]
        (0xaa03_03e1, Op::Mov),         // mov x1, x3
        (0xd37c_ec41, Op::LslI64),      // lsl x1, x2, #4
        (0x5300_1c41, Op::AndI),        // uxtb w1, w2
        (0x1b03_7c41, Op::Madd32),      // mul w1, w2, w3
    ] {
        assert_eq!(ops(Mode::EL1, &[word]), [op], "{word:08x}");
    }
    assert_eq!(ops(0, &[0xb862_c841]), [Op::Sbf64, Op::Load32]); // ldr w1, [x2, w2, sxtw]
}

#[test]
fn modes_change_what_is_lowered() {
    let ldtr = 0xf840_0841;
    assert_eq!(ops(0, &[ldtr]), [Op::Load64]);
    assert_eq!(ops(Mode::EL1, &[ldtr]), [Op::Memory(MemoryOp::LoadUnprivileged)]);
    let ldr_q = 0x3dc0_0041;
    assert_eq!(ops(Mode::FP_TRAP, &[ldr_q]), [Op::Float(FloatOp::Trapped)]);
}
