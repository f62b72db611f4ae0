//! Vector instructions against a disassembler. What takes several instructions is run on symbols.

mod common;

use armlet_x64::*;
use common::{Op, check_at, decode, k, mem, mems, name, operands, plain, reg, x};
use iced_x86::{Formatter, Instruction, IntelFormatter, MemorySizeOptions, Register};
use std::collections::HashMap;

const LEVELS: [Level; 3] = [Level::Sse, Level::Avx2, Level::Avx512];
const LANES: [Lane; 4] = [Lane::B, Lane::W, Lane::D, Lane::Q];
const FPS: [Fp; 4] = [Fp::Ps, Fp::Pd, Fp::Ss, Fp::Sd];

/// Registers of interest: the scratch registers are left out.
fn registers(level: Level) -> Vec<Xmm> {
    let numbers: &[u8] = if level == Level::Avx512 { &[3, 15, 16, 31, 24] } else { &[3, 7, 8, 15] };
    numbers.iter().map(|&n| Xmm(n)).collect()
}

/// Values of registers and memory, as texts.
#[derive(Default)]
struct Symbols(HashMap<Register, String>);

impl Symbols {
    fn value(&self, op: &Op) -> String {
        match op {
            Op::R(r) => self.0.get(r).cloned().unwrap_or_else(|| format!("{r:?}")),
            Op::M(..) => format!("{op:?}"),
            Op::I(imm) => imm.to_string(),
            Op::To(_) => unreachable!(),
        }
    }

    /// Runs one instruction: a move, or the one looked for, whose legacy form reads `dst` if `three`.
    fn run(&mut self, i: &Instruction, wanted: &str, three: bool) {
        let ops = operands(i);
        let Op::R(dst) = ops[0] else { unreachable!("{i}") };
        let found = name(i);
        let value = match found.as_str() {
            found if same(found, wanted) => {
                let vex = format!("{:?}", i.code()).contains("EX_");
                let from = usize::from(vex || !three);
                let values: Vec<_> = ops[from..].iter().map(|op| self.value(op)).collect();
                values.join(" ")
            }
            "movaps" | "movups" | "pmovm2b" | "pmovm2w" | "pmovm2d" | "pmovm2q" => self.value(&ops[1]),
            _ => panic!("{i} for {wanted}"),
        };
        self.0.insert(dst, value);
    }
}

/// The EVEX forms of some instructions have other names.
fn same(found: &str, wanted: &str) -> bool {
    let other = match wanted {
        "pand" => "pandd",
        "pandn" => "pandnd",
        "por" => "pord",
        "pxor" => "pxord",
        "roundps" => "rndscaleps",
        "roundpd" => "rndscalepd",
        "roundss" => "rndscaless",
        "roundsd" => "rndscalesd",
        _ => wanted,
    };
    found == wanted || found == other
}

fn has_wide_memory(i: &Instruction) -> bool {
    if !operands(i).iter().any(|op| matches!(op, Op::M(..))) {
        return false;
    }
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_memory_size_options(MemorySizeOptions::Always);
    let mut text = String::new();
    formatter.format(i, &mut text);
    text.contains("xmmword")
}

const SCRATCH: [Register; 4] = [Register::XMM0, Register::XMM1, Register::XMM2, Register::K1];

/// Checks that what `write` writes puts `op sources` into `dst` and changes nothing else but scratch registers.
#[track_caller]
fn check_sequence(
    level: Level,
    wanted: &str,
    dst: Xmm,
    sources: &[Op],
    three: bool,
    write: impl FnOnce(&mut Asm),
) {
    let wanted = plain(wanted);
    let code = decode(level, write);
    let mut symbols = Symbols::default();
    let expected: Vec<_> = sources.iter().map(|op| symbols.value(op)).collect();
    for i in &code {
        symbols.run(i, &wanted, three);
        let found = name(i);
        // SHA has no other encoding at any level.
        if (level == Level::Sse || wanted.starts_with("sha")) && found != "movups" {
            assert!(!has_wide_memory(i), "{i} wants aligned memory");
        }
    }
    let Op::R(dst) = x(dst) else { unreachable!() };
    let result = symbols.0.remove(&dst).unwrap_or_default();
    let mut swapped = expected.clone();
    if three {
        swapped.swap(0, 1);
    }
    let ok = result == expected.join(" ") || (level == Level::Sse && result == swapped.join(" "));
    let text: Vec<_> = code.iter().map(Instruction::to_string).collect();
    assert!(ok, "{wanted} {expected:?} at {level:?} is {text:?}: {result}");
    assert!(symbols.0.keys().all(|r| SCRATCH.contains(r)), "{text:?}");
}

