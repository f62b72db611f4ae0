//! Lowering of loads, stores and atomics.
//!
//! An instruction that faults changes nothing: what it writes to registers, the base's new value above
//! all, comes after its last access. Where Arm ARM lets implementations choose (K1.2, "CONSTRAINED
//! UNPREDICTABLE behaviors"):
//! - writeback to a base that is also loaded: both happen and the base's new value wins;
//! - writeback to a base that is also stored: its old value is stored;
//! - a load pair to one register: the second value wins;
//! - a store exclusive whose status register is also data or base: it executes with their old values.

mod vector;

use armlet_arm::a64::MemoryOp as Insn;
use armlet_arm::a64::fields::{bit, bits, ra, rd, rm, rn, signed};

use super::{Flow, Lowering, x, xd, xsp};
use crate::block::Mode;
use crate::uop::{MemoryOp, Op, SP, Slot, Uop, ZERO};

/// How the base moves, and with it where the access goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Index {
    /// At base + offset.
    Offset,
    /// At base, which then moves.
    Post,
    /// At base + offset, where the base moves to.
    Pre,
}

impl Lowering<'_> {
    pub(super) fn memory(&mut self, op: Insn, w: u32) -> Flow {
        use Insn as I;
        match op {
            I::Ldr | I::Ldrb | I::Ldrh | I::Ldrsb | I::Ldrsh | I::Ldrsw | I::Str | I::Strb | I::Strh => {
                let size = bits(w, 31, 30);
                if bit(w, 24) {
                    self.single(w, i64::from(bits(w, 21, 10)) << size, Index::Offset);
                } else if bit(w, 21) {
                    let (a, b, flags) = self.base_and_index(w, size);
                    self.emit(access(w, Uop { a, b, flags, ..Uop::new(Op::Mov) }));
                } else {
                    self.single(w, signed(w, 20, 12), post_or_pre(bit(w, 11)));
                }
            }
            I::Ldur
            | I::Ldurb
            | I::Ldurh
            | I::Ldursb
            | I::Ldursh
            | I::Ldursw
            | I::Stur
            | I::Sturb
            | I::Sturh => self.single(w, signed(w, 20, 12), Index::Offset),
            I::Ldtr
            | I::Ldtrb
            | I::Ldtrh
            | I::Ldtrsb
            | I::Ldtrsh
            | I::Ldtrsw
            | I::Sttr
            | I::Sttrb
            | I::Sttrh => self.unprivileged(w),
            I::LdrLiteral => self.literal(if bit(w, 30) { Op::Load64 } else { Op::Load32 }, xd(rd(w)), w),
            I::LdrswLiteral => self.literal(Op::Load32S64, xd(rd(w)), w),
            // A prefetch has no effect, and no alignment check of SP.
            I::Prfm | I::Prfum => {}
            I::Ldp | I::Ldpsw | I::Ldnp => self.load_pair(w),
            I::Stp | I::Stnp => {
                let op = if bit(w, 31) { Op::StorePair64 } else { Op::StorePair32 };
                let scale = if bit(w, 31) { 3 } else { 2 };
                self.indexed(w, pair_offset(w, scale), pair_index(w), false, |a, imm| Uop {
                    c: x(rd(w)),
                    b: x(ra(w)),
                    a,
                    imm,
                    ..Uop::new(op)
                });
            }

            I::Stxr | I::Stlxr => self.ordered(MemoryOp::StoreExclusive, w, xd(rm(w)), ZERO, x(rd(w))),
            I::Ldxr | I::Ldaxr => self.ordered(MemoryOp::LoadExclusive, w, xd(rd(w)), ZERO, ZERO),
            I::Stxp | I::Stlxp => {
                self.ordered(MemoryOp::StoreExclusivePair, w, xd(rm(w)), x(ra(w)), x(rd(w)));
            }
            I::Ldxp | I::Ldaxp => {
                self.ordered(MemoryOp::LoadExclusivePair, w, xd(rd(w)), ZERO, xd(ra(w)));
            }
            I::Stlr => self.ordered(MemoryOp::StoreRelease, w, xd(31), ZERO, x(rd(w))),
            I::Ldar | I::Ldapr => self.ordered(MemoryOp::LoadAcquire, w, xd(rd(w)), ZERO, ZERO),
            I::Stlur | I::Ldapur | I::Ldapurs => self.ordered_unscaled(w),

            I::Cas => self.ordered(MemoryOp::Cas, w, xd(rm(w)), x(rm(w)), x(rd(w))),
            I::Casp => {
                let a = self.base(rn(w));
                // The size field of a pair is one bit; register numbers are even, so none is 31.
                let flags = 2 | bits(w, 30, 30) as u8;
                self.emit(Uop {
                    dst: rm(w),
                    a,
                    b: rm(w),
                    c: rd(w),
                    flags,
                    ..Uop::new(Op::Memory(MemoryOp::Casp))
                });
            }
            I::Ldadd => self.atomic(MemoryOp::Add, w),
            I::Ldclr => self.atomic(MemoryOp::Clr, w),
            I::Ldeor => self.atomic(MemoryOp::Eor, w),
            I::Ldset => self.atomic(MemoryOp::Set, w),
            I::Ldsmax => self.atomic(MemoryOp::Smax, w),
            I::Ldsmin => self.atomic(MemoryOp::Smin, w),
            I::Ldumax => self.atomic(MemoryOp::Umax, w),
            I::Ldumin => self.atomic(MemoryOp::Umin, w),
            I::Swp => self.atomic(MemoryOp::Swp, w),

            _ => return self.vector_memory(op, w),
        }
        Flow::Next
    }

    /// The slot of a base register, its alignment checked if it is SP.
    pub(super) fn base(&mut self, reg: u8) -> Slot {
        let slot = xsp(reg);
        if slot == SP && self.mode.has(Mode::SP_CHECK) && !self.sp_checked {
            self.emit(Uop { a: SP, ..Uop::new(Op::CheckSp) });
            self.sp_checked = true;
        }
        slot
    }

    /// An access at an offset from the base register, by the uop that `access` makes of base and
    /// displacement, and the base's move. `clobbers` says that the access loads the base register itself.
    fn indexed(
        &mut self,
        w: u32,
        imm: i64,
        index: Index,
        clobbers: bool,
        access: impl FnOnce(Slot, i64) -> Uop,
    ) {
        let a = self.base(rn(w));
        let at = if index == Index::Post { 0 } else { imm };
        if index == Index::Offset {
            self.emit(access(a, at));
        } else if clobbers {
            let moved = self.temp();
            self.op_imm(Op::AddI64, moved, a, imm);
            self.emit(access(a, at));
            self.op3(Op::Mov, a, moved, ZERO);
        } else {
            self.emit(access(a, at));
            self.op_imm(Op::AddI64, a, a, imm);
            self.writes_sp(a, imm % 16 == 0);
        }
    }

    /// One general register at an immediate offset.
    fn single(&mut self, w: u32, imm: i64, index: Index) {
        // SP is no data register, so 31 never clobbers.
        let clobbers = bits(w, 23, 22) != 0 && rd(w) == rn(w) && rd(w) != 31;
        self.indexed(w, imm, index, clobbers, |a, imm| access(w, Uop { a, imm, ..Uop::new(Op::Mov) }));
    }

    /// Slots of the base and of the register offset of an access of `1 << size` bytes, and the shift of the
    /// latter.
    fn base_and_index(&mut self, w: u32, size: u32) -> (Slot, Slot, u8) {
        let a = self.base(rn(w));
        let (option, shift) = (bits(w, 15, 13), if bit(w, 12) { size } else { 0 });
        // Extending shifts as well; a doubleword has nothing to extend.
        let (in_uop, in_offset) = if option & 3 == 3 { (shift, 0) } else { (0, shift) };
        (a, self.extend(x(rm(w)), option, in_offset), in_uop as u8)
    }

    fn literal(&mut self, op: Op, dst: Slot, w: u32) {
        let a = self.temp();
        self.op_imm(Op::PcRel, a, ZERO, self.target(signed(w, 23, 5) * 4));
        self.op3(op, dst, a, ZERO);
    }

    fn load_pair(&mut self, w: u32) {
        let (op, scale) = match bits(w, 31, 30) {
            0 => (Op::LoadPair32, 2),
            1 => (Op::LoadPair32S64, 2),
            _ => (Op::LoadPair64, 3),
        };
        let clobbers = rn(w) != 31 && (rd(w) == rn(w) || ra(w) == rn(w));
        self.indexed(w, pair_offset(w, scale), pair_index(w), clobbers, |a, imm| Uop {
            dst: xd(rd(w)),
            c: xd(ra(w)),
            a,
            imm,
            ..Uop::new(op)
        });
    }

    /// LDTR and STTR, which at EL0 are plain.
    fn unprivileged(&mut self, w: u32) {
        let imm = signed(w, 20, 12);
        if !self.mode.has(Mode::EL1) {
            return self.single(w, imm, Index::Offset);
        }
        let a = self.base(rn(w));
        self.emit(extended_access(w, a, imm, MemoryOp::LoadUnprivileged, MemoryOp::StoreUnprivileged));
    }

    /// LDAPUR and STLUR.
    fn ordered_unscaled(&mut self, w: u32) {
        let a = self.base(rn(w));
        self.emit(extended_access(w, a, signed(w, 20, 12), MemoryOp::LoadAcquire, MemoryOp::StoreRelease));
    }

    /// An ordered or exclusive access, at the base.
    fn ordered(&mut self, op: MemoryOp, w: u32, dst: Slot, b: Slot, c: Slot) {
        let a = self.base(rn(w));
        let flags = bits(w, 31, 30) as u8;
        self.emit(Uop { dst, a, b, c, flags, ..Uop::new(Op::Memory(op)) });
    }

    /// An atomic read-modify-write with the operand Rs; the old value goes to Rt.
    fn atomic(&mut self, op: MemoryOp, w: u32) {
        self.ordered(op, w, xd(rd(w)), ZERO, x(rm(w)));
    }
}

