//! Decoding what the encoder wrote.
#![allow(dead_code)]

use armlet_x64::{Asm, Bits, Gpr, K, Level, Mem, Xmm};
use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind, Register};

pub const BASE: u64 = 0x7000_0000;

pub const GPRS: [Gpr; 16] = [
    Gpr::Rax,
    Gpr::Rcx,
    Gpr::Rdx,
    Gpr::Rbx,
    Gpr::Rsp,
    Gpr::Rbp,
    Gpr::Rsi,
    Gpr::Rdi,
    Gpr::R8,
    Gpr::R9,
    Gpr::R10,
    Gpr::R11,
    Gpr::R12,
    Gpr::R13,
    Gpr::R14,
    Gpr::R15,
];

/// Memory operands of every shape.
pub fn mems() -> Vec<Mem> {
    let disps =
        [0, 1, 8, 127, 128, -128, -129, 16 * 127, 16 * 128, -16 * 128, -16 * 129, 2 * 127, 0x1234_5678];
    let mut all = vec![Mem::Near(BASE + 0x1000), Mem::Near(BASE - 0x0765_4321)];
    for disp in disps {
        for base in [Gpr::Rax, Gpr::Rsp, Gpr::Rbp, Gpr::R12, Gpr::R13, Gpr::Rdi] {
            all.push(Mem::base(base, disp));
        }
        all.push(Mem::indexed(Gpr::Rbp, Gpr::R12, 2, disp));
        all.push(Mem::indexed(Gpr::R13, Gpr::Rbp, 3, disp));
        all.push(Mem::indexed(Gpr::Rsp, Gpr::Rax, 0, disp));
        all.push(Mem::indexed(Gpr::R12, Gpr::R15, 1, disp));
        all.push(Mem::Scaled { index: (Gpr::Rcx, 3), disp });
        all.push(Mem::Scaled { index: (Gpr::R9, 1), disp });
    }
    all
}

/// An operand as the decoder sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    R(Register),
    M(Register, Register, u32, u64),
    I(u64),
    To(u64),
}

pub fn mem(mem: Mem) -> Op {
    match mem {
        Mem::At { base, index, disp } => {
            let (index, scale) = index.map_or((Register::None, 1), |(reg, scale)| (r64(reg), 1 << scale));
            Op::M(r64(base), index, scale, disp as i64 as u64)
        }
        Mem::Scaled { index, disp } => Op::M(Register::None, r64(index.0), 1 << index.1, disp as i64 as u64),
        Mem::Near(to) => Op::M(Register::RIP, Register::None, 1, to),
    }
}

pub fn r64(reg: Gpr) -> Register {
    Register::RAX + reg as u32
}

pub fn r32(reg: Gpr) -> Register {
    Register::EAX + reg as u32
}

pub fn reg(bits: Bits, reg: Gpr) -> Op {
    Op::R(if bits == Bits::B64 { r64(reg) } else { r32(reg) })
}

pub fn reg16(reg: Gpr) -> Op {
    Op::R(Register::AX + reg as u32)
}

pub fn reg8(reg: Gpr) -> Op {
    let number = reg as u32;
    Op::R(if number < 4 { Register::AL + number } else { Register::SPL + (number - 4) })
}

pub fn x(reg: Xmm) -> Op {
    Op::R(Register::XMM0 + u32::from(reg.0))
}

pub fn k(reg: K) -> Op {
    Op::R(Register::K0 + u32::from(reg.0))
}

/// The instructions `write` writes, which must decode without rest.
pub fn decode(level: Level, write: impl FnOnce(&mut Asm)) -> Vec<Instruction> {
    let mut asm = Asm::default();
    asm.start(BASE);
    asm.set_level(level);
    write(&mut asm);
    let code = asm.finish();
    let mut decoder = Decoder::with_ip(64, code, BASE, DecoderOptions::NONE);
    let mut all = Vec::new();
    while decoder.can_decode() {
        let instruction = decoder.decode();
        assert!(!instruction.is_invalid(), "{code:02x?} after {all:?}");
        all.push(instruction);
    }
    all
}

/// The only instruction `write` writes.
pub fn single(level: Level, write: impl FnOnce(&mut Asm)) -> Instruction {
    let all = decode(level, write);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]
}

/// The name in lower case, without the V of AVX.
pub fn name(instruction: &Instruction) -> String {
    plain(&format!("{:?}", instruction.mnemonic()))
}

pub fn plain(name: &str) -> String {
    let name = name.to_lowercase();
    name.strip_prefix('v').unwrap_or(&name).to_string()
}

pub fn operands(instruction: &Instruction) -> Vec<Op> {
    let count = instruction.op_count();
    (0..count).map(|at| operand(instruction, at)).collect()
}

fn operand(i: &Instruction, at: u32) -> Op {
    match i.op_kind(at) {
        OpKind::Register => Op::R(i.op_register(at)),
        OpKind::Memory => {
            Op::M(i.memory_base(), i.memory_index(), i.memory_index_scale(), i.memory_displacement64())
        }
        OpKind::NearBranch64 => Op::To(i.near_branch64()),
        _ => Op::I(i.immediate(at)),
    }
}

/// Checks one instruction at the level of SSE.
#[track_caller]
pub fn check(expected: &str, expected_operands: &[Op], write: impl FnOnce(&mut Asm)) {
    check_at(Level::Sse, expected, expected_operands, write);
}

#[track_caller]
pub fn check_at(level: Level, expected: &str, expected_operands: &[Op], write: impl FnOnce(&mut Asm)) {
    let instruction = single(level, write);
    assert_eq!(name(&instruction), plain(expected), "{instruction}");
    assert_eq!(operands(&instruction), expected_operands, "{instruction}");
}
