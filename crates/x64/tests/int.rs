//! Integer instructions against a disassembler.

mod common;

use armlet_x64::{Alu, Asm, Bits, Cond, Gpr, Level, Mem, Rm, Shift};
use common::{BASE, GPRS, Op, check, mem, mems, r64, reg, reg8, reg16, single};
use iced_x86::{Mnemonic, Register};

const BITS: [Bits; 2] = [Bits::B32, Bits::B64];
const ALUS: [Alu; 8] = [Alu::Add, Alu::Or, Alu::Adc, Alu::Sbb, Alu::And, Alu::Sub, Alu::Xor, Alu::Cmp];
const SHIFTS: [Shift; 5] = [Shift::Rol, Shift::Ror, Shift::Shl, Shift::Shr, Shift::Sar];
const CONDS: [(Cond, &str); 16] = [
    (Cond::O, "o"),
    (Cond::No, "no"),
    (Cond::B, "b"),
    (Cond::Ae, "ae"),
    (Cond::E, "e"),
    (Cond::Ne, "ne"),
    (Cond::Be, "be"),
    (Cond::A, "a"),
    (Cond::S, "s"),
    (Cond::Ns, "ns"),
    (Cond::P, "p"),
    (Cond::Np, "np"),
    (Cond::L, "l"),
    (Cond::Ge, "ge"),
    (Cond::Le, "le"),
    (Cond::G, "g"),
];
const IMMS: [i32; 8] = [0, 1, -1, 127, 128, -128, -129, i32::MIN];

/// Every register and memory operand, with what the decoder should say for a register.
fn rms(register: impl Fn(Gpr) -> Op) -> Vec<(Rm, Op)> {
    let registers = GPRS.iter().map(|&r| (Rm::R(r), register(r)));
    registers.chain(mems().into_iter().map(|m| (Rm::M(m), mem(m)))).collect()
}

/// The decoder shows a short or 64-bit immediate sign-extended.
fn imm(bits: Bits, value: i32) -> Op {
    Op::I(if bits == Bits::B64 { value as i64 as u64 } else { u64::from(value as u32) })
}

/// `op reg, rm`, both of the same size.
fn both(expected: &str, write: impl Fn(&mut Asm, Bits, Gpr, Rm)) {
    for bits in BITS {
        for (rm, seen) in rms(|r| reg(bits, r)) {
            for dst in GPRS {
                check(expected, &[reg(bits, dst), seen.clone()], |asm| write(asm, bits, dst, rm));
            }
        }
    }
}

/// `op rm`.
fn one(expected: &str, write: impl Fn(&mut Asm, Bits, Rm)) {
    for bits in BITS {
        for (rm, seen) in rms(|r| reg(bits, r)) {
            check(expected, &[seen], |asm| write(asm, bits, rm));
        }
    }
}

#[test]
fn arithmetic() {
    for op in ALUS {
        let name = format!("{op:?}");
        both(&name, |asm, bits, dst, src| asm.alu(op, bits, dst, src));
        for m in mems() {
            for bits in BITS {
                for src in GPRS {
                    check(&name, &[mem(m), reg(bits, src)], |asm| asm.alu_mem(op, bits, m, src));
                }
            }
            check(&name, &[mem(m), Op::I(0x85)], |asm| asm.alu_imm8(op, m, 0x85));
        }
        for bits in BITS {
            for value in IMMS {
                for (rm, seen) in rms(|r| reg(bits, r)) {
                    let short = i8::try_from(value).is_ok();
                    let shown = imm(if short { Bits::B64 } else { bits }, value);
                    check(&name, &[seen, shown], |asm| asm.alu_imm(op, bits, rm, value));
                }
            }
        }
    }
    check("add", &[Op::R(Register::AL), Op::I(0x7f)], |asm| asm.add_al(0x7f));
    both("imul", |asm, bits, dst, src| asm.imul(bits, dst, src));
    one("mul", |asm, bits, src| asm.mul(bits, src));
    one("imul", |asm, bits, src| asm.imul_wide(bits, src));
    one("div", |asm, bits, src| asm.div(bits, src));
    one("idiv", |asm, bits, src| asm.idiv(bits, src));
    check("cdq", &[], |asm| asm.sign_to_rdx(Bits::B32));
    check("cqo", &[], |asm| asm.sign_to_rdx(Bits::B64));
    for bits in BITS {
        for r in GPRS {
            check("not", &[reg(bits, r)], |asm| asm.not(bits, r));
            check("neg", &[reg(bits, r)], |asm| asm.neg(bits, r));
            check("bswap", &[reg(bits, r)], |asm| asm.bswap(bits, r));
        }
    }
}