/// The uop of a single-register access, its size, direction and extension read off bits `[31:30]` and `[23:22]`.
fn access(w: u32, at: Uop) -> Uop {
    let (dst, c) = (xd(rd(w)), x(rd(w)));
    let op = match (bits(w, 31, 30), bits(w, 23, 22)) {
        (0, 0) => Op::Store8,
        (1, 0) => Op::Store16,
        (2, 0) => Op::Store32,
        (_, 0) => Op::Store64,
        (0, 1) => Op::Load8,
        (1, 1) => Op::Load16,
        (2, 1) => Op::Load32,
        (_, 1) => Op::Load64,
        (0, 2) => Op::Load8S64,
        (0, _) => Op::Load8S32,
        (1, 2) => Op::Load16S64,
        (1, _) => Op::Load16S32,
        _ => Op::Load32S64,
    };
    if bits(w, 23, 22) == 0 { Uop { op, c, ..at } } else { Uop { op, dst, ..at } }
}

/// The same for ops that have extension in their flags.
fn extended_access(w: u32, a: Slot, imm: i64, load: MemoryOp, store: MemoryOp) -> Uop {
    let (size, opc) = (bits(w, 31, 30) as u8, bits(w, 23, 22));
    if opc == 0 {
        return Uop { a, c: x(rd(w)), imm, flags: size, ..Uop::new(Op::Memory(store)) };
    }
    let extension = match opc {
        1 => 0,
        2 => MemoryOp::SIGNED | MemoryOp::TO64,
        _ => MemoryOp::SIGNED,
    };
    Uop { dst: xd(rd(w)), a, imm, flags: size | extension, ..Uop::new(Op::Memory(load)) }
}

fn post_or_pre(pre: bool) -> Index {
    if pre { Index::Pre } else { Index::Post }
}

fn pair_offset(w: u32, scale: u32) -> i64 {
    signed(w, 21, 15) << scale
}

/// The index of a pair: 0 is the no-allocate form.
fn pair_index(w: u32) -> Index {
    match bits(w, 24, 23) {
        1 => Index::Post,
        3 => Index::Pre,
        _ => Index::Offset,
    }
}
