//! The instructions that are executed, and the function of this crate that each of them is.

use armlet_fp::*;

use crate::common::{self, Rng, pattern};

/// Where an instruction leaves its result.
#[derive(Clone, Copy)]
pub enum Output {
    Half,
    Single,
    Double,
    Integer,
    Flags,
}

type Operands = fn(&mut Rng) -> [u64; 3];
type Run = Box<dyn Fn(&mut FpContext, [u64; 3]) -> u64>;

/// One instruction.
pub struct Op {
    /// Its text, with the operands in v0, v1 and v2 or x0, and the result in v0 or x0.
    pub asm: String,
    pub output: Output,
    /// Makes its operands.
    pub operands: Operands,
    /// Whether its only operand is a half, so that all of them can be tried.
    pub unary_half: bool,
    /// The same by this crate.
    pub run: Run,
}

fn floats<F: Float>(rng: &mut Rng) -> [u64; 3] {
    common::operands::<F>(rng).map(F::bits)
}

/// One operand, often one that is on the edge of a narrower format.
fn edge<F: Float, Narrow: Float>(rng: &mut Rng) -> [u64; 3] {
    let a: F = if rng.one_in(2) { common::operand(rng) } else { common::edge::<F, Narrow>(rng) };
    [a.bits(), 0, 0]
}

fn integers(rng: &mut Rng) -> [u64; 3] {
    let width = [8, 16, 32, 64][rng.below(4) as usize];
    let value = pattern(rng, width);
    [if rng.one_in(2) { value } else { value.wrapping_neg() }, 0, 0]
}

/// A single and two halves, of which the product is of the size of the single.
fn mixed(rng: &mut Rng) -> [u64; 3] {
    let [mut c, ..] = common::operands::<u32>(rng);
    let [a, b, _] = common::operands::<u16>(rng);
    if rng.one_in(2) {
        c = c & 0x807f_ffff | (127 - 30 + rng.below(60) as u32) << 23;
    }
    [c.into(), a.into(), b.into()]
}

/// All instructions.
pub fn ops() -> Vec<Op> {
    let mut ops = Vec::new();
    format_ops::<u16>(&mut ops, 'h', Output::Half);
    format_ops::<u32>(&mut ops, 's', Output::Single);
    format_ops::<u64>(&mut ops, 'd', Output::Double);
    integral_ops::<u32>(&mut ops, 's', Output::Single);
    integral_ops::<u64>(&mut ops, 'd', Output::Double);
    vector_fixed_ops(&mut ops);
    other_ops(&mut ops);
    ops
}

fn f<F: Float>(bits: u64) -> F {
    F::from_low_bits(bits)
}

