//! A program of a few pages that runs streams from given states and writes what they led to.
//!
//! A *block* is the state of one case and its memory. For each the driver copies the memory to [`MEM`], loads every
//! register and enters the stream's slot; the slot's end leads back, and the state replaces the one in the block.
//! All blocks are written at the end. Streams lie where our side runs them too, so that words may use PC.
//!
//! A slot is entered with X29 being its address and X30 that of the block, since BR and the last loads need
//! them: its first word loads both. At its end TPIDR_EL0 takes X30, and X30 the block's address from [`CURRENT`].

use crate::emulator::elf::{self, Machine, Segment};
use crate::oracle::{CODE, Case, MEM, MEM_LEN, Outcome, State};
use crate::streams::asm::*;

/// Bytes from a slot to the next.
const SLOT: u64 = 512;
/// Streams that fit.
pub const SLOTS: usize = 1024;
/// Words of a stream that fit in a slot, beside the one before and the three behind.
pub const WORDS: usize = SLOT as usize / 4 - 4;
const DRIVER: u64 = CODE + SLOT * SLOTS as u64;
/// Holds the address of the block in use. A page of its own: it is written.
const CURRENT: u64 = DRIVER + 0x1000;
const BLOCKS: u64 = 0x40_0000;

// Offsets in a block.
const SP: u32 = 248;
const V: u32 = 256;
const NZCV: u32 = 768;
const FPCR: u32 = 776;
const FPSR: u32 = 784;
const SLOT_OF: u32 = 792;
const BYTES: u32 = 800;
const BLOCK: u32 = BYTES + MEM_LEN as u32;

/// Addresses of the cases' first words. Neighbours with the same words share a slot.
pub fn places(cases: &[Case]) -> Vec<u64> {
    let mut slot = 0;
    let place = |n: usize| {
        slot += u64::from(n > 0 && cases[n].words != cases[n - 1].words);
        CODE + slot * SLOT + 4
    };
    (0..cases.len()).map(place).collect()
}

/// Copies [`MEM_LEN`] bytes from X0 to X1; changes X2 as well, and V0 and V1.
fn copy() -> [u32; 5] {
    [movz(2, MEM_LEN as u32 / 32, 0), ldp_q_post(0, 0), stp_q_post(0, 1), 0xd100_0442, cbnz(2, -3)]
}

/// The driver, and the address in it that streams return to.
fn driver(cases: usize) -> (Vec<u32>, u64) {
    let end = BLOCKS + cases as u64 * u64::from(BLOCK);
    let mut code = vec![];
    code.extend(set(30, BLOCKS));
    let next = code.len();
    // In: CURRENT, memory, control, V, SP, X.
    code.extend(set(0, CURRENT));
    code.extend([str(30, 0, 0), add(0, 30, BYTES)]);
    code.extend(set(1, MEM));
    code.extend(copy());
    for (at, reg) in [(NZCV, Reg::Nzcv), (FPCR, Reg::Fpcr), (FPSR, Reg::Fpsr)] {
        code.extend([ldr(0, 30, at), msr(reg, 0)]);
    }
    code.extend((0..32).step_by(2).map(|n| ldp_q(n, 30, V + 16 * n)));
    code.extend([ldr(0, 30, SP), add(31, 0, 0)]);
    code.extend((0..28).step_by(2).map(|n| ldp(n, 30, 8 * n)));
    code.extend([ldr(28, 30, 28 * 8), ldr(29, 30, SLOT_OF), br(29)]);
    // Out: X, SP, V, control, memory.
    let back = DRIVER + 4 * code.len() as u64;
    code.extend((0..30).step_by(2).map(|n| stp(n, 30, 8 * n)));
    code.extend([mrs(0, Reg::Tpidr), str(0, 30, 30 * 8), add(0, 31, 0), str(0, 30, SP)]);
    code.extend((0..32).step_by(2).map(|n| stp_q(n, 30, V + 16 * n)));
    for (at, reg) in [(NZCV, Reg::Nzcv), (FPCR, Reg::Fpcr), (FPSR, Reg::Fpsr)] {
        code.extend([mrs(0, reg), str(0, 30, at)]);
    }
    code.extend(set(0, MEM));
    code.push(add(1, 30, BYTES));
    code.extend(copy());
    code.push(add(30, 30, BLOCK));
    code.extend(set(0, end));
    code.push(sub(0, 0, 30));
    code.push(cbnz(0, next as i32 - code.len() as i32));
    // write(1, BLOCKS, ...) until all is out, then exit(0). X19 and X20: what is left.
    code.extend(set(19, BLOCKS));
    code.extend(set(20, end - BLOCKS));
    let write = code.len();
    code.extend([movz(0, 1, 0), add(1, 19, 0), add(2, 20, 0), movz(8, 64, 0), SVC]);
    code.extend([add_reg(19, 19, 0), sub(20, 20, 0)]);
    code.push(cbnz(20, write as i32 - code.len() as i32));
    code.extend([movz(0, 0, 0), movz(8, 93, 0), SVC]);
    (code, back)
}