/// Every combination of registers, and of registers and memory.
fn combinations(level: Level, registers_too: bool, memory_too: bool) -> Vec<(Xmm, Xmm, Xm, Op)> {
    let mut all = Vec::new();
    for dst in registers(level) {
        for a in registers(level) {
            if registers_too {
                all.extend(registers(level).into_iter().map(|b| (dst, a, Xm::R(b), x(b))));
            }
            if memory_too {
                all.extend(mems().into_iter().map(|m| (dst, a, Xm::M(m), mem(m))));
            }
        }
    }
    all
}

#[test]
fn three_operands() {
    for level in LEVELS {
        for &op in VOp::ALL.iter().filter(|op| op.level() <= level) {
            let moves = matches!(op, VOp::Movlps | VOp::Movhps);
            let merges = matches!(op, VOp::Movss | VOp::Movsd | VOp::Movhlps | VOp::Movlhps);
            for (dst, a, b, seen) in combinations(level, !moves, !merges) {
                let write = |asm: &mut Asm| asm.vop(op, dst, a, b);
                check_sequence(level, &format!("{op:?}"), dst, &[x(a), seen], true, write);
            }
        }
    }
}

#[test]
fn three_operands_and_an_immediate() {
    for level in LEVELS {
        for &op in VOpImm::ALL.iter().filter(|op| op.level() <= level) {
            for (dst, a, b, seen) in combinations(level, true, true) {
                let write = |asm: &mut Asm| asm.vop_imm(op, dst, a, b, 5);
                check_sequence(level, &format!("{op:?}"), dst, &[x(a), seen, Op::I(5)], true, write);
            }
        }
    }
}

#[test]
fn two_operands() {
    for level in LEVELS {
        for (dst, _, src, seen) in combinations(level, true, true) {
            for &op in VUn::ALL.iter().filter(|op| op.level() <= level) {
                let sources = std::slice::from_ref(&seen);
                check_sequence(level, &format!("{op:?}"), dst, sources, false, |asm| asm.vun(op, dst, src));
            }
            for &op in VUnImm::ALL {
                let write = |asm: &mut Asm| asm.vun_imm(op, dst, src, 9);
                check_sequence(level, &format!("{op:?}"), dst, &[seen.clone(), Op::I(9)], false, write);
            }
        }
    }
}

#[test]
fn shifts() {
    for level in LEVELS {
        for &op in VShift::ALL.iter().filter(|op| op.level() <= level) {
            for (dst, src, ..) in combinations(level, true, false) {
                let write = |asm: &mut Asm| asm.vshift(op, dst, src, 3);
                check_sequence(level, &format!("{op:?}"), dst, &[x(src), Op::I(3)], true, write);
            }
        }
    }
}

#[test]
fn fused() {
    let kinds = [Fma::Madd, Fma::Msub, Fma::Nmadd, Fma::Nmsub];
    let orders = [FmaOrder::F132, FmaOrder::F213, FmaOrder::F231];
    for level in [Level::Avx2, Level::Avx512] {
        for (op, order, fp) in
            kinds.iter().flat_map(|&op| orders.iter().flat_map(move |&o| FPS.map(|fp| (op, o, fp))))
        {
            let order_name = &format!("{order:?}")[1..];
            let name = format!("f{op:?}{order_name}{fp:?}");
            for (dst, a, b, seen) in combinations(level, true, true) {
                check_at(level, &name, &[x(dst), x(a), seen], |asm| asm.vfma(op, order, fp, dst, a, b));
            }
        }
    }
}