/// The instructions that all three formats have. `l` is the letter of the registers.
fn format_ops<F: Float>(ops: &mut Vec<Op>, l: char, output: Output) {
    let mut push = |asm: String, output, run: Run| {
        let unary_half = F::BITS == 16 && !asm.contains("h1");
        ops.push(Op { asm, output, operands: floats::<F>, unary_half, run });
    };
    type Unary<F> = fn(&mut FpContext, F) -> F;
    type Binary<F> = fn(&mut FpContext, F, F) -> F;
    let binary: [(&str, Binary<F>); 11] = [
        ("fadd", add),
        ("fsub", sub),
        ("fmul", mul),
        ("fmulx", mulx),
        ("fdiv", div),
        ("fmax", max),
        ("fmin", min),
        ("fmaxnm", max_num),
        ("fminnm", min_num),
        ("frecps", recip_step),
        ("frsqrts", rsqrt_step),
    ];
    for (name, op) in binary {
        let run: Run = Box::new(move |cx, [a, b, _]| op(cx, f(a), f(b)).bits());
        push(format!("{name} {l}0, {l}0, {l}1"), output, run);
    }
    let unary: [(&str, Unary<F>); 6] = [
        ("fsqrt", sqrt),
        ("frecpe", recip_estimate),
        ("frsqrte", rsqrt_estimate),
        ("frecpx", recpx),
        ("fabs", |_, a| abs(a)),
        ("fneg", |_, a| neg(a)),
    ];
    for (name, op) in unary {
        push(format!("{name} {l}0, {l}0"), output, Box::new(move |cx, [a, ..]| op(cx, f(a)).bits()));
    }
    let run: Run = Box::new(|cx, [a, b, c]| mul_add::<F>(cx, f(c), f(a), f(b)).bits());
    push(format!("fmadd {l}0, {l}0, {l}1, {l}2"), output, run);
    let run: Run = Box::new(|cx, [a, b, c]| mul_add::<F>(cx, f(c), neg(f(a)), f(b)).bits());
    push(format!("fmsub {l}0, {l}0, {l}1, {l}2"), output, run);

    for (name, signals) in [("fcmp", false), ("fcmpe", true)] {
        let run: Run = Box::new(move |cx, [a, b, _]| compare::<F>(cx, f(a), f(b), signals).into());
        push(format!("{name} {l}0, {l}1"), Output::Flags, run);
    }
    type Test<F> = fn(&mut FpContext, F, F) -> bool;
    let tests: [(&str, Test<F>); 3] = [("fcmeq", compare_eq), ("fcmge", compare_ge), ("fcmgt", compare_gt)];
    for (name, op) in tests {
        let ones = u64::MAX >> (64 - F::BITS);
        let run: Run = Box::new(move |cx, [a, b, _]| if op(cx, f(a), f(b)) { ones } else { 0 });
        push(format!("{name} {l}0, {l}0, {l}1"), output, run);
    }

    let modes = [
        ('n', Rounding::Nearest),
        ('p', Rounding::PlusInf),
        ('m', Rounding::MinusInf),
        ('z', Rounding::Zero),
        ('a', Rounding::TiesAway),
    ];
    for (m, rounding) in modes {
        let run: Run = Box::new(move |cx, [a, ..]| round_int::<F>(cx, f(a), rounding, false).bits());
        push(format!("frint{m} {l}0, {l}0"), output, run);
        for (x, width) in [('w', 32), ('x', 64)] {
            for (s, unsigned) in [('s', false), ('u', true)] {
                let run: Run =
                    Box::new(move |cx, [a, ..]| to_fixed::<F>(cx, f(a), 0, unsigned, rounding, width));
                push(format!("fcvt{m}{s} {x}0, {l}0"), Output::Integer, run);
            }
        }
    }
    for (name, exact) in [("frintx", true), ("frinti", false)] {
        let run: Run = Box::new(move |cx, [a, ..]| round_int::<F>(cx, f(a), cx.rounding, exact).bits());
        push(format!("{name} {l}0, {l}0"), output, run);
    }
    for (x, width) in [('w', 32), ('x', 64)] {
        for (s, unsigned) in [('s', false), ('u', true)] {
            for fbits in [1, 7, 31, 32, 53, 64].into_iter().filter(|&fbits| fbits <= width) {
                let run: Run = Box::new(move |cx, [a, ..]| {
                    to_fixed::<F>(cx, f(a), fbits, unsigned, Rounding::Zero, width)
                });
                push(format!("fcvtz{s} {x}0, {l}0, #{fbits}"), Output::Integer, run);
            }
        }
    }
    for (x, width) in [('w', 32), ('x', 64)] {
        for (s, unsigned) in [('s', false), ('u', true)] {
            for fbits in [0, 1, 17, 32, 64].into_iter().filter(|&fbits| fbits <= width) {
                let run: Run =
                    Box::new(move |cx, [a, ..]| from_fixed::<F>(cx, a, fbits, unsigned, width).bits());
                let scale = if fbits == 0 { String::new() } else { format!(", #{fbits}") };
                let asm = format!("{s}cvtf {l}0, {x}0{scale}");
                ops.push(Op { asm, output, operands: integers, unary_half: false, run });
            }
        }
    }
}

