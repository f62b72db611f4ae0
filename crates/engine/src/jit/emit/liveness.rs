//! One pass backwards over a trace: which flags are needed, which temporaries fit a register.

use super::copies::keeps_copies;
use crate::uop::{FloatOp, Op, SystemOp, TEMP, Uop};

/// What a uop asks of the code around it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// The flags as they are before the uop matter to it or to what follows.
    pub flags: bool,
    /// Its destination is a temporary that the next uop uses up.
    pub temp_in_register: bool,
}

/// Fills in the needs of each uop.
pub fn analyse(uops: &[Uop], needs: &mut Vec<Needs>) {
    needs.clear();
    needs.resize(uops.len(), Needs::default());
    let mut live = true;
    for (n, u) in uops.iter().enumerate().rev() {
        live = uses_flags(u.op) || live && !sets_flags(u.op);
        needs[n].flags = live;
        // Integer uops pass it on by themselves.
        let passed = |next: &Uop| keeps_copies(next.op) || needs[n + 1].temp_in_register;
        let fits = u.dst >= TEMP && uops.get(n + 1).is_some_and(|next| !passed(next));
        needs[n].temp_in_register = fits && used_up(u, &uops[n + 1..]);
    }
}

/// True if the uop reads the flags, or may leave the trace, so that they must be as they should.
fn uses_flags(op: Op) -> bool {
    use Op::*;
    match op {
        Adc64 | Adc32 | Sbc64 | Sbc32 | AdcS64 | AdcS32 | SbcS64 | SbcS32 => true,
        Csel64 | Csel32 | Csinc64 | Csinc32 | Csinv64 | Csinv32 | Csneg64 | Csneg32 => true,
        Ccmp64 | Ccmp32 | Ccmn64 | Ccmn32 => true,
        Rmif | Setf8 | Setf16 | Cfinv | Axflag | Xaflag => true,
        Float(op) => matches!(op, FloatOp::CompareIf | FloatOp::Select | FloatOp::Trapped),
        Vector(_) => false,
        System(SystemOp::WriteNzcv) => false,
        _ => !is_plain(op),
    }
}

/// True for what only computes, on general registers.
fn is_plain(op: Op) -> bool {
    use Op::*;
    let accesses = op.is_access() || op.is_vector_access() || op.is_load_pair() || op.is_store_pair();
    let leaves =
        op.is_conditional() || matches!(op, Jump | Call | Next | JumpReg | CallReg | Undefined | CheckSp);
    !accesses && !leaves && !matches!(op, Memory(_) | Vector(_) | Float(_) | System(_))
}

/// True if the uop replaces all flags.
fn sets_flags(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        AddS64
            | AddS32
            | SubS64
            | SubS32
            | AddSI64
            | AddSI32
            | SubSI64
            | SubSI32
            | AdcS64
            | AdcS32
            | SbcS64
            | SbcS32
            | AndS64
            | AndS32
            | BicS64
            | BicS32
            | AndSI64
            | AndSI32
            | Ccmp64
            | Ccmp32
            | Ccmn64
            | Ccmn32
            | Float(FloatOp::Compare)
            | Float(FloatOp::ToInt32Js)
            | System(SystemOp::WriteNzcv)
    )
}

/// True if `u`'s destination, a temporary, is read by the first uop of `rest` alone, in a lowering that
/// reads it before it uses the scratch registers.
fn used_up(u: &Uop, rest: &[Uop]) -> bool {
    let next = &rest[0];
    let reads = |v: &Uop| v.a == u.dst || v.b == u.dst;
    let later = |v: &Uop| reads(v) || v.c == u.dst;
    takes_temp(next.op)
        && is_plain(u.op)
        && !later(u)
        && reads(next)
        && next.c != u.dst
        && next.dst != u.dst
        && !rest[1..].iter().take_while(|v| v.delta == u.delta).any(later)
}

/// True for ops whose lowering takes an operand in the register of temporaries.
fn takes_temp(op: Op) -> bool {
    use Op::*;
    op.is_access() || matches!(op, AddS64 | AddS32 | SubS64 | SubS32 | AndS64 | AndS32 | BicS64 | BicS32)
}
