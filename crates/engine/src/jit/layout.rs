//! Where generated code finds things: host registers, and distances from the environment register.

use std::mem::offset_of;

use armlet_x64::{Gpr, K, Level, Mem, Xmm};

use super::context::Context;
use crate::cpu::{Cpu, Monitor};
use crate::mmu::{CodeRequests, Mmu, Set};
use crate::sys::Control;
use crate::uop::{SLOTS, Slot, VTEMP};

/// Scratch, and where results of helpers come.
pub const A: Gpr = Gpr::Rax;
/// Scratch: addresses, shift amounts, branch targets.
pub const C: Gpr = Gpr::Rcx;
/// Scratch, and the home of a temporary that the next uop uses up.
pub const T: Gpr = Gpr::Rdx;
/// Instructions that may still run.
pub const BUDGET: Gpr = Gpr::R13;
/// The set of the soft TLB in use.
pub const SET: Gpr = Gpr::R14;
/// The environment: [`BIAS`] bytes into `Cpu::x`.
pub const ENV: Gpr = Gpr::R15;

/// Slots that live in host registers while generated code runs. The hottest ones of a Linux guest.
pub const MAPPED: [(Slot, Gpr); 9] = [
    (0, Gpr::Rbx),
    (1, Gpr::Rbp),
    (2, Gpr::Rsi),
    (3, Gpr::Rdi),
    (4, Gpr::R8),
    (5, Gpr::R9),
    (6, Gpr::R10),
    (crate::uop::SP, Gpr::R11),
    (19, Gpr::R12),
];

/// Scratch vector registers. The encoder may use the last one.
pub const V: [Xmm; 4] = [Xmm(0), Xmm(1), Xmm(3), Xmm(2)];

/// With AVX-512, masks of the lowest lane and of the two lowest lanes while vector registers are resident.
pub const ONE_LANE: K = K(6);
/// See [`ONE_LANE`].
pub const TWO_LANES: K = K(7);

/// Where vector slots live: the host register by slot, or none.
pub type VectorMap = [Option<Xmm>; SLOTS];

/// In AArch64 state all but five slots and the temporary of instructions by element fit with 32 host registers, else
/// twelve. In AArch32 state there are sixteen slots, whose parts pass through temporaries.
pub fn vector_map(level: Level, aarch32: bool) -> VectorMap {
    const T: Slot = VTEMP;
    let slots: &[Slot] = match (level, aarch32) {
        (Level::Avx512, false) => &[
            0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, T, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 8, 9,
            10,
        ],
        (_, false) => &[0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19],
        (Level::Avx512, true) => &[
            0,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8,
            9,
            10,
            11,
            12,
            13,
            14,
            15,
            T,
            T + 1,
            T + 2,
            T + 3,
            T + 4,
            T + 5,
            T + 6,
            T + 7,
            T + 8,
            T + 9,
            T + 10,
            T + 11,
        ],
        (_, true) => &[0, 1, 2, 3, 4, 5, 6, 7, T, T + 1, T + 2, T + 3],
    };
    let mut map = [None; SLOTS];
    for (n, &slot) in slots.iter().enumerate() {
        map[usize::from(slot)] = Some(Xmm(4 + n as u8));
    }
    map
}

/// Distance of ENV from the first general slot, so that most slots are near.
pub const BIAS: usize = 128;

const X: usize = offset_of!(Cpu, x);

/// A field of the CPU.
const fn field(offset: usize) -> Mem {
    Mem::base(ENV, offset as i32 - (X + BIAS) as i32)
}

/// A general slot in memory.
pub const fn slot(slot: Slot) -> Mem {
    field(X + slot as usize * 8)
}

