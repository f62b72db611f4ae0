//! Code that every trace shares: the way in, the ways out, and calls of helpers.

use armlet_x64::{Alu, Asm, Bits, Cond, Gpr, Mem};

use super::layout::*;
use super::memory::CodeMemory;

/// Why generated code was left: the low byte of what it returns; the upper half goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Why {
    /// The budget is used up before the trace whose number goes with it.
    Poll,
    /// `Cpu::pc` must be looked up.
    Lookup,
    /// The site whose number goes with it is not linked.
    Link,
    /// A uop left the trace; the session says how.
    Uop,
}

/// Registers that the calling convention preserves.
const SAVED: [Gpr; 6] = [Gpr::Rbx, Gpr::Rbp, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];
/// Where the session's address lies on the stack while a trace runs.
const SESSION: i32 = 0;
/// Bytes of stack for the session, keeping calls from traces aligned: with six registers and the return address
/// pushed, this makes RSP a multiple of 16.
const FRAME: i32 = 24;

/// Addresses of the shared code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Thunks {
    /// `fn(session, env, entry) -> why`.
    pub enter: u64,
    /// Jumped to with the number of the trace in ECX.
    pub poll: u64,
    /// Jumped to with the target in RCX.
    pub lookup: u64,
    /// Jumped to with the number of the site in ECX.
    pub link: u64,
    /// Called with the number of a uop in EAX; runs it by the interpreter.
    pub uop: u64,
    /// The same for a plain access, whose address is in RCX.
    pub access: u64,
}

fn session(depth: i32) -> Mem {
    Mem::base(Gpr::Rsp, SESSION + depth)
}

fn spill(asm: &mut Asm) {
    for (n, reg) in MAPPED {
        asm.store(Bits::B64, slot(n), reg);
    }
    asm.store(Bits::B32, BUDGET_LEFT, BUDGET);
}

fn reload(asm: &mut Asm) {
    for (n, reg) in MAPPED {
        asm.mov(Bits::B64, reg, slot(n));
    }
    asm.mov(Bits::B32, BUDGET, BUDGET_LEFT);
    asm.mov(Bits::B64, SET, SET_IN_USE);
}

impl Thunks {
    /// Names and addresses, in order of address.
    pub fn named(&self) -> Vec<(&'static str, u64)> {
        let mut named = vec![
            ("enter", self.enter),
            ("poll", self.poll),
            ("lookup", self.lookup),
            ("link", self.link),
            ("uop", self.uop),
            ("access", self.access),
        ];
        named.sort_by_key(|&(_, address)| address);
        named
    }

    /// Writes the shared code at `offset`; `helpers` are `fn(session, uop, address) -> stop`, for uops and
    /// for accesses. Returns the end.
    pub fn build(memory: &mut CodeMemory, offset: usize, helpers: [u64; 2]) -> (Self, usize) {
        let mut asm = Asm::default();
        asm.start(memory.address(offset));
        let mut thunks = Self { enter: asm.here(), ..Self::default() };
        SAVED.iter().for_each(|&reg| asm.push(reg));
        asm.alu_imm(Alu::Sub, Bits::B64, Gpr::Rsp, FRAME);
        asm.store(Bits::B64, session(0), Gpr::Rdi);
        asm.mov(Bits::B64, ENV, Gpr::Rsi);
        asm.mov(Bits::B64, A, Gpr::Rdx);
        reload(&mut asm);
        asm.mov(Bits::B64, C, PC);
        asm.jmp_rm(A);

        let exit = asm.label();
        let leave = asm.label();
        for (at, why) in [(&mut thunks.poll, Why::Poll), (&mut thunks.link, Why::Link)] {
            *at = asm.here();
            asm.mov_imm(A, why as u64);
            asm.jmp(exit);
        }
        thunks.lookup = asm.here();
        asm.store(Bits::B64, PC, C);
        asm.mov_imm(C, 0);
        asm.mov_imm(A, Why::Lookup as u64);
        asm.bind(exit);
        spill(&mut asm);
        asm.shift(armlet_x64::Shift::Shl, Bits::B64, C, 32);
        asm.alu(Alu::Or, Bits::B64, A, C);
        asm.bind(leave);
        asm.alu_imm(Alu::Add, Bits::B64, Gpr::Rsp, FRAME);
        SAVED.iter().rev().for_each(|&reg| asm.pop(reg));
        asm.ret();

        let stop = asm.label();
        for (at, helper) in [&mut thunks.uop, &mut thunks.access].into_iter().zip(helpers) {
            *at = asm.here();
            spill(&mut asm);
            // The call of this thunk has pushed 8 bytes.
            asm.mov(Bits::B64, Gpr::Rdi, session(8));
            asm.alu_imm(Alu::Sub, Bits::B64, Gpr::Rsp, 8);
            asm.mov(Bits::B32, Gpr::Rsi, A);
            asm.mov(Bits::B64, Gpr::Rdx, C);
            asm.mov_imm(A, helper);
            asm.call(A);
            asm.test(Bits::B32, A, A);
            asm.jcc(Cond::Ne, stop);
            reload(&mut asm);
            asm.alu_imm(Alu::Add, Bits::B64, Gpr::Rsp, 8);
            asm.ret();
        }
        asm.bind(stop);
        asm.alu_imm(Alu::Add, Bits::B64, Gpr::Rsp, 16);
        asm.mov_imm(A, Why::Uop as u64);
        asm.jmp(leave);
        let code = asm.finish().to_vec();
        memory.put(offset, &code);
        (thunks, offset + code.len())
    }
}
