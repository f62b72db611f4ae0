//! Lowering of loads and stores of one or two registers, exclusive and ordered ones among them.
//!
//! An instruction that faults changes nothing: what it writes to registers, the base's new value above all, comes after its
//! last access. Of what is CONSTRAINED UNPREDICTABLE (Arm ARM F5.1, K1.1.4):
//! - a base that is both loaded and written back: the loaded value wins;
//! - a base that is both stored and written back: its old value is stored;
//! - a load pair to one register: the second value wins;
//! - a store exclusive whose status register is also data or base: it executes with their old values;
//! - SWP with coinciding registers: likewise.

use armlet_arm::Feature;
use armlet_arm::aarch32::{Insn, Op as I, Operand, Shift};

use super::{Flow, Lowering, slot};
use crate::block::Mode;
use crate::uop::{MemoryOp, Op, SINK, Slot, SystemOp, Uop, ZERO};

/// Size in bytes (log2) of what a load or store moves, and whether a load extends its sign.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Width {
    size: u8,
    signed: bool,
}

/// Where a single access goes, and how the base register moves behind it.
pub(super) struct Place {
    pub(super) a: Slot,
    b: Slot,
    /// Shift of `b`.
    shift: u8,
    pub(super) imm: i64,
    pub(super) moves: Moves,
}

/// The base's new value.
pub(super) enum Moves {
    Not,
    By(i64),
    To(Slot),
    /// By a uop of base and offset.
    With(Op, Slot),
}

