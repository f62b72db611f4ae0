//! LD1 to LD4 and ST1 to ST4: one look-up for the whole span; what misses is the interpreter's.

use armlet_x64::{Mem, VOp, Xmm};

use super::Emitter;
use super::memory::For;
use crate::jit::layout::*;
use crate::uop::{Elements, MemoryOp, Slot, Uop, ZERO};

/// A structure access.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// log2 of the element size in bytes.
    size: usize,
    /// Bytes of a register that are used.
    bytes: usize,
    /// Registers.
    count: usize,
    first: Slot,
}

impl Shape {
    fn of(u: &Uop, first: Slot) -> Self {
        let bytes = if u.flags & 4 != 0 { 16 } else { 8 };
        Self { size: usize::from(u.flags & 3), bytes, count: (u.imm & 7).min(4) as usize, first }
    }

    /// One of AArch32 whose elements fill Q registers.
    pub(super) fn of_q(e: Elements, size: usize) -> Self {
        Self { size, bytes: 16, count: e.elements.into(), first: e.first / 2 }
    }

    /// Register `n`; the list wraps around.
    fn slot(self, n: usize) -> Slot {
        (self.first + n as u8) & 31
    }

    /// Where byte `byte` of register `n` lies in memory.
    fn place(self, n: usize, byte: usize) -> usize {
        let (element, within) = (byte >> self.size, byte & ((1 << self.size) - 1));
        ((element * self.count + n) << self.size) + within
    }

    /// The byte at `place` in memory: register and byte of it.
    fn at(self, place: usize) -> (usize, usize) {
        let (element, within) = (place >> self.size, place & ((1 << self.size) - 1));
        (element % self.count, (element / self.count << self.size) + within)
    }
}

/// The constant that PSHUFB picks bytes by; `None` is a zero.
pub(super) fn places(f: impl Fn(usize) -> Option<usize>) -> u128 {
    u128::from_le_bytes(std::array::from_fn(|n| f(n).map_or(0x80, |from| from as u8)))
}

