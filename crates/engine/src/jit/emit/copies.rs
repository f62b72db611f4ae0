//! Values of slots that live in memory, kept in the scratch registers from one integer uop to the next.
//!
//! Code with more live registers than the host has for them computes in chains: a value is used by the next
//! instruction or two and then replaced. Its way through memory would cost more than the computation. So integer uops
//! that can't leave the trace ([`super::integer`] says which) leave their results in RAX, RCX or RDX; they
//! go to memory when the register is wanted or when any other uop comes, and not at all if the slot got another
//! value before.

use armlet_x64::{Bits, Gpr, Rm};

use super::{Emitter, Loc};
use crate::jit::layout::*;
use crate::uop::{Op, SINK, Slot, TEMP, Uop};

const SCRATCH: [Gpr; 3] = [A, C, T];

/// A copy that goes to memory before it is used.
const FLUSHED: usize = usize::MAX - 1;
/// A copy that is never used, and whose value memory doesn't need either.
const UNUSED: usize = usize::MAX;

/// True for uops that take operands from copies and leave their result as one.
pub(super) fn keeps_copies(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        Mov | Mov32
            | MovI
            | MovK64
            | MovK32
            | Add64
            | Add32
            | AddI64
            | AddI32
            | Sub64
            | Sub32
            | AddS64
            | AddS32
            | AddSI64
            | AddSI32
            | SubS64
            | SubS32
            | SubSI64
            | SubSI32
            | Csel64
            | Csel32
            | And64
            | And32
            | AndI
            | Orr64
            | Orr32
            | OrrI64
            | OrrI32
            | Eor64
            | Eor32
            | EorI64
            | EorI32
            | Bic64
            | Bic32
            | Orn64
            | Orn32
            | Eon64
            | Eon32
            | LslI64
            | LslI32
            | LsrI64
            | LsrI32
            | AsrI64
            | AsrI32
            | RorI64
            | RorI32
            | Rev64
            | Rev32
    )
}

/// The copies in RAX, RCX and RDX.
#[derive(Clone, Copy)]
pub(super) struct Copies {
    /// The slot whose value is there; [`SINK`] if none is.
    slots: [Slot; 3],
    /// Memory doesn't have the value.
    dirty: [bool; 3],
    /// `delta` of the last uop.
    delta: u8,
}

impl Default for Copies {
    fn default() -> Self {
        Self { slots: [SINK; 3], dirty: [false; 3], delta: 0 }
    }
}

impl Copies {
    /// Where the value of `n` is.
    fn find(&self, n: Slot) -> Option<usize> {
        self.slots.iter().position(|&held| held == n && n != SINK)
    }

    fn drop(&mut self, at: usize) {
        self.slots[at] = SINK;
        self.dirty[at] = false;
    }

    /// Temporaries end with their instruction.
    fn start(&mut self, u: &Uop) {
        if u.delta != self.delta {
            self.delta = u.delta;
            (0..3).filter(|&at| self.slots[at] >= TEMP).for_each(|at| self.dirty[at] = false);
        }
    }
}

fn index(reg: Gpr) -> Option<usize> {
    SCRATCH.iter().position(|&scratch| scratch == reg)
}

