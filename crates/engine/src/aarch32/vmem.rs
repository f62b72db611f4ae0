//! Lowering of loads and stores of extension registers.

use armlet_arm::a64::fields::{bit, bits};
use armlet_arm::aarch32::simd::MemoryOp as Insn;
use armlet_arm::aarch32::simd::fields::{dd, is_double, rm, rn, sd};
use armlet_arm::aarch32::simd::memory::{Structure, lane, replicated, whole};

use super::lanes::Part;
use super::neon::EMPTY;
use super::{Flow, Lowering, slot};
use crate::block::Mode;
use crate::uop::{Arrangement, Elements, Extension, MemoryOp, Op, Slot, Uop, ZERO};

impl Lowering<'_> {
    pub(super) fn vector_memory(&mut self, op: Insn, w: u32) -> Flow {
        self.check_fp(w);
        match op {
            Insn::Vldr | Insn::Vstr => self.one_extension(op == Insn::Vldr, w),
            Insn::Vldm | Insn::Vstm => self.many_extensions(op == Insn::Vldm, w),
            Insn::Vld1 | Insn::Vld2 | Insn::Vld3 | Insn::Vld4 => {
                self.structures(true, whole(w), |_| Arrangement::Whole, w);
            }
            Insn::Vst1 | Insn::Vst2 | Insn::Vst3 | Insn::Vst4 => {
                self.structures(false, whole(w), |_| Arrangement::Whole, w);
            }
            Insn::Vld1Lane | Insn::Vld2Lane | Insn::Vld3Lane | Insn::Vld4Lane => {
                self.structures(true, lane(w), |s| Arrangement::Lane(s.lane), w);
            }
            Insn::Vst1Lane | Insn::Vst2Lane | Insn::Vst3Lane | Insn::Vst4Lane => {
                self.structures(false, lane(w), |s| Arrangement::Lane(s.lane), w);
            }
            Insn::Vld1All | Insn::Vld2All | Insn::Vld3All | Insn::Vld4All => {
                self.structures(true, replicated(w), |_| Arrangement::All, w);
            }
        }
        Flow::Next
    }

    /// Appends an access to S or D registers.
    fn registers(&mut self, load: bool, w: u32, uop: Uop, extension: Extension) {
        let (size, op) = match load {
            true => (size(w), MemoryOp::LoadExtension),
            false => (size(w), MemoryOp::StoreExtension),
        };
        let (op, flags) = (Op::Memory(op), size | self.big());
        self.emit(Uop { op, flags, imm: extension.to_imm(), ..uop });
    }

    /// The flag for big-endian data.
    fn big(&self) -> u8 {
        if self.mode.has(Mode::BE) { MemoryOp::BIG } else { 0 }
    }

    /// VLDR and VSTR.
    fn one_extension(&mut self, load: bool, w: u32) {
        let distance = (bits(w, 7, 0) * 4) as i32;
        self.single(load, w, if bit(w, 23) { distance } else { -distance });
    }

    /// The base of an address, and what is added to it; whether that is the block's pc.
    fn address(&self, w: u32, offset: i32) -> (Slot, i32, bool) {
        match rn(w) {
            15 => (ZERO, offset + self.aligned_pc() as i32, true),
            n => (slot(n), offset, false),
        }
    }

    /// One register. Loaded, it is that of a temporary, where those who use it find it.
    fn single(&mut self, load: bool, w: u32, offset: i32) {
        let (a, offset, literal) = self.address(w, offset);
        let extension = Extension { offset, first: 0, count: 0, literal };
        let part = if is_double(w) { Part::d(dd(w)) } else { Part::s(sd(w)) };
        if load {
            let dst = self.vtemp();
            self.registers(true, w, Uop { dst, a, ..EMPTY }, extension);
            self.put(part, dst);
        } else {
            let c = self.part(part);
            self.registers(false, w, Uop { c, a, ..EMPTY }, extension);
        }
    }

    /// VLDM and VSTM. Of an odd number of words for D registers the last one is skipped.
    fn many_extensions(&mut self, load: bool, w: u32) {
        let words = bits(w, 7, 0);
        let (count, first) = if is_double(w) { (words / 2, dd(w)) } else { (words, sd(w)) };
        let (down, distance) = (!bit(w, 23), words as i32 * 4);
        let offset = if down { -distance } else { 0 };
        if count == 1 {
            self.single(load, w, offset);
        } else {
            self.several(load, w, offset, first, count as u8);
        }
        if bit(w, 21) {
            let base = slot(rn(w));
            self.op_imm(Op::AddI32, base, base, i64::from(if down { -distance } else { distance }));
        }
    }

    fn several(&mut self, load: bool, w: u32, offset: i32, first: u8, count: u8) {
        let (a, offset, literal) = self.address(w, offset);
        self.registers(load, w, Uop { a, ..EMPTY }, Extension { offset, first, count, literal });
        if load {
            let per_slot = 16 >> size(w);
            (first / per_slot..=(first + count - 1) / per_slot).for_each(|slot| self.slot_written(slot));
        }
    }

    /// VLD1 to VLD4 and VST1 to VST4 in all their forms.
    fn structures(
        &mut self,
        load: bool,
        structure: Option<Structure>,
        arrangement: impl FnOnce(Structure) -> Arrangement,
        w: u32,
    ) {
        // The decoder takes no word without one.
        let Some(s) = structure else { return };
        let elements = Elements {
            first: dd(w),
            elements: s.elements,
            registers: s.registers,
            spacing: s.spacing,
            arrangement: arrangement(s),
            align: s.align.trailing_zeros() as u8,
        };
        let op = if load { MemoryOp::LoadElements } else { MemoryOp::StoreElements };
        let base = slot(rn(w));
        let (imm, flags) = (elements.to_imm(), s.size | self.big());
        self.emit(Uop { a: base, imm, flags, ..Uop::new(Op::Memory(op)) });
        if load {
            for n in 0..s.elements {
                (0..s.registers).for_each(|after| self.slot_written(elements.register(n, after) / 2));
            }
        }
        // 15 is no writeback, 13 that of the size.
        match rm(w) {
            15 => {}
            13 => self.op_imm(Op::AddI32, base, base, s.bytes.into()),
            m => self.op3(Op::Add32, base, base, slot(m)),
        }
    }
}

/// log2 of the size of a register in bytes.
fn size(w: u32) -> u8 {
    if is_double(w) { 3 } else { 2 }
}
