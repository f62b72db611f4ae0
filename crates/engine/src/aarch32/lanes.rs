//! S, D and Q registers: parts of vector slots, and which temporaries hold copies of them.
//!
//! Uops of A64 work on the low end of a slot and zero the rest of their destination. So what is a part further up is
//! picked into a temporary first, and a result goes to a temporary and is inserted from there. The temporary
//! remembers the part as long as nobody writes it: of instructions that use each other's results most
//! need nothing picked.

use super::Lowering;
use crate::uop::{Op, Slot, Uop, VTEMP, VectorOp};

/// Element `index` of a vector slot, of `1 << size` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub slot: Slot,
    pub size: u8,
    pub index: u8,
}

impl Part {
    /// Register S`n`.
    pub fn s(n: u8) -> Self {
        Self { slot: n / 4, size: 2, index: n % 4 }
    }

    /// Register D`n`.
    pub fn d(n: u8) -> Self {
        Self { slot: n / 2, size: 3, index: n % 2 }
    }

    /// The lower or upper half of register S`n`.
    pub fn half(n: u8, upper: bool) -> Self {
        Self { slot: n / 4, size: 1, index: n % 4 * 2 + u8::from(upper) }
    }

    /// Element `index` of D`n`.
    pub fn element(n: u8, size: u8, index: u8) -> Self {
        Self { slot: n / 2, size, index: (n % 2) << (3 - size) | index }
    }

    fn overlaps(self, other: Self) -> bool {
        let bytes = |part: Self| (part.index << part.size, (part.index + 1) << part.size);
        let ((from, to), (other_from, other_to)) = (bytes(self), bytes(other));
        self.slot == other.slot && from < other_to && other_from < to
    }
}

/// How many uops back a value that nobody sees is looked for.
const LOOK_BACK: usize = 24;

/// Number of temporaries that take turns. An instruction needs six at most.
const COUNT: usize = 10;

/// The vector temporaries of a block.
#[derive(Default)]
pub(super) struct VectorTemps {
    next: usize,
    /// Those that the current instruction uses.
    in_use: [bool; COUNT],
    /// What each one has a copy of, zeros above it.
    copies: [Option<Part>; COUNT],
}

impl VectorTemps {
    /// The next instruction begins.
    pub fn release(&mut self) {
        self.in_use = [false; COUNT];
    }

    /// Copies made where code may not have come by are none.
    pub fn forget(&mut self) {
        self.copies = [None; COUNT];
    }

    fn take(&mut self) -> usize {
        while self.in_use[self.next] {
            self.next = (self.next + 1) % COUNT;
        }
        let n = self.next;
        self.next = (n + 1) % COUNT;
        (self.in_use[n], self.copies[n]) = (true, None);
        n
    }

    /// The first of two that follow each other.
    fn take_pair(&mut self) -> usize {
        loop {
            let n = self.take();
            if n + 1 < COUNT && !self.in_use[n + 1] {
                return self.take() - 1;
            }
        }
    }

    fn find(&mut self, part: Part) -> Option<Slot> {
        let n = self.copies.iter().position(|&copy| copy == Some(part))?;
        self.in_use[n] = true;
        Some(VTEMP + n as u8)
    }

    fn written(&mut self, part: Part) {
        for copy in &mut self.copies {
            if copy.is_some_and(|copy| copy.overlaps(part)) {
                *copy = None;
            }
        }
    }

    fn note(&mut self, temp: Slot, part: Part) {
        if let Some(copy) = self.copies.get_mut(usize::from(temp.wrapping_sub(VTEMP))) {
            *copy = Some(part);
        }
    }
}

