//! How to compute flags again: what a comparison compared, as long as registers still tell.
//!
//! Most flags are looked at by a branch right after the comparison and by nobody else; yet an access that faults
//! before the next comparison must show them. So they aren't stored, but computed again where somebody looks,
//! which is seldom: in cold code.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits, Mem};

use super::Emitter;
use super::carried::writes_general;
use super::flags::Flags;
use crate::jit::layout::*;
use crate::uop::{MemoryOp, Op, SINK, Slot, TEMP, Uop, VectorOp};

/// The second operand of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Second {
    Imm(i32),
    Slot(Slot),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// TST, else CMP.
    test: bool,
    bits: Bits,
    a: Slot,
    /// What was added to `a` since.
    added: i32,
    b: Second,
}

impl Recipe {
    /// How to compute the flags that `u` sets, after it has run.
    fn of(u: &Uop) -> Option<Self> {
        use Op::*;
        let (test, bits) = match u.op {
            SubSI64 | SubS64 => (false, B64),
            SubSI32 | SubS32 => (false, B32),
            AndSI64 | AndS64 => (true, B64),
            AndSI32 | AndS32 => (true, B32),
            _ => return None,
        };
        let imm = if bits == B32 { i64::from(u.imm as i32) } else { u.imm };
        let b = match u.op {
            SubS64 | SubS32 | AndS64 | AndS32 => Second::Slot(u.b),
            _ => Second::Imm(i32::try_from(imm).ok()?),
        };
        let added = match b {
            Second::Imm(imm) if u.dst == u.a && !test => imm.checked_neg()?,
            _ => 0,
        };
        let kept = (u.dst != u.a || added != 0) && b != Second::Slot(u.dst);
        let temporary = u.a >= TEMP || matches!(b, Second::Slot(b) if b >= TEMP);
        (kept && !temporary).then_some(Self { test, bits, a: u.a, added, b })
    }

    pub(super) fn uses(&self, n: Slot) -> bool {
        n != SINK && (self.a == n || self.b == Second::Slot(n))
    }

    /// Follows an addition to `a`. False if that is not what `u` does.
    fn follow(&mut self, u: &Uop) -> bool {
        let fits = u.op == Op::AddI64 || u.op == Op::AddI32 && self.bits == B32;
        let sum = i32::try_from(u.imm).ok().and_then(|imm| self.added.checked_add(imm));
        match sum {
            Some(sum) if fits && u.dst == u.a && u.a == self.a && self.b != Second::Slot(u.a) => {
                self.added = sum;
                true
            }
            _ => false,
        }
    }
}

/// True for uops that write nothing but `dst` and, if they are pairs, `c`.
pub(super) fn is_simple(op: Op) -> bool {
    !op.is_branch() && !matches!(op, Op::Memory(_) | Op::System(_) | Op::Dsp(_) | Op::Undefined)
}

/// True for uops that write no general register.
fn writes_nothing(op: Op) -> bool {
    use MemoryOp::{LoadElements, LoadExtension, StoreElements, StoreExtension};
    match op {
        Op::Jump
        | Op::Skip
        | Op::CheckAlign
        | Op::CheckFp
        | Op::Store8
        | Op::Store16
        | Op::Store32
        | Op::Store64 => true,
        op if op.is_vector_access() || op.is_store_pair() => true,
        Op::Vector(op) => !matches!(op, VectorOp::Umov | VectorOp::Smov),
        Op::Float(op) => !writes_general(op),
        Op::Memory(op) => {
            matches!(op, LoadExtension | StoreExtension | LoadElements | StoreElements)
        }
        op => op.is_conditional(),
    }
}

/// True if the uop leaves the recipe's registers alone.
pub(super) fn keeps(recipe: &Recipe, u: &Uop) -> bool {
    writes_nothing(u.op) || is_simple(u.op) && !recipe.uses(u.dst) && !recipe.uses(u.c)
}

impl Emitter<'_> {
    /// Before uop `u`: flags that it makes impossible to compute again go to memory.
    pub(super) fn keep_flags(&mut self, u: &Uop) {
        let Some(mut recipe) = self.recipe else { return };
        if recipe.follow(u) {
            self.recipe = Some(recipe);
            return;
        }
        if keeps(&recipe, u) {
            return;
        }
        if self.flags == Flags::Pending {
            self.before_clobber();
            self.flags = Flags::Memory;
        }
        self.recipe = None;
    }

    /// After uop `u`: if its flags are in the host's alone, notes how to compute them again.
    pub(super) fn note_recipe(&mut self, u: &Uop) {
        if let Flags::Host { stored: false, .. } = self.flags
            && let Some(recipe) = Recipe::of(u)
        {
            self.recipe = Some(recipe);
        }
    }

    /// Computes flags that are in no place. Changes RAX.
    pub(super) fn compute_flags(&mut self) {
        if self.flags != Flags::Pending {
            return;
        }
        let Some(Recipe { test, bits, a, added, b }) = self.recipe else {
            unreachable!("pending flags have a recipe")
        };
        let a = match (self.held(a), added) {
            (Some(reg), 0) => reg,
            _ => {
                self.forget_copies();
                self.copy(bits, A, a);
                if added != 0 {
                    self.asm.lea(bits, A, Mem::base(A, added.wrapping_neg()));
                }
                A
            }
        };
        match (test, b) {
            (false, Second::Imm(imm)) => self.asm.alu_imm(Alu::Cmp, bits, a, imm),
            (true, Second::Imm(imm)) => self.asm.test_imm(bits, a, imm),
            (false, Second::Slot(n)) => {
                let b = self.operand(n);
                self.asm.alu(Alu::Cmp, bits, a, b);
            }
            (true, Second::Slot(n)) => {
                let b = self.operand(n);
                self.asm.test(bits, b, a);
            }
        }
        self.flags = Flags::Host { borrow: !test, stored: false };
    }
}
