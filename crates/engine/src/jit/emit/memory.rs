//! Plain loads and stores: one look into the soft TLB, then the host's own access.
//!
//! A hit is a page whose tag matches that of the last byte, found by the address of the first one: so
//! accesses that cross a page miss. All else is the interpreter's, behind the trace.

use armlet_x64::Bits::{B32, B64};
use armlet_x64::{Alu, Bits, Cond, Gpr, Label, Mem, Shift};

use super::{Emitter, Loc};
use crate::block::Mode;
use crate::jit::layout::*;
use crate::mmu::Set;
use crate::uop::{Op, SINK, Slot, Uop, ZERO};

/// What the soft TLB must allow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Loads.
    Load,
    /// Stores.
    Store,
}

/// What a load does with the value.
#[derive(Clone, Copy)]
pub(super) enum Widen {
    Zero,
    Sign32,
    Sign64,
}

impl For {
    /// Offset of the tags that tell.
    pub(super) fn tag(self) -> usize {
        match self {
            Self::Load => Set::READ_OFFSET,
            Self::Store => Set::WRITE_OFFSET,
        }
    }
}

impl Emitter<'_> {
    /// Compiles a plain load or store; false if the uop is something else.
    pub(super) fn memory(&mut self, u: &Uop) -> bool {
        use Op as O;
        use Widen::{Sign32, Sign64, Zero};
        match u.op {
            O::Load8 => self.load(u, 0, Zero),
            O::Load16 => self.load(u, 1, Zero),
            O::Load32 => self.load(u, 2, Zero),
            O::Load64 => self.load(u, 3, Zero),
            O::Load8S32 => self.load(u, 0, Sign32),
            O::Load8S64 => self.load(u, 0, Sign64),
            O::Load16S32 => self.load(u, 1, Sign32),
            O::Load16S64 => self.load(u, 1, Sign64),
            O::Load32S64 => self.load(u, 2, Sign64),
            O::Store8 => self.store(u, 0),
            O::Store16 => self.store(u, 1),
            O::Store32 => self.store(u, 2),
            O::Store64 => self.store(u, 3),
            O::LoadPair32 if self.mode.has(Mode::AARCH32) => self.load_words(u),
            O::LoadPair32 => self.load_pair(u, 2, Zero),
            O::LoadPair64 => self.load_pair(u, 3, Zero),
            O::LoadPair32S64 => self.load_pair(u, 2, Sign64),
            O::StorePair32 if self.mode.has(Mode::AARCH32) => self.store_words(u),
            O::StorePair32 => self.store_pair(u, B32),
            O::StorePair64 => self.store_pair(u, B64),
            O::CheckSp => self.check_aligned(u, 4),
            O::CheckAlign => self.check_aligned(u, u.flags),
            O::CheckFp => self.check_fp(),
            O::VLoad8 => self.vector_load(u, 0),
            O::VLoad16 => self.vector_load(u, 1),
            O::VLoad32 => self.vector_load(u, 2),
            O::VLoad64 => self.vector_load(u, 3),
            O::VLoad128 => self.vector_load(u, 4),
            O::VStore8 => self.vector_store(u, 0),
            O::VStore16 => self.vector_store(u, 1),
            O::VStore32 => self.vector_store(u, 2),
            O::VStore64 => self.vector_store(u, 3),
            O::VStore128 => self.vector_store(u, 4),
            O::VLoadPair32 => self.vector_load_pair(u, 2),
            O::VLoadPair64 => self.vector_load_pair(u, 3),
            O::VLoadPair128 => self.vector_load_pair(u, 4),
            O::VStorePair32 => self.vector_store_pair(u, 2),
            O::VStorePair64 => self.vector_store_pair(u, 3),
            O::VStorePair128 => self.vector_store_pair(u, 4),
            _ => return false,
        }
        true
    }

    /// The register with the address `a + (b << flags) + imm`: `a`'s own or RCX.
    pub(super) fn address(&mut self, u: &Uop, index: Slot) -> Gpr {
        let bits = self.address_bits();
        // Sums of words are cut off, whatever the sign.
        let disp = if bits == B32 { Ok(u.imm as i32) } else { i32::try_from(u.imm) };
        if index == ZERO {
            return match disp {
                // The look-up needs the register of temporaries.
                Ok(0) if self.is_in(u.a, T) => {
                    self.asm.mov(B64, C, T);
                    C
                }
                Ok(0) => self.read(u.a, C),
                Ok(disp) => {
                    let a = self.read(u.a, C);
                    self.asm.lea(bits, C, Mem::base(a, disp));
                    C
                }
                Err(_) => {
                    self.asm.mov_imm(C, u.imm as u64);
                    let a = self.src(u.a);
                    self.asm.alu(Alu::Add, B64, C, a);
                    C
                }
            };
        }
        let disp = disp.unwrap_or(0);
        if u.flags > 3 {
            self.copy(B64, C, index);
            self.asm.shift(Shift::Shl, B64, C, u.flags);
            let a = self.read(u.a, A);
            self.asm.lea(bits, C, Mem::indexed(C, a, 0, disp));
        } else {
            let b = self.read(index, C);
            let a = self.read(u.a, A);
            self.asm.lea(bits, C, Mem::indexed(a, b, u.flags, disp));
        }
        C
    }

    /// EAX = the number of the data entry for `va`.
    pub(super) fn number_entry(&mut self, va: Gpr) {
        if self.host.bmi {
            self.asm.mov_imm(A, Set::INDEX_BITS);
            self.asm.bextr(B32, A, va, A);
        } else {
            self.asm.mov(B32, A, va);
            self.asm.shift(Shift::Shr, B32, A, 12);
            self.asm.alu_imm(Alu::And, B32, A, Set::INDEX_MASK);
        }
    }

    /// Looks up `len` bytes at `va`, a run of `1 << size` bytes each: RAX becomes the host's address less `va`.
    /// Uses RDX. Misses go to `slow`.
    pub(super) fn look_up(&mut self, va: Gpr, size: u8, len: i32, what: For, slow: Label) {
        self.look_up_elements(va, size, len, what, slow, self.mode.has(Mode::ALIGN));
    }

    /// The same, and `aligned` says whether the elements must be.
    pub(super) fn look_up_elements(
        &mut self,
        va: Gpr,
        size: u8,
        len: i32,
        what: For,
        slow: Label,
        aligned: bool,
    ) {
        self.number_entry(va);
        let unit = 1i32 << size;
        if aligned {
            // The last element's page and the low bits of its address.
            if len == unit {
                self.asm.mov(B64, T, va);
            } else {
                self.asm.lea(B64, T, Mem::base(va, len - unit));
            }
            self.asm.alu_imm(Alu::And, B64, T, -4096 | (unit - 1));
        } else {
            if len == 1 {
                self.asm.mov(B64, T, va);
            } else {
                self.asm.lea(B64, T, Mem::base(va, len - 1));
            }
            self.asm.alu_imm(Alu::And, B64, T, -4096);
        }
        self.asm.alu(Alu::Cmp, B64, T, data_entry(A, what.tag()));
        self.asm.jcc(Cond::Ne, slow);
        self.asm.mov(B64, A, data_entry(A, Set::HOST_OFFSET));
    }

    fn load(&mut self, u: &Uop, size: u8, extend: Widen) {
        self.clobber();
        let va = self.address(u, u.b);
        // A slot in memory may get its value later.
        let copy = u.dst != SINK && self.loc(u.dst) == Loc::Mem && self.copies_go_on();
        let (slow, resume) = self.slow_load(va, copy);
        self.look_up(va, size, 1 << size, For::Load, slow);
        let at = Mem::indexed(A, va, 0, 0);
        let d = self.dst(u.dst, A);
        self.load_value(d, at, size, extend);
        if copy {
            self.loaded(u.dst);
        } else {
            self.write(u.dst, d);
        }
        self.asm.bind(resume);
    }

    pub(super) fn load_value(&mut self, d: Gpr, at: Mem, size: u8, extend: Widen) {
        let bits = if matches!(extend, Widen::Sign64) { B64 } else { B32 };
        match (size, extend) {
            (0, Widen::Zero) => self.asm.movzx8(d, at),
            (1, Widen::Zero) => self.asm.movzx16(d, at),
            (2, Widen::Zero | Widen::Sign32) => self.asm.mov(B32, d, at),
            (0, _) => self.asm.movsx8(bits, d, at),
            (1, _) => self.asm.movsx16(bits, d, at),
            (2, _) => self.asm.movsxd(d, at),
            _ => self.asm.mov(B64, d, at),
        }
    }

    fn store(&mut self, u: &Uop, size: u8) {
        self.clobber();
        let va = self.address(u, u.b);
        let (slow, resume) = self.slow_access(va);
        self.look_up(va, size, 1 << size, For::Store, slow);
        let at = Mem::indexed(A, va, 0, 0);
        self.store_slot(u.c, at, size);
        self.asm.bind(resume);
    }

    /// Stores a slot; RDX is free.
    pub(super) fn store_slot(&mut self, n: Slot, at: Mem, size: u8) {
        if n == ZERO {
            match size {
                0 => return self.asm.store_imm8(at, 0),
                2 => return self.asm.store_imm(B32, at, 0),
                3 => return self.asm.store_imm(B64, at, 0),
                _ => {}
            }
        }
        let value = match self.loc(n) {
            Loc::Reg(reg) if reg != T => reg,
            _ => {
                if n == ZERO {
                    self.asm.mov_imm(T, 0);
                } else {
                    self.asm.mov(B64, T, slot(n));
                }
                T
            }
        };
        match size {
            0 => self.asm.store8(at, value),
            1 => self.asm.store16(at, value),
            2 => self.asm.store(B32, at, value),
            _ => self.asm.store(B64, at, value),
        }
    }

    fn load_pair(&mut self, u: &Uop, size: u8, extend: Widen) {
        self.clobber();
        let va = self.address(u, ZERO);
        let (slow, resume) = self.slow_access(va);
        self.look_up(va, size, 2 << size, For::Load, slow);
        // The first destination may be the base.
        self.asm.lea(B64, A, Mem::indexed(A, va, 0, 0));
        let first = self.dst(u.dst, C);
        self.load_value(first, Mem::base(A, 0), size, extend);
        let second = self.dst(u.c, T);
        self.load_value(second, Mem::base(A, 1 << size), size, extend);
        self.write(u.dst, first);
        self.write(u.c, second);
        self.asm.bind(resume);
    }

    fn store_pair(&mut self, u: &Uop, bits: Bits) {
        self.clobber();
        let size = if bits == B64 { 3 } else { 2 };
        let va = self.address(u, ZERO);
        let (slow, resume) = self.slow_access(va);
        self.look_up(va, size, 2 << size, For::Store, slow);
        self.store_slot(u.c, Mem::indexed(A, va, 0, 0), size);
        self.store_slot(u.b, Mem::indexed(A, va, 0, 1 << size), size);
        self.asm.bind(resume);
    }

    /// LDRD: one access of the host, since AArch32's pairs of words are single-copy atomic where they are aligned (Arm ARM
    /// E2.2.1).
    fn load_words(&mut self, u: &Uop) {
        self.clobber();
        let va = self.address(u, ZERO);
        let (slow, resume) = self.slow_access(va);
        self.look_up(va, 2, 8, For::Load, slow);
        self.asm.mov(B64, A, Mem::indexed(A, va, 0, 0));
        let (first, second) = (self.dst(u.dst, C), self.dst(u.c, T));
        self.asm.mov(B32, first, A);
        self.write(u.dst, first);
        self.asm.shift(Shift::Shr, B64, A, 32);
        self.asm.mov(B32, second, A);
        self.write(u.c, second);
        self.asm.bind(resume);
    }

    /// STRD, likewise. Slots hold zero-extended words.
    fn store_words(&mut self, u: &Uop) {
        self.clobber();
        let va = self.address(u, ZERO);
        let (slow, resume) = self.slow_access(va);
        self.look_up(va, 2, 8, For::Store, slow);
        self.copy(B32, T, u.b);
        self.asm.shift(Shift::Shl, B64, T, 32);
        if u.c != ZERO {
            let first = self.src(u.c);
            self.asm.alu(Alu::Or, B64, T, first);
        }
        self.asm.store(B64, Mem::indexed(A, va, 0, 0), T);
        self.asm.bind(resume);
    }

    fn vector_load(&mut self, u: &Uop, size: u8) {
        self.clobber();
        let va = self.address(u, u.b);
        let (slow, resume) = self.slow_access(va);
        self.look_up(va, size, 1 << size, For::Load, slow);
        let d = self.vdst(u.dst, V[0]);
        self.load_vector(d, Mem::indexed(A, va, 0, 0), size);
        self.vwrite(u.dst, d);
        self.asm.bind(resume);
    }

    fn vector_load_pair(&mut self, u: &Uop, size: u8) {
        self.clobber();
        let va = self.address(u, ZERO);
        let (slow, resume) = self.slow_access(va);
        self.look_up(va, size, 2 << size, For::Load, slow);
        for (slot, disp) in [(u.dst, 0), (u.c, 1 << size)] {
            let d = self.vdst(slot, V[0]);
            self.load_vector(d, Mem::indexed(A, va, 0, disp), size);
            self.vwrite(slot, d);
        }
        self.asm.bind(resume);
    }

    fn vector_store(&mut self, u: &Uop, size: u8) {
        self.clobber();
        let va = self.address(u, u.b);
        let (slow, resume) = self.slow_access(va);
        self.look_up(va, size, 1 << size, For::Store, slow);
        let value = self.vsrc(u.c, V[0]);
        self.store_vector(Mem::indexed(A, va, 0, 0), value, size);
        self.asm.bind(resume);
    }

    fn vector_store_pair(&mut self, u: &Uop, size: u8) {
        self.clobber();
        let va = self.address(u, ZERO);
        let (slow, resume) = self.slow_access(va);
        self.look_up(va, size, 2 << size, For::Store, slow);
        for (slot, disp) in [(u.c, 0), (u.b, 1 << size)] {
            let value = self.vsrc(slot, V[0]);
            self.store_vector(Mem::indexed(A, va, 0, disp), value, size);
        }
        self.asm.bind(resume);
    }

    /// The low `bits` bits of `a + imm` must be zero.
    fn check_aligned(&mut self, u: &Uop, bits: u8) {
        self.clobber();
        let (slow, resume) = self.slow_path();
        let mask = (1 << (bits & 31)) - 1;
        if u.imm & i64::from(mask) == 0 {
            let a = self.src(u.a);
            self.asm.test_imm(B32, a, mask);
        } else {
            let a = self.read(u.a, A);
            self.asm.lea(B32, A, Mem::base(a, u.imm as i32 & mask));
            self.asm.test_imm(B32, A, mask);
        }
        self.asm.jcc(Cond::Ne, slow);
        self.asm.bind(resume);
    }

    fn check_fp(&mut self) {
        self.clobber();
        let (slow, resume) = self.slow_path();
        self.asm.alu_imm(Alu::Cmp, B32, FP_TRAP, 0);
        self.asm.jcc(Cond::Ne, slow);
        self.asm.bind(resume);
    }
}

const _: () = assert!(SINK != ZERO);
