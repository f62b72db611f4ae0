//! Floating-point ops.

mod complex;
mod convert;
mod lanes;
mod scalar;

use armlet_arm::esr::Ec;
use armlet_fp::{
    abs, add, compare_eq, compare_ge, compare_gt, div, max, max_num, min, min_num, mul, mul_add, mulx, neg,
    recip_estimate, recip_step, recip_step_unfused, recpx, round_int, round_int_n, rsqrt_estimate,
    rsqrt_step, rsqrt_step_unfused, sqrt, sub, unsigned_recip_estimate, unsigned_rsqrt_estimate,
};

use crate::cpu::{Cpu, Raised};
use crate::uop::float::{DOUBLE, EXACT, SIZE, STANDARD};
use crate::uop::{FloatOp, Uop};
use convert::rounding;
use lanes::{across, map1, map2, map3, pairs, test2};

/// Runs one floating-point uop.
pub fn exec(cpu: &mut Cpu, op: FloatOp, u: &Uop) -> Result<(), Raised> {
    // The function, for the format that the flags name.
    macro_rules! by_format {
        ($function:path $(, $f:expr)?) => {
            match u.flags & SIZE {
                DOUBLE => { use $function as function; function::<u64>(cpu, u $(, $f)?) }
                _ => { use $function as function; function::<u32>(cpu, u $(, $f)?) }
            }
        };
    }
    match op {
        FloatOp::Trapped => return Err(trap(cpu, u)),

        FloatOp::Add => by_format!(map2, add),
        FloatOp::Sub => by_format!(map2, sub),
        FloatOp::Mul => by_format!(map2, mul),
        FloatOp::NegMul => by_format!(map2, |cx, a, b| neg(mul(cx, a, b))),
        FloatOp::MulX => by_format!(map2, mulx),
        FloatOp::Div => by_format!(map2, div),
        FloatOp::AbsDiff => by_format!(map2, |cx, a, b| abs(sub(cx, a, b))),
        FloatOp::Max => by_format!(map2, max),
        FloatOp::Min => by_format!(map2, min),
        FloatOp::MaxNum => by_format!(map2, max_num),
        FloatOp::MinNum => by_format!(map2, min_num),
        FloatOp::RecipStep if u.flags & STANDARD != 0 => map2::<u32>(cpu, u, recip_step_unfused),
        FloatOp::RsqrtStep if u.flags & STANDARD != 0 => map2::<u32>(cpu, u, rsqrt_step_unfused),
        FloatOp::RecipStep => by_format!(map2, recip_step),
        FloatOp::RsqrtStep => by_format!(map2, rsqrt_step),

        FloatOp::MulAdd => by_format!(map3, mul_add),
        FloatOp::MulSub => by_format!(map3, |cx, c, a, b| mul_add(cx, c, neg(a), b)),
        FloatOp::NegMulAdd => by_format!(map3, |cx, c, a, b| mul_add(cx, neg(c), neg(a), b)),
        FloatOp::NegMulSub => by_format!(map3, |cx, c, a, b| mul_add(cx, neg(c), a, b)),

        FloatOp::AddPairs => by_format!(pairs, add),
        FloatOp::MaxPairs => by_format!(pairs, max),
        FloatOp::MinPairs => by_format!(pairs, min),
        FloatOp::MaxNumPairs => by_format!(pairs, max_num),
        FloatOp::MinNumPairs => by_format!(pairs, min_num),
        FloatOp::AddAcross => by_format!(across, add),
        FloatOp::MaxAcross => by_format!(across, max),
        FloatOp::MinAcross => by_format!(across, min),
        FloatOp::MaxNumAcross => by_format!(across, max_num),
        FloatOp::MinNumAcross => by_format!(across, min_num),

        FloatOp::ComplexMulAdd => by_format!(complex::mul_add),
        FloatOp::ComplexAdd => by_format!(complex::add),

        FloatOp::Abs => by_format!(map1, |_, a| abs(a)),
        FloatOp::Neg => by_format!(map1, |_, a| neg(a)),
        FloatOp::Sqrt => by_format!(map1, sqrt),
        FloatOp::RoundInt => {
            by_format!(map1, |cx, a| round_int(cx, a, rounding(cx, u.imm), u.imm & EXACT != 0));
        }
        FloatOp::RoundInt32 => by_format!(map1, |cx, a| round_int_n(cx, a, rounding(cx, u.imm), 32)),
        FloatOp::RoundInt64 => by_format!(map1, |cx, a| round_int_n(cx, a, rounding(cx, u.imm), 64)),
        FloatOp::RecipEstimate => by_format!(map1, recip_estimate),
        FloatOp::RsqrtEstimate => by_format!(map1, rsqrt_estimate),
        FloatOp::RecipExponent => by_format!(map1, recpx),
        FloatOp::UnsignedRecipEstimate => map1::<u32>(cpu, u, |_, a| unsigned_recip_estimate(a)),
        FloatOp::UnsignedRsqrtEstimate => map1::<u32>(cpu, u, |_, a| unsigned_rsqrt_estimate(a)),

        FloatOp::Equal => by_format!(test2, compare_eq),
        FloatOp::GreaterEqual => by_format!(test2, compare_ge),
        FloatOp::Greater => by_format!(test2, compare_gt),
        FloatOp::LessEqual => by_format!(test2, |cx, a, b| compare_ge(cx, b, a)),
        FloatOp::Less => by_format!(test2, |cx, a, b| compare_gt(cx, b, a)),
        FloatOp::AbsGreaterEqual => by_format!(test2, |cx, a, b| compare_ge(cx, abs(a), abs(b))),
        FloatOp::AbsGreater => by_format!(test2, |cx, a, b| compare_gt(cx, abs(a), abs(b))),

        FloatOp::Compare => by_format!(scalar::compare),
        FloatOp::CompareTo => by_format!(scalar::compare_to),
        FloatOp::CompareIf => by_format!(scalar::compare_if),
        FloatOp::Select => by_format!(scalar::select),

        FloatOp::ToHalf => convert::scalar::<u16>(cpu, u),
        FloatOp::ToSingle => convert::scalar::<u32>(cpu, u),
        FloatOp::ToDouble => convert::scalar::<u64>(cpu, u),
        FloatOp::Lengthen => convert::lengthen(cpu, u),
        FloatOp::Narrow => convert::narrow(cpu, u),
        FloatOp::NarrowOdd => convert::narrow_odd(cpu, u),

        FloatOp::ToSigned => by_format!(convert::to_signed),
        FloatOp::ToUnsigned => by_format!(convert::to_unsigned),
        FloatOp::FromSigned => by_format!(convert::from_signed),
        FloatOp::FromUnsigned => by_format!(convert::from_unsigned),
        FloatOp::SignedToDouble => convert::word_to_double(cpu, u, false),
        FloatOp::UnsignedToDouble => convert::word_to_double(cpu, u, true),
        FloatOp::DoubleToSigned => convert::double_to_word(cpu, u, false),
        FloatOp::DoubleToUnsigned => convert::double_to_word(cpu, u, true),
        FloatOp::ToSigned32 => by_format!(scalar::to_general, (false, 32)),
        FloatOp::ToSigned64 => by_format!(scalar::to_general, (false, 64)),
        FloatOp::ToUnsigned32 => by_format!(scalar::to_general, (true, 32)),
        FloatOp::ToUnsigned64 => by_format!(scalar::to_general, (true, 64)),
        FloatOp::FromSigned32 => by_format!(scalar::from_general, (false, 32)),
        FloatOp::FromSigned64 => by_format!(scalar::from_general, (false, 64)),
        FloatOp::FromUnsigned32 => by_format!(scalar::from_general, (true, 32)),
        FloatOp::FromUnsigned64 => by_format!(scalar::from_general, (true, 64)),
        FloatOp::ToInt32Js => scalar::to_int_js(cpu, u),

        FloatOp::Move => by_format!(map1, |_, a| a),
        FloatOp::MoveToGeneral => by_format!(scalar::move_to_general),
        FloatOp::MoveFromGeneral => by_format!(scalar::move_from_general),
        FloatOp::MoveTopToGeneral => scalar::move_top_to_general(cpu, u),
        FloatOp::MoveTopFromGeneral => scalar::move_top_from_general(cpu, u),
    }
    Ok(())
}

/// The trap of an instruction, of `c` bytes in AArch32 state. Where EL1 is in that state it is UNDEFINED.
#[cold]
pub fn trap(cpu: &mut Cpu, u: &Uop) -> Raised {
    if cpu.el1_is_aarch32() && cpu.pstate.is_aarch32() {
        return cpu.undefined_of(u.c);
    }
    // CV is set and COND is 0b1110, as for an A64 instruction.
    let bytes = if cpu.pstate.is_aarch32() { u.c } else { 4 };
    cpu.raise(Ec::FpAccess, 0x1e << 20, None).of_bytes(cpu, bytes)
}
