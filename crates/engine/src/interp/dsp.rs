//! Saturating, parallel and packed arithmetic of AArch32.

use crate::cpu::Cpu;
use crate::uop::dsp::Lanes;
use crate::uop::{DspOp, GE, Q, Slot, Uop};

/// Runs one DSP uop.
pub fn exec(cpu: &mut Cpu, op: DspOp, u: &Uop) {
    let word = |slot: Slot| cpu.x[usize::from(slot & 63)] as u32;
    let (a, b, c) = (word(u.a), word(u.b), word(u.c));
    let wide = cpu.x[usize::from(u.c & 63)];
    let lanes = Lanes::from_flags(u.flags);
    let top_a = u.flags & DspOp::TOP_A != 0;
    let top_b = u.flags & DspOp::TOP_B != 0;
    let value = match op {
        DspOp::Signed => {
            let (value, ge) = parallel(lanes, a, b, signed, |exact, _| (exact, exact >= 0));
            cpu.x[usize::from(GE)] = ge;
            value
        }
        DspOp::Unsigned => {
            // A sum's GE is its carry, a difference's that there is no borrow.
            let ge = |exact, lane: Lane| if lane.adds { exact >> lane.bits != 0 } else { exact >= 0 };
            let (value, ge) = parallel(lanes, a, b, unsigned, |exact, lane| (exact, ge(exact, lane)));
            cpu.x[usize::from(GE)] = ge;
            value
        }
        DspOp::SignedSaturating => {
            parallel(lanes, a, b, signed, |exact, lane| (clamp_signed(exact, lane.bits).0, false)).0
        }
        DspOp::UnsignedSaturating => {
            parallel(lanes, a, b, unsigned, |exact, lane| (clamp_unsigned(exact, lane.bits).0, false)).0
        }
        DspOp::SignedHalving => parallel(lanes, a, b, signed, |exact, _| (exact >> 1, false)).0,
        DspOp::UnsignedHalving => parallel(lanes, a, b, unsigned, |exact, _| (exact >> 1, false)).0,
        DspOp::Select => {
            let mask = byte_mask(cpu.x[usize::from(GE)]);
            a & mask | b & !mask
        }
        DspOp::SumOfDifferences => {
            let pairs = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
            pairs.fold(c, |sum, (a, b)| sum.wrapping_add(a.abs_diff(b).into()))
        }

        DspOp::Qadd => saturated(cpu, whole(a) + whole(b)),
        DspOp::Qsub => saturated(cpu, whole(a) - whole(b)),
        DspOp::Qdadd => {
            let doubled = saturated(cpu, whole(b) * 2);
            saturated(cpu, whole(a) + whole(doubled))
        }
        DspOp::Qdsub => {
            let doubled = saturated(cpu, whole(b) * 2);
            saturated(cpu, whole(a) - whole(doubled))
        }
        DspOp::Ssat => noted(cpu, clamp_signed(whole(a), u.flags.clamp(1, 32).into())),
        DspOp::Usat => noted(cpu, clamp_unsigned(whole(a), u.flags.min(31).into())),
        DspOp::Ssat16 => {
            let bits = u.flags.clamp(1, 16).into();
            let (low, high) = (clamp_signed(half(a, false), bits), clamp_signed(half(a, true), bits));
            packed(noted(cpu, low), noted(cpu, high))
        }
        DspOp::Usat16 => {
            let bits = u.flags.min(15).into();
            let (low, high) = (clamp_unsigned(half(a, false), bits), clamp_unsigned(half(a, true), bits));
            packed(noted(cpu, low), noted(cpu, high))
        }

        DspOp::Sxtab16 => {
            let byte = |n: u32| (b >> n) as i8 as u32;
            packed(a.wrapping_add(byte(0)), (a >> 16).wrapping_add(byte(16)))
        }
        DspOp::Uxtab16 => packed(a.wrapping_add(b & 0xff), (a >> 16).wrapping_add(b >> 16 & 0xff)),

        DspOp::Smul => (half(a, top_a) * half(b, top_b)) as u32,
        DspOp::Smla => sum(cpu, half(a, top_a) * half(b, top_b), c),
        DspOp::Smulw => (whole(a) * half(b, top_b) >> 16) as u32,
        DspOp::Smlaw => sum(cpu, whole(a) * half(b, top_b) >> 16, c),
        DspOp::Smlad => sum(cpu, dual(a, b, u.flags, 1), c),
        DspOp::Smlsd => sum(cpu, dual(a, b, u.flags, -1), c),
        DspOp::Smlal => return doubleword(cpu, u, wide, half(a, top_a) * half(b, top_b)),
        DspOp::Smlald => return doubleword(cpu, u, wide, dual(a, b, u.flags, 1)),
        DspOp::Smlsld => return doubleword(cpu, u, wide, dual(a, b, u.flags, -1)),
    };
    cpu.x[usize::from(u.dst & 63)] = value.into();
}

