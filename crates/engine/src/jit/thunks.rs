//! Code that every trace shares: the way in, the ways out, and calls of helpers.

use std::mem::offset_of;

use armlet_x64::{Alu, Asm, Bits, Cond, Gpr, Lane, Level, Mem, Shift};

use super::call::Then;
use super::context::Context;
use super::layout::*;
use super::memory::CodeMemory;
use crate::mmu::Jump;

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
    /// The trace whose number goes with it is for the interpreter, as FPCR is.
    Interpret,
}

/// What goes with [`Why::Lookup`] if `Cpu::pc` is a branch target as a register has it, tag included.
pub const BRANCH: u32 = 0;
/// The same if it is an address as it is.
const EXACT: u32 = 1;

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
    /// Jumped to with an address that isn't a branch target in RCX.
    pub arrive: u64,
    /// Jumped to with the number of the site in ECX.
    pub link: u64,
    /// Called with the number of a uop in EAX; runs it by the interpreter.
    pub uop: u64,
    /// The same for a plain access, whose address is in RCX.
    pub access: u64,
    /// For traces that use vector registers, in AArch64 state and in AArch32 state.
    pub vector: [VectorThunks; 2],
    /// Jumped to with the number of the trace in ECX.
    pub interpret: u64,
}

/// Shared code for the vector state, mapped as in one execution state.
#[derive(Clone, Copy, Debug, Default)]
pub struct VectorThunks {
    /// As [`Thunks::uop`].
    pub uop: u64,
    /// As [`Thunks::access`].
    pub access: u64,
    /// Called to get the vector registers.
    pub load_vectors: u64,
    /// Called to get them for floating point; jumps to `interpret` if that is slow. ECX: the number of the trace.
    pub load_float: u64,
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

/// Leaves the vector state in memory, whichever way it is mapped. Changes RDX.
fn unload_vectors(asm: &mut Asm, maps: &[VectorMap; 2]) {
    let (none, aarch32, stored) = (asm.label(), asm.label(), asm.label());
    asm.mov(Bits::B32, Gpr::Rdx, RESIDENT);
    asm.test(Bits::B32, Gpr::Rdx, Gpr::Rdx);
    asm.jcc(Cond::E, none);
    asm.test_imm(Bits::B32, Gpr::Rdx, Context::AARCH32 as i32);
    asm.jcc(Cond::Ne, aarch32);
    store_vectors(asm, &maps[0]);
    asm.jmp(stored);
    asm.bind(aarch32);
    store_vectors(asm, &maps[1]);
    asm.bind(stored);
    asm.stmxcsr(rust_mxcsr(1));
    asm.ldmxcsr(rust_mxcsr(0));
    asm.mov(Bits::B32, Gpr::Rdx, rust_mxcsr(1));
    asm.alu_imm(Alu::And, Bits::B32, Gpr::Rdx, 0x3f);
    asm.alu_mem(Alu::Or, Bits::B32, STICKY, Gpr::Rdx);
    asm.store_imm(Bits::B32, RESIDENT, 0);
    asm.bind(none);
}

fn store_vectors(asm: &mut Asm, map: &VectorMap) {
    for (n, reg) in map.iter().enumerate() {
        if let Some(reg) = reg {
            asm.vstore(vector_slot(n as u8), *reg);
        }
    }
}

/// Gets the vector state from memory. Changes RAX.
fn load_vectors(asm: &mut Asm, map: &VectorMap, resident: u32) {
    for (n, reg) in map.iter().enumerate() {
        if let Some(reg) = reg {
            asm.vload(*reg, vector_slot(n as u8));
        }
    }
    if asm.level() == Level::Avx512 {
        for (k, lanes) in [(ONE_LANE, 1), (TWO_LANES, 3)] {
            asm.mov_imm(A, lanes);
            asm.kmov_to(Lane::B, k, A);
        }
    }
    asm.ldmxcsr(MXCSR);
    asm.store_imm(Bits::B32, RESIDENT, resident as i32);
}

fn reload(asm: &mut Asm) {
    for (n, reg) in MAPPED {
        asm.mov(Bits::B64, reg, slot(n));
    }
    asm.mov(Bits::B32, BUDGET, BUDGET_LEFT);
    asm.mov(Bits::B64, SET, SET_IN_USE);
}

/// Goes on at RCX, by the jump that the set remembers for it; at `miss` if there is none.
pub fn jump_through_set(asm: &mut Asm, miss: u64) {
    asm.mov(Bits::B32, A, C);
    asm.shift(Shift::Shr, Bits::B32, A, 10);
    asm.alu(Alu::Xor, Bits::B32, A, C);
    asm.shift(Shift::Shl, Bits::B32, A, 2);
    asm.alu_imm(Alu::And, Bits::B32, A, Jump::INDEX_MASK);
    asm.alu(Alu::Cmp, Bits::B64, C, jump_entry(A, offset_of!(Jump, va)));
    asm.jcc_to(Cond::Ne, miss);
    asm.jmp_rm(jump_entry(A, offset_of!(Jump, host)));
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
            ("interpret", self.interpret),
        ];
        for (thunks, names) in self.vector.iter().zip([
            ["vector_uop", "vector_access", "load_vectors", "load_float"],
            ["vector_uop32", "vector_access32", "load_vectors32", "load_float32"],
        ]) {
            let VectorThunks { uop, access, load_vectors, load_float } = *thunks;
            named.extend(names.into_iter().zip([uop, access, load_vectors, load_float]));
        }
        named.sort_by_key(|&(_, address)| address);
        named
    }

    /// Writes the shared code at `offset`; `helpers` are `fn(session, uop, address) -> stop`, for uops and
    /// for accesses. Returns the end.
    pub fn build(memory: &mut CodeMemory, offset: usize, level: Level, helpers: [u64; 2]) -> (Self, usize) {
        let maps = &[false, true].map(|aarch32| vector_map(level, aarch32));
        let mut asm = Asm::default();
        asm.set_level(level);
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
        for (at, why) in [
            (&mut thunks.poll, Why::Poll),
            (&mut thunks.link, Why::Link),
            (&mut thunks.interpret, Why::Interpret),
        ] {
            *at = asm.here();
            asm.mov_imm(A, why as u64);
            asm.jmp(exit);
        }
        let find = asm.label();
        thunks.arrive = asm.here();
        asm.store(Bits::B64, PC, C);
        asm.mov_imm(C, EXACT.into());
        asm.jmp(find);
        thunks.lookup = asm.here();
        asm.store(Bits::B64, PC, C);
        asm.mov_imm(C, BRANCH.into());
        asm.bind(find);
        asm.mov_imm(A, Why::Lookup as u64);
        asm.bind(exit);
        unload_vectors(&mut asm, maps);
        spill(&mut asm);
        asm.shift(Shift::Shl, Bits::B64, C, 32);
        asm.alu(Alu::Or, Bits::B64, A, C);
        asm.bind(leave);
        asm.alu_imm(Alu::Add, Bits::B64, Gpr::Rsp, FRAME);
        SAVED.iter().rev().for_each(|&reg| asm.pop(reg));
        asm.ret();

        let other = asm.label();
        let [a64, a32] = &mut thunks.vector;
        for (at, helper, map) in [
            (&mut thunks.uop, helpers[0], None),
            (&mut thunks.access, helpers[1], None),
            (&mut a64.uop, helpers[0], Some(&maps[0])),
            (&mut a64.access, helpers[1], Some(&maps[0])),
            (&mut a32.uop, helpers[0], Some(&maps[1])),
            (&mut a32.access, helpers[1], Some(&maps[1])),
        ] {
            *at = asm.here();
            spill(&mut asm);
            if map.is_some() {
                // What is resident comes back afterwards.
                asm.mov(Bits::B32, Gpr::Rdx, RESIDENT);
                asm.store(Bits::B32, session(16), Gpr::Rdx);
            }
            unload_vectors(&mut asm, maps);
            // The call of this thunk has pushed 8 bytes.
            asm.mov(Bits::B64, Gpr::Rdi, session(8));
            asm.alu_imm(Alu::Sub, Bits::B64, Gpr::Rsp, 8);
            asm.mov(Bits::B32, Gpr::Rsi, A);
            asm.mov(Bits::B64, Gpr::Rdx, C);
            asm.mov_imm(A, helper);
            asm.call(A);
            asm.test(Bits::B32, A, A);
            asm.jcc(Cond::Ne, other);
            if let Some(map) = map {
                load_vectors(&mut asm, map, 0);
                asm.mov(Bits::B32, A, session(24));
                asm.store(Bits::B32, RESIDENT, A);
            }
            reload(&mut asm);
            asm.alu_imm(Alu::Add, Bits::B64, Gpr::Rsp, 8);
            asm.ret();
        }
        let slow = asm.label();
        for (at, map, state) in [(a64, &maps[0], 0), (a32, &maps[1], Context::AARCH32)] {
            at.load_float = asm.here();
            asm.alu_imm(Alu::Cmp, Bits::B32, SLOW_FLOAT, 0);
            asm.jcc(Cond::Ne, slow);
            // A trace that needs no floating point may have got them before, and changed them.
            let there = asm.label();
            asm.alu_imm(Alu::Cmp, Bits::B32, RESIDENT, 0);
            asm.jcc(Cond::Ne, there);
            load_vectors(&mut asm, map, 0);
            asm.bind(there);
            asm.store_imm(Bits::B32, RESIDENT, (state | Context::VECTORS | Context::FLOAT) as i32);
            asm.ret();
            at.load_vectors = asm.here();
            load_vectors(&mut asm, map, state | Context::VECTORS);
            asm.ret();
        }
        asm.bind(slow);
        asm.alu_imm(Alu::Add, Bits::B64, Gpr::Rsp, 8);
        asm.jmp_to(thunks.interpret);
        asm.bind(other);
        asm.alu_imm(Alu::Add, Bits::B64, Gpr::Rsp, 16);
        asm.alu_imm(Alu::Cmp, Bits::B32, A, Then::Jump as i32);
        let stop = asm.label();
        asm.jcc(Cond::Ne, stop);
        reload(&mut asm);
        asm.mov(Bits::B64, C, PC);
        jump_through_set(&mut asm, thunks.arrive);
        asm.bind(stop);
        asm.mov_imm(A, Why::Uop as u64);
        asm.jmp(leave);
        let code = asm.finish().to_vec();
        memory.put(offset, &code);
        (thunks, offset + code.len())
    }
}