#[test]
fn narrowing() {
    let level = Level::Avx512;
    for (src, _, dst, seen) in combinations(level, true, true) {
        for &op in VNarrow::ALL {
            check_at(level, &format!("{op:?}"), &[seen.clone(), x(src)], |asm| asm.vnarrow(op, dst, src));
        }
        check_at(level, "cvtps2ph", &[seen, x(src), Op::I(4)], |asm| asm.vcvtps2ph(dst, src, 4));
    }
    check_at(Level::Avx2, "cvtps2ph", &[x(Xmm(9)), x(Xmm(4)), Op::I(4)], |asm| {
        asm.vcvtps2ph(Xmm(9), Xmm(4), 4);
    });
}

#[test]
fn moves() {
    for level in LEVELS {
        for r in registers(level) {
            for m in mems() {
                check_at(level, "movups", &[x(r), mem(m)], |asm| asm.vload(r, m));
                check_at(level, "movups", &[mem(m), x(r)], |asm| asm.vstore(m, r));
                check_at(level, "movaps", &[x(r), mem(m)], |asm| asm.vload_aligned(r, m));
                check_at(level, "movaps", &[mem(m), x(r)], |asm| asm.vstore_aligned(m, r));
                check_at(level, "movss", &[x(r), mem(m)], |asm| asm.vload32(r, m));
                check_at(level, "movss", &[mem(m), x(r)], |asm| asm.vstore32(m, r));
                check_at(level, "movsd", &[x(r), mem(m)], |asm| asm.vload64(r, m));
                check_at(level, "movsd", &[mem(m), x(r)], |asm| asm.vstore64(m, r));
                check_at(level, "movhps", &[mem(m), x(r)], |asm| asm.vstore_high64(m, r));
            }
            for other in registers(level) {
                check_at(level, "movq", &[x(r), x(other)], |asm| asm.movq(r, other));
                if r != other {
                    check_at(level, "movaps", &[x(r), x(other)], |asm| asm.vmov(r, other));
                }
            }
            assert!(decode(level, |asm| asm.vmov(r, r)).is_empty());
        }
    }
}

/// Every general register and memory operand.
fn rms(bits: Bits) -> Vec<(Rm, Op)> {
    let registers = common::GPRS.iter().map(|&r| (Rm::R(r), reg(bits, r)));
    registers.chain(mems().into_iter().map(|m| (Rm::M(m), mem(m)))).collect()
}

#[test]
fn general_registers() {
    for level in LEVELS {
        for r in registers(level) {
            for (bits, name) in [(Bits::B32, "movd"), (Bits::B64, "movq")] {
                for (rm, seen) in rms(bits) {
                    check_at(level, name, &[x(r), seen.clone()], |asm| asm.movd_to(bits, r, rm));
                    check_at(level, name, &[seen, x(r)], |asm| asm.movd_from(bits, rm, r));
                }
            }
            for lane in LANES {
                let bits = if lane == Lane::Q { Bits::B64 } else { Bits::B32 };
                let extract = format!("pextr{lane:?}");
                let insert = format!("pinsr{lane:?}");
                for (rm, seen) in rms(bits) {
                    let operands = [seen.clone(), x(r), Op::I(1)];
                    check_at(level, &extract, &operands, |asm| asm.pextr(lane, rm, r, 1));
                    for dst in registers(level) {
                        let sources = [x(r), seen.clone(), Op::I(1)];
                        check_sequence(level, &insert, dst, &sources, true, |asm| {
                            asm.pinsr(lane, dst, r, rm, 1);
                        });
                    }
                }
                if level == Level::Avx512 {
                    let name = format!("pbroadcast{lane:?}");
                    check_at(level, &name, &[x(r), reg(bits, Gpr::R9)], |asm| {
                        asm.vpbroadcast_gpr(lane, r, Gpr::R9);
                    });
                }
            }
        }
    }
}