/// A word as a signed number.
fn whole(word: u32) -> i64 {
    i64::from(word as i32)
}

/// A half of a word as a signed number.
fn half(word: u32, top: bool) -> i64 {
    if top { i64::from(word as i32 >> 16) } else { i64::from(word as i16) }
}

/// Two halves, each in the low bits of a word.
fn packed(low: u32, high: u32) -> u32 {
    low & 0xffff | high << 16
}

/// The bytes that GE selects.
fn byte_mask(ge: u64) -> u32 {
    (0..4).filter(|n| ge >> n & 1 != 0).fold(0, |mask, n| mask | 0xff << (n * 8))
}

/// SignedSatQ: the result and whether it saturated.
fn clamp_signed(value: i64, bits: u32) -> (i64, bool) {
    let most = (1 << (bits - 1)) - 1;
    let clamped = value.clamp(-most - 1, most);
    (clamped, clamped != value)
}

/// UnsignedSatQ.
fn clamp_unsigned(value: i64, bits: u32) -> (i64, bool) {
    let clamped = value.clamp(0, (1 << bits) - 1);
    (clamped, clamped != value)
}

/// The result of a saturation, Q kept.
fn noted(cpu: &mut Cpu, (value, saturated): (i64, bool)) -> u32 {
    cpu.x[usize::from(Q)] |= u64::from(saturated);
    value as u32
}

fn saturated(cpu: &mut Cpu, value: i64) -> u32 {
    noted(cpu, clamp_signed(value, 32))
}

/// An accumulation that wraps and notes it in Q.
fn sum(cpu: &mut Cpu, product: i64, addend: u32) -> u32 {
    let exact = product + whole(addend);
    cpu.x[usize::from(Q)] |= u64::from(exact != i64::from(exact as i32));
    exact as u32
}

/// The product of the low halves plus `sign` times that of the upper ones.
fn dual(a: u32, b: u32, flags: u8, sign: i64) -> i64 {
    let cross = flags & DspOp::CROSS != 0;
    half(a, false) * half(b, cross) + sign * half(a, true) * half(b, !cross)
}

fn doubleword(cpu: &mut Cpu, u: &Uop, addend: u64, product: i64) {
    cpu.x[usize::from(u.dst & 63)] = addend.wrapping_add(product as u64);
}

/// A lane of a parallel operation.
#[derive(Clone, Copy)]
struct Lane {
    /// Its lowest bit in the result and in `a`.
    low: u32,
    /// Its lowest bit in `b`.
    low_b: u32,
    /// Its width.
    bits: u32,
    /// It is a sum, else a difference.
    adds: bool,
}

fn signed(word: u32, low: u32, bits: u32) -> i64 {
    i64::from((word << (32 - bits - low)) as i32 >> (32 - bits))
}

fn unsigned(word: u32, low: u32, bits: u32) -> i64 {
    i64::from(word << (32 - bits - low) >> (32 - bits))
}

/// Adds or subtracts by lanes that `extract` takes out of `a` and `b`; `finish` makes a lane and its GE of the
/// exact result. Returns the word and GE.
fn parallel(
    lanes: Lanes,
    a: u32,
    b: u32,
    extract: fn(u32, u32, u32) -> i64,
    finish: impl Fn(i64, Lane) -> (i64, bool),
) -> (u32, u64) {
    let (bits, cross, low_adds, high_adds) = match lanes {
        Lanes::Add16 => (16, 0, true, true),
        Lanes::Asx => (16, 16, false, true),
        Lanes::Sax => (16, 16, true, false),
        Lanes::Sub16 => (16, 0, false, false),
        Lanes::Add8 => (8, 0, true, true),
        Lanes::Sub8 => (8, 0, false, false),
    };
    let (mut value, mut ge) = (0, 0);
    for low in (0..32).step_by(bits) {
        let bits = bits as u32;
        let adds = if low == 0 { low_adds } else { high_adds };
        let lane = Lane { low, low_b: low ^ cross, bits, adds };
        let (x, y) = (extract(a, lane.low, bits), extract(b, lane.low_b, bits));
        let (result, at_least) = finish(if adds { x + y } else { x - y }, lane);
        value |= (result as u32 & (u32::MAX >> (32 - bits))) << low;
        if at_least {
            // A bit of GE for each byte.
            ge |= (u64::from(u32::MAX >> (32 - bits / 8))) << (low / 8);
        }
    }
    (value, ge)
}
