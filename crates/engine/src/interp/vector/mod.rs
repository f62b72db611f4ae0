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
pub fn exec(cpu: &mut Cpu, op: VectorOp, u: &Uop) {
    let v = |slot: Slot| cpu.v[(slot & 63) as usize];
    let x = |slot: Slot| cpu.x[(slot & 63) as usize];
    let both = |imm: i64| u128::from(imm as u64) << 64 | u128::from(imm as u64);
    let size = (u.flags & VectorOp::SIZE) as usize;
    let q = u.flags & VectorOp::Q != 0;
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
        VectorOp::Umov | VectorOp::Smov => return permute::to_general(cpu, op, u),
        VectorOp::Ext => permute::extract(v(u.a), v(u.b), u.imm, q),
        VectorOp::Pick => permute::element(v(u.a), size, u.imm),
        VectorOp::Dup => permute::repeat(permute::element(v(u.a), size, u.imm), size),
        VectorOp::DupGeneral => permute::repeat(x(u.a).into(), size),
        VectorOp::Ins => {
            permute::insert(v(u.c), size, u.imm & 15, permute::element(v(u.a), size, u.imm >> 4))
        }
        VectorOp::InsGeneral => permute::insert(v(u.c), size, u.imm, x(u.a).into()),
        VectorOp::Tbl | VectorOp::Tbx => permute::table(cpu, op, u),
        _ => {
            let operands = Operands {
                a: v(u.a).to_le_bytes(),
                b: v(u.b).to_le_bytes(),
                c: v(u.c).to_le_bytes(),
                imm: u.imm as u32,
                q,
                high: u.flags & VectorOp::HIGH != 0,
            };
            let mut d = [0; 16];
            if TABLE[op as usize][size](&operands, &mut d) {
                cpu.fpsr |= QC;
            }
            u128::from_le_bytes(d)
        }
    };
    cpu.v[(u.dst & 63) as usize] = if q { result } else { u128::from(result as u64) };
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
