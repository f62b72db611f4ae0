//! Vector registers: when they are in host registers, and how operands are reached.
//!
//! Most code of a kernel uses none. So the vector state is in memory until a trace that uses it asks for it, and
//! goes back when a helper is called or generated code is left.

use armlet_x64::{Bits, Cond, Gpr, Label, Mem, Xm, Xmm};

use super::Emitter;
use crate::block::Mode;
use crate::jit::context::Context;
use crate::jit::layout::*;
use crate::jit::thunks::VectorThunks;
use crate::uop::{MemoryOp, Op, Slot, Uop};

/// What of the vector state a trace uses.
pub fn needed(uops: &[Uop]) -> u32 {
    let of = |u: &Uop| match u.op {
        Op::Float(_) => Context::VECTORS | Context::FLOAT,
        Op::Vector(_) => Context::VECTORS,
        op if op.is_vector_access() => Context::VECTORS,
        Op::Memory(
            MemoryOp::LoadStructures
            | MemoryOp::StoreStructures
            | MemoryOp::LoadReplicate
            | MemoryOp::LoadLane
            | MemoryOp::StoreLane
            | MemoryOp::LoadExtension
            | MemoryOp::StoreExtension
            | MemoryOp::LoadElements
            | MemoryOp::StoreElements,
        ) => Context::VECTORS,
        _ => 0,
    };
    uops.iter().fold(0, |all, u| all | of(u))
}

impl Emitter<'_> {
    /// At the entry: asks for the vector state if the trace uses any. Where to get it.
    pub(super) fn want_vectors(&mut self) -> Option<Label> {
        if self.resident == 0 {
            return None;
        }
        let get = self.asm.label();
        let last = if self.resident & Context::FLOAT != 0 { Context::FLOAT } else { Context::VECTORS };
        self.asm.test_imm(Bits::B32, RESIDENT, last as i32);
        self.asm.jcc(Cond::E, get);
        Some(get)
    }

    /// Gets the vector state for the trace, which is paid for.
    pub(super) fn get_vectors(&mut self) {
        if self.resident & Context::FLOAT != 0 {
            self.asm.mov_imm(C, self.id.into());
            self.asm.call_to(self.vector_thunks().load_float);
        } else {
            self.asm.call_to(self.vector_thunks().load_vectors);
        }
    }

    fn vector_thunks(&self) -> VectorThunks {
        self.thunks.vector[usize::from(self.mode.has(Mode::AARCH32))]
    }

    /// The thunk by which this trace has a uop run by the interpreter.
    pub(super) fn uop_thunk(&self) -> u64 {
        if self.resident != 0 { self.vector_thunks().uop } else { self.thunks.uop }
    }

    /// The same for accesses.
    pub(super) fn access_thunk(&self) -> u64 {
        if self.resident != 0 { self.vector_thunks().access } else { self.thunks.access }
    }

    /// The host register of a vector slot, if it has one.
    pub(super) fn vreg(&self, n: Slot) -> Option<Xmm> {
        self.vectors.get(usize::from(n)).copied().flatten()
    }

    /// A vector slot as an operand that is read.
    pub(super) fn vxm(&self, n: Slot) -> Xm {
        self.vreg(n).map_or_else(|| vector_slot(n).into(), Xm::from)
    }

    /// The register of a vector slot, or `scratch` with its value.
    pub(super) fn vsrc(&mut self, n: Slot, scratch: Xmm) -> Xmm {
        self.vreg(n).unwrap_or_else(|| {
            self.asm.vload(scratch, vector_slot(n));
            scratch
        })
    }

    /// Where to compute a vector destination: its register, or `scratch`.
    pub(super) fn vdst(&self, n: Slot, scratch: Xmm) -> Xmm {
        self.vreg(n).unwrap_or(scratch)
    }

    /// The vector slot = `reg`, all of it.
    pub(super) fn vwrite(&mut self, n: Slot, reg: Xmm) {
        match self.vreg(n) {
            Some(to) => self.asm.vmov(to, reg),
            None => self.asm.vstore(vector_slot(n), reg),
        }
    }

    /// `d` = `1 << size` bytes of memory, zero above. May use RDX.
    pub(super) fn load_vector(&mut self, d: Xmm, at: Mem, size: u8) {
        match size {
            0 | 1 => {
                if size == 0 {
                    self.asm.movzx8(T, at)
                } else {
                    self.asm.movzx16(T, at)
                }
                self.asm.movd_to(Bits::B32, d, T);
            }
            2 => self.asm.vload32(d, at),
            3 => self.asm.vload64(d, at),
            _ => self.asm.vload(d, at),
        }
    }

    /// Stores the low `1 << size` bytes of a vector register. May use RDX.
    pub(super) fn store_vector(&mut self, at: Mem, value: Xmm, size: u8) {
        match size {
            0 | 1 => {
                self.asm.movd_from(Bits::B32, Gpr::Rdx, value);
                if size == 0 { self.asm.store8(at, T) } else { self.asm.store16(at, T) }
            }
            2 => self.asm.vstore32(at, value),
            3 => self.asm.vstore64(at, value),
            _ => self.asm.vstore(at, value),
        }
    }
}