impl Lowering<'_> {
    /// A fresh vector temporary.
    pub(super) fn vtemp(&mut self) -> Slot {
        VTEMP + self.vtemps.take() as u8
    }

    /// Appends a vector uop.
    pub(super) fn vector(&mut self, op: VectorOp, flags: u8, uop: Uop) {
        self.emit(Uop { op: Op::Vector(op), flags, ..uop });
    }

    /// A slot whose low end is the part; what is above it, nobody knows.
    pub(super) fn part(&mut self, part: Part) -> Slot {
        match self.vtemps.find(part) {
            Some(temp) => temp,
            None if part.index == 0 => part.slot,
            None => self.pick(part),
        }
    }

    fn pick(&mut self, part: Part) -> Slot {
        let dst = self.vtemp();
        let uop = Uop { dst, a: part.slot, imm: part.index.into(), ..Uop::new(Op::Undefined) };
        self.vector(VectorOp::Pick, part.size, uop);
        self.vtemps.note(dst, part);
        dst
    }

    /// The part = the low end of temporary `from`, which is zero above it.
    pub(super) fn put(&mut self, part: Part, from: Slot) {
        self.put_element(part, from, 0);
        self.vtemps.note(from, part);
    }

    /// The part = element `index` of slot `from`.
    pub(super) fn put_element(&mut self, part: Part, from: Slot, index: u8) {
        let imm = i64::from(index) << 4 | i64::from(part.index);
        let uop = Uop { dst: part.slot, c: part.slot, a: from, imm, ..Uop::new(Op::Undefined) };
        if from != part.slot {
            self.forget_last(part);
        }
        self.vector(VectorOp::Ins, part.size | VectorOp::Q, uop);
        self.vtemps.written(part);
    }

    /// The part is about to be written: what was put there last is of no use if nobody can have seen it since.
    fn forget_last(&mut self, part: Part) {
        let floor = self.pure_from.max(self.uops.len().saturating_sub(LOOK_BACK));
        for n in (floor..self.uops.len()).rev() {
            let u = &self.uops[n];
            let (from, to) = (u.imm >> 4, u.imm & 15);
            match u.op {
                Op::Vector(VectorOp::Ins) if (u.dst, u.c) == (part.slot, part.slot) && u.a != part.slot => {
                    let other = Part { slot: part.slot, size: u.flags & VectorOp::SIZE, index: to as u8 };
                    if other == part {
                        self.uops.remove(n);
                        return;
                    }
                }
                Op::Vector(VectorOp::Pick | VectorOp::Ins) if u.a == part.slot && u.dst != part.slot => {
                    let index = if u.op == Op::Vector(VectorOp::Pick) { u.imm } else { from };
                    let size = u.flags & VectorOp::SIZE;
                    if part.overlaps(Part { slot: part.slot, size, index: index as u8 }) {
                        return;
                    }
                }
                Op::Vector(_) | Op::Float(_) if ![u.dst, u.a, u.b, u.c].contains(&part.slot) => {}
                _ => return,
            }
        }
    }

    /// The part = the low bits of a general slot.
    pub(super) fn put_general(&mut self, part: Part, from: Slot) {
        let imm = part.index.into();
        let uop = Uop { dst: part.slot, c: part.slot, a: from, imm, ..Uop::new(Op::Undefined) };
        self.vector(VectorOp::InsGeneral, part.size | VectorOp::Q, uop);
        self.vtemps.written(part);
    }

    /// General slot `dst` = the part, zero-extended.
    pub(super) fn part_to_general(&mut self, dst: Slot, part: Part) {
        let uop = Uop { dst, a: part.slot, imm: part.index.into(), ..Uop::new(Op::Undefined) };
        self.vector(VectorOp::Umov, part.size, uop);
    }

    /// Two temporaries in a row.
    pub(super) fn vtemp_pair(&mut self) -> Slot {
        VTEMP + self.vtemps.take_pair() as u8
    }

    /// Register D`n` gets another value.
    pub(super) fn slot_half_written(&mut self, n: u8) {
        self.vtemps.written(Part::d(n));
    }

    /// The whole slot gets another value.
    pub(super) fn slot_written(&mut self, slot: Slot) {
        for index in 0..2 {
            self.vtemps.written(Part { slot, size: 3, index });
        }
    }

    /// Traps if floating point is denied. Nothing in a block changes that: one check in its straight line is enough.
    pub(super) fn check_fp(&mut self, w: u32) {
        if !self.fp_checked {
            self.emit(Uop { c: self.size, b: self.itstate, ..Uop::new(Op::CheckFp) });
            self.fp_checked = !self.is_guarded(w);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_overlap_where_registers_do() {
        assert!(Part::s(7).overlaps(Part::d(3)));
        assert!(Part::half(6, true).overlaps(Part::s(6)));
        assert!(!Part::s(5).overlaps(Part::d(3)));
        assert!(!Part::d(2).overlaps(Part::d(3)));
        assert!(Part::element(3, 1, 2).overlaps(Part::s(7)));
        assert!(!Part::element(3, 1, 1).overlaps(Part::s(7)));
    }

    #[test]
    fn a_temporary_in_use_is_not_taken() {
        let mut temps = VectorTemps::default();
        let first = temps.take();
        (0..COUNT - 1).for_each(|_| assert_ne!(temps.take(), first));
        temps.release();
        temps.note(VTEMP + 3, Part::s(1));
        assert_eq!(temps.find(Part::s(1)), Some(VTEMP + 3));
        temps.written(Part::d(0));
        assert_eq!(temps.find(Part::s(1)), None);
    }
}
