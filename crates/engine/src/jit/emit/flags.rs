//! N, Z, C and V: in the host's flags while they can be, in memory where somebody might look.

use armlet_x64::{Alu, Bits, Cond, Gpr, Mem};

use super::{Emitter, liveness};
use crate::jit::layout::*;

/// Where the guest's flags are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flags {
    /// In memory alone.
    Memory,
    /// In the host's flags: S, Z and O are N, Z and V.
    Host {
        /// The host's carry is the inverse of C, as after a subtraction.
        borrow: bool,
        /// They are in memory as well.
        stored: bool,
    },
    /// N and Z are S and Z of the host; with `carry` C is its carry. The rest is in memory.
    Part {
        /// C is the host's carry.
        carry: bool,
        /// They are in memory as well.
        stored: bool,
    },
    /// Nowhere: [`super::recipe`] knows how to compute them.
    Pending,
    /// In the host's flags as a comparison of floating-point numbers left them.
    Float {
        /// It was `b` that was compared with `a`.
        swapped: bool,
        /// They are in memory as well.
        stored: bool,
    },
}

impl Flags {
    /// Memory doesn't have them.
    fn are_elsewhere(self) -> bool {
        match self {
            Self::Memory => false,
            Self::Pending => true,
            Self::Host { stored, .. } | Self::Part { stored, .. } | Self::Float { stored, .. } => !stored,
        }
    }
}

/// A condition, to be tested now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// It always holds.
    Always,
    /// By the host's flags.
    Host(Cond),
}

impl Test {
    /// The opposite of a condition that depends on flags.
    pub fn not(self) -> Option<Cond> {
        match self {
            Self::Always => None,
            Self::Host(cond) => Some(cond.not()),
        }
    }
}

