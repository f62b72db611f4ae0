//! Lowering of LDM and STM in all their forms.
//!
//! Lists of one and two registers are plain accesses with a check of alignment. CONSTRAINED UNPREDICTABLE (Arm ARM
//! F5.1.72, "LDM, LDMIA, LDMFD"):
//! - a base that is loaded and written back: UNDEFINED;
//! - a base that is stored and written back: its old value is stored;
//! - the forms for User mode's registers, and exception returns, are UNDEFINED at EL0, the latter in System mode as well.

use armlet_arm::aarch32::{Index, Insn, Op as I};

use super::system::banked;
use super::{Flow, Lowering, slot};
use crate::uop::{MemoryOp, Op, SINK, Slot, SystemOp, Uop};

/// R15 in a list.
const PC: u16 = 1 << 15;
/// M[4:0] of User mode.
const USER: u8 = 0x10;

impl Lowering<'_> {
    /// LDM; with R15 a branch, or an exception return.
    pub(super) fn load_multiple(&mut self, i: &Insn) -> Flow {
        let is_return = i.op == I::LdmExcept;
        let clobbers = i.index.wback && i.list >> i.n & 1 != 0;
        if clobbers || is_return && !self.privileged() {
            return self.undefined();
        }
        // In a mode without SPSR nothing may have changed.
        let saved = if is_return { self.spsr() } else { SINK };
        let target = if i.list & PC != 0 { self.temp() } else { SINK };
        let (first, after) = bounds(i.index, i.list.count_ones());
        self.load_list(i, first, target);
        if i.index.wback {
            self.op_imm(Op::AddI32, slot(i.n), slot(i.n), after);
        }
        match i.list & PC != 0 {
            _ if is_return => self.return_to(target, saved),
            true => self.exchange_hinted(target, i.n == 13),
            false => Flow::Next,
        }
    }

    /// The words from `first` on to the registers of the list, R15's to slot `target`.
    fn load_list(&mut self, i: &Insn, first: i64, target: Slot) {
        let n = slot(i.n);
        let mut slots = registers(i.list).map(|n| if n == 15 { target } else { slot(n) });
        match (i.list.count_ones(), slots.next(), slots.next()) {
            (1, Some(dst), None) => {
                self.check_align(n, first, 2, false);
                self.emit(Uop { dst, a: n, imm: first, ..Uop::new(Op::Load32) });
                self.reorder(2, dst, dst);
            }
            (2, Some(dst), Some(c)) => {
                self.check_align(n, first, 2, false);
                self.emit(Uop { dst, c, a: n, imm: first, ..Uop::new(Op::LoadPair32) });
                self.reorder_pair(dst, c);
            }
            _ => {
                let (a, flags, imm) = (self.plain_address(n, first), self.order(), i.list.into());
                self.emit(Uop { dst: target, a, flags, imm, ..Uop::new(Op::Memory(MemoryOp::LoadMultiple)) });
            }
        }
    }

    /// STM.
    pub(super) fn store_multiple(&mut self, i: &Insn) -> Flow {
        let n = slot(i.n);
        let last = if i.list & PC != 0 { self.reg(15) } else { SINK };
        let (first, after) = bounds(i.index, i.list.count_ones());
        let mut slots = registers(i.list).map(|n| if n == 15 { last } else { slot(n) });
        match (i.list.count_ones(), slots.next(), slots.next()) {
            (1, Some(value), None) => {
                let c = self.reordered(2, value);
                self.check_align(n, first, 2, true);
                self.emit(Uop { c, a: n, imm: first, ..Uop::new(Op::Store32) });
            }
            (2, Some(value), Some(second)) => {
                let (c, b) = (self.reordered(2, value), self.reordered(2, second));
                self.check_align(n, first, 2, true);
                self.emit(Uop { c, b, a: n, imm: first, ..Uop::new(Op::StorePair32) });
            }
            _ => {
                let (a, flags, imm) = (self.plain_address(n, first), self.order(), i.list.into());
                self.emit(Uop { c: last, a, flags, imm, ..Uop::new(Op::Memory(MemoryOp::StoreMultiple)) });
            }
        }
        if i.index.wback {
            self.op_imm(Op::AddI32, n, n, after);
        }
        Flow::Next
    }

    /// Flags of a uop on a list.
    fn order(&self) -> u8 {
        if self.big_endian() { MemoryOp::REVERSED } else { 0 }
    }

    /// LDM of User mode's registers.
    pub(super) fn load_user(&mut self, i: &Insn) -> Flow {
        if !self.privileged() {
            return self.undefined();
        }
        let (first, _) = bounds(i.index, i.list.count_ones());
        self.check_align(slot(i.n), first, 2, false);
        let loaded: Vec<(u8, Slot)> = registers(i.list & !PC).map(|n| (n, self.temp())).collect();
        for (&(_, dst), word) in loaded.iter().zip(0i64..) {
            self.emit(Uop { dst, a: slot(i.n), imm: first + word * 4, ..Uop::new(Op::Load32) });
            self.reorder(2, dst, dst);
        }
        for (n, a) in loaded {
            let imm = banked((USER, n));
            self.emit(Uop { a, imm, ..Uop::new(Op::System(SystemOp::WriteBanked)) });
        }
        Flow::Next
    }

    /// STM of User mode's registers.
    pub(super) fn store_user(&mut self, i: &Insn) -> Flow {
        if !self.privileged() {
            return self.undefined();
        }
        let (first, _) = bounds(i.index, i.list.count_ones());
        self.check_align(slot(i.n), first, 2, true);
        let value = self.temp();
        for (n, word) in registers(i.list).zip(0i64..) {
            if n == 15 {
                let imm = self.pc();
                self.emit(Uop { dst: value, imm, ..Uop::new(Op::PcRel32) });
            } else {
                let imm = banked((USER, n));
                self.emit(Uop { dst: value, imm, ..Uop::new(Op::System(SystemOp::ReadBanked)) });
            }
            self.reorder(2, value, value);
            self.emit(Uop { c: value, a: slot(i.n), imm: first + word * 4, ..Uop::new(Op::Store32) });
        }
        Flow::Next
    }
}

/// Numbers of the registers in a list.
fn registers(list: u16) -> impl Iterator<Item = u8> {
    (0..16).filter(move |n| list >> n & 1 != 0)
}

/// Distance from the base of the lowest of `count` words, and of the base's new value.
pub(super) fn bounds(index: Index, count: u32) -> (i64, i64) {
    let bytes = i64::from(count) * 4;
    match (index.add, index.pre) {
        (true, false) => (0, bytes),
        (true, true) => (4, bytes),
        (false, false) => (4 - bytes, -bytes),
        (false, true) => (-bytes, -bytes),
    }
}