#[test]
fn conversions_of_integers() {
    let from = [FromGpr::Cvtsi2ss, FromGpr::Cvtsi2sd, FromGpr::Vcvtusi2ss, FromGpr::Vcvtusi2sd];
    let to = [
        ToGpr::Cvtss2si,
        ToGpr::Cvttss2si,
        ToGpr::Cvtsd2si,
        ToGpr::Cvttsd2si,
        ToGpr::Vcvtss2usi,
        ToGpr::Vcvttss2usi,
        ToGpr::Vcvtsd2usi,
        ToGpr::Vcvttsd2usi,
    ];
    for level in LEVELS {
        let known = |name: &str| level == Level::Avx512 || !name.starts_with('V');
        for bits in [Bits::B32, Bits::B64] {
            for op in from.iter().copied().filter(|op| known(&format!("{op:?}"))) {
                for (rm, seen) in rms(bits) {
                    for dst in registers(level) {
                        for a in registers(level) {
                            let sources = [x(a), seen.clone()];
                            check_sequence(level, &format!("{op:?}"), dst, &sources, true, |asm| {
                                asm.cvt_from_gpr(op, bits, dst, a, rm);
                            });
                        }
                    }
                }
            }
            for op in to.iter().copied().filter(|op| known(&format!("{op:?}"))) {
                for (_, _, src, seen) in combinations(level, true, true) {
                    for dst in [Gpr::Rax, Gpr::R15] {
                        let operands = [reg(bits, dst), seen.clone()];
                        check_at(level, &format!("{op:?}"), &operands, |asm| {
                            asm.cvt_to_gpr(op, bits, dst, src);
                        });
                    }
                }
            }
        }
    }
}

/// Moves to scratch registers, then one instruction on those. Says what the operands of that were.
fn resolved(level: Level, wanted: &str, write: impl FnOnce(&mut Asm)) -> Vec<String> {
    let code = decode(level, write);
    let (last, moves) = code.split_last().expect("an instruction");
    let mut symbols = Symbols::default();
    for i in moves {
        symbols.run(i, "", false);
    }
    assert_eq!(name(last), plain(wanted));
    assert!(level != Level::Sse || !has_wide_memory(last));
    assert!(symbols.0.keys().all(|r| SCRATCH.contains(r)));
    operands(last).iter().map(|op| symbols.value(op)).collect()
}

#[test]
fn flags_and_sign_bits() {
    let tests = [VTest::Ptest, VTest::Ucomiss, VTest::Ucomisd, VTest::Comiss, VTest::Comisd];
    let masks = [MoveMask::Pmovmskb, MoveMask::Movmskps, MoveMask::Movmskpd];
    for level in LEVELS {
        for (a, _, b, seen) in combinations(level, true, true) {
            let symbols = Symbols::default();
            for op in tests {
                let found = resolved(level, &format!("{op:?}"), |asm| asm.vtest(op, a, b));
                assert_eq!(found, [symbols.value(&x(a)), symbols.value(&seen)], "{op:?} at {level:?}");
            }
            for op in masks {
                let found = resolved(level, &format!("{op:?}"), |asm| asm.movmsk(op, Gpr::R10, a));
                assert_eq!(found[1], symbols.value(&x(a)));
                assert!(found[0].starts_with("R10"));
            }
        }
    }
}

#[test]
fn sha() {
    for level in LEVELS {
        for (dst, _, src, seen) in combinations(level, true, true) {
            for &op in VSha::ALL {
                let sources = [x(dst), seen.clone()];
                let write = |asm: &mut Asm| asm.vsha(op, dst, src);
                check_sequence_unswapped(level, &format!("{op:?}"), dst, &sources, write);
            }
            let sources = [x(dst), seen, Op::I(2)];
            let write = |asm: &mut Asm| asm.sha1rnds4(dst, src, 2);
            check_sequence_unswapped(level, "sha1rnds4", dst, &sources, write);
        }
    }
}

/// The operands must come in this order.
fn check_sequence_unswapped(
    level: Level,
    wanted: &str,
    dst: Xmm,
    sources: &[Op],
    write: impl FnOnce(&mut Asm),
) {
    check_sequence(level.max(Level::Avx2), wanted, dst, sources, true, |asm| {
        asm.set_level(level);
        write(asm);
    });
}

