//! The A32 and T32 front end: instructions to uops.
//!
//! R0-R14 are slots ([`slot`]) that hold zero-extended words; R15 has none, what reads it is relative to the block.
//! The condition of an instruction is a branch, a select, or a [`Op::Skip`] over its uops. ITSTATE is known while
//! lowering: only a block that begins or ends within an IT block touches PSTATE's.

mod branch;
mod coprocessor;
mod core;
mod dsp;
mod float;
mod integer;
mod it;
mod lanes;
mod memory;
mod multiple;
mod multiply;
mod neon;
mod neon_float;
mod system;
mod vmem;

use armlet_arm::aarch32::{Insn, Sets, a32, simd, t32};
use armlet_arm::feature::FeatureSet;

pub use crate::a64::Flow;
use crate::block::{MAX_INSNS, Mode, Shape, Starts};
use crate::lower::Stretch;
pub use crate::sys::aarch32::slot;
use crate::uop::{Op, SINK, Slot, SystemOp, TEMP, Uop, ZERO};
pub use it::ItState;
use lanes::VectorTemps;

/// The condition that always holds.
pub const ALWAYS: u8 = 14;

/// Appends the uops of a block that begins at `code`; at most `limit` instructions.
pub fn lower_into(uops: &mut Vec<Uop>, code: &Stretch, limit: usize) -> Shape {
    let mut lowering = Lowering::new(uops, code);
    lowering.enter_it();
    let (mut insns, mut starts, mut flow) = (0, 0, Flow::Next);
    while insns < limit.min(MAX_INSNS) as u16 && flow == Flow::Next {
        let Some((word, size)) = fetch(code, lowering.delta) else { break };
        starts |= 1u128 << lowering.delta;
        lowering.size = size;
        lowering.next = fetch(code, lowering.delta + size / 2).map(|(word, _)| word);
        flow = lowering.insn(word);
        insns += 1;
        lowering.delta += size / 2;
    }
    lowering.finish(flow);
    // Where the next one would start, so that it is known how long the last one is.
    starts |= 1u128.checked_shl(lowering.delta.into()).unwrap_or(0);
    Shape { insns, bytes: u16::from(lowering.delta) * 2, starts: Starts(starts) }
}

/// The instruction `at` halfwords into `code`, and its length in bytes. The first half of a T32 instruction of four
/// bytes is the upper one.
fn fetch(code: &Stretch, at: u8) -> Option<(u32, u8)> {
    let at = usize::from(at);
    if !code.mode.is_t32() {
        return code.word(at / 2).map(|word| (word, 4));
    }
    let first = code.half(at)?;
    match t32::is_wide(first) {
        true => Some((u32::from(first) << 16 | u32::from(code.half(at + 1)?), 4)),
        false => Some((first.into(), 2)),
    }
}

/// What a word is.
enum Decoded {
    /// An instruction of the core, its condition being that of an IT block where there is one.
    Core(Insn),
    /// One of floating point or AdvSIMD, and its A32 form.
    Simd(simd::Insn, u32),
    /// None at all.
    Nothing,
}

/// The state of lowering one block.
pub struct Lowering<'a> {
    uops: &'a mut Vec<Uop>,
    /// Halfwords from the block's start to the current instruction.
    delta: u8,
    /// Length of the current instruction in bytes.
    size: u8,
    /// The instruction behind it, if it is in the page.
    next: Option<u32>,
    temps: u8,
    vtemps: VectorTemps,
    /// Floating point is known not to trap.
    fp_checked: bool,
    /// The number of uops after a comparison of floating-point numbers, if it has no condition.
    compared: usize,
    /// The number of uops after the last one that code may jump over.
    pure_from: usize,
    /// Distance of the block from the start of its page.
    place: u16,
    it: ItState,
    /// ITSTATE of the current instruction.
    itstate: u8,
    /// What the code may assume.
    pub mode: Mode,
    /// Features of the CPU.
    pub features: FeatureSet,
}

impl<'a> Lowering<'a> {
    fn new(uops: &'a mut Vec<Uop>, code: &Stretch) -> Self {
        Self {
            pure_from: uops.len(),
            uops,
            delta: 0,
            size: 4,
            next: None,
            temps: 0,
            vtemps: VectorTemps::default(),
            fp_checked: false,
            compared: 0,
            place: code.place(),
            it: ItState(if code.mode.is_t32() { code.mode.itstate() } else { 0 }),
            itstate: 0,
            mode: code.mode,
            features: code.features,
        }
    }

    /// At the beginning of a block within an IT block: the lowered code knows ITSTATE from here on.
    fn enter_it(&mut self) {
        if self.it.is_active() {
            self.set_it(0);
        }
    }

    fn set_it(&mut self, it: u8) {
        self.emit(Uop { flags: it, ..Uop::new(Op::System(SystemOp::SetIt)) });
    }

    /// Behind the last instruction.
    fn finish(&mut self, flow: Flow) {
        if flow == Flow::End {
            return;
        }
        if self.it.is_active() {
            self.set_it(self.it.0);
        }
        // The next instruction may lie on the next page, whose mapping only a look-up knows.
        self.emit(Uop { imm: i64::from(self.delta) * 2, ..Uop::new(Op::Next) });
    }

    fn insn(&mut self, word: u32) -> Flow {
        self.temps = 0;
        self.vtemps.release();
        self.itstate = self.it.0;
        let flow = match self.decode(word) {
            Decoded::Core(insn) => self.core(&insn),
            Decoded::Simd(insn, word) => self.simd(insn, word),
            Decoded::Nothing => self.guarded(self.condition_of(word), Self::undefined),
        };
        if self.itstate == self.it.0 {
            self.it.advance();
        }
        flow
    }

