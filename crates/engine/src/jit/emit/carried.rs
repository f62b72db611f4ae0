//! AArch32: which vector temporaries hold which parts of vector slots, all through a trace and around its loop.
//!
//! What changes one part of a slot makes the host wait for the others. So whoever wants a part takes it from the
//! temporary that it was computed in or picked into, if that still has it; in the second copy of a loop's body from
//! what the turn before left. Lowering does so within a block, and parts of its uops are looked at here again.

use super::Emitter;
use super::liveness::past;
use crate::block::Mode;
use crate::uop::float::{DOUBLE, HALF, SCALAR, SIZE};
use crate::uop::{Elements, Extension, FloatOp, MemoryOp, Op, Slot, Uop, VTEMP, VectorOp};

/// Vector slots that AArch32 has.
const SLOTS: Slot = 16;
/// Temporaries that are followed.
const TEMPS: usize = 16;
/// Temporaries that may hold what a loop reads: those of lowering, and two more that have host registers.
const SPARE: u8 = 12;

/// Element `index` of a slot, of `1 << size` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    slot: Slot,
    size: u8,
    index: u8,
}

impl Part {
    fn overlaps(self, other: Self) -> bool {
        let bytes = |part: Self| (part.index << part.size, (part.index + 1) << part.size);
        let ((from, to), (other_from, other_to)) = (bytes(self), bytes(other));
        self.slot == other.slot && from < other_to && other_from < to
    }
}

/// The part that each temporary has a copy of, zeros above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    copies: [Option<Part>; TEMPS],
    /// What was known where uops may be skipped, and the number of the uop behind them.
    branch: Option<([Option<Part>; TEMPS], usize)>,
}

impl Carried {
    fn find(&self, part: Part) -> Option<Slot> {
        self.copies.iter().position(|&copy| copy == Some(part)).map(|n| VTEMP + n as u8)
    }

    fn note(&mut self, temp: Slot, part: Part) {
        if let Some(copy) = self.copies.get_mut(usize::from(temp.wrapping_sub(VTEMP))) {
            *copy = Some(part);
        }
    }

    fn part_written(&mut self, part: Part) {
        for copy in &mut self.copies {
            if copy.is_some_and(|copy| copy.overlaps(part)) {
                *copy = None;
            }
        }
    }

    /// A slot or a temporary got another value.
    fn written(&mut self, n: Slot) {
        if n < VTEMP {
            [0, 1].into_iter().for_each(|index| self.part_written(Part { slot: n, size: 3, index }));
        } else if let Some(copy) = self.copies.get_mut(usize::from(n - VTEMP)) {
            *copy = None;
        }
    }

    /// Before uop number `index`: if others may have been skipped, what they made is not known.
    fn join(&mut self, index: usize) {
        if let Some((before, _)) = self.branch.take_if(|(_, end)| *end == index) {
            for (copy, before) in self.copies.iter_mut().zip(before) {
                *copy = copy.filter(|_| *copy == before);
            }
        }
    }

    /// Follows uop number `index`.
    fn follow(&mut self, u: &Uop, index: usize) {
        let size = u.flags & VectorOp::SIZE;
        let part = |slot, index: i64| Part { slot, size, index: index as u8 };
        match u.op {
            Op::Skip => self.branch = Some((self.copies, past(index, u))),
            Op::Vector(VectorOp::Ins) if u.dst == u.c => {
                self.part_written(part(u.dst, u.imm & 15));
                if u.a >= VTEMP && u.imm >> 4 == 0 {
                    self.note(u.a, part(u.dst, u.imm & 15));
                }
            }
            Op::Vector(VectorOp::InsGeneral) if u.dst == u.c => self.part_written(part(u.dst, u.imm)),
            Op::Vector(VectorOp::Pick) => {
                self.written(u.dst);
                if u.a < VTEMP {
                    self.note(u.dst, part(u.a, u.imm));
                }
            }
            Op::Vector(VectorOp::Umov | VectorOp::Smov) => {}
            Op::Vector(_) => self.written(u.dst),
            Op::Float(op) if !writes_general(op) => self.written(u.dst),
            Op::Memory(op) => self.loaded(op, u),
            _ => {}
        }
    }

    fn loaded(&mut self, op: MemoryOp, u: &Uop) {
        match op {
            MemoryOp::LoadExtension => {
                let Extension { first, count, .. } = Extension::of(u.imm);
                if count == 0 {
                    return self.written(u.dst);
                }
                let per_slot = 16 >> (u.flags & 3);
                (first / per_slot..=(first + count - 1) / per_slot).for_each(|slot| self.written(slot));
            }
            MemoryOp::LoadElements => {
                let e = Elements::of(u.imm);
                for n in 0..e.elements {
                    (0..e.registers).for_each(|after| self.written(e.register(n, after) / 2));
                }
            }
            _ => {}
        }
    }

