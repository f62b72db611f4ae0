//! What the text of an instruction does not tell of its operands.

use armlet_arm::aarch32::{Index, Insn, Op, Operand, Sets, Shift, a32, t32};
use armlet_arm::{Feature, FeatureSet};

fn a32(word: u32) -> Insn {
    a32::decode(word, FeatureSet::ALL).unwrap_or_else(|| panic!("{word:08x} is no instruction"))
}

fn t16(half: u16) -> Insn {
    t32::decode16(half, FeatureSet::ALL).unwrap_or_else(|| panic!("{half:04x} is no instruction"))
}

fn t32(word: u32) -> Insn {
    t32::decode32(word, FeatureSet::ALL).unwrap_or_else(|| panic!("{word:08x} is no instruction"))
}

#[test]
fn constants_carry_only_if_rotated() {
    let constant = |value, carry| Operand::Imm { value, carry };
    // MOVS R0, #constant
    assert_eq!(a32(0xe3b0_0001).operand, constant(1, None));
    assert_eq!(a32(0xe3b0_0102).operand, constant(0x8000_0000, Some(true)));
    assert_eq!(a32(0xe3b0_0f02).operand, constant(8, Some(false)));
    assert_eq!(t32(0xf05f_0001).operand, constant(1, None));
    assert_eq!(t32(0xf05f_30ff).operand, constant(0xffff_ffff, None));
    assert_eq!(t32(0xf05f_4000).operand, constant(0x8000_0000, Some(true)));
    assert_eq!(t32(0xf05f_6000).operand, constant(0x0800_0000, Some(false)));
}

#[test]
fn shift_amounts_are_decoded() {
    let shifted = |kind, amount| Operand::Shifted { kind, amount };
    // MOV R0, R1 with its shift by 0.
    assert_eq!(a32(0xe1a0_0001).operand, Operand::REGISTER);
    assert_eq!(a32(0xe1a0_0021).operand, shifted(Shift::Lsr, 32));
    assert_eq!(a32(0xe1a0_0041).operand, shifted(Shift::Asr, 32));
    assert_eq!(a32(0xe1a0_0061).operand, shifted(Shift::Rrx, 1));
    assert_eq!(t16(0x0808).operand, shifted(Shift::Lsr, 32));
    assert_eq!(t32(0xea4f_0031).operand, shifted(Shift::Rrx, 1));
    // SXTB R0, R1, and rotated by 24.
    assert_eq!(a32(0xe6af_0071).operand, Operand::REGISTER);
    assert_eq!(a32(0xe6af_0c71).operand, shifted(Shift::Ror, 24));
    assert_eq!(t16(0xb248).operand, Operand::REGISTER);
    // RORS R0, R1 is of R0.
    let rors = t16(0x41c8);
    assert_eq!((rors.op, rors.d, rors.m), (Op::Mov, 0, 0));
    assert_eq!(rors.operand, Operand::ShiftedByReg { kind: Shift::Ror, by: 1 });
}

#[test]
fn flags_depend_on_the_encoding() {
    assert_eq!(a32(0xe080_0001).sets, Sets::Never);
    assert_eq!(a32(0xe090_0001).sets, Sets::Always);
    assert_eq!(t16(0x1840).sets, Sets::OutsideIt);
    assert_eq!(t16(0x4240).sets, Sets::OutsideIt);
    assert_eq!(t16(0x4408).sets, Sets::Never);
    for compare in [t16(0x2800), t16(0x4280), t16(0x4580), t16(0x4200), a32(0xe350_0000), t32(0xebb0_0f01)] {
        assert_eq!(compare.sets, Sets::Always, "{compare}");
    }
    for plain in [t16(0xb240), t16(0xba00), t16(0xa801), t16(0xb082), t16(0x5840), t16(0x4600)] {
        assert_eq!(plain.sets, Sets::Never, "{plain}");
    }
}

#[test]
fn exception_returns() {
    // SUBS PC, LR, #4; MOVS PC, LR; LDM SP!, {R0, PC}^; ERET.
    let subs = |insn: Insn| (insn.op, insn.d, insn.n, insn.sets, insn.operand);
    let expected = (Op::Sub, 15, 14, Sets::Always, Operand::Imm { value: 4, carry: None });
    assert_eq!(subs(a32(0xe25e_f004)), expected);
    assert_eq!(subs(t32(0xf3de_8f04)), expected);
    assert_eq!(t32(0xf3de_8f00).op, Op::Eret);
    assert_eq!(a32(0xe160_006e).op, Op::Eret);
    let movs = a32(0xe1b0_f00e);
    assert_eq!((movs.op, movs.d, movs.sets), (Op::Mov, 15, Sets::Always));
    assert_eq!(a32(0xe8fd_8001).op, Op::LdmExcept);
    assert_eq!(a32(0xe8dd_0001).op, Op::LdmUser);
}

