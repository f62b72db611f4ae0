//! The A64 front end: instruction words to uops.

mod branch;
mod float;
mod integer;
mod memory;
mod simd;
mod system;

use armlet_arm::a64::{self, Insn};
use armlet_arm::feature::FeatureSet;

use crate::block::{Block, Key, MAX_INSNS, Mode, Shape, Starts};
use crate::uop::{Op, SINK, SP, Slot, TEMP, Uop, VTEMP, ZERO};

/// Whether a block goes on after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next instruction follows.
    Next,
    /// The instruction ended the block with a uop that leaves it.
    End,
    /// The block must end after this instruction, at the next one, by a fresh look-up.
    Leave,
}

/// Lowers the words of a block that starts at `key`; stops by itself at the block's end.
pub fn lower(key: Key, mode: Mode, features: FeatureSet, words: impl Iterator<Item = u32>) -> Block {
    let mut uops = Vec::with_capacity(96);
    let insns = lower_into(&mut uops, mode, features, words);
    let shape = Shape { insns, bytes: insns * 4, starts: Starts::WORDS };
    Block::new(key, shape, uops)
}

/// Appends the uops of a block. Returns the number of instructions.
pub fn lower_into(
    uops: &mut Vec<Uop>,
    mode: Mode,
    features: FeatureSet,
    words: impl Iterator<Item = u32>,
) -> u16 {
    let mut lowering = Lowering { uops, delta: 0, temps: 0, vtemps: 0, sp_checked: false, mode, features };
    let mut insns = 0;
    let mut flow = Flow::Next;
    for word in words.take(MAX_INSNS) {
        flow = lowering.insn(word);
        insns += 1;
        if flow != Flow::Next {
            break;
        }
        lowering.delta += 2;
    }
    if flow != Flow::End {
        // The next instruction may lie on the next page, whose mapping only a look-up knows.
        let mut next = Uop::new(Op::Next);
        next.imm = i64::from(insns) * 4;
        lowering.emit(next);
    }
    insns
}

/// The state of lowering one block.
pub struct Lowering<'a> {
    uops: &'a mut Vec<Uop>,
    /// Halfwords from the block's start to the current instruction.
    delta: u8,
    temps: u8,
    vtemps: u8,
    /// SP was checked for alignment and has only moved by multiples of 16 since.
    sp_checked: bool,
    /// What the code may assume.
    pub mode: Mode,
    /// Features of the CPU.
    pub features: FeatureSet,
}

impl Lowering<'_> {
    fn insn(&mut self, word: u32) -> Flow {
        (self.temps, self.vtemps) = (0, 0);
        match a64::decode(word, self.features) {
            Some(Insn::Integer(op)) => self.integer(op, word),
            Some(Insn::Branch(op)) => self.branch(op, word),
            Some(Insn::System(op)) => self.system(op, word),
            Some(Insn::Memory(op)) => self.memory(op, word),
            Some(Insn::Simd(op)) => self.simd(op, word),
            Some(Insn::Float(op)) => self.float(op, word),
            None => self.undefined(),
        }
    }

    /// Appends a uop of the current instruction.
    pub fn emit(&mut self, uop: Uop) {
        self.uops.push(Uop { delta: self.delta, ..uop });
    }

    /// Appends `dst = a op b`.
    pub fn op3(&mut self, op: Op, dst: Slot, a: Slot, b: Slot) {
        self.emit(Uop { dst, a, b, ..Uop::new(op) });
    }

    /// Appends `dst = a op imm`.
    pub fn op_imm(&mut self, op: Op, dst: Slot, a: Slot, imm: i64) {
        self.emit(Uop { dst, a, imm, ..Uop::new(op) });
    }

    /// The current instruction is UNDEFINED.
    pub fn undefined(&mut self) -> Flow {
        self.emit(Uop { c: 4, ..Uop::new(Op::Undefined) });
        Flow::End
    }

    /// A fresh temporary, good for the current instruction.
    pub fn temp(&mut self) -> Slot {
        self.temps += 1;
        TEMP + self.temps - 1
    }

    /// A fresh vector temporary, good for the current instruction.
    pub fn vtemp(&mut self) -> Slot {
        self.vtemps += 1;
        VTEMP + self.vtemps - 1
    }

    /// Distance of the current instruction from the start of the block in bytes, plus `offset`.
    pub fn target(&self, offset: i64) -> i64 {
        i64::from(self.delta) * 2 + offset
    }
}

/// Slot of a register that is read, 31 being XZR.
pub fn x(reg: u8) -> Slot {
    if reg == 31 { ZERO } else { reg }
}

/// Slot of a register that is written, 31 being XZR.
pub fn xd(reg: u8) -> Slot {
    if reg == 31 { SINK } else { reg }
}

/// Slot of a register, 31 being SP.
pub fn xsp(reg: u8) -> Slot {
    if reg == 31 { SP } else { reg }
}