#[test]
fn masks() {
    let level = Level::Avx512;
    let (k5, k7, k2) = (K(5), K(7), K(2));
    let ops = [KOp::Kand, KOp::Kandn, KOp::Kor, KOp::Kxnor, KOp::Kxor, KOp::Kadd];
    for lane in LANES {
        let bits = if lane == Lane::Q { Bits::B64 } else { Bits::B32 };
        for r in common::GPRS {
            let name = format!("kmov{lane:?}");
            check_at(level, &name, &[k(k5), reg(bits, r)], |asm| asm.kmov_to(lane, k5, r));
            check_at(level, &name, &[reg(bits, r), k(k5)], |asm| asm.kmov_from(lane, r, k5));
        }
        check_at(level, &format!("kmov{lane:?}"), &[k(k5), k(k7)], |asm| asm.kmov(lane, k5, k7));
        check_at(level, &format!("kortest{lane:?}"), &[k(k5), k(k7)], |asm| asm.kortest(lane, k5, k7));
        check_at(level, &format!("knot{lane:?}"), &[k(k5), k(k7)], |asm| asm.knot(lane, k5, k7));
        for op in ops {
            let name = format!("{op:?}{lane:?}");
            check_at(level, &name, &[k(k5), k(k7), k(k2)], |asm| asm.kop(op, lane, k5, k7, k2));
        }
        for (a, _, b, seen) in combinations(level, true, true) {
            check_at(level, &format!("pmovm2{lane:?}"), &[x(a), k(k5)], |asm| asm.vpmovm2(lane, a, k5));
            check_at(level, &format!("pmov{lane:?}2m"), &[k(k5), x(a)], |asm| asm.vpmov2m(lane, k5, a));
            let operands = [k(k5), x(a), seen];
            check_at(level, &format!("ptestm{lane:?}"), &operands, |asm| asm.vptestm(lane, k5, a, b));
            check_at(level, &format!("ptestnm{lane:?}"), &operands, |asm| asm.vptestnm(lane, k5, a, b));
            let [to, from, other] = operands;
            let operands = [to, from, other, Op::I(6)];
            check_at(level, &format!("pcmp{lane:?}"), &operands, |asm| asm.vpcmp(lane, k5, a, b, 6));
            check_at(level, &format!("pcmpu{lane:?}"), &operands, |asm| asm.vpcmpu(lane, k5, a, b, 6));
        }
    }
}

#[test]
fn masks_of_numbers() {
    let level = Level::Avx512;
    for fp in FPS {
        for (a, _, b, seen) in combinations(level, true, true) {
            let compare = [k(K(6)), x(a), seen.clone(), Op::I(29)];
            check_at(level, &format!("cmp{fp:?}"), &compare, |asm| asm.vcmp_k(fp, K(3), K(6), a, b, 29));
            let classify = [k(K(6)), seen, Op::I(0x81)];
            check_at(level, &format!("fpclass{fp:?}"), &classify, |asm| {
                asm.vfpclass(fp, K(3), K(6), b, 0x81)
            });
        }
    }
}

#[test]
fn masked() {
    let level = Level::Avx512;
    for (a, dst, b, seen) in combinations(level, true, true) {
        for (mask, zeroing) in [(K(4).merging(), false), (K(4).zeroing(), true)] {
            let binary = decode(level, |asm| asm.vop_masked(VOp::Vpblendmw, mask, dst, a, b));
            assert_eq!(operands(&binary[0]), [x(dst), x(a), seen.clone()]);
            let unary = decode(level, |asm| asm.vun_masked(VUn::Vmovdqu16, mask, dst, b));
            assert_eq!(operands(&unary[0]), [x(dst), seen.clone()]);
            let fused = decode(level, |asm| {
                asm.vfma_masked(Fma::Nmadd, FmaOrder::F231, Fp::Pd, mask, dst, a, b);
            });
            assert_eq!(operands(&fused[0]), [x(dst), x(a), seen.clone()]);
            for i in binary.iter().chain(&unary).chain(&fused) {
                assert_eq!((i.op_mask(), i.zeroing_masking()), (Register::K4, zeroing), "{i}");
            }
        }
    }
    for m in mems() {
        for (lane, expected) in LANES.into_iter().zip(["vmovdqu8", "vmovdqu16", "vmovdqu32", "vmovdqu64"]) {
            let operands = [mem(m), x(Xmm(17))];
            check_at(level, expected, &operands, |asm| asm.vstore_masked(lane, m, K(3), Xmm(17)));
        }
    }
}
