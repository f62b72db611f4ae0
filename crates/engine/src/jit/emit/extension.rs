//! AArch32's loads and stores of S, D and Q registers: one look-up for the whole span; what misses is the interpreter's,
//! and so are big-endian data.

use armlet_x64::{Bits, Lane, Mem, VOp, VOpImm};

use super::Emitter;
use super::memory::For;
use super::structures::{Shape, places};
use super::vector::LANES;
use crate::jit::layout::*;
use crate::uop::{Arrangement, Elements, Extension, MemoryOp, Slot, Uop, ZERO};

/// Bytes of an access that belong to one slot.
struct Piece {
    slot: Slot,
    /// Where in the slot, and in memory.
    at: usize,
    from: usize,
    /// 4, 8 or 16, and a divisor of both `at` and the slot's 16.
    len: usize,
}

/// The pieces of `len` bytes of registers from byte `first` on, counted from V0.
fn pieces(first: usize, len: usize) -> impl Iterator<Item = Piece> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let (place, left) = (first + done, len - done);
        let len = [16, 8, 4].into_iter().find(|&size| place.is_multiple_of(size) && left >= size)?;
        let piece = Piece { slot: (place / 16 & 31) as Slot, at: place % 16, from: done, len };
        done += len;
        Some(piece)
    })
}

/// Slot and half of register D`n`.
fn half(n: u8) -> (Slot, usize) {
    (n / 2, usize::from(n % 2))
}

/// True for structures of which each element fills Q registers, as A64's do.
fn fills_q(e: Elements) -> bool {
    e.registers == 2 && e.spacing == 2 && e.first.is_multiple_of(2)
}