    fn decode(&self, word: u32) -> Decoded {
        let (t32, wide) = (self.t32(), self.size == 4);
        let a32 = match t32 {
            true => simd::from_t32(word).filter(|_| wide),
            false => Some(word),
        };
        if let Some(word) = a32
            && let Some(insn) = simd::decode(word, self.features)
        {
            return Decoded::Simd(insn, word);
        }
        let core = match (t32, wide) {
            (false, _) => a32::decode(word, self.features),
            (true, false) => t32::decode16(word as u16, self.features),
            (true, _) => t32::decode32(word, self.features),
        };
        match core {
            Some(insn) if t32 && insn.cond == ALWAYS => {
                Decoded::Core(Insn { cond: self.it.condition(), ..insn })
            }
            Some(insn) => Decoded::Core(insn),
            None => Decoded::Nothing,
        }
    }

    /// An instruction of floating point or AdvSIMD, by its word in A32.
    fn simd(&mut self, insn: simd::Insn, word: u32) -> Flow {
        let flow = self.guarded(self.condition_of(word), |l| match insn {
            simd::Insn::Vfp(op) => l.vfp(op, word),
            simd::Insn::Neon(op) => l.neon(op, word),
            simd::Insn::Memory(op) => l.vector_memory(op, word),
        });
        if self.is_guarded(word) {
            self.vtemps.forget();
        }
        flow
    }

    /// The condition of an instruction that isn't a core one, or none at all.
    fn condition_of(&self, word: u32) -> u8 {
        match (self.t32(), word >> 28) {
            (true, _) => self.it.condition(),
            (false, 15) => ALWAYS,
            (false, condition) => condition as u8,
        }
    }

    /// True for T32, false for A32.
    pub fn t32(&self) -> bool {
        self.mode.is_t32()
    }

    /// True at EL1.
    pub fn privileged(&self) -> bool {
        self.mode.has(Mode::EL1)
    }

    /// Whether the instruction sets the flags.
    pub fn sets_flags(&self, insn: &Insn) -> bool {
        match insn.sets {
            Sets::Never => false,
            Sets::Always => true,
            Sets::OutsideIt => self.itstate == 0,
        }
    }

    /// Lowers what must happen only if `condition` holds.
    pub fn guarded(&mut self, condition: u8, body: impl FnOnce(&mut Self) -> Flow) -> Flow {
        // Within an IT block the uop says what ITSTATE is, should the instruction fault.
        if condition >= ALWAYS && self.itstate == 0 {
            return body(self);
        }
        let skip = self.uops.len();
        let (flags, b) = (condition, self.itstate);
        self.emit(Uop { flags, b, ..Uop::new(Op::Skip) });
        let flow = body(self);
        self.uops[skip].imm = (self.uops.len() - skip - 1) as i64;
        self.pure_from = self.uops.len();
        if flow != Flow::End {
            return flow;
        }
        // The way past an instruction that leaves.
        let imm = self.target(self.size.into());
        let mut after = self.it;
        after.advance();
        if after.is_active() {
            self.set_it(after.0);
            self.emit(Uop { imm, ..Uop::new(Op::Next) });
        } else {
            self.emit(Uop { imm, flags: 1, ..Uop::new(Op::Jump) });
        }
        Flow::End
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
        self.emit(Uop { c: self.size, b: self.itstate, ..Uop::new(Op::Undefined) });
        Flow::End
    }

    /// A fresh temporary, good for the current instruction.
    pub fn temp(&mut self) -> Slot {
        self.temps += 1;
        TEMP + self.temps - 1
    }

    /// Distance of the current instruction from the start of the block in bytes, plus `offset`.
    pub fn target(&self, offset: i64) -> i64 {
        i64::from(self.delta) * 2 + offset
    }

    /// What R15 reads as, as a distance from the start of the block.
    pub fn pc(&self) -> i64 {
        self.target(if self.t32() { 4 } else { 8 })
    }

    /// Align(PC, 4), the same way.
    pub fn aligned_pc(&self) -> i64 {
        let place = i64::from(self.place);
        (place + self.pc() & !3) - place
    }

    /// The slot of a register that is read; R15 goes to a temporary.
    pub fn reg(&mut self, n: u8) -> Slot {
        if n != 15 {
            return slot(n);
        }
        let (dst, imm) = (self.temp(), self.pc());
        self.op_imm(Op::PcRel32, dst, ZERO, imm);
        dst
    }

    /// Goes on at `target`, `offset` bytes from R15's value, in the same instruction set.
    pub fn jump(&mut self, offset: i64) -> Flow {
        let imm = self.pc() + offset;
        self.emit(Uop { imm, c: self.size, ..Uop::new(Op::Jump) });
        Flow::End
    }

    /// The same if the condition holds.
    pub fn jump_if(&mut self, condition: u8, offset: i64) -> Flow {
        let imm = self.pc() + offset;
        self.emit(Uop { imm, flags: condition, c: self.size, ..Uop::new(Op::JumpIf) });
        Flow::End
    }

    /// Goes on at the address in `a`, whose bit 0 chooses the instruction set.
    pub fn exchange(&mut self, a: Slot) -> Flow {
        self.emit(Uop { a, dst: SINK, c: self.size, ..Uop::new(Op::JumpExchange) });
        Flow::End
    }
}