#[test]
fn tests_of_bits() {
    for bits in BITS {
        for (rm, seen) in rms(|r| reg(bits, r)) {
            for b in GPRS {
                check("test", &[seen.clone(), reg(bits, b)], |asm| asm.test(bits, rm, b));
            }
            check("test", &[seen.clone(), imm(bits, -3)], |asm| asm.test_imm(bits, rm, -3));
            check("bt", &[seen, Op::I(29)], |asm| asm.bt(bits, rm, 29));
        }
        for a in GPRS {
            for b in GPRS {
                check("bt", &[reg(bits, a), reg(bits, b)], |asm| asm.bt_reg(bits, a, b));
            }
        }
    }
    both("lzcnt", |asm, bits, dst, src| asm.lzcnt(bits, dst, src));
    both("bsr", |asm, bits, dst, src| asm.bsr(bits, dst, src));
    for bits in BITS {
        for (src, seen) in rms(|r| reg(bits, r)) {
            for (dst, control) in GPRS.into_iter().flat_map(|dst| GPRS.map(|control| (dst, control))) {
                let seen = [reg(bits, dst), seen.clone(), reg(bits, control)];
                check("bextr", &seen, |asm| asm.bextr(bits, dst, src, control));
                let seen = [seen[0].clone(), seen[2].clone(), seen[1].clone()];
                check("andn", &seen, |asm| asm.andn(bits, dst, control, src));
            }
            for dst in GPRS {
                let seen = [reg(bits, dst), seen.clone(), Op::I(13)];
                check("rorx", &seen, |asm| asm.rorx(bits, dst, src, 13));
            }
        }
    }
}

#[test]
fn moves() {
    both("mov", |asm, bits, dst, src| asm.mov(bits, dst, src));
    for m in mems() {
        for r in GPRS {
            check("mov", &[mem(m), reg16(r)], |asm| asm.store16(m, r));
            check("mov", &[mem(m), reg8(r)], |asm| asm.store8(m, r));
            for bits in BITS {
                check("mov", &[mem(m), reg(bits, r)], |asm| asm.store(bits, m, r));
                check("lea", &[reg(bits, r), mem(m)], |asm| asm.lea(bits, r, m));
            }
        }
        for bits in BITS {
            for value in IMMS {
                check("mov", &[mem(m), imm(bits, value)], |asm| asm.store_imm(bits, m, value));
            }
        }
        check("mov", &[mem(m), Op::I(0xfe)], |asm| asm.store_imm8(m, 0xfe));
    }
}

#[test]
fn immediates() {
    for r in GPRS {
        for (value, size) in [
            (0, 5),
            (1, 5),
            (0xffff_ffff, 5),
            (0x1_0000_0000, 10),
            (u64::MAX, 7),
            (0xffff_ffff_8000_0000, 7),
            (0xffff_ffff_7fff_ffff, 10),
        ] {
            let instruction = single(Level::Sse, |asm| asm.mov_imm(r, value));
            assert_eq!(instruction.mnemonic(), Mnemonic::Mov);
            let found = instruction.op0_register();
            assert!(found == r64(r) || found == Register::EAX + r as u32, "{instruction}");
            assert_eq!(instruction.immediate(1), value);
            assert_eq!(instruction.len(), size + usize::from(size == 5 && r as u8 >= 8), "{instruction}");
        }
    }
}

#[test]
fn extensions() {
    for dst in GPRS {
        for (rm, seen) in rms(reg8) {
            check("movzx", &[reg(Bits::B32, dst), seen.clone()], |asm| asm.movzx8(dst, rm));
            for bits in BITS {
                check("movsx", &[reg(bits, dst), seen.clone()], |asm| asm.movsx8(bits, dst, rm));
            }
        }
        for (rm, seen) in rms(reg16) {
            check("movzx", &[reg(Bits::B32, dst), seen.clone()], |asm| asm.movzx16(dst, rm));
            for bits in BITS {
                check("movsx", &[reg(bits, dst), seen.clone()], |asm| asm.movsx16(bits, dst, rm));
            }
        }
        for (rm, seen) in rms(|r| reg(Bits::B32, r)) {
            check("movsxd", &[reg(Bits::B64, dst), seen], |asm| asm.movsxd(dst, rm));
        }
    }
}

#[test]
fn shifts() {
    for bits in BITS {
        for op in SHIFTS {
            let name = format!("{op:?}");
            for (rm, seen) in rms(|r| reg(bits, r)) {
                check(&name, &[seen.clone(), Op::I(13)], |asm| asm.shift(op, bits, rm, 13));
                check(&name, &[seen, Op::R(Register::CL)], |asm| asm.shift_cl(op, bits, rm));
            }
        }
        for dst in GPRS {
            for high in GPRS {
                let seen = [reg(bits, dst), reg(bits, high), Op::I(7)];
                check("shrd", &seen, |asm| asm.shrd(bits, dst, high, 7));
            }
        }
    }
}