/// `FEAT_FRINTTS`, which halves do not have.
fn integral_ops<F: Float>(ops: &mut Vec<Op>, l: char, output: Output) {
    for size in [32, 64] {
        let z: Run = Box::new(move |cx, [a, ..]| round_int_n::<F>(cx, f(a), Rounding::Zero, size).bits());
        let x: Run = Box::new(move |cx, [a, ..]| round_int_n::<F>(cx, f(a), cx.rounding, size).bits());
        for (m, run) in [('z', z), ('x', x)] {
            ops.push(Op {
                asm: format!("frint{size}{m} {l}0, {l}0"),
                output,
                operands: floats::<F>,
                unary_half: false,
                run,
            });
        }
    }
}

/// Conversions between a half and 16 bits, which only vector instructions have.
fn vector_fixed_ops(ops: &mut Vec<Op>) {
    for (s, unsigned) in [('s', false), ('u', true)] {
        for fbits in [0, 1, 8, 16] {
            let scale = if fbits == 0 { String::new() } else { format!(", #{fbits}") };
            ops.push(Op {
                asm: format!("fcvtz{s} h0, h0{scale}"),
                output: Output::Half,
                operands: floats::<u16>,
                unary_half: true,
                run: Box::new(move |cx, [a, ..]| {
                    to_fixed::<u16>(cx, f(a), fbits, unsigned, Rounding::Zero, 16)
                }),
            });
            ops.push(Op {
                asm: format!("{s}cvtf h0, h0{scale}"),
                output: Output::Half,
                operands: integers,
                unary_half: false,
                run: Box::new(move |cx, [a, ..]| from_fixed::<u16>(cx, a, fbits, unsigned, 16).bits()),
            });
        }
    }
}

fn other_ops(ops: &mut Vec<Op>) {
    let mut push = |asm: &str, output, operands: Operands, run: fn(&mut FpContext, [u64; 3]) -> u64| {
        let unary_half = asm.ends_with(", h0");
        ops.push(Op { asm: asm.to_owned(), output, operands, unary_half, run: Box::new(run) });
    };
    use Output::*;
    push("fcvt s0, h0", Single, floats::<u16>, |cx, [a, ..]| convert::<u16, u32>(cx, f(a)).bits());
    push("fcvt d0, h0", Double, floats::<u16>, |cx, [a, ..]| convert::<u16, u64>(cx, f(a)).bits());
    push("fcvt d0, s0", Double, floats::<u32>, |cx, [a, ..]| convert::<u32, u64>(cx, f(a)).bits());
    push("fcvt h0, s0", Half, edge::<u32, u16>, |cx, [a, ..]| convert::<u32, u16>(cx, f(a)).bits());
    push("fcvt h0, d0", Half, edge::<u64, u16>, |cx, [a, ..]| convert::<u64, u16>(cx, f(a)).bits());
    push("fcvt s0, d0", Single, edge::<u64, u32>, |cx, [a, ..]| convert::<u64, u32>(cx, f(a)).bits());
    push("fcvtxn s0, d0", Single, edge::<u64, u32>, |cx, [a, ..]| {
        convert_rounding::<u64, u32>(cx, f(a), Rounding::Odd).bits()
    });
    push("fjcvtzs w0, d0\ncset w4, eq\norr x0, x0, x4, lsl #32", Integer, floats::<u64>, |cx, [a, ..]| {
        let (value, exact) = to_int_js(cx, a);
        u64::from(value) | u64::from(exact) << 32
    });
    push("fmlal v0.2s, v1.2h, v2.2h", Single, mixed, |cx, [c, a, b]| {
        mul_add_half(cx, f(c), f(a), f(b)).bits()
    });
    push("urecpe v0.2s, v0.2s", Single, integers, |_, [a, ..]| unsigned_recip_estimate(a as u32).into());
    push("ursqrte v0.2s, v0.2s", Single, integers, |_, [a, ..]| unsigned_rsqrt_estimate(a as u32).into());
}
