//! Copies, permutes and table look-ups.

use super::lanes::ops;
use crate::cpu::Cpu;
use crate::uop::{Uop, VTEMP, VectorOp};

ops! {
    Zip1: choose unsigned |n, _| (n & 1, n / 2);
    Zip2: choose unsigned |n, count| (n & 1, (count + n) / 2);
    Uzp1: choose unsigned |n, count| (2 * n / count, 2 * n % count);
    Uzp2: choose unsigned |n, count| (2 * n / count, 2 * n % count + 1);
    Trn1: choose unsigned |n, _| (n & 1, n & !1);
    Trn2: choose unsigned |n, _| (n & 1, n | 1);
    Rev64: reverse unsigned 8;
    Rev32: reverse unsigned 4;
    Rev16: reverse unsigned 2;
}

/// A one in every element, by log2 of the element size in bytes.
const EVERY: [u128; 4] = [u128::MAX / 0xff, u128::MAX / 0xffff, u128::MAX / 0xffff_ffff, 1 << 64 | 1];

/// The low element of `v`, all other bits zero.
fn low(v: u128, size: usize) -> u128 {
    v & (u128::from(u64::MAX) >> (64 - (8 << size)))
}

/// Element `index` of `v`, all other bits zero.
pub fn element(v: u128, size: usize, index: i64) -> u128 {
    low(v >> (((index as u32) << size) * 8 & 127), size)
}

/// The low element of `v` in every element.
pub fn repeat(v: u128, size: usize) -> u128 {
    low(v, size).wrapping_mul(EVERY[size])
}

/// `v` with element `index` replaced by the low element of `new`.
pub fn insert(v: u128, size: usize, index: i64, new: u128) -> u128 {
    let at = ((index as u32) << size) * 8 & 127;
    (v & !(low(u128::MAX, size) << at)) | low(new, size) << at
}

/// EXT: bytes `from..` of `b:a`, which are 64-bit halves without `q`.
pub fn extract(a: u128, b: u128, from: i64, q: bool) -> u128 {
    let by = (from as u32 & 15) * 8;
    if !q {
        (b << 64 | u128::from(a as u64)) >> by
    } else if by == 0 {
        a
    } else {
        a >> by | b << (128 - by)
    }
}

/// UMOV and SMOV: an element to a general register.
pub fn to_general(cpu: &mut Cpu, op: VectorOp, u: &Uop) {
    let size = (u.flags & VectorOp::SIZE) as usize;
    let value = element(cpu.v[(u.a & 63) as usize], size, u.imm) as u64;
    let unused = 64 - (8 << size);
    cpu.x[(u.dst & 63) as usize] = if op == VectorOp::Umov {
        value
    } else {
        let wide = ((value << unused) as i64 >> unused) as u64;
        if u.flags & VectorOp::Q != 0 { wide } else { u64::from(wide as u32) }
    };
}

/// TBL and TBX.
pub fn table(cpu: &Cpu, op: VectorOp, u: &Uop) -> u128 {
    let mut table = [0; 64];
    let count = (u.imm as usize).min(4);
    for n in 0..count {
        // The register after V31 is V0; temporaries just follow each other.
        let last = if u.a < VTEMP { 31 } else { 63 };
        let register = cpu.v[(u.a as usize + n) & last];
        table[16 * n..16 * n + 16].copy_from_slice(&register.to_le_bytes());
    }
    let indices = cpu.v[(u.b & 63) as usize].to_le_bytes();
    let mut result = match op {
        VectorOp::Tbx => cpu.v[(u.c & 63) as usize].to_le_bytes(),
        _ => [0; 16],
    };
    for (byte, index) in result.iter_mut().zip(indices) {
        if (index as usize) < 16 * count {
            *byte = table[index as usize & 63];
        }
    }
    u128::from_le_bytes(result)
}
