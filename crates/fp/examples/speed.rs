//! Prints what operations cost, in nanoseconds: by a fast path where there is one, with IXC set and with it
//! clear, and by the slow path.

use std::hint::black_box;
use std::time::Instant;

use armlet_fp::*;

const COUNT: usize = 4096;
const ROUNDS: usize = 500;

/// Nanoseconds for one call of `op`, on operands that differ from call to call.
fn time<F: Copy>(operands: &[[F; 3]], mut op: impl FnMut([F; 3])) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..ROUNDS / 5 {
            operands.iter().for_each(|&o| op(o));
        }
        best = best.min(start.elapsed().as_nanos() as f64 / (COUNT * (ROUNDS / 5)) as f64);
    }
    best
}

/// One line: IXC set, IXC clear, and rounding to plus infinity, which the host does not do.
fn line<F: Float>(name: &str, operands: &[[F; 3]], op: impl Fn(&mut FpContext, [F; 3])) {
    let set = time(operands, |o| op(&mut FpContext::from_fpcr(black_box(0), IXC), o));
    let clear = time(operands, |o| op(&mut FpContext::from_fpcr(black_box(0), 0), o));
    let slow = time(operands, |o| op(&mut FpContext::from_fpcr(black_box(1 << 22), IXC), o));
    println!("{:>6} {name:<12} {set:6.2} {clear:6.2} {slow:6.2}", F::BITS);
}

fn lines<F: Float, Other: Float>() {
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 11
    };
    // Of ordinary sizes: 2^-8 to 2^8.
    let mut number = || F::from_fields(false, F::BIAS as u64 - 8 + random() % 16, random() & F::FRAC_MASK);
    let operands: Vec<[F; 3]> = (0..COUNT).map(|_| [number(), number(), number()]).collect();
    let o = &operands;
    macro_rules! lines {
        ($($name:literal $op:expr;)*) => {
            $(line::<F>($name, o, |cx, v| {
                let op: fn(&mut FpContext, [F; 3]) -> _ = $op;
                black_box(op(cx, black_box(v)));
                black_box(cx.flags);
            });)*
        };
    }
    lines! {
        "add" |cx, [a, b, _]| add(cx, a, b);
        "sub" |cx, [a, b, _]| sub(cx, a, b);
        "mul" |cx, [a, b, _]| mul(cx, a, b);
        "div" |cx, [a, b, _]| div(cx, a, b);
        "sqrt" |cx, [a, ..]| sqrt(cx, a);
        "mul_add" |cx, [a, b, c]| mul_add(cx, c, a, b);
        "compare" |cx, [a, b, _]| compare(cx, a, b, false);
        "max" |cx, [a, b, _]| max(cx, a, b);
        "round_int" |cx, [a, ..]| round_int(cx, a, Rounding::Zero, false);
        "to_fixed" |cx, [a, ..]| to_fixed(cx, a, 0, false, Rounding::Zero, 64);
        "from_fixed" |cx, [a, ..]| from_fixed::<F>(cx, a.bits(), 0, false, 64);
        "convert" |cx, [a, ..]| convert::<F, Other>(cx, a);
    }
}

fn main() {
    println!("format operation    IXC=1  IXC=0   slow");
    lines::<u32, u64>();
    lines::<u64, u32>();
    lines::<u16, u32>();
}