    /// The same uop with operands from temporaries.
    fn substitute(&self, u: &Uop) -> Uop {
        let mut new = *u;
        let size = u.flags & VectorOp::SIZE;
        let low = |n: Slot, size: u8| match n {
            0..SLOTS => self.find(Part { slot: n, size, index: 0 }).unwrap_or(n),
            _ => n,
        };
        match u.op {
            Op::Vector(VectorOp::Pick) if u.a < SLOTS => {
                if let Some(a) = self.find(Part { slot: u.a, size, index: u.imm as u8 }) {
                    let mov = Op::Vector(VectorOp::Mov);
                    new = Uop { op: mov, a, flags: VectorOp::Q, imm: 0, ..*u };
                }
            }
            Op::Vector(VectorOp::Ins) if u.a < SLOTS => {
                if let Some(a) = self.find(Part { slot: u.a, size, index: (u.imm >> 4) as u8 }) {
                    new = Uop { a, imm: u.imm & 15, ..*u };
                }
            }
            Op::Memory(MemoryOp::StoreExtension) if Extension::of(u.imm).count == 0 => {
                new.c = low(u.c, u.flags & 3);
            }
            Op::Float(op) => {
                if let Some(size) = scalar_size(op, u) {
                    (new.a, new.b) = (low(u.a, size), low(u.b, size));
                    new.c = if is_fused(op) { low(u.c, size) } else { u.c };
                }
            }
            _ => {}
        }
        new
    }
}

/// True for ops whose operand is a general slot.
fn reads_general(op: FloatOp) -> bool {
    use FloatOp::*;
    matches!(
        op,
        FromSigned32 | FromSigned64 | FromUnsigned32 | FromUnsigned64 | MoveFromGeneral | MoveTopFromGeneral
    )
}

/// True for ops whose destination is a general slot.
pub(super) fn writes_general(op: FloatOp) -> bool {
    use FloatOp::*;
    matches!(
        op,
        Trapped
            | Compare
            | CompareTo
            | CompareIf
            | ToSigned32
            | ToSigned64
            | ToUnsigned32
            | ToUnsigned64
            | ToInt32Js
            | MoveToGeneral
            | MoveTopToGeneral
    )
}

/// The parts that a uop picks, or reads at the low ends of slots.
fn parts_read(u: &Uop) -> [Option<Part>; 3] {
    let low = |n: Slot, size: u8| (n < SLOTS).then_some(Part { slot: n, size, index: 0 });
    match u.op {
        Op::Vector(VectorOp::Pick) if u.a < SLOTS => {
            let size = u.flags & VectorOp::SIZE;
            [Some(Part { slot: u.a, size, index: u.imm as u8 }), None, None]
        }
        Op::Float(op) => match scalar_size(op, u) {
            Some(size) => [low(u.a, size), low(u.b, size), if is_fused(op) { low(u.c, size) } else { None }],
            None => [None; 3],
        },
        _ => [None; 3],
    }
}

/// log2 of the size of a scalar op's operands in bytes, if they are vector slots and no halves.
fn scalar_size(op: FloatOp, u: &Uop) -> Option<u8> {
    if u.flags & SCALAR == 0 || u.flags & SIZE == HALF || reads_general(op) {
        return None;
    }
    match op {
        FloatOp::SignedToDouble | FloatOp::UnsignedToDouble => Some(2),
        _ => Some(if u.flags & SIZE == DOUBLE { 3 } else { 2 }),
    }
}

/// True for ops whose `c` is a slot.
fn is_fused(op: FloatOp) -> bool {
    matches!(op, FloatOp::MulAdd | FloatOp::MulSub | FloatOp::NegMulAdd | FloatOp::NegMulSub)
}

/// Temporaries that no uop of a trace touches, of those that lowering uses and two more.
fn spare(uops: &[Uop]) -> Vec<Slot> {
    let touches = |u: &Uop, n: Slot| {
        let vectors = matches!(u.op, Op::Vector(_) | Op::Float(_) | Op::Memory(_));
        vectors && [u.dst, u.a, u.b, u.c].contains(&n)
    };
    (VTEMP..VTEMP + SPARE).filter(|&n| !uops.iter().any(|u| touches(u, n))).collect()
}

/// What a loop does to a part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It writes nothing of the slot.
    Nothing,
    /// It writes other parts of the slot.
    Around,
    /// It writes the part.
    Written,
}

fn use_of(part: Part, uops: &[Uop]) -> Use {
    // What is in a temporary of which no uop knows stays there until the part is written.
    let mut watch = Carried::default();
    let whole = [0, 1].map(|index| Some(Part { slot: part.slot, size: 3, index }));
    watch.copies[TEMPS - 3..].copy_from_slice(&[Some(part), whole[0], whole[1]]);
    uops.iter().enumerate().for_each(|(n, u)| watch.follow(u, n));
    match watch.copies[TEMPS - 3..] {
        [None, ..] => Use::Written,
        [_, Some(_), Some(_)] => Use::Nothing,
        _ => Use::Around,
    }
}

