//! Ordered, exclusive, unprivileged and atomic accesses to pages in the soft TLB. All else, and unaligned
//! ones but for the unprivileged, are the interpreter's.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits, Cond, Gpr, Label, Mem, Shift};

use super::Emitter;
use super::memory::{For, Widen};
use crate::block::Mode;
use crate::jit::layout::*;
use crate::mmu::Set;
use crate::uop::{MemoryOp, SINK, Uop};

impl Emitter<'_> {
    pub(super) fn ordered(&mut self, op: MemoryOp, u: &Uop) {
        use MemoryOp as M;
        let size = u.flags & 3;
        match op {
            M::LoadAcquire => self.load_acquire(u),
            M::StoreRelease => self.store_release(u),
            M::LoadUnprivileged => self.unprivileged(u, For::Load),
            M::StoreUnprivileged => self.unprivileged(u, For::Store),
            M::LoadMultiple if u.flags & MemoryOp::REVERSED == 0 => self.load_multiple(u),
            M::StoreMultiple if u.flags & MemoryOp::REVERSED == 0 => self.store_multiple(u),
            M::LoadExclusive => self.load_exclusive(u),
            M::StoreExclusive => self.store_exclusive(u),
            M::Cas => self.compare_and_swap(u),
            M::Casp if size == 3 && is_even_pair(u) => self.compare_and_swap_pair(u),
            M::Add | M::Clr | M::Eor | M::Set if u.dst == SINK && size >= 2 => self.atomic_store(op, u),
            M::Add | M::Swp => self.atomic_exchange(op, u),
            M::Clr | M::Eor | M::Set => self.atomic_loop(op, u),
            M::Smax | M::Smin | M::Umax | M::Umin if size >= 2 => self.atomic_loop(op, u),
            _ => self.by_interpreter(),
        }
    }

    /// As [`Emitter::look_up`] for an access that must be aligned.
    fn look_up_aligned(&mut self, va: Gpr, size: u8, what: For, slow: Label) {
        self.number_entry(va);
        self.tag(va, size, true);
        self.asm.alu(Alu::Cmp, B64, T, data_entry(A, what.tag()));
        self.asm.jcc(Cond::Ne, slow);
        self.asm.mov(B64, A, data_entry(A, Set::HOST_OFFSET));
    }

    /// The same in the set of EL0, and aligned only if that matters to all accesses.
    fn look_up_unprivileged(&mut self, va: Gpr, size: u8, what: For, slow: Label) {
        let at = |offset: usize| Mem::base(A, offset as i32);
        self.number_entry(va);
        self.asm.shift(Shift::Shl, B32, A, 3);
        self.asm.alu(Alu::Add, B64, A, USER_SET);
        self.tag(va, size, self.mode.has(Mode::ALIGN));
        self.asm.alu(Alu::Cmp, B64, T, at(what.tag()));
        self.asm.jcc(Cond::Ne, slow);
        self.asm.mov(B64, A, at(Set::HOST_OFFSET));
    }

    /// RDX = what must equal the page's tag.
    fn tag(&mut self, va: Gpr, size: u8, aligned: bool) {
        let unit = 1i32 << size;
        if aligned || size == 0 {
            self.asm.mov(B64, T, va);
            self.asm.alu_imm(Alu::And, B64, T, -4096 | (unit - 1));
        } else {
            self.asm.lea(B64, T, Mem::base(va, unit - 1));
            self.asm.alu_imm(Alu::And, B64, T, -4096);
        }
    }

    /// Begins an aligned access at `u.a + u.imm`: RCX becomes the host's address. Returns where to go on after a
    /// miss.
    fn locate_aligned(&mut self, u: &Uop, what: For) -> Label {
        self.clobber();
        let va = self.address(u, crate::uop::ZERO);
        let (slow, resume) = self.slow_path();
        self.look_up_aligned(va, u.flags & 3, what, slow);
        self.asm.lea(B64, C, Mem::indexed(A, va, 0, 0));
        resume
    }

    fn load_acquire(&mut self, u: &Uop) {
        let resume = self.locate_aligned(u, For::Load);
        let d = self.dst(u.dst, A);
        self.load_value(d, Mem::base(C, 0), u.flags & 3, widen(u.flags));
        self.write(u.dst, d);
        self.asm.bind(resume);
    }

    fn store_release(&mut self, u: &Uop) {
        let resume = self.locate_aligned(u, For::Store);
        if self.is_alone() {
            // Only the order among this PE's own later load-acquires is lost, which nobody else sees.
            self.store_slot(u.c, Mem::base(C, 0), u.flags & 3);
        } else {
            self.copy(B64, T, u.c);
            self.asm.xchg(u.flags & 3, Mem::base(C, 0), T);
        }
        self.asm.bind(resume);
    }

    fn unprivileged(&mut self, u: &Uop, what: For) {
        self.clobber();
        let size = u.flags & 3;
        let va = self.address(u, crate::uop::ZERO);
        let (slow, resume) = self.slow_path();
        self.look_up_unprivileged(va, size, what, slow);
        let at = Mem::indexed(A, va, 0, 0);
        if what == For::Store {
            self.store_slot(u.c, at, size);
        } else {
            let d = self.dst(u.dst, A);
            self.load_value(d, at, size, widen(u.flags));
            self.write(u.dst, d);
        }
        self.asm.bind(resume);
    }

    fn load_exclusive(&mut self, u: &Uop) {
        let resume = self.locate_aligned(u, For::Load);
        let size = u.flags & 3;
        self.load_value(A, Mem::base(C, 0), size, Widen::Zero);
        self.asm.store(B64, MONITOR_AT, C);
        self.asm.store_imm(B64, MONITOR_SIZE, 1 << size);
        self.asm.store(B64, MONITOR_LOW, A);
        self.asm.store_imm(B64, MONITOR_HIGH, 0);
        self.write(u.dst, A);
        self.asm.bind(resume);
    }

    fn store_exclusive(&mut self, u: &Uop) {
        let resume = self.locate_aligned(u, For::Store);
        let size = u.flags & 3;
        let lost = self.asm.label();
        self.asm.alu(Alu::Cmp, B64, C, MONITOR_AT);
        self.asm.jcc(Cond::Ne, lost);
        self.asm.alu_imm(Alu::Cmp, B64, MONITOR_SIZE, 1 << size);
        self.asm.jcc(Cond::Ne, lost);
        self.asm.mov(B64, A, MONITOR_LOW);
        let value = self.read(u.c, T);
        self.asm.lock_cmpxchg(size, Mem::base(C, 0), value);
        self.asm.bind(lost);
        self.asm.store_imm(B64, MONITOR_AT, 0);
        self.asm.set(Cond::Ne, A);
        self.asm.movzx8(A, A);
        self.write(u.dst, A);
        self.asm.bind(resume);
    }

    fn compare_and_swap(&mut self, u: &Uop) {
        let resume = self.locate_aligned(u, For::Store);
        let size = u.flags & 3;
        self.copy(B64, A, u.b);
        let new = self.read(u.c, T);
        self.asm.lock_cmpxchg(size, Mem::base(C, 0), new);
        self.zero_extend(A, size);
        self.write(u.dst, A);
        self.asm.bind(resume);
    }

    /// CASP of doublewords. The host wants four registers for it, one of which is a guest's.
    fn compare_and_swap_pair(&mut self, u: &Uop) {
        let borrowed = [Gpr::Rbx, Gpr::Rsi];
        self.clobber();
        let va = self.address(u, crate::uop::ZERO);
        let (slow, resume) = self.slow_path();
        self.look_up_aligned(va, 4, For::Store, slow);
        self.asm.lea(B64, A, Mem::indexed(A, va, 0, 0));
        for reg in borrowed {
            if let Some(&(n, _)) = MAPPED.iter().find(|(_, mapped)| *mapped == reg) {
                self.asm.store(B64, slot(n), reg);
            }
        }
        // Operands are read from their homes while those are intact.
        self.asm.mov(B64, Gpr::Rsi, A);
        self.copy_intact(A, u.b, &borrowed);
        self.copy_intact(T, u.b + 1, &borrowed);
        self.copy_intact(C, u.c + 1, &borrowed);
        self.copy_intact(Gpr::Rbx, u.c, &borrowed);
        self.asm.lock_cmpxchg16b(Mem::base(Gpr::Rsi, 0));
        for (n, reg) in MAPPED {
            if borrowed.contains(&reg) {
                self.asm.mov(B64, reg, slot(n));
            }
        }
        self.write(u.dst, A);
        self.write(u.dst + 1, T);
        self.asm.bind(resume);
    }

    /// `to` = a slot, from memory if its register is among those that are borrowed.
    fn copy_intact(&mut self, to: Gpr, n: crate::uop::Slot, borrowed: &[Gpr]) {
        match self.loc(n) {
            super::Loc::Reg(reg) if !borrowed.contains(&reg) => self.asm.mov(B64, to, reg),
            _ => self.asm.mov(B64, to, slot(n)),
        }
    }

    /// An atomic operation whose old value nobody wants, of words or doublewords.
    fn atomic_store(&mut self, op: MemoryOp, u: &Uop) {
        let resume = self.locate_aligned(u, For::Store);
        let bits = if u.flags & 3 == 3 { B64 } else { B32 };
        let at = Mem::base(C, 0);
        self.copy(B64, T, u.c);
        let alu = match op {
            MemoryOp::Add => Alu::Add,
            MemoryOp::Eor => Alu::Xor,
            MemoryOp::Set => Alu::Or,
            _ => {
                self.asm.not(B64, T);
                Alu::And
            }
        };
        self.asm.lock();
        self.asm.alu_mem(alu, bits, at, T);
        self.asm.bind(resume);
    }

    /// LDADD and SWP: the host has them.
    fn atomic_exchange(&mut self, op: MemoryOp, u: &Uop) {
        let resume = self.locate_aligned(u, For::Store);
        let size = u.flags & 3;
        self.copy(B64, T, u.c);
        if op == MemoryOp::Add {
            self.asm.lock_xadd(size, Mem::base(C, 0), T);
        } else {
            self.asm.xchg(size, Mem::base(C, 0), T);
        }
        self.zero_extend(T, size);
        self.write(u.dst, T);
        self.asm.bind(resume);
    }

    /// The others, by comparing and exchanging until nobody came between.
    fn atomic_loop(&mut self, op: MemoryOp, u: &Uop) {
        let resume = self.locate_aligned(u, For::Store);
        let size = u.flags & 3;
        self.load_value(A, Mem::base(C, 0), size, Widen::Zero);
        let again = self.asm.here_label();
        self.modified(op, u, if size == 3 { B64 } else { B32 });
        self.asm.lock_cmpxchg(size, Mem::base(C, 0), T);
        self.asm.jcc(Cond::Ne, again);
        self.write(u.dst, A);
        self.asm.bind(resume);
    }

    /// RDX = what `op` makes of RAX.
    fn modified(&mut self, op: MemoryOp, u: &Uop, bits: Bits) {
        let operand = self.src(u.c);
        let cond = match op {
            MemoryOp::Clr => {
                self.copy(B64, T, u.c);
                self.asm.not(B64, T);
                self.asm.alu(Alu::And, B64, T, A);
                return;
            }
            MemoryOp::Eor | MemoryOp::Set => {
                self.asm.mov(B64, T, A);
                let alu = if op == MemoryOp::Eor { Alu::Xor } else { Alu::Or };
                self.asm.alu(alu, B64, T, operand);
                return;
            }
            MemoryOp::Smax => Cond::L,
            MemoryOp::Smin => Cond::Ge,
            MemoryOp::Umax => Cond::B,
            _ => Cond::A,
        };
        self.asm.mov(B64, T, A);
        self.asm.alu(Alu::Cmp, bits, T, operand);
        self.asm.cmov(cond, bits, T, operand);
    }

    fn zero_extend(&mut self, reg: Gpr, size: u8) {
        match size {
            0 => self.asm.movzx8(reg, reg),
            1 => self.asm.movzx16(reg, reg),
            2 => self.asm.mov(B32, reg, reg),
            _ => {}
        }
    }
}

/// True if no register of a CASP is XZR.
fn is_even_pair(u: &Uop) -> bool {
    [u.dst, u.b, u.c].iter().all(|&n| n < 30)
}

/// How the flags of a load say it is extended.
fn widen(flags: u8) -> Widen {
    match (flags & MemoryOp::SIGNED != 0, flags & MemoryOp::TO64 != 0) {
        (false, _) => Widen::Zero,
        (true, false) => Widen::Sign32,
        (true, true) => Widen::Sign64,
    }
}