impl Emitter<'_> {
    /// Compiles an access; false if the uop is something else or left to the interpreter.
    pub(super) fn extension(&mut self, op: MemoryOp, u: &Uop) -> bool {
        if u.flags & MemoryOp::BIG != 0 {
            return false;
        }
        let (e, size) = (Elements::of(u.imm), u.flags & 3);
        match op {
            MemoryOp::LoadExtension => self.registers(u, For::Load),
            MemoryOp::StoreExtension => self.registers(u, For::Store),
            MemoryOp::LoadElements => self.elements(u, e, For::Load, |s| s.load_elements(e, size.into())),
            MemoryOp::StoreElements => self.elements(u, e, For::Store, |s| s.store_elements(e, size.into())),
            _ => return false,
        }
        true
    }

    /// VLDR, VLDM, VSTR, VSTM.
    fn registers(&mut self, u: &Uop, what: For) {
        let Extension { offset, first, count, literal } = Extension::of(u.imm);
        let size = u.flags & 3;
        let len = usize::from(count.max(1)) << size;
        self.clobber();
        let (slow, resume) = self.slow_path();
        let va = if literal {
            self.page_address(C, i64::from(self.segment.offset) + i64::from(offset));
            C
        } else {
            self.address(&Uop { imm: offset.into(), ..*u }, ZERO)
        };
        self.look_up_elements(va, 2, len as i32, what, slow, true);
        match (count, what) {
            (0, For::Load) => {
                let d = self.vdst(u.dst, V[0]);
                self.load_vector(d, Mem::indexed(A, va, 0, 0), size);
                self.vwrite(u.dst, d);
            }
            (0, For::Store) => {
                let value = self.vsrc(u.c, V[0]);
                self.store_vector(Mem::indexed(A, va, 0, 0), value, size);
            }
            _ => {
                self.asm.lea(Bits::B64, A, Mem::indexed(A, va, 0, 0));
                self.consecutive(what, usize::from(first) << size, len);
            }
        }
        self.asm.bind(resume);
    }

    /// VLD1 to VLD4 and their stores: looks up, RAX being the host's address then, and goes on.
    fn elements(&mut self, u: &Uop, e: Elements, what: For, go_on: impl FnOnce(&mut Self)) {
        let size = u.flags & 3;
        self.clobber();
        let (slow, resume) = self.slow_path();
        let va = self.address(&Uop { imm: 0, ..*u }, ZERO);
        let len = e.bytes(size) as i32;
        if e.align > 0 {
            self.look_up_elements(va, e.align, len, what, slow, true);
        } else {
            self.look_up(va, size, len, what, slow);
        }
        self.asm.lea(Bits::B64, A, Mem::indexed(A, va, 0, 0));
        go_on(self);
        self.asm.bind(resume);
    }

    /// Moves memory at RAX to or from consecutive registers.
    fn consecutive(&mut self, what: For, first: usize, len: usize) {
        for piece in pieces(first, len) {
            match what {
                For::Load => self.load_piece(&piece),
                For::Store => self.store_piece(&piece),
            }
        }
    }

    fn load_piece(&mut self, piece: &Piece) {
        let &Piece { slot, at, from, len } = piece;
        let memory = Mem::base(A, from as i32);
        match (self.vreg(slot), len) {
            (Some(d), 16) => self.asm.vload(d, memory),
            (Some(d), 8) if at == 0 => self.asm.vop(VOp::Movlps, d, d, memory),
            (Some(d), 8) => self.asm.vop(VOp::Movhps, d, d, memory),
            (Some(d), _) => self.asm.vop_imm(VOpImm::Insertps, d, d, memory, (at as u8 / 4) << 4),
            (None, 16) => {
                self.asm.vload(V[0], memory);
                self.asm.vstore(vector_slot(slot), V[0]);
            }
            (None, len) => {
                let bits = if len == 8 { Bits::B64 } else { Bits::B32 };
                self.asm.mov(bits, T, memory);
                self.asm.store(bits, part_of_slot(slot, at), T);
            }
        }
    }

    fn store_piece(&mut self, piece: &Piece) {
        let &Piece { slot, at, from, len } = piece;
        let memory = Mem::base(A, from as i32);
        match (self.vreg(slot), len) {
            (Some(value), 16) => self.asm.vstore(memory, value),
            (Some(value), 8) if at == 0 => self.asm.vstore64(memory, value),
            (Some(value), 8) => self.asm.vstore_high64(memory, value),
            (Some(value), _) if at == 0 => self.asm.vstore32(memory, value),
            (Some(value), _) => self.asm.pextr(Lane::D, memory, value, at as u8 / 4),
            (None, 16) => {
                self.asm.vload(V[0], vector_slot(slot));
                self.asm.vstore(memory, V[0]);
            }
            (None, len) => {
                let bits = if len == 8 { Bits::B64 } else { Bits::B32 };
                self.asm.mov(bits, T, part_of_slot(slot, at));
                self.asm.store(bits, memory, T);
            }
        }
    }

    /// Half of a slot = the lower half of `V[0]`.
    fn put_half(&mut self, (slot, half): (Slot, usize)) {
        match (self.vreg(slot), half) {
            (Some(d), 0) => self.asm.vop_imm(VOpImm::Shufpd, d, V[0], d, 0b10),
            (Some(d), _) => self.asm.vop(VOp::Movlhps, d, d, V[0]),
            (None, half) => self.asm.vstore64(part_of_slot(slot, 8 * half), V[0]),
        }
    }

    fn load_elements(&mut self, e: Elements, size: usize) {
        let at = |n: usize| Mem::base(A, n as i32);
        match e.arrangement {
            Arrangement::Whole if e.elements == 1 => {
                self.consecutive(For::Load, usize::from(e.first) * 8, usize::from(e.registers) * 8);
            }
            Arrangement::Whole if fills_q(e) => self.deinterleave(Shape::of_q(e, size), &at),
            Arrangement::Whole => {
                for after in 0..e.registers {
                    let from = 8 * usize::from(e.elements * after);
                    (0..e.elements).for_each(|n| self.load_every(e, size, n, after, from));
                }
            }
            Arrangement::Lane(lane) => {
                for n in 0..e.elements {
                    let (slot, half) = half(e.register(n, 0));
                    let d = self.vsrc(slot, V[0]);
                    let index = (half << (3 - size)) as u8 | lane;
                    self.asm.pinsr(LANES[size], d, d, at(usize::from(n) << size), index);
                    self.vwrite(slot, d);
                }
            }
            Arrangement::All => {
                for n in 0..e.elements {
                    self.broadcast(size, V[0], at(usize::from(n) << size).into());
                    (0..e.registers).for_each(|after| self.put_half(half(e.register(n, after))));
                }
            }
        }
    }

    /// D register of element `n` = every so many elements of the memory from byte `from` on.
    fn load_every(&mut self, e: Elements, size: usize, n: u8, after: u8, from: usize) {
        let count = usize::from(e.elements);
        let place = |byte: usize| (((byte >> size) * count + usize::from(n)) << size) + byte % (1 << size);
        let len = 8 * count;
        for part in 0..len.div_ceil(16) {
            let chosen = places(|byte| {
                let place = if byte < 8 { place(byte) } else { usize::MAX };
                place.checked_sub(16 * part).filter(|&place| place < 16)
            });
            let chosen = self.literal(chosen);
            let to = if part == 0 { V[0] } else { V[1] };
            let memory = Mem::base(A, (from + 16 * part) as i32);
            self.load_vector(to, memory, if len - 16 * part >= 16 { 4 } else { 3 });
            self.asm.vop(VOp::Pshufb, to, to, chosen);
            if part > 0 {
                self.asm.vop(VOp::Por, V[0], V[0], V[1]);
            }
        }
        self.put_half(half(e.register(n, after)));
    }

    fn store_elements(&mut self, e: Elements, size: usize) {
        let at = |n: usize| Mem::base(A, n as i32);
        match e.arrangement {
            Arrangement::Whole if e.elements == 1 => {
                self.consecutive(For::Store, usize::from(e.first) * 8, usize::from(e.registers) * 8);
            }
            Arrangement::Whole if fills_q(e) => self.interleave(Shape::of_q(e, size), &at),
            Arrangement::Lane(lane) => {
                for n in 0..e.elements {
                    let (slot, half) = half(e.register(n, 0));
                    let value = self.vsrc(slot, V[0]);
                    let index = (half << (3 - size)) as u8 | lane;
                    self.asm.pextr(LANES[size], at(usize::from(n) << size), value, index);
                }
            }
            _ => {
                for after in 0..e.registers {
                    self.store_every(e, size, after, 8 * usize::from(e.elements * after));
                }
            }
        }
    }

    /// The memory from byte `to` on = elements of D registers by turns.
    fn store_every(&mut self, e: Elements, size: usize, after: u8, to: usize) {
        let count = usize::from(e.elements);
        let len = 8 * count;
        for part in 0..len.div_ceil(16) {
            for n in 0..e.elements {
                let (slot, half) = half(e.register(n, after));
                let chosen = places(|byte| {
                    let place = 16 * part + byte;
                    let element = place >> size;
                    let from = (element / count << size) + place % (1 << size);
                    (place < len && element % count == usize::from(n)).then_some(8 * half + from)
                });
                let chosen = self.literal(chosen);
                let into = if n == 0 { V[0] } else { V[1] };
                let value = self.vxm(slot);
                self.v(VOp::Pshufb, into, value, chosen);
                if n > 0 {
                    self.asm.vop(VOp::Por, V[0], V[0], V[1]);
                }
            }
            let memory = Mem::base(A, (to + 16 * part) as i32);
            self.store_vector(memory, V[0], if len - 16 * part >= 16 { 4 } else { 3 });
        }
    }
}

/// A slot in memory, from byte `at` on.
fn part_of_slot(slot: Slot, at: usize) -> Mem {
    match vector_slot(slot) {
        Mem::At { base, index, disp } => Mem::At { base, index, disp: disp + at as i32 },
        other => other,
    }
}