/// Puts words at an address of the code segment.
fn put(code: &mut [u8], at: u64, words: &[u32]) {
    let at = (at - CODE) as usize;
    for (bytes, word) in code[at..].chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
}

/// A static ELF file that runs the cases.
pub fn image(cases: &[Case]) -> Vec<u8> {
    let mut code = vec![0; (DRIVER + 0x1000 - CODE) as usize];
    let (driver, back) = driver(cases.len());
    put(&mut code, DRIVER, &driver);
    let mut blocks = vec![];
    for (case, at) in cases.iter().zip(places(cases)) {
        put(&mut code, at - 4, &[ldp(29, 30, 29 * 8)]);
        put(&mut code, at, &case.words);
        let end = at + 4 * case.words.len() as u64;
        let leave = [msr(Reg::Tpidr, 30), ldr_literal(30, CURRENT - (end + 4)), b((back - (end + 8)) as i64)];
        put(&mut code, end, &leave);
        let s = &case.state;
        blocks.extend(s.x.iter().chain([&s.sp]).flat_map(|x| x.to_le_bytes()));
        blocks.extend(s.v.iter().flat_map(|v| v.to_le_bytes()));
        let control = [s.nzcv.into(), s.fpcr.into(), s.fpsr.into(), at - 4];
        blocks.extend(control.iter().flat_map(|word| word.to_le_bytes()));
        blocks.extend(&case.mem);
    }
    elf(&code, &blocks)
}

/// The file: read-only code; [`CURRENT`] and all behind it up to the blocks; the blocks.
fn elf(code: &[u8], blocks: &[u8]) -> Vec<u8> {
    let segment = |flags, addr, bytes, len| Segment { flags, addr, bytes, len };
    let segments = [
        segment(5, CODE, code, code.len() as u64),
        segment(6, CURRENT, &[0; 8], MEM + 0x1000 - CURRENT),
        segment(6, BLOCKS, blocks, blocks.len() as u64),
    ];
    elf::file(Machine::Aarch64, DRIVER, &segments)
}

/// What the program wrote. `None` if it is not whole.
pub fn outcomes(cases: &[Case], bytes: &[u8]) -> Option<Vec<Outcome>> {
    let size = BLOCK as usize;
    let outcome = |block: &[u8]| {
        let word = |at: u32| u64::from_le_bytes(block[at as usize..][..8].try_into().unwrap());
        let vector = |n: usize| u128::from_le_bytes(block[V as usize + 16 * n..][..16].try_into().unwrap());
        let state = State {
            x: std::array::from_fn(|n| word(8 * n as u32)),
            sp: word(SP),
            nzcv: word(NZCV) as u32,
            fpcr: word(FPCR) as u32,
            fpsr: word(FPSR) as u32,
            v: std::array::from_fn(vector),
        };
        Outcome { raised: false, state, mem: block[BYTES as usize..].to_vec() }
    };
    (bytes.len() == cases.len() * size).then(|| bytes.chunks_exact(size).map(outcome).collect())
}