impl Emitter<'_> {
    /// Compiles an access to vector structures; false if the uop is something else.
    pub(super) fn structures(&mut self, op: MemoryOp, u: &Uop) -> bool {
        let interleaved = u.flags & MemoryOp::INTERLEAVED != 0;
        let (load, store) = (Shape::of(u, u.dst), Shape::of(u, u.c));
        let lane = (u.imm >> 8 & 15) as u8;
        let (span, whole) = (load.bytes * load.count, load.count << load.size);
        match op {
            MemoryOp::LoadStructures => self.structure(u, span, For::Load, |e, at| {
                if interleaved { e.deinterleave(load, at) } else { e.load_registers(load, at) }
            }),
            MemoryOp::StoreStructures => self.structure(u, span, For::Store, |e, at| {
                if interleaved { e.interleave(store, at) } else { e.store_registers(store, at) }
            }),
            MemoryOp::LoadReplicate => self.structure(u, whole, For::Load, |e, at| e.replicate(load, at)),
            MemoryOp::LoadLane => self.structure(u, whole, For::Load, |e, at| e.load_lane(load, lane, at)),
            MemoryOp::StoreLane => {
                self.structure(u, whole, For::Store, |e, at| e.store_lane(store, lane, at))
            }
            _ => return false,
        }
        true
    }

    /// Looks up `len` bytes and goes on with what is there; `at` is where byte `n` lies.
    fn structure(
        &mut self,
        u: &Uop,
        len: usize,
        what: For,
        go_on: impl FnOnce(&mut Self, &dyn Fn(usize) -> Mem),
    ) {
        self.clobber();
        let (slow, resume) = self.slow_path();
        let va = self.address(&Uop { imm: 0, ..*u }, ZERO);
        self.look_up(va, u.flags & 3, len as i32, what, slow);
        go_on(self, &|n| Mem::indexed(A, va, 0, n as i32));
        self.asm.bind(resume);
    }

    fn load_registers(&mut self, shape: Shape, at: &dyn Fn(usize) -> Mem) {
        let size = if shape.bytes == 16 { 4 } else { 3 };
        for n in 0..shape.count {
            let d = self.vdst(shape.slot(n), V[0]);
            self.load_vector(d, at(n * shape.bytes), size);
            self.vwrite(shape.slot(n), d);
        }
    }

    fn store_registers(&mut self, shape: Shape, at: &dyn Fn(usize) -> Mem) {
        let size = if shape.bytes == 16 { 4 } else { 3 };
        for n in 0..shape.count {
            let value = self.vsrc(shape.slot(n), V[0]);
            self.store_vector(at(n * shape.bytes), value, size);
        }
    }

    /// `d` = 16 bytes of a span of `len` from byte `from` on, or 8 if there are no more.
    fn load_part(&mut self, d: Xmm, at: Mem, from: usize, len: usize) {
        self.load_vector(d, at, if len - from >= 16 { 4 } else { 3 });
    }

    /// Each register = bytes of each part of the memory.
    pub(super) fn deinterleave(&mut self, shape: Shape, at: &dyn Fn(usize) -> Mem) {
        let len = shape.bytes * shape.count;
        let parts = len.div_ceil(16);
        if shape.size == 3 || parts == 1 {
            return self.deinterleave_simply(shape, at);
        }
        for n in 0..shape.count {
            let slot = shape.slot(n);
            let d = self.vdst(slot, V[0]);
            for part in 0..parts {
                let chosen = places(|byte| {
                    let place = if byte < shape.bytes { shape.place(n, byte) } else { usize::MAX };
                    place.checked_sub(16 * part).filter(|&place| place < 16)
                });
                let chosen = self.literal(chosen);
                let to = if part == 0 { V[0] } else { V[1] };
                self.load_part(to, at(16 * part), 16 * part, len);
                self.asm.vop(VOp::Pshufb, to, to, chosen);
                if part > 0 {
                    let sum = if part + 1 == parts { d } else { V[0] };
                    self.asm.vop(VOp::Por, sum, V[0], V[1]);
                }
            }
            self.vwrite(slot, d);
        }
    }

    /// Two halves or one part.
    fn deinterleave_simply(&mut self, shape: Shape, at: &dyn Fn(usize) -> Mem) {
        for n in 0..shape.count {
            let slot = shape.slot(n);
            let d = self.vdst(slot, V[0]);
            if shape.size == 3 {
                self.asm.vload64(d, at(8 * n));
                if shape.bytes == 16 {
                    self.asm.vop(VOp::Movhps, d, d, at(8 * (n + shape.count)));
                }
            } else {
                let chosen = places(|byte| (byte < shape.bytes).then(|| shape.place(n, byte)));
                let chosen = self.literal(chosen);
                self.asm.vload(d, at(0));
                self.asm.vop(VOp::Pshufb, d, d, chosen);
            }
            self.vwrite(slot, d);
        }
    }

    pub(super) fn interleave(&mut self, shape: Shape, at: &dyn Fn(usize) -> Mem) {
        if shape.size == 3 {
            return self.interleave_quads(shape, at);
        }
        if shape.count == 2 {
            return self.interleave_pair(shape, at);
        }
        let len = shape.bytes * shape.count;
        for part in 0..len.div_ceil(16) {
            for n in 0..shape.count {
                let chosen = places(|byte| {
                    let place = 16 * part + byte;
                    let (register, from) = shape.at(place);
                    (place < len && register == n).then_some(from)
                });
                let chosen = self.literal(chosen);
                let to = if n == 0 { V[0] } else { V[1] };
                let value = self.vxm(shape.slot(n));
                self.v(VOp::Pshufb, to, value, chosen);
                if n > 0 {
                    self.asm.vop(VOp::Por, V[0], V[0], V[1]);
                }
            }
            self.store_vector(at(16 * part), V[0], if len - 16 * part >= 16 { 4 } else { 3 });
        }
    }

    fn interleave_pair(&mut self, shape: Shape, at: &dyn Fn(usize) -> Mem) {
        let (a, b) = (self.vxm(shape.slot(0)), self.vxm(shape.slot(1)));
        let low = [VOp::Punpcklbw, VOp::Punpcklwd, VOp::Punpckldq][shape.size];
        let high = [VOp::Punpckhbw, VOp::Punpckhwd, VOp::Punpckhdq][shape.size];
        self.v(low, V[0], a, b);
        self.asm.vstore(at(0), V[0]);
        if shape.bytes == 16 {
            self.v(high, V[0], a, b);
            self.asm.vstore(at(16), V[0]);
        }
    }

    fn interleave_quads(&mut self, shape: Shape, at: &dyn Fn(usize) -> Mem) {
        for n in 0..shape.count {
            let value = self.vsrc(shape.slot(n), V[0]);
            self.asm.vstore64(at(8 * n), value);
            if shape.bytes == 16 {
                self.asm.vstore_high64(at(8 * (n + shape.count)), value);
            }
        }
    }

    fn replicate(&mut self, shape: Shape, at: &dyn Fn(usize) -> Mem) {
        for n in 0..shape.count {
            let d = self.vdst(shape.slot(n), V[0]);
            self.broadcast(shape.size, d, at(n << shape.size).into());
            if shape.bytes == 8 {
                self.asm.movq(d, d);
            }
            self.vwrite(shape.slot(n), d);
        }
    }

    fn load_lane(&mut self, shape: Shape, lane: u8, at: &dyn Fn(usize) -> Mem) {
        for n in 0..shape.count {
            let slot = shape.slot(n);
            let d = self.vsrc(slot, V[0]);
            self.asm.pinsr(super::vector::LANES[shape.size], d, d, at(n << shape.size), lane);
            self.vwrite(slot, d);
        }
    }

    fn store_lane(&mut self, shape: Shape, lane: u8, at: &dyn Fn(usize) -> Mem) {
        for n in 0..shape.count {
            let value = self.vsrc(shape.slot(n), V[0]);
            self.asm.pextr(super::vector::LANES[shape.size], at(n << shape.size), value, lane);
        }
    }
}
