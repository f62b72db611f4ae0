//! AdvSIMD integer ops.
//!
//! Each op has a function per element size in [`TABLE`], over operands as bytes in memory and with
//! the result in other memory: the form in which the compiler turns loops over lanes into host vector
//! instructions. It doesn't where a `u128` is taken apart and put together by shifts.

mod aes;
mod arith;
mod lanes;
mod permute;
mod sha;
mod shift;
mod widen;

use crate::cpu::Cpu;
use crate::uop::{Slot, Uop, VectorOp};
use lanes::{Exec, Operands, Ops};

/// FPSR.QC: a result was saturated.
const QC: u32 = 1 << 27;

const CLASSES: [Ops; 6] = [arith::OPS, shift::OPS, widen::OPS, permute::OPS, aes::OPS, sha::OPS];

/// Ops by number and log2 of the element size.
static TABLE: [[Exec; 4]; VectorOp::COUNT] = {
    let mut table = [[lanes::none as Exec; 4]; VectorOp::COUNT];
    let mut class = 0;
    while class < CLASSES.len() {
        let mut n = 0;
        while n < CLASSES[class].len() {
            let (op, execs) = CLASSES[class][n];
            table[op as usize] = execs;
            n += 1;
        }
        class += 1;
    }
    table
};

/// Runs one vector uop.
#[inline(always)]
pub fn exec(cpu: &mut Cpu, op: VectorOp, u: &Uop) {
    let v = |slot: Slot| cpu.v[(slot & 63) as usize];
    let both = |imm: i64| u128::from(imm as u64) << 64 | u128::from(imm as u64);
    let result = match op {
        VectorOp::MovI => both(u.imm),
        VectorOp::Mov => v(u.a),
        VectorOp::AndI => v(u.a) & both(u.imm),
        VectorOp::OrrI => v(u.a) | both(u.imm),
        VectorOp::And => v(u.a) & v(u.b),
        VectorOp::Bic => v(u.a) & !v(u.b),
        VectorOp::Orr => v(u.a) | v(u.b),
        VectorOp::Orn => v(u.a) | !v(u.b),
        VectorOp::Eor => v(u.a) ^ v(u.b),
        VectorOp::Not => !v(u.a),
        VectorOp::Bsl => (v(u.a) & v(u.b)) | (!v(u.a) & v(u.c)),
        VectorOp::Eor3 => v(u.a) ^ v(u.b) ^ v(u.c),
        VectorOp::Bcax => v(u.a) ^ (v(u.b) & !v(u.c)),
        VectorOp::Ext
        | VectorOp::Pick
        | VectorOp::Dup
        | VectorOp::DupGeneral
        | VectorOp::Ins
        | VectorOp::InsGeneral
        | VectorOp::Umov
        | VectorOp::Smov
        | VectorOp::Tbl
        | VectorOp::Tbx => return exec_copy(cpu, op, u),
        _ => return exec_elements(cpu, op, u),
    };
    put(cpu, u, result);
}

/// Writes `dst`, its upper half zero without Q.
#[inline(always)]
fn put(cpu: &mut Cpu, u: &Uop, result: u128) {
    let upper = if u.flags & VectorOp::Q != 0 { u128::MAX } else { u128::from(u64::MAX) };
    cpu.v[(u.dst & 63) as usize] = result & upper;
}

/// Runs an op that has a notion of elements. Apart from [`exec`], so that this one has no frame to set up.
#[inline(never)]
fn exec_elements(cpu: &mut Cpu, op: VectorOp, u: &Uop) {
    let size = (u.flags & VectorOp::SIZE) as usize;
    let exec = TABLE[op as usize][size];
    let v = |slot: Slot| cpu.v[(slot & 63) as usize].to_le_bytes();
    let operands = Operands {
        a: v(u.a),
        b: v(u.b),
        c: v(u.c),
        imm: u.imm as u32,
        q: u.flags & VectorOp::Q != 0,
        high: u.flags & VectorOp::HIGH != 0,
    };
    let mut d = [0; 16];
    if exec(&operands, &mut d) {
        cpu.fpsr |= QC;
    }
    put(cpu, u, u128::from_le_bytes(d));
}

/// Runs a copy between elements, or between them and general registers, or a table look-up.
#[inline(never)]
fn exec_copy(cpu: &mut Cpu, op: VectorOp, u: &Uop) {
    let v = |slot: Slot| cpu.v[(slot & 63) as usize];
    let x = |slot: Slot| u128::from(cpu.x[(slot & 63) as usize]);
    let size = (u.flags & VectorOp::SIZE) as usize;
    let result = match op {
        VectorOp::Umov | VectorOp::Smov => return permute::to_general(cpu, op, u),
        VectorOp::Ext => permute::extract(v(u.a), v(u.b), u.imm, u.flags & VectorOp::Q != 0),
        VectorOp::Pick => permute::element(v(u.a), size, u.imm),
        VectorOp::Dup => permute::repeat(permute::element(v(u.a), size, u.imm), size),
        VectorOp::DupGeneral => permute::repeat(x(u.a), size),
        VectorOp::Ins => {
            permute::insert(v(u.c), size, u.imm & 15, permute::element(v(u.a), size, u.imm >> 4))
        }
        VectorOp::InsGeneral => permute::insert(v(u.c), size, u.imm, x(u.a)),
        _ => permute::table(cpu, op, u),
    };
    put(cpu, u, result);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ops that [`exec`] runs without the table.
    const DIRECT: usize = 23;

    #[test]
    fn every_op_is_implemented_once() {
        let mut ops: Vec<_> = CLASSES.iter().flat_map(|ops| ops.iter().map(|&(op, _)| op as u8)).collect();
        let listed = ops.len();
        ops.sort();
        ops.dedup();
        assert_eq!((ops.len(), listed + DIRECT), (listed, VectorOp::COUNT));
    }
}
