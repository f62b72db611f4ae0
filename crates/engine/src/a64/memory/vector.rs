//! Lowering of loads and stores of vector registers.

use armlet_arm::a64::MemoryOp as Insn;
use armlet_arm::a64::fields::{bit, bits, ra, rd, rm, rn, signed};
use armlet_arm::a64::memory::lane_of;

use super::{Index, pair_index, pair_offset, post_or_pre};
use crate::a64::{Flow, Lowering, x};
use crate::uop::{MemoryOp, Op, SP, Uop};

const LOADS: [Op; 5] = [Op::VLoad8, Op::VLoad16, Op::VLoad32, Op::VLoad64, Op::VLoad128];
const STORES: [Op; 5] = [Op::VStore8, Op::VStore16, Op::VStore32, Op::VStore64, Op::VStore128];
const LOAD_PAIRS: [Op; 3] = [Op::VLoadPair32, Op::VLoadPair64, Op::VLoadPair128];
const STORE_PAIRS: [Op; 3] = [Op::VStorePair32, Op::VStorePair64, Op::VStorePair128];

impl Lowering<'_> {
    pub(super) fn vector_memory(&mut self, op: Insn, w: u32) -> Flow {
        if self.fp_trapped() {
            return Flow::End;
        }
        use Insn as I;
        match op {
            I::LdrVector | I::StrVector => {
                let size = size(w);
                if bit(w, 24) {
                    self.single_vector(w, i64::from(bits(w, 21, 10)) << size, Index::Offset);
                } else if bit(w, 21) {
                    let (a, b, flags) = self.base_and_index(w, size);
                    self.emit(Uop { b, flags, ..vector_access(w, a, 0) });
                } else {
                    self.single_vector(w, signed(w, 20, 12), post_or_pre(bit(w, 11)));
                }
            }
            I::LdurVector | I::SturVector => self.single_vector(w, signed(w, 20, 12), Index::Offset),
            I::LdrLiteralVector => {
                let load = LOADS[(2 + bits(w, 31, 30).min(2)) as usize];
                self.literal(load, rd(w), w);
            }
            I::LdpVector | I::LdnpVector => self.vector_pair(w, LOAD_PAIRS),
            I::StpVector | I::StnpVector => self.vector_pair(w, STORE_PAIRS),

            I::Ld1x1 => self.structures(w, true, 1, false),
            I::Ld1x2 => self.structures(w, true, 2, false),
            I::Ld1x3 => self.structures(w, true, 3, false),
            I::Ld1x4 => self.structures(w, true, 4, false),
            I::Ld2 => self.structures(w, true, 2, true),
            I::Ld3 => self.structures(w, true, 3, true),
            I::Ld4 => self.structures(w, true, 4, true),
            I::St1x1 => self.structures(w, false, 1, false),
            I::St1x2 => self.structures(w, false, 2, false),
            I::St1x3 => self.structures(w, false, 3, false),
            I::St1x4 => self.structures(w, false, 4, false),
            I::St2 => self.structures(w, false, 2, true),
            I::St3 => self.structures(w, false, 3, true),
            I::St4 => self.structures(w, false, 4, true),

            I::Ld1Lane => self.lane(w, true, 1),
            I::Ld2Lane => self.lane(w, true, 2),
            I::Ld3Lane => self.lane(w, true, 3),
            I::Ld4Lane => self.lane(w, true, 4),
            I::St1Lane => self.lane(w, false, 1),
            I::St2Lane => self.lane(w, false, 2),
            I::St3Lane => self.lane(w, false, 3),
            I::St4Lane => self.lane(w, false, 4),

            I::Ld1r => self.replicate(w, 1),
            I::Ld2r => self.replicate(w, 2),
            I::Ld3r => self.replicate(w, 3),
            I::Ld4r => self.replicate(w, 4),

            // The rest are general-register forms, lowered by the caller.
            _ => return self.undefined(),
        }
        Flow::Next
    }

    fn single_vector(&mut self, w: u32, imm: i64, index: Index) {
        self.indexed(w, imm, index, false, |a, imm| vector_access(w, a, imm));
    }

    fn vector_pair(&mut self, w: u32, ops: [Op; 3]) {
        let size = bits(w, 31, 30).min(2);
        let op = ops[size as usize];
        let imm = pair_offset(w, size + 2);
        if bit(w, 22) {
            self.indexed(w, imm, pair_index(w), false, |a, imm| Uop {
                dst: rd(w),
                c: ra(w),
                a,
                imm,
                ..Uop::new(op)
            });
        } else {
            self.indexed(w, imm, pair_index(w), false, |a, imm| Uop {
                c: rd(w),
                b: ra(w),
                a,
                imm,
                ..Uop::new(op)
            });
        }
    }

    /// LD1 to LD4 and ST1 to ST4 of `count` whole registers.
    fn structures(&mut self, w: u32, load: bool, count: i64, interleaved: bool) {
        let a = self.base(rn(w));
        let bytes = if bit(w, 30) { 16 } else { 8 };
        if count == 1 {
            let sizes = if load { LOADS } else { STORES };
            // The elements of one register lie as the register does, but each is aligned by itself: only
            // for doublewords and for one register of one element is it the same access.
            if bits(w, 11, 10) == 3 && bytes == 8 {
                self.emit(Uop { dst: rd(w), a, c: rd(w), ..Uop::new(sizes[3]) });
                return self.move_base(w, bytes);
            }
        }
        let op = if load { MemoryOp::LoadStructures } else { MemoryOp::StoreStructures };
        let interleaved = if interleaved { MemoryOp::INTERLEAVED } else { 0 };
        let flags = bits(w, 11, 10) as u8 | (bits(w, 30, 30) as u8) << 2 | interleaved;
        self.emit(Uop { dst: rd(w), a, c: rd(w), flags, imm: count, ..Uop::new(Op::Memory(op)) });
        self.move_base(w, count * bytes);
    }

    /// LD1 to LD4 and ST1 to ST4 of one lane of `count` registers.
    fn lane(&mut self, w: u32, load: bool, count: i64) {
        let (size, lane) = lane_of(w);
        let op = if load { MemoryOp::LoadLane } else { MemoryOp::StoreLane };
        let a = self.base(rn(w));
        let imm = count | i64::from(lane) << 8;
        self.emit(Uop { dst: rd(w), a, c: rd(w), flags: size as u8, imm, ..Uop::new(Op::Memory(op)) });
        self.move_base(w, count << size);
    }

    /// LD1R to LD4R.
    fn replicate(&mut self, w: u32, count: i64) {
        let a = self.base(rn(w));
        let flags = bits(w, 11, 10) as u8 | (bits(w, 30, 30) as u8) << 2;
        let op = Op::Memory(MemoryOp::LoadReplicate);
        self.emit(Uop { dst: rd(w), a, flags, imm: count, ..Uop::new(op) });
        self.move_base(w, count << bits(w, 11, 10));
    }

    /// Post-indexing of a structure access: by a register, or by its size if that is 31.
    fn move_base(&mut self, w: u32, bytes: i64) {
        if !bit(w, 23) {
            return;
        }
        let base = self.base(rn(w));
        if rm(w) == 31 {
            self.op_imm(Op::AddI64, base, base, bytes);
            self.writes_sp(base, bytes % 16 == 0);
        } else {
            self.op3(Op::Add64, base, base, x(rm(w)));
            self.writes_sp(base, base != SP);
        }
    }
}

/// log2 of the size of a single vector register access.
fn size(w: u32) -> u32 {
    bits(w, 31, 30) | bits(w, 23, 23) << 2
}

fn vector_access(w: u32, a: u8, imm: i64) -> Uop {
    let size = size(w).min(4) as usize;
    if bit(w, 22) {
        Uop { dst: rd(w), a, imm, ..Uop::new(LOADS[size]) }
    } else {
        Uop { c: rd(w), a, imm, ..Uop::new(STORES[size]) }
    }
}