#[test]
fn memory_operands() {
    let index = |add, pre, wback| Index { add, pre, wback };
    // LDR R0, [R1], #-4: post-indexed forms write back whatever W is.
    assert_eq!(a32(0xe411_0004).index, index(false, false, true));
    assert_eq!(t32(0xf851_0904).index, index(false, false, true));
    // LDM R0, {R0} and LDM R0, {R1} of 16 bits.
    assert_eq!(t16(0xc801).index, index(true, false, false));
    assert_eq!(t16(0xc802).index, index(true, false, true));
    let (push, pop) = (t16(0xb501), t16(0xbd01));
    assert_eq!((push.op, push.n, push.list, push.index), (Op::Stm, 13, 0x4001, index(false, true, true)));
    assert_eq!((pop.op, pop.n, pop.list, pop.index), (Op::Ldm, 13, 0x8001, index(true, false, true)));
    // LDRD R2, R3, [R1]
    let ldrd = a32(0xe1c1_20d0);
    assert_eq!((ldrd.d, ldrd.a, ldrd.n), (2, 3, 1));
    // STREXD R0, R2, R3, [R1] and STREX R0, R2, [R1, #8]
    for strexd in [a32(0xe1a1_0f92), t32(0xe8c1_2370)] {
        assert_eq!((strexd.op, strexd.d, strexd.m, strexd.a, strexd.n), (Op::Strexd, 0, 2, 3, 1));
    }
    let strex = t32(0xe841_2002);
    assert_eq!((strex.op, strex.d, strex.m, strex.n, strex.imm), (Op::Strex, 0, 2, 1, 8));
}

#[test]
fn packed_fields() {
    // MCR p15, 0, R0, c7, c10, 5
    for mcr in [a32(0xee07_0fba), t32(0xee07_0fba)] {
        let c = mcr.coprocessor();
        assert_eq!((c.coproc, c.opc1, c.crn, c.crm, c.opc2), (15, 0, 7, 10, 5));
    }
    // MRRC p15, 1, R0, R1, c14
    let mrrc = a32(0xec51_0f1e);
    let c = mrrc.coprocessor();
    assert_eq!((c.coproc, c.opc1, c.crn, c.crm, c.opc2, mrrc.d, mrrc.a), (15, 1, 0, 14, 0, 0, 1));
    // BFI R0, R1, #4, #8
    for bfi in [a32(0xe7cb_0211), t32(0xf361_100b)] {
        assert_eq!((bfi.lsb(), bfi.width(), bfi.d, bfi.n), (4, 8, 0, 1));
    }
    // MRS R0, SP_irq; MRS R0, SPSR_abt; MSR ELR_hyp, R0
    assert_eq!(a32(0xe101_0300).banked(), (0x12, 13));
    assert_eq!(a32(0xe144_0300).banked(), (0x17, 16));
    assert_eq!(a32(0xe12e_f300).banked(), (0x1a, 14));
    // CPSID I, #19 and CPSIE F
    assert_eq!(a32(0xf10e_0093).imm, 3 << 18 | 1 << 17 | 1 << 7 | 0x13);
    assert_eq!(t32(0xf3af_8753).imm, 3 << 18 | 1 << 17 | 1 << 7 | 0x13);
    assert_eq!(t16(0xb661).imm, 2 << 18 | 1 << 6);
    // MSR SPSR_fc, R1
    let msr = a32(0xe169_f001);
    assert_eq!((msr.spsr(), msr.field_mask(), msr.m), (true, 9, 1));
    // IT EQ; BLX to the other set
    assert_eq!(t16(0xbf08).imm, 0x08);
    assert_eq!(a32(0xfbff_ffff).offset(), -2);
}

#[test]
fn features_gate_instructions() {
    let v7 = FeatureSet::EMPTY;
    let v8 = FeatureSet::of(&[Feature::V8]);
    // SWP R0, R1, [R2]
    assert_eq!(
        a32::decode(0xe102_0091, v7).map(|insn| (insn.op, insn.d, insn.m, insn.n)),
        Some((Op::Swp, 0, 1, 2))
    );
    assert_eq!(a32::decode(0xe102_0091, v8), None);
    // LDA R0, [R1]; CRC32B R0, R0, R1
    assert_eq!(a32::decode(0xe191_0c9f, v7), None);
    assert_eq!(a32::decode(0xe191_0c9f, v8).map(|insn| insn.op), Some(Op::Lda));
    assert_eq!(a32::decode(0xe100_0041, v8), None);
    let crc = v8.with(FeatureSet::of(&[Feature::CRC32]));
    assert_eq!(a32::decode(0xe100_0041, crc).map(|insn| insn.op), Some(Op::Crc32b));
}

#[test]
fn every_op_has_a_row() {
    let tables = a32::ROWS.into_iter().chain(t32::WIDE_ROWS).chain([t32::NARROW_ROWS]);
    let ops: Vec<Op> = tables.flatten().map(|row| row.op.op).collect();
    for op in Op::ALL {
        assert!(ops.contains(op), "{op:?}");
    }
}