impl Emitter<'_> {
    /// Before uop `u`: what is in the register of temporaries makes room for one, and everything for a uop that does
    /// not know of copies.
    pub(super) fn start_copies(&mut self, u: &Uop) {
        self.copies.start(u);
        if !keeps_copies(u.op) {
            self.forget_copies();
        } else if self.temp != SINK {
            self.forget_copy(2);
        }
    }

    /// Puts into memory what is in scratch registers alone, and forgets about them. Leaves the host's flags alone.
    pub(super) fn forget_copies(&mut self) {
        (0..3).for_each(|at| self.forget_copy(at));
    }

    fn forget_copy(&mut self, at: usize) {
        if self.copies.dirty[at] {
            self.asm.store(Bits::B64, slot(self.copies.slots[at]), SCRATCH[at]);
        }
        self.copies.drop(at);
    }

    /// The register with the slot's value, if one has it.
    pub(super) fn held(&self, n: Slot) -> Option<Gpr> {
        if let Loc::Reg(reg) = self.loc(n) {
            return Some(reg);
        }
        let at = self.copies.find(n)?;
        Some(SCRATCH[at])
    }

    /// A slot as an operand that is read.
    pub(super) fn operand(&self, n: Slot) -> Rm {
        self.held(n).map_or_else(|| slot(n).into(), Rm::from)
    }

    /// Where uop `u` may compute its result while the registers of `busy` are still read: the destination's
    /// register, or a scratch register.
    pub(super) fn home(&mut self, u: &Uop, busy: [Option<Gpr>; 2]) -> Gpr {
        match self.loc(u.dst) {
            Loc::Reg(reg) => reg,
            Loc::Mem => self.free_scratch(busy),
        }
    }

    /// A scratch register that is none of `busy`. What it held goes to memory.
    pub(super) fn free_scratch(&mut self, busy: [Option<Gpr>; 2]) -> Gpr {
        let free =
            |at: &usize| !(busy.contains(&Some(SCRATCH[*at])) || SCRATCH[*at] == T && self.temp != SINK);
        let at = (0..3).filter(free).max_by_key(|&at| self.idle(self.copies.slots[at]));
        let at = at.expect("two operands leave a register");
        if self.idle(self.copies.slots[at]) == UNUSED {
            self.copies.drop(at);
        }
        self.forget_copy(at);
        SCRATCH[at]
    }

    /// For how many uops a copy of `n` is of no use: [`UNUSED`] if nothing reads the value any more.
    fn idle(&self, n: Slot) -> usize {
        let (u, rest) = self.trace.uops[self.index..].split_first().expect("there is a uop");
        if n == SINK || n == u.dst {
            return UNUSED;
        }
        if self.recipe.is_some_and(|recipe| recipe.uses(n)) {
            return FLUSHED;
        }
        for (distance, v) in rest.iter().enumerate() {
            if n >= TEMP && v.delta != u.delta || keeps_copies(v.op) && v.dst == n && v.a != n && v.b != n {
                return UNUSED;
            } else if !keeps_copies(v.op) {
                return FLUSHED;
            } else if v.a == n || v.b == n {
                return distance;
            }
        }
        FLUSHED
    }

    /// The result of `u` is in `reg`, which it may keep.
    pub(super) fn result(&mut self, u: &Uop, reg: Gpr) {
        if let Loc::Reg(to) = self.loc(u.dst) {
            if to != reg {
                self.asm.mov(Bits::B64, to, reg);
            }
            return;
        }
        self.stale(u.dst);
        let at = index(reg).expect("results of slots in memory come in scratch registers");
        self.copies.slots[at] = u.dst;
        self.copies.dirty[at] = u.dst != SINK;
    }

    /// After a load whose cold code leaves a copy as well: the value of `n` is in RAX.
    pub(super) fn loaded(&mut self, n: Slot) {
        (self.copies.slots[0], self.copies.dirty[0]) = (n, true);
    }

    /// The next uop may take its operands from copies.
    pub(super) fn copies_go_on(&self) -> bool {
        self.trace.uops.get(self.index + 1).is_some_and(|next| keeps_copies(next.op))
    }

    /// What is held of `n` is no longer its value, which memory has.
    pub(super) fn stale(&mut self, n: Slot) {
        if let Some(at) = self.copies.find(n) {
            self.copies.drop(at);
        }
    }

    /// The register that holds `n` may take the result of `u`: nobody reads the value afterwards.
    pub(super) fn spent(&self, u: &Uop, n: Slot) -> Option<Gpr> {
        let at = self.copies.find(n).filter(|_| self.loc(u.dst) == Loc::Mem)?;
        (n == u.dst || n >= TEMP && !self.is_read_later(u, n)).then_some(SCRATCH[at])
    }

    /// The rest of the instruction reads temporary `n`.
    fn is_read_later(&self, u: &Uop, n: Slot) -> bool {
        let rest = self.trace.uops[self.index + 1..].iter().take_while(|v| v.delta == u.delta);
        rest.into_iter().any(|v| v.a == n || v.b == n || v.c == n)
    }
}