/// `Cpu::pc`.
pub const PC: Mem = field(offset_of!(Cpu, pc));
/// `Context::page`.
pub const PAGE: Mem = field(offset_of!(Cpu, jit) + offset_of!(Context, page));
/// `Context::budget`.
pub const BUDGET_LEFT: Mem = field(offset_of!(Cpu, jit) + offset_of!(Context, budget));
/// `Context::flags`.
pub const FLAGS: Mem = field(offset_of!(Cpu, jit) + offset_of!(Context, flags));
/// The byte of it with N, Z and C.
pub const FLAGS_HIGH: Mem = field(offset_of!(Cpu, jit) + offset_of!(Context, flags) + 1);
/// `Context::resident`.
pub const RESIDENT: Mem = field(offset_of!(Cpu, jit) + offset_of!(Context, resident));
/// `Control::fp_trap`.
pub const FP_TRAP: Mem = field(offset_of!(Cpu, ctl) + offset_of!(Control, fp_trap));
/// `Context::slow_float`.
pub const SLOW_FLOAT: Mem = field(offset_of!(Cpu, jit) + offset_of!(Context, slow_float));
/// `Context::mxcsr`.
pub const MXCSR: Mem = field(offset_of!(Cpu, jit) + offset_of!(Context, mxcsr));
/// `Context::sticky`.
pub const STICKY: Mem = field(offset_of!(Cpu, jit) + offset_of!(Context, sticky));
/// `Context::rust_mxcsr[n]`.
pub const fn rust_mxcsr(n: usize) -> Mem {
    field(offset_of!(Cpu, jit) + offset_of!(Context, rust_mxcsr) + 4 * n)
}
/// `Cpu::fpsr`.
pub const FPSR: Mem = field(offset_of!(Cpu, fpsr));
/// `Cpu::fpcr`.
pub const FPCR: Mem = field(offset_of!(Cpu, fpcr));
/// A vector slot in memory.
pub const fn vector_slot(slot: Slot) -> Mem {
    field(offset_of!(Cpu, v) + slot as usize * 16)
}
/// The upper half of a vector slot in memory.
pub const fn vector_slot_high(slot: Slot) -> Mem {
    field(offset_of!(Cpu, v) + slot as usize * 16 + 8)
}
/// Address of the set in use.
pub const SET_IN_USE: Mem = field(offset_of!(Cpu, mmu) + offset_of!(Mmu, set));

/// `Cpu::pstate`.
pub const PSTATE: Mem = field(offset_of!(Cpu, pstate));
/// The signals that matter.
pub const POLL: Mem = field(offset_of!(Cpu, ctl) + offset_of!(Control, poll));
/// `InUse::step` and `InUse::breakpoints`, a byte each.
pub const DEBUG: Mem = field(offset_of!(Cpu, ctl) + offset_of!(Control, debug));
/// `Context::signals`.
pub const SIGNALS: Mem = field(offset_of!(Cpu, jit) + offset_of!(Context, signals));
/// `Mmu::user_set`.
pub const USER_SET: Mem = field(offset_of!(Cpu, mmu) + offset_of!(Mmu, user_set));
/// `Mmu::unsent`.
pub const UNSENT: Mem = field(offset_of!(Cpu, mmu) + offset_of!(Mmu, unsent));
/// `CodeRequests::any`.
pub const CODE_REQUESTS: Mem =
    field(offset_of!(Cpu, mmu) + offset_of!(Mmu, code_requests) + offset_of!(CodeRequests, any));
/// `Monitor::at`.
pub const MONITOR_AT: Mem = field(offset_of!(Cpu, exclusive) + offset_of!(Monitor, at));
/// `Monitor::size`.
pub const MONITOR_SIZE: Mem = field(offset_of!(Cpu, exclusive) + offset_of!(Monitor, size));
/// The lower half of `Monitor::value`.
pub const MONITOR_LOW: Mem = field(offset_of!(Cpu, exclusive) + offset_of!(Monitor, value));
/// The upper half.
pub const MONITOR_HIGH: Mem = field(offset_of!(Cpu, exclusive) + offset_of!(Monitor, value) + 8);

/// A system register.
pub const fn system_register(number: usize) -> Mem {
    field(offset_of!(Cpu, sys) + number * 8)
}

/// What the data entry whose number is in `index` has in the set's array at `offset`.
pub const fn data_entry(index: Gpr, offset: usize) -> Mem {
    Mem::indexed(SET, index, 3, offset as i32)
}

/// Field at `offset` of the jump whose distance is in `index`.
pub const fn jump_entry(index: Gpr, offset: usize) -> Mem {
    Mem::indexed(SET, index, 0, (Set::JUMPS_OFFSET + offset) as i32)
}
