//! A program that runs cases of A32 and T32 and writes what they led to.
//!
//! A *block* is the state of one case and its memory. For each the driver copies the memory to [`MEM`], loads every
//! register but R14, whose it needs to get to the case's *slot*. There stand R14 and the address of the stream; and that of
//! the block for the stream's end, where TPIDRURW takes R14. All blocks are written at the end. Streams lie where our side
//! runs them too, for they may read PC.

use super::asm::*;
use crate::emulator::elf::{self, Machine, Segment};
use crate::oracle::{CODE, MEM, MEM_LEN};
use crate::oracle32::{Case, FLAGS, Fp, Outcome, T};

/// Bytes from a slot to the next.
const SLOT: u32 = 256;
/// Cases that fit.
pub const SLOTS: usize = 3584;
/// Where in a slot the stream begins, behind the way in and its literals.
const STREAM: u32 = 24;
const DRIVER: u32 = CODE as u32 + SLOT * SLOTS as u32;
const BLOCKS: u32 = 0x40_0000;

// Offsets in a block; R0-R14 come first.
const PSR: u32 = 60;
const FPSCR: u32 = 64;
const SLOT_OF: u32 = 68;
const Q: u32 = 72;
const BYTES: u32 = Q + 256;
const BLOCK: u32 = BYTES + MEM_LEN as u32;

fn slot(n: usize) -> u32 {
    CODE as u32 + SLOT * n as u32
}

/// Address of the stream of case `n`.
pub fn place(n: usize) -> u64 {
    (slot(n) + STREAM).into()
}

/// Copies [`MEM_LEN`] bytes from R0 to R1; changes R2-R10.
fn copy() -> Vec<u32> {
    let list = 0x7f8;
    let mut code = set(2, MEM_LEN as u32).to_vec();
    code.extend([add(2, 2, 1), ldm(0, true, list), stm(1, true, list), cmp(1, 2), bne(-3)]);
    code
}

/// `r<d> = lr + by`; changes flags only if they are no matter.
fn beyond_block(d: u32, by: u32) -> [u32; 3] {
    let [low, high] = set(d, by);
    [low, high, add(d, d, LR)]
}

/// The driver, and the address in it that streams return to.
fn driver(cases: usize) -> (Vec<u32>, u32) {
    let end = BLOCKS + cases as u32 * BLOCK;
    let mut code = set(LR, BLOCKS).to_vec();
    let next = code.len();
    // In: memory, FPSCR, vectors, flags, R.
    code.extend(beyond_block(0, BYTES));
    code.extend(set(1, MEM as u32));
    code.extend(copy());
    code.extend([ldr(0, LR, FPSCR), write_fpscr(0)]);
    code.extend(beyond_block(0, Q));
    code.extend(load_vectors(0));
    code.extend([ldr(0, LR, PSR), write_flags(0), ldm(LR, false, 0x3fff), ldr(15, LR, SLOT_OF)]);
    // Out: R, flags, FPSCR, vectors, memory.
    let back = DRIVER + 4 * code.len() as u32;
    code.extend([stm(LR, false, 0x3fff), read_flags(0), str(0, LR, PSR), saved(0), str(0, LR, 56)]);
    code.extend([read_fpscr(0), str(0, LR, FPSCR)]);
    code.extend(beyond_block(0, Q));
    code.extend(store_vectors(0));
    code.extend(set(0, MEM as u32));
    code.extend(beyond_block(1, BYTES));
    code.extend(copy());
    code.extend(beyond_block(0, BLOCK));
    code.push(mov(LR, 0));
    code.extend(set(0, end));
    code.push(cmp(0, LR));
    code.push(bne(next as i32 - code.len() as i32));
    // write(1, BLOCKS, ...) until all is out, then exit(0). R4 and R5: what is left.
    code.extend(set(4, BLOCKS));
    code.extend(set(5, end - BLOCKS));
    let write = code.len();
    code.extend(set(0, 1));
    code.extend([mov(1, 4), mov(2, 5)]);
    code.extend(set(7, 4));
    code.extend([SVC, add(4, 4, 0), subs(5, 5, 0)]);
    code.push(bne(write as i32 - code.len() as i32));
    code.extend(set(0, 0));
    code.extend(set(7, 1));
    code.push(SVC);
    (code, back)
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A slot with the stream of `case`, whose block is at `block`.
fn filled_slot(n: usize, case: &Case, block: u32, back: u32) -> Vec<u8> {
    let (at, t32) = (slot(n), u32::from(case.program.t32));
    let head = [ENTER[0], ENTER[1], case.r[14], at + STREAM + t32, block, back];
    let mut slot = bytes(&head);
    slot.extend(&case.program.bytes);
    slot.extend(leave(case.program.t32, at + slot.len() as u32, at + 16, at + 20));
    assert!(slot.len() <= SLOT as usize, "a stream is too long");
    slot.resize(SLOT as usize, 0);
    slot
}

/// The state of a case as a block.
fn filled_block(n: usize, case: &Case) -> Vec<u8> {
    let mut block = bytes(&case.r);
    let fp = case.fp.as_deref().cloned().unwrap_or_default();
    block.extend(bytes(&[case.flags & !T, fp.fpscr, slot(n)]));
    block.extend(fp.q.iter().flat_map(|q| q.to_le_bytes()));
    block.extend(&case.mem);
    block
}

/// A static ELF file that runs the cases.
pub fn image(cases: &[Case]) -> Vec<u8> {
    let (driver, back) = driver(cases.len());
    let (mut code, mut blocks) = (vec![], vec![]);
    for (n, case) in cases.iter().enumerate() {
        code.extend(filled_slot(n, case, BLOCKS + blocks.len() as u32, back));
        blocks.extend(filled_block(n, case));
    }
    code.resize((DRIVER - CODE as u32) as usize, 0);
    code.extend(bytes(&driver));
    let (mem, code_len, blocks_len) = (MEM & !0xfff, code.len() as u64, blocks.len() as u64);
    let segments = [
        Segment { flags: 5, addr: CODE, bytes: &code, len: code_len },
        Segment { flags: 6, addr: mem, bytes: &[], len: 0x2000 },
        Segment { flags: 6, addr: BLOCKS.into(), bytes: &blocks, len: blocks_len },
    ];
    elf::file(Machine::Arm, DRIVER.into(), &segments)
}

/// What the program wrote. `None` if it is not whole.
pub fn outcomes(cases: &[Case], bytes: &[u8]) -> Option<Vec<Outcome>> {
    let size = BLOCK as usize;
    let outcome = |(case, block): (&Case, &[u8])| {
        let word = |at: usize| u32::from_le_bytes(block[at..][..4].try_into().unwrap());
        let q = |n: usize| u128::from_le_bytes(block[Q as usize + 16 * n..][..16].try_into().unwrap());
        Outcome {
            raised: false,
            r: std::array::from_fn(|n| word(4 * n)),
            flags: word(PSR as usize) & FLAGS | case.flags & T,
            mem: block[BYTES as usize..].to_vec(),
            changed: false,
            fp: case
                .fp
                .as_ref()
                .map(|_| Fp { q: std::array::from_fn(q), fpscr: word(FPSCR as usize) }.into()),
        }
    };
    (bytes.len() == cases.len() * size)
        .then(|| cases.iter().zip(bytes.chunks_exact(size)).map(outcome).collect())
}
