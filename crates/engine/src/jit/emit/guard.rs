//! Uops that a condition may rule out: [`crate::uop::Op::Skip`].
//!
//! Behind them the flags must be in one place, whichever way was taken: in memory, nowhere but computed by the same recipe,
//! or still in the host's.

use armlet_x64::{Alu, Bits, Label};

use super::flags::{Flags, Test};
use super::liveness::{self, past};
use super::recipe::{Recipe, keeps};
use super::{Emitter, float};
use crate::jit::layout::BUDGET;
use crate::uop::Uop;

/// Where skipped uops end.
pub struct Join {
    /// Number of the uop that comes then.
    index: usize,
    label: Label,
    /// The flags there, if the skipped uops change none of that.
    flags: Flags,
    recipe: Option<Recipe>,
    /// The skipped uops never come there: they leave the trace.
    apart: bool,
}

impl Emitter<'_> {
    /// Jumps over the next uops unless the condition holds.
    pub(super) fn skip(&mut self, u: &Uop) {
        let end = past(self.index, u);
        let skipped = &self.trace.uops[self.index + 1..end];
        let apart = skipped.last().is_some_and(|last| last.op.is_branch());
        let flags_live = self.buffers.needs[end].before != 0;
        let changes = skipped.iter().any(liveness::changes_flags);
        // Flags that are in memory may have come of something else since.
        if !matches!(self.flags, Flags::Host { .. } | Flags::Pending) {
            self.recipe = None;
        }
        let computable = self.recipe.is_some_and(|recipe| skipped.iter().all(|v| keeps(&recipe, v)));
        if flags_live && !apart && (changes || !computable) {
            self.store_flags();
            self.recipe = None;
        }
        let Test::Host(cond) = self.condition_once(u.flags & 15) else { return };
        let label = self.asm.label();
        self.asm.jcc(cond.not(), label);
        let (flags, recipe) = (self.flags, self.recipe);
        self.join = Some(Join { index: end, label, flags, recipe, apart });
    }

    /// Where skipped uops end, brings both ways together.
    pub(super) fn join_here(&mut self) {
        if self.join.as_ref().is_none_or(|join| join.index != self.index) {
            return;
        }
        let Some(join) = self.join.take() else { return };
        self.forget_copies();
        self.known = None;
        let same = self.flags == join.flags && self.recipe == join.recipe;
        if join.apart {
            (self.flags, self.recipe) = (join.flags, join.recipe);
        } else if !same {
            (self.flags, self.recipe) = match join.recipe {
                // Both can compute them, wherever else they are.
                Some(recipe) if self.recipe == join.recipe => (Flags::Pending, Some(recipe)),
                _ => {
                    // The other way stored them, or nobody wants them.
                    self.store_flags_if_live();
                    (Flags::Memory, None)
                }
            };
        }
        self.asm.bind(join.label);
        self.narrow = float::Narrow::default();
    }

    fn store_flags_if_live(&mut self) {
        if self.buffers.needs[self.index].before != 0 {
            self.store_flags();
        }
    }

    /// True if the uop is the last one of its segment.
    pub(super) fn ends_segment(&self) -> bool {
        let behind = self.index + 1;
        behind == self.trace.uops.len() || self.trace.segments.iter().any(|s| usize::from(s.first) == behind)
    }

    /// Before a branch among skipped uops: gives back what was paid for what comes behind its segment. The flags must be
    /// in memory.
    pub(super) fn refund_if_apart(&mut self) {
        if !self.ends_segment() {
            let refund = self.refund();
            if refund != 0 {
                self.asm.alu_imm(Alu::Add, Bits::B32, BUDGET, refund.into());
            }
        }
    }
}