impl Emitter<'_> {
    /// In the first copy of a loop's body: what the loop reads and does not write, beside something that it does write,
    /// is picked into a temporary that stays.
    fn keep_constants(&mut self, u: &Uop) {
        if self.carried.branch.is_some() || self.again.is_some() || !self.is_short_loop() {
            return;
        }
        for part in parts_read(u).into_iter().flatten() {
            if self.carried.find(part).is_some() || use_of(part, &self.trace.uops) != Use::Around {
                continue;
            }
            let spare = spare(&self.trace.uops);
            let free = |n: &Slot| self.carried.copies[usize::from(n - VTEMP)].is_none();
            let Some(dst) = spare.into_iter().find(free) else { return };
            let pick = Op::Vector(VectorOp::Pick);
            let pick = Uop { dst, a: part.slot, flags: part.size, imm: part.index.into(), ..Uop::new(pick) };
            self.lower(&pick, false);
            self.narrow.note(&pick, false);
            self.carried.note(dst, part);
        }
    }

    /// What is known where the second copy of a loop's body begins, the first one having been compiled.
    pub(super) fn carry_around(&mut self) {
        self.carried.join(self.trace.uops.len());
    }

    /// The uop with operands from temporaries where they are; notes what it changes. `None`: nothing is left to do.
    pub(super) fn by_temporaries(&mut self, u: &Uop) -> Option<Uop> {
        if !self.mode.has(Mode::AARCH32) {
            return Some(*u);
        }
        self.carried.join(self.index);
        self.keep_constants(u);
        let new = self.carried.substitute(u);
        self.carried.follow(u, self.index);
        let nothing = new.op == Op::Vector(VectorOp::Mov) && new.op != u.op && new.a == new.dst;
        (!nothing).then_some(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known at the end of a trace of which nothing is known at the beginning.
    fn at_end(uops: &[Uop]) -> Carried {
        let mut carried = Carried::default();
        for (n, u) in uops.iter().enumerate() {
            carried.join(n);
            carried.follow(u, n);
        }
        carried.join(uops.len());
        carried
    }

    fn vector(op: VectorOp, dst: Slot, a: Slot, c: Slot, imm: i64) -> Uop {
        Uop { dst, a, c, imm, flags: 3 | VectorOp::Q, ..Uop::new(Op::Vector(op)) }
    }

    #[test]
    fn a_loop_takes_its_sum_from_the_turn_before() {
        let (acc, sum) = (VTEMP, VTEMP + 1);
        let add = Uop { dst: sum, a: acc, b: 1, flags: SCALAR | DOUBLE, ..Uop::new(Op::Float(FloatOp::Add)) };
        let body = [vector(VectorOp::Pick, acc, 8, 8, 1), add, vector(VectorOp::Ins, 8, sum, 8, 1)];
        let carried = at_end(&body);
        let first = carried.substitute(&body[0]);
        assert_eq!((first.op, first.a), (Op::Vector(VectorOp::Mov), sum));
        // The same with the other half of the slot changed at the end by something else.
        let other = [body[0], add, body[2], vector(VectorOp::InsGeneral, 8, 0, 8, 0)];
        assert_eq!(at_end(&other).substitute(&body[0]).a, sum);
        let all = [body[0], add, body[2], vector(VectorOp::Add, 8, 0, 8, 0)];
        assert_eq!(at_end(&all).substitute(&body[0]).op, body[0].op);
    }

    #[test]
    fn constants_beside_what_a_loop_writes_are_told() {
        let insert = vector(VectorOp::Ins, 2, VTEMP + 1, 2, 1);
        let part = |slot, index| Part { slot, size: 3, index };
        let of = |part| use_of(part, &[insert]);
        assert!(of(part(2, 0)) == Use::Around && of(part(2, 1)) == Use::Written);
        assert!(of(part(3, 0)) == Use::Nothing);
        assert_eq!(spare(&[insert])[..2], [VTEMP, VTEMP + 2]);
    }

    #[test]
    fn what_may_be_skipped_is_not_known() {
        let skip = Uop { imm: 1, ..Uop::new(Op::Skip) };
        let pick = vector(VectorOp::Pick, VTEMP, 3, 3, 1);
        let nothing = Uop::new(Op::MovI);
        assert_ne!(at_end(&[pick, nothing]), Carried::default());
        assert_eq!(at_end(&[skip, pick, nothing]).copies, [None; TEMPS]);
        assert_eq!(at_end(&[pick, skip, nothing, nothing]).copies[0].map(|part| part.slot), Some(3));
    }
}
