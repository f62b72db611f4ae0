//! One pass backwards over a trace: which flags are needed, which temporaries fit a register.

use super::copies::keeps_copies;
use crate::uop::{FloatOp, Op, SystemOp, TEMP, Uop};

/// N and Z, in masks of flags.
pub const NZ: u8 = 1;
/// C.
pub const C: u8 = 2;
/// V.
pub const V: u8 = 4;
/// All of them.
pub const ALL: u8 = NZ | C | V;

/// What a uop asks of the code around it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// The flags that, as they are before the uop, matter to it or to what follows.
    pub before: u8,
    /// Those that, as they are after it, matter to what follows.
    pub after: u8,
    /// Its destination is a temporary that the next uop uses up.
    pub temp_in_register: bool,
}

/// Fills in the needs of each uop.
pub fn analyse(uops: &[Uop], needs: &mut Vec<Needs>) {
    needs.clear();
    needs.resize(uops.len(), Needs::default());
    let mut live = ALL;
    for (n, u) in uops.iter().enumerate().rev() {
        needs[n].after = live;
        live = uses_flags(u) | live & !sets_flags(u);
        if u.op == Op::Skip {
            live |= uops.get(past(n, u)).map_or(ALL, |_| needs[past(n, u)].before);
        }
        needs[n].before = live;
        // The next uop can't have its own temporary there as well. Integer uops pass temporaries on by themselves.
        let free = needs.get(n + 1).is_some_and(|next| !next.temp_in_register);
        let fits = free && u.dst >= TEMP && !keeps_copies(uops[n + 1].op);
        needs[n].temp_in_register = fits && used_up(u, &uops[n + 1..]);
    }
}

/// Number of the uop at which `skip`, which is uop `n`, goes on.
pub fn past(n: usize, skip: &Uop) -> usize {
    n + 1 + skip.imm as usize
}

/// The flags that decide condition `cc`.
fn of_condition(cc: u8) -> u8 {
    match cc & 15 {
        0 | 1 | 4 | 5 => NZ,
        2 | 3 => C,
        6 | 7 => V,
        8 | 9 => NZ | C,
        10..=13 => NZ | V,
        _ => 0,
    }
}

/// The flags that a uop reads; all, if it may leave the trace, for then they must be as they should.
fn uses_flags(u: &Uop) -> u8 {
    use Op::*;
    match u.op {
        Adc64 | Adc32 | Sbc64 | Sbc32 | AdcS64 | AdcS32 | SbcS64 | SbcS32 | Rrx32 | RrxS32 => C,
        Csel64 | Csel32 | Csinc64 | Csinc32 | Csinv64 | Csinv32 | Csneg64 | Csneg32 => of_condition(u.flags),
        Ccmp64 | Ccmp32 | Ccmn64 | Ccmn32 | Skip => of_condition(u.flags),
        Rmif | Setf8 | Setf16 | Cfinv | Axflag | Xaflag => ALL,
        Float(FloatOp::CompareIf | FloatOp::Select) => of_condition(u.c),
        Float(FloatOp::Trapped) => ALL,
        Float(_) | Vector(_) | System(SystemOp::WriteNzcv) => 0,
        op if is_plain(op) => 0,
        _ => ALL,
    }
}

/// True for what only computes, on general registers.
fn is_plain(op: Op) -> bool {
    use Op::*;
    let accesses = op.is_access() || op.is_vector_access() || op.is_load_pair() || op.is_store_pair();
    let leaves = op.is_conditional()
        || op.is_branch()
        || matches!(op, Undefined | CheckSp | CheckAlign | CheckFp | Skip);
    !accesses && !leaves && !matches!(op, Memory(_) | Vector(_) | Float(_) | System(_))
}

/// The flags that a uop replaces, whatever they were.
pub fn sets_flags(u: &Uop) -> u8 {
    use Op::*;
    match u.op {
        AddS64 | AddS32 | SubS64 | SubS32 | AddSI64 | AddSI32 | SubSI64 | SubSI32 => ALL,
        AdcS64 | AdcS32 | SbcS64 | SbcS32 => ALL,
        AndS64 | AndS32 | BicS64 | BicS32 | AndSI64 | AndSI32 => ALL,
        Ccmp64 | Ccmp32 | Ccmn64 | Ccmn32 => ALL,
        Float(FloatOp::Compare | FloatOp::CompareIf | FloatOp::ToInt32Js) | System(SystemOp::WriteNzcv) => {
            ALL
        }
        NzS32 | LslSV32 | LsrSV32 | AsrSV32 | RorSV32 => NZ,
        SetC | CarryBit => C,
        LslSI32 if u.imm == 0 => NZ,
        LslSI32 | LsrSI32 | AsrSI32 | RorSI32 | RrxS32 => NZ | C,
        _ => 0,
    }
}

/// True if the uop may change flags.
pub fn changes_flags(u: &Uop) -> bool {
    use Op::*;
    sets_flags(u) != 0 || matches!(u.op, Rmif | Setf8 | Setf16 | Cfinv | Axflag | Xaflag)
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
        && !may_be_helped(u.op)
        && reads(next)
        && next.c != u.dst
        && next.dst != u.dst
        && !rest[1..].iter().take_while(|v| v.delta == u.delta).any(later)
}

/// True for plain ops that may be left to the interpreter, which puts temporaries into memory.
fn may_be_helped(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        LslSI32
            | LsrSI32
            | AsrSI32
            | RorSI32
            | Rrx32
            | RrxS32
            | LslSV32
            | LsrSV32
            | AsrSV32
            | RorSV32
            | Dsp(_)
            | Crc32
    )
}

/// True for ops whose lowering takes an operand in the register of temporaries.
fn takes_temp(op: Op) -> bool {
    use Op::*;
    op.is_access() || matches!(op, AndS64 | AndS32 | BicS64 | BicS32)
}