impl Lowering<'_> {
    /// LDR and its narrower forms.
    pub(super) fn load(&mut self, i: &Insn) -> Flow {
        let width = width(i.op);
        let place = self.place(i, true, i.d == i.m);
        let d = if i.d == 15 { self.temp() } else { slot(i.d) };
        let op = match (width.size, width.signed && !self.big_endian()) {
            (0, false) => Op::Load8,
            (0, true) => Op::Load8S32,
            (1, false) => Op::Load16,
            (1, true) => Op::Load16S32,
            _ => Op::Load32,
        };
        self.emit(Uop { dst: d, a: place.a, b: place.b, flags: place.shift, imm: place.imm, ..Uop::new(op) });
        self.convert_loaded(d, width);
        if i.d != i.n {
            self.move_base(i, place.moves);
        }
        if i.d == 15 { self.exchange_hinted(d, i.n == 13 && !i.index.pre) } else { Flow::Next }
    }

    /// STR and its narrower forms.
    pub(super) fn store(&mut self, i: &Insn) -> Flow {
        let Width { size, .. } = width(i.op);
        let place = self.place(i, true, false);
        let value = self.reg(i.d);
        let c = self.reordered(size, value);
        let op = [Op::Store8, Op::Store16, Op::Store32][usize::from(size & 3).min(2)];
        self.emit(Uop { c, a: place.a, b: place.b, flags: place.shift, imm: place.imm, ..Uop::new(op) });
        self.move_base(i, place.moves);
        Flow::Next
    }

    /// LDRD.
    pub(super) fn load_pair(&mut self, i: &Insn) -> Flow {
        let place = self.place(i, false, i.d == i.m || i.a == i.m);
        let (dst, c) = (slot(i.d), slot(i.a));
        self.check_align(place.a, place.imm, 2, false);
        self.emit(Uop { dst, c, a: place.a, imm: place.imm, ..Uop::new(Op::LoadPair32) });
        self.reorder_pair(dst, c);
        if i.d != i.n && i.a != i.n {
            self.move_base(i, place.moves);
        }
        Flow::Next
    }

    /// STRD.
    pub(super) fn store_pair(&mut self, i: &Insn) -> Flow {
        let place = self.place(i, false, false);
        let (c, b) = (self.reordered(2, slot(i.d)), self.reordered(2, slot(i.a)));
        self.check_align(place.a, place.imm, 2, true);
        self.emit(Uop { c, b, a: place.a, imm: place.imm, ..Uop::new(Op::StorePair32) });
        self.move_base(i, place.moves);
        Flow::Next
    }

    /// LDRT and its narrower forms; at EL0 they are plain.
    pub(super) fn load_unprivileged(&mut self, i: &Insn) -> Flow {
        if !self.privileged() {
            return self.load(i);
        }
        let (width, place, dst) = (width(i.op), self.place(i, false, i.d == i.m), slot(i.d));
        let a = self.plain_address(place.a, place.imm);
        let signed = width.signed && !self.big_endian();
        let flags = width.size | if signed { MemoryOp::SIGNED } else { 0 };
        self.emit(Uop { dst, a, flags, ..Uop::new(Op::Memory(MemoryOp::LoadUnprivileged)) });
        self.convert_loaded(dst, width);
        if i.d != i.n {
            self.move_base(i, place.moves);
        }
        Flow::Next
    }

    /// STRT and its narrower forms; at EL0 they are plain.
    pub(super) fn store_unprivileged(&mut self, i: &Insn) -> Flow {
        if !self.privileged() {
            return self.store(i);
        }
        let (Width { size, .. }, place) = (width(i.op), self.place(i, false, false));
        let a = self.plain_address(place.a, place.imm);
        let value = self.reg(i.d);
        let c = self.reordered(size, value);
        self.emit(Uop { a, c, flags: size, ..Uop::new(Op::Memory(MemoryOp::StoreUnprivileged)) });
        self.move_base(i, place.moves);
        Flow::Next
    }

    /// LDREX, LDAEX and their forms.
    pub(super) fn load_exclusive(&mut self, i: &Insn) -> Flow {
        let (dst, size) = (slot(i.d), exclusive_size(i.op));
        let a = self.ordered_address(i, size, false);
        if size == 3 {
            let c = slot(i.a);
            self.emit(Uop { dst, c, a, flags: 2, ..Uop::new(Op::Memory(MemoryOp::LoadExclusivePair)) });
            self.reorder_pair(dst, c);
        } else {
            self.emit(Uop { dst, a, flags: size, ..Uop::new(Op::Memory(MemoryOp::LoadExclusive)) });
            self.reorder(size, dst, dst);
        }
        Flow::Next
    }

    /// STREX, STLEX and their forms.
    pub(super) fn store_exclusive(&mut self, i: &Insn) -> Flow {
        let (dst, size) = (slot(i.d), exclusive_size(i.op));
        let a = self.ordered_address(i, size, true);
        let c = self.reordered(size.min(2), slot(i.m));
        if size == 3 {
            let b = self.reordered(2, slot(i.a));
            self.emit(Uop { dst, a, b, c, flags: 2, ..Uop::new(Op::Memory(MemoryOp::StoreExclusivePair)) });
        } else {
            self.emit(Uop { dst, a, c, flags: size, ..Uop::new(Op::Memory(MemoryOp::StoreExclusive)) });
        }
        Flow::Next
    }

    /// LDA and its narrower forms.
    pub(super) fn load_acquire(&mut self, i: &Insn) -> Flow {
        let (dst, size) = (slot(i.d), exclusive_size(i.op));
        let a = self.ordered_address(i, size, false);
        self.emit(Uop { dst, a, flags: size, ..Uop::new(Op::Memory(MemoryOp::LoadAcquire)) });
        self.reorder(size, dst, dst);
        Flow::Next
    }

    /// STL and its narrower forms.
    pub(super) fn store_release(&mut self, i: &Insn) -> Flow {
        let size = exclusive_size(i.op);
        let a = self.ordered_address(i, size, true);
        let c = self.reordered(size, slot(i.d));
        self.emit(Uop { a, c, flags: size, ..Uop::new(Op::Memory(MemoryOp::StoreRelease)) });
        Flow::Next
    }

    /// SWP and SWPB.
    pub(super) fn swap(&mut self, i: &Insn) -> Flow {
        self.system_op(SystemOp::CheckSwap, 0);
        let (dst, size) = (slot(i.d), exclusive_size(i.op));
        let a = self.ordered_address(i, size, true);
        let c = self.reordered(size, slot(i.m));
        self.emit(Uop { dst, a, c, flags: size, ..Uop::new(Op::Memory(MemoryOp::Swp)) });
        self.reorder(size, dst, dst);
        Flow::Next
    }

    /// The address of an exclusive or ordered access. With FEAT_LSE2 executors let some unaligned ones pass, which
    /// AArch32 never does.
    fn ordered_address(&mut self, i: &Insn, size: u8, write: bool) -> Slot {
        let imm = if has_offset(i.op) { i.imm.into() } else { 0 };
        if size > 0 && self.features.has(Feature::LSE2) {
            self.check_align(slot(i.n), imm, size, write);
        }
        self.plain_address(slot(i.n), imm)
    }

    /// The slot with `a + imm`.
    pub(super) fn plain_address(&mut self, a: Slot, imm: i64) -> Slot {
        if imm == 0 {
            return a;
        }
        let dst = self.temp();
        self.op_imm(Op::AddI32, dst, a, imm);
        dst
    }

    /// Where a load or store goes. A register offset is left to the access if that is `indexed`. `clobbers` says that
    /// the access loads the register of the offset.
    pub(super) fn place(&mut self, i: &Insn, indexed: bool, clobbers: bool) -> Place {
        match i.operand {
            Operand::Imm { value, .. } => self.place_at_constant(i, value),
            Operand::None => self.place_at_constant(i, 0),
            _ => self.place_at_register(i, indexed, clobbers),
        }
    }

    fn place_at_constant(&mut self, i: &Insn, value: u32) -> Place {
        let by = if i.index.add { i64::from(value) } else { -i64::from(value) };
        if i.n == 15 {
            let (a, imm) = (self.temp(), self.aligned_pc() + by);
            self.op_imm(Op::PcRel32, a, ZERO, imm);
            return Place { a, b: ZERO, shift: 0, imm: 0, moves: Moves::Not };
        }
        let moves = if i.index.wback || !i.index.pre { Moves::By(by) } else { Moves::Not };
        let imm = if i.index.pre { by } else { 0 };
        Place { a: slot(i.n), b: ZERO, shift: 0, imm, moves }
    }

    fn place_at_register(&mut self, i: &Insn, indexed: bool, clobbers: bool) -> Place {
        let a = self.aligned_base(i.n);
        if let Operand::Shifted { kind: Shift::Lsl, amount: shift @ 0..=3 } = i.operand
            && indexed
            && i.index.add
            && i.index.pre
            && !i.index.wback
        {
            let b = self.reg(i.m);
            return Place { a, b, shift, imm: 0, moves: Moves::Not };
        }
        let op = if i.index.add { Op::Add32 } else { Op::Sub32 };
        let offset = self.operand(i);
        if !i.index.pre && !clobbers {
            return Place { a, b: ZERO, shift: 0, imm: 0, moves: Moves::With(op, offset) };
        }
        let moved = self.temp();
        self.op3(op, moved, a, offset);
        let moves = if i.index.wback || !i.index.pre { Moves::To(moved) } else { Moves::Not };
        let a = if i.index.pre { moved } else { a };
        Place { a, b: ZERO, shift: 0, imm: 0, moves }
    }

    /// The slot of a base register; R15 is aligned.
    fn aligned_base(&mut self, n: u8) -> Slot {
        if n != 15 {
            return slot(n);
        }
        let (dst, imm) = (self.temp(), self.aligned_pc());
        self.op_imm(Op::PcRel32, dst, ZERO, imm);
        dst
    }

    pub(super) fn move_base(&mut self, i: &Insn, moves: Moves) {
        if i.n == 15 {
            return;
        }
        let n = slot(i.n);
        match moves {
            Moves::Not | Moves::By(0) => {}
            Moves::By(imm) => self.op_imm(Op::AddI32, n, n, imm),
            Moves::To(moved) => self.op3(Op::Mov32, n, moved, ZERO),
            Moves::With(op, offset) => self.op3(op, n, n, offset),
        }
    }

    /// An alignment fault unless `a + imm` is a multiple of `1 << size` bytes.
    pub(super) fn check_align(&mut self, a: Slot, imm: i64, size: u8, write: bool) {
        self.emit(Uop { dst: SINK, a, c: write.into(), flags: size, imm, ..Uop::new(Op::CheckAlign) });
    }

    pub(super) fn big_endian(&self) -> bool {
        self.mode.has(Mode::BE)
    }

    /// Brings what was loaded, zero-extended in big-endian mode, into its final form.
    fn convert_loaded(&mut self, d: Slot, width: Width) {
        self.reorder(width.size, d, d);
        if width == (Width { size: 1, signed: true }) && self.big_endian() {
            self.signed_field(d, d, 0, 16);
        }
        if width == (Width { size: 0, signed: true }) && self.big_endian() {
            self.signed_field(d, d, 0, 8);
        }
    }

    /// `dst` = `1 << size` bytes that were loaded into `a`, in the order of a number.
    pub(super) fn reorder(&mut self, size: u8, dst: Slot, a: Slot) {
        match size {
            1 if self.big_endian() => self.op3(Op::Rev16In32, dst, a, ZERO),
            2 if self.big_endian() => self.op3(Op::Rev32, dst, a, ZERO),
            _ => {}
        }
    }

    /// The same of two words, each in its place; they may be one.
    pub(super) fn reorder_pair(&mut self, dst: Slot, c: Slot) {
        self.reorder(2, dst, dst);
        if c != dst {
            self.reorder(2, c, c);
        }
    }

    /// The slot with `1 << size` bytes of `a` in the order of memory.
    pub(super) fn reordered(&mut self, size: u8, a: Slot) -> Slot {
        if size == 0 || !self.big_endian() {
            return a;
        }
        let dst = self.temp();
        self.reorder(size, dst, a);
        dst
    }
}

fn width(op: I) -> Width {
    let (size, signed) = match op {
        I::Ldrb | I::Ldrbt | I::Strb | I::Strbt => (0, false),
        I::Ldrsb | I::Ldrsbt => (0, true),
        I::Ldrh | I::Ldrht | I::Strh | I::Strht => (1, false),
        I::Ldrsh | I::Ldrsht => (1, true),
        _ => (2, false),
    };
    Width { size, signed }
}

/// Size of an exclusive, ordered or swapping access; 3 is a pair of words.
fn exclusive_size(op: I) -> u8 {
    use I::*;
    match op {
        Ldrexb | Ldaexb | Strexb | Stlexb | Ldab | Stlb | Swpb => 0,
        Ldrexh | Ldaexh | Strexh | Stlexh | Ldah | Stlh => 1,
        Ldrexd | Ldaexd | Strexd | Stlexd => 3,
        _ => 2,
    }
}

/// True for instructions with an offset in `imm`.
fn has_offset(op: I) -> bool {
    matches!(op, I::Ldrex | I::Strex)
}
