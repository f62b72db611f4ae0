//! Ends of segments: direct branches by links or through remembered jumps, indirect ones through the latter.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits, Cond, Label};

use super::flags::{Flags, Test};
use super::recipe::Recipe;
use super::{Cold, Emitter, SiteDraft};
use crate::block::Mode;
use crate::jit::layout::*;
use crate::jit::thunks;
use crate::uop::{Op, Slot, Uop};

/// Most uops of a loop that is compiled twice, the second time with other assumptions.
const LONGEST_LOOP: usize = 64;

impl Emitter<'_> {
    /// Compiles a branch; `last` if the trace ends with it.
    pub(super) fn branch(&mut self, u: &Uop, last: bool) {
        match u.op {
            // Within a segment it is one that a condition rules out now and then, else the trace goes on there.
            Op::Jump if !last && self.ends_segment() => {}
            Op::Jump if last && self.carries() && self.goes_back(u) => {
                let label = self.loop_label(None);
                self.store_flags();
                self.asm.jmp(label);
            }
            Op::Jump => {
                self.store_flags();
                self.refund_if_apart();
                self.go_to(u.imm);
            }
            Op::Call => {
                self.store_flags();
                self.return_address(u);
                self.go_to(u.imm);
            }
            Op::JumpIf if last && self.is_loop(u) => self.go_again(u),
            Op::JumpIf => {
                if last {
                    self.store_flags();
                }
                if self.branch_by_float(u, last) {
                    return;
                }
                match self.condition_once(u.flags & 15) {
                    Test::Always => {
                        self.store_flags();
                        let refund = self.refund();
                        self.asm.alu_imm(Alu::Add, B32, BUDGET, refund.into());
                        self.go_to(u.imm);
                    }
                    Test::Host(cond) => self.branch_if(cond, u, last),
                }
            }
            Op::JumpIfZero64 => self.branch_zero(u, B64, Cond::E, last),
            Op::JumpIfZero32 => self.branch_zero(u, B32, Cond::E, last),
            Op::JumpIfNotZero64 => self.branch_zero(u, B64, Cond::Ne, last),
            Op::JumpIfNotZero32 => self.branch_zero(u, B32, Cond::Ne, last),
            Op::JumpIfBitClear => self.branch_bit(u, false, last),
            Op::JumpIfBitSet => self.branch_bit(u, true, last),
            Op::Next => self.next(u),
            Op::JumpReg | Op::JumpExchange => {
                self.store_flags();
                self.refund_if_apart();
                self.copy(B64, C, u.a);
                self.jump_through_set();
            }
            Op::Skip => self.skip(u),
            Op::CallReg => {
                self.store_flags();
                // The target may be what X30 was before.
                self.copy(B64, C, u.a);
                self.return_address(u);
                self.jump_through_set();
            }
            _ => self.by_interpreter(),
        }
    }

    /// X30 = the address of the next instruction.
    fn return_address(&mut self, u: &Uop) {
        const LINK: Slot = 30;
        let distance = i64::from(self.segment.offset) + self.after(u);
        self.page_plus(LINK, distance);
    }

    /// Distance of the next instruction from the segment's start.
    fn after(&self, u: &Uop) -> i64 {
        i64::from(u.delta) * 2 + i64::from(u.c)
    }

    /// Before a branch that looks at a register: at the end of the trace the flags must be in memory.
    fn clobber_by_branch(&mut self, last: bool) {
        if last {
            self.store_flags();
            self.flags = Flags::Memory;
        } else {
            self.clobber();
        }
    }

    fn branch_zero(&mut self, u: &Uop, bits: Bits, cond: Cond, last: bool) {
        self.clobber_by_branch(last);
        let a = self.read(u.a, A);
        self.asm.test(bits, a, a);
        self.branch_if(cond, u, last);
    }

    fn branch_bit(&mut self, u: &Uop, set: bool, last: bool) {
        self.clobber_by_branch(last);
        let a = self.src(u.a);
        let bit = u.flags & 63;
        match bit {
            0..=30 => {
                self.asm.test_imm(B32, a, 1 << bit);
                self.branch_if(if set { Cond::Ne } else { Cond::E }, u, last);
            }
            _ => {
                self.asm.bt(B64, a, bit);
                self.branch_if(if set { Cond::B } else { Cond::Ae }, u, last);
            }
        }
    }

    /// A conditional branch: at the end of the trace both ways are links, else the taken one leaves it.
    fn branch_if(&mut self, cond: Cond, u: &Uop, last: bool) {
        if !last {
            let entry = self.asm.label();
            self.asm.jcc(cond, entry);
            let refund = self.refund();
            let (flags, segment) = (self.flag_state(), self.segment);
            self.buffers.cold.push(Cold::SideExit { entry, flags, refund, segment, imm: u.imm });
            return;
        }
        debug_assert_eq!(self.refund(), 0);
        self.flags = Flags::Memory;
        match self.place(u.imm) {
            Some(target) => {
                let stub = self.asm.label();
                let jump = self.asm.jcc(cond, stub) as u32;
                self.buffers.sites.push(SiteDraft { jump, stub, target });
            }
            None => {
                let entry = self.asm.label();
                self.asm.jcc(cond, entry);
                let (flags, segment) = (self.flag_state(), self.segment);
                self.buffers.cold.push(Cold::SideExit { entry, flags, refund: 0, segment, imm: u.imm });
            }
        }
        self.go_to(self.after(u));
    }

    /// A branch on whether numbers were equal, by the host's flags after their comparison: unequal ones may be
    /// unordered. False if it is another branch.
    fn branch_by_float(&mut self, u: &Uop, last: bool) -> bool {
        let (Flags::Float { .. }, 0 | 1) = (self.flags, u.flags & 15) else { return false };
        let equal = u.flags & 1 == 0;
        let entry = self.asm.label();
        self.asm.jcc(Cond::P, entry);
        if last || !equal {
            let (flags, segment, refund) = (self.flag_state(), self.segment, self.refund());
            let imm = if equal { self.after(u) } else { u.imm };
            self.buffers.cold.push(Cold::SideExit { entry, flags, refund, segment, imm });
        }
        self.branch_if(if equal { Cond::E } else { Cond::Ne }, u, last);
        if !last && equal {
            self.asm.bind(entry);
        }
        true
    }

    /// True if the trace's last branch leads back to its beginning, with flags that can be computed again; or if code that
    /// passes values in vector temporaries gains by it.
    fn is_loop(&self, u: &Uop) -> bool {
        let known = match (self.flags, self.recipe) {
            (Flags::Host { .. } | Flags::Pending, Some(recipe)) => {
                self.again.is_none_or(|(_, before)| before == Some(recipe))
            }
            _ => self.carries() && self.again.is_none_or(|(_, before)| before.is_none()),
        };
        known && u.flags & 15 < 14 && self.goes_back(u)
    }

    /// True if the branch leads to the trace's beginning, and that is not far.
    fn goes_back(&self, u: &Uop) -> bool {
        let longest = if self.carries() { 2 * LONGEST_LOOP } else { LONGEST_LOOP };
        self.place(u.imm) == Some(self.trace.segments[0].offset) && self.trace.uops.len() <= longest
    }

    /// True if the trace's last uop leads back to its beginning, and that is not far.
    pub(super) fn is_short_loop(&self) -> bool {
        let trace = self.trace;
        let (Some(last), Some(segment)) = (trace.uops.last(), trace.segments.last()) else { return false };
        let back = i64::from(segment.offset) + last.imm == i64::from(trace.segments[0].offset);
        back && matches!(last.op, Op::Jump | Op::JumpIf) && trace.uops.len() <= 2 * LONGEST_LOOP
    }

    /// True if the trace uses vector registers of AArch32.
    fn carries(&self) -> bool {
        self.mode.has(Mode::AARCH32) && self.resident != 0
    }

    /// Where the second copy of a loop's body begins.
    fn loop_label(&mut self, recipe: Option<Recipe>) -> Label {
        let (asm, again) = (&mut self.asm, &mut self.again);
        again.get_or_insert_with(|| (asm.label(), recipe)).0
    }

    /// Back to the beginning, where the flags need not be in memory if they can be computed again.
    fn go_again(&mut self, u: &Uop) {
        let recipe = match self.flags {
            Flags::Host { .. } | Flags::Pending => self.recipe,
            _ => None,
        };
        let label = self.loop_label(recipe);
        if recipe.is_none() {
            self.store_flags();
        }
        let Test::Host(cond) = self.condition(u.flags & 15) else { unreachable!("the condition is one") };
        self.asm.jcc(cond, label);
        self.store_flags();
        self.flags = Flags::Memory;
        self.go_to(self.after(u));
    }

    /// Instructions of the trace behind the segment: they don't run if it is left at its end.
    pub(super) fn refund(&self) -> u16 {
        self.trace.insns - self.segment.before - self.segment.insns
    }

    /// The place in the page that is `imm` from the segment's start, if it is in the page.
    fn place(&self, imm: i64) -> Option<u16> {
        let to = i64::from(self.segment.offset) + imm;
        (to >> 12 == 0).then_some(to as u16)
    }

    /// Leaves the trace for what is `imm` from the segment's start. The flags must be in memory.
    pub(super) fn go_to(&mut self, imm: i64) {
        match self.place(imm) {
            Some(target) => {
                let stub = self.asm.label();
                let jump = self.asm.jmp(stub) as u32;
                self.buffers.sites.push(SiteDraft { jump, stub, target });
            }
            None => {
                self.code_address(i64::from(self.segment.offset) + imm);
                self.jump_through_set();
            }
        }
    }

    /// RCX = the program counter of code at the page's address plus `distance`. Leaves the flags alone.
    pub(super) fn code_address(&mut self, distance: i64) {
        let t32 = i64::from(self.t32_bit());
        self.page_address(C, distance + t32);
    }

    /// Goes on at RCX, by the jump that the set remembers for it.
    pub(super) fn jump_through_set(&mut self) {
        thunks::jump_through_set(self.asm, self.thunks.lookup);
    }

    /// The end of a trace that no branch made. After a uop that may have changed the mode, or what is mapped,
    /// a link won't do.
    fn next(&mut self, u: &Uop) {
        self.store_flags();
        match self.index.checked_sub(1).map(|n| self.trace.uops[n].op) {
            Some(Op::System(op)) => self.after_system(op, u),
            _ => self.go_to(u.imm),
        }
    }
}