#[test]
fn checksums() {
    for dst in GPRS {
        for (size, bits) in [(0, Bits::B32), (1, Bits::B32), (2, Bits::B32), (3, Bits::B64)] {
            let seen_as = |r| match size {
                0 => reg8(r),
                1 => reg16(r),
                _ => reg(bits, r),
            };
            for (rm, seen) in rms(seen_as) {
                check("crc32", &[reg(bits, dst), seen], |asm| asm.crc32(size, dst, rm));
            }
        }
    }
}

#[test]
fn conditions() {
    for (cond, suffix) in CONDS {
        both(&format!("cmov{suffix}"), |asm, bits, dst, src| asm.cmov(cond, bits, dst, src));
        for r in GPRS {
            check(&format!("set{suffix}"), &[reg8(r)], |asm| asm.set(cond, r));
        }
        let jump = format!("j{suffix}");
        check(&jump, &[Op::To(BASE - 0x1234)], |asm| {
            assert_eq!(asm.jcc_to(cond, BASE - 0x1234), 2);
        });
        check(&jump, &[Op::To(BASE + 6)], |asm| {
            let label = asm.label();
            assert_eq!(asm.jcc(cond, label), 2);
            asm.bind(label);
        });
        assert_eq!(cond.not().not(), cond);
        assert_eq!(cond.not() as u8, cond as u8 ^ 1);
    }
}

#[test]
fn jumps() {
    check("jmp", &[Op::To(BASE)], |asm| {
        let label = asm.here_label();
        assert_eq!(asm.jmp(label), 1);
        assert_eq!(asm.offset_of(label), 0);
    });
    check("jmp", &[Op::To(BASE + 0x7000_0000)], |asm| {
        assert_eq!(asm.jmp_to(BASE + 0x7000_0000), 1);
    });
    check("call", &[Op::To(0x1000)], |asm| asm.call_to(0x1000));
    for (rm, seen) in rms(|r| reg(Bits::B64, r)) {
        check("call", std::slice::from_ref(&seen), |asm| asm.call(rm));
        check("jmp", &[seen], |asm| asm.jmp_rm(rm));
    }
}

fn sized(size: u8, r: Gpr) -> Op {
    match size {
        0 => reg8(r),
        1 => reg16(r),
        2 => reg(Bits::B32, r),
        _ => reg(Bits::B64, r),
    }
}

fn locked(expected: &str, seen: &[Op], write: impl Fn(&mut Asm)) {
    let instruction = single(Level::Sse, &write);
    assert!(instruction.has_lock_prefix());
    check(expected, seen, write);
}

#[test]
fn atomics() {
    for m in mems() {
        for r in GPRS {
            for size in 0..4 {
                let seen = [mem(m), sized(size, r)];
                check("xchg", &seen, |asm| asm.xchg(size, m, r));
                locked("xadd", &seen, |asm| asm.lock_xadd(size, m, r));
                locked("cmpxchg", &seen, |asm| asm.lock_cmpxchg(size, m, r));
            }
        }
        locked("cmpxchg16b", &[mem(m)], |asm| asm.lock_cmpxchg16b(m));
    }
}

#[test]
fn the_rest() {
    check("lahf", &[], Asm::lahf);
    check("sahf", &[], Asm::sahf);
    check("cmc", &[], Asm::cmc);
    check("mfence", &[], Asm::mfence);
    check("rdtsc", &[], Asm::rdtsc);
    check("ret", &[], Asm::ret);
    check("ud2", &[], Asm::ud2);
    for m in mems() {
        check("ldmxcsr", &[mem(m)], |asm| asm.ldmxcsr(m));
        check("stmxcsr", &[mem(m)], |asm| asm.stmxcsr(m));
    }
    for r in GPRS {
        check("push", &[reg(Bits::B64, r)], |asm| asm.push(r));
        check("pop", &[reg(Bits::B64, r)], |asm| asm.pop(r));
    }
}

/// A displacement from the instruction's end must allow for the immediate behind it.
#[test]
fn near_operands_before_immediates() {
    let near = Mem::Near(BASE + 0x100);
    let seen = mem(near);
    check("cmp", &[seen.clone(), Op::I(1)], |asm| asm.alu_imm(Alu::Cmp, Bits::B32, near, 1));
    check("cmp", &[seen.clone(), Op::I(1000)], |asm| asm.alu_imm(Alu::Cmp, Bits::B32, near, 1000));
    check("mov", &[seen, Op::I(5)], |asm| asm.store_imm8(near, 5));
}