impl Emitter<'_> {
    /// Must come before any host instruction of a uop that changes the host's flags.
    pub(super) fn before_clobber(&mut self) {
        if self.buffers.needs[self.index].before != 0 {
            self.store_flags();
        }
    }

    /// The same for uops that don't set the guest's flags. Those that can be computed again aren't stored.
    pub(super) fn clobber(&mut self) {
        let needed = self.buffers.needs[self.index].before != 0;
        self.flags = match self.flags {
            Flags::Pending if needed => Flags::Pending,
            Flags::Host { stored: false, .. } if needed && self.recipe.is_some() => Flags::Pending,
            _ => {
                self.before_clobber();
                Flags::Memory
            }
        };
    }

    /// The guest's flags are now the host's.
    pub(super) fn flags_set(&mut self, borrow: bool) {
        self.flags = Flags::Host { borrow, stored: false };
        self.recipe = None;
    }

    /// The host's S and Z are now N and Z, its carry C if `carry`; [`Self::keep_rest`] came before.
    pub(super) fn part_set(&mut self, carry: bool) {
        self.flags = Flags::Part { carry, stored: false };
        self.recipe = None;
    }

    /// Before a uop that sets some flags: those that it leaves alone go to memory if anybody wants them.
    pub(super) fn keep_rest(&mut self, sets: u8) {
        let mut there = 0;
        if let Flags::Part { carry: false, .. } = self.flags {
            there = liveness::C | liveness::V;
        } else if let Flags::Part { carry: true, .. } = self.flags {
            there = liveness::V;
        }
        if self.buffers.needs[self.index].after & !sets & !there != 0 {
            self.store_flags();
        }
    }

    /// Stores N and Z, and C if that is the host's carry. Leaves the host's flags alone unless C has to come from memory.
    fn store_part(&mut self, carry: bool) {
        self.asm.lahf();
        self.asm.movzx_ah(A);
        if carry {
            self.asm.store8(FLAGS_HIGH, A);
            self.flags = Flags::Part { carry, stored: true };
            return;
        }
        self.asm.alu_imm(Alu::And, Bits::B32, A, 0xc0);
        self.asm.alu_imm8(Alu::And, FLAGS_HIGH, 0x3f);
        self.asm.alu8_mem(Alu::Or, FLAGS_HIGH, A);
        self.flags = Flags::Memory;
    }

    /// Puts the flags into memory if they are in the host's alone. Leaves the latter alone, or says that they hold nothing.
    pub(super) fn store_flags(&mut self) {
        if self.flags.are_elsewhere() {
            self.forget_copies();
        }
        self.compute_flags();
        if let Flags::Part { carry, stored: false } = self.flags {
            return self.store_part(carry);
        }
        if let Flags::Float { swapped, stored: false } = self.flags {
            self.store_float_flags(swapped);
            self.flags = Flags::Float { swapped, stored: true };
        }
        let Flags::Host { borrow, stored: false } = self.flags else { return };
        self.asm.lahf();
        self.asm.set(Cond::O, A);
        if borrow {
            // The sum's carry out of bit 8 ends in bits that mean nothing.
            self.asm.lea(Bits::B32, A, Mem::base(A, 0x100));
        }
        self.asm.store(Bits::B32, FLAGS, A);
        self.flags = Flags::Host { borrow, stored: true };
    }

    /// Puts the flags into the host's.
    pub(super) fn load_flags(&mut self) {
        self.compute_flags();
        if !matches!(self.flags, Flags::Host { .. }) {
            self.store_flags();
            self.forget_copies();
            self.asm.mov(Bits::B32, A, FLAGS);
            self.flags_from_a();
            (self.flags, self.recipe) = (Flags::Host { borrow: false, stored: true }, None);
        }
    }

    /// The host's flags from the form in which memory holds them, in RAX.
    fn flags_from_a(&mut self) {
        // 1 + 0x7f overflows, 0 + 0x7f doesn't.
        self.asm.add_al(0x7f);
        self.asm.sahf();
    }

    /// The host's flags = `nzcv`, four bits; `borrow` as in [`Flags::Host`].
    pub(super) fn constant_flags(&mut self, nzcv: u8, borrow: bool) {
        let carry = (nzcv >> 1 & 1) ^ u8::from(borrow);
        let high = nzcv >> 3 << 7 | (nzcv >> 2 & 1) << 6 | 2 | carry;
        self.asm.mov_imm(A, u64::from(high) << 8 | u64::from(nzcv & 1));
        self.flags_from_a();
    }

    /// The carry of the host = C, inverted if `inverted`.
    pub(super) fn carry(&mut self, inverted: bool) {
        self.store_float();
        self.compute_flags();
        let borrow = match self.flags {
            Flags::Memory => {
                self.asm.bt(Bits::B32, FLAGS, 8);
                false
            }
            Flags::Host { borrow, .. } => borrow,
            Flags::Part { carry: true, .. } => false,
            Flags::Part { carry: false, .. } => {
                self.store_flags();
                self.asm.bt(Bits::B32, FLAGS, 8);
                false
            }
            Flags::Pending | Flags::Float { .. } => unreachable!("they were stored or computed"),
        };
        if borrow != inverted {
            self.asm.cmc();
            if let Flags::Host { borrow, .. } = &mut self.flags {
                *borrow = inverted;
            }
        }
    }

    /// How to test condition `cc` now. The host's flags hold the guest's afterwards, unless they are in memory
    /// and one bit of it was enough.
    pub(super) fn condition(&mut self, cc: u8) -> Test {
        if cc >= 14 {
            return Test::Always;
        }
        if let Some(cond) = self.float_condition(cc).or_else(|| self.part_condition(cc)) {
            return Test::Host(cond);
        }
        self.load_flags();
        let Flags::Host { borrow, stored } = self.flags else { unreachable!("they were loaded") };
        if matches!(cc, 8 | 9) && !borrow {
            // The host tests "above" in terms of a borrow only.
            self.asm.cmc();
            self.flags = Flags::Host { borrow: true, stored };
        }
        let Flags::Host { borrow, .. } = self.flags else { unreachable!("they were loaded") };
        Test::Host(match (cc, borrow) {
            (0, _) => Cond::E,
            (1, _) => Cond::Ne,
            (2, true) | (3, false) => Cond::Ae,
            (2, false) | (3, true) => Cond::B,
            (4, _) => Cond::S,
            (5, _) => Cond::Ns,
            (6, _) => Cond::O,
            (7, _) => Cond::No,
            (8, _) => Cond::A,
            (9, _) => Cond::Be,
            (10, _) => Cond::Ge,
            (11, _) => Cond::L,
            (12, _) => Cond::G,
            _ => Cond::Le,
        })
    }

    /// How to test a condition on flags that [`Flags::Part`] has in the host's.
    fn part_condition(&self, cc: u8) -> Option<Cond> {
        let Flags::Part { carry, .. } = self.flags else { return None };
        match (cc, carry) {
            (0, _) => Some(Cond::E),
            (1, _) => Some(Cond::Ne),
            (2, true) => Some(Cond::B),
            (3, true) => Some(Cond::Ae),
            (4, _) => Some(Cond::S),
            (5, _) => Some(Cond::Ns),
            _ => None,
        }
    }

    /// The same, where the host's flags need not hold the guest's afterwards.
    pub(super) fn condition_once(&mut self, cc: u8) -> Test {
        let bit = match cc >> 1 {
            0 => 0x4000,
            1 => 0x100,
            2 => 0x8000,
            3 => 1,
            _ => 0,
        };
        if bit != 0 && self.float_condition(cc).is_none() {
            self.store_float();
        }
        if matches!(self.flags, Flags::Part { .. }) && bit != 0 && self.part_condition(cc).is_none() {
            self.store_flags();
            self.flags = Flags::Memory;
        }
        if self.flags != Flags::Memory || bit == 0 {
            return self.condition(cc);
        }
        self.asm.test_imm(Bits::B32, FLAGS, bit);
        Test::Host(if cc & 1 == 0 { Cond::Ne } else { Cond::E })
    }

    /// `a - b` for flags alone.
    pub(super) fn compare(&mut self, bits: Bits, a: Gpr, b: armlet_x64::Rm) {
        self.asm.alu(Alu::Cmp, bits, a, b);
    }
}
