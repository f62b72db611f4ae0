//! What instructions do the same way in every implementation.

use armlet_arm::aarch32::{Insn, Op, Operand, Shift};

use crate::oracle::{MEM, Rng};

/// False for a choice that the architecture leaves open, and for what depends on more than registers and the memory that
/// cases share: the monitor, code around the stream, E of CPSR.
pub fn is(insn: &Insn) -> bool {
    use Op::*;
    match insn.op {
        Umull | Umlal | Smull | Smlal | Umaal | Smlalbb | Smlalbt | Smlaltb | Smlaltt | Smlald | Smlaldx
        | Smlsld | Smlsldx => insn.d != insn.a,
        Ldrex | Ldrexb | Ldrexh | Ldrexd | Ldaex | Ldaexb | Ldaexh | Ldaexd => false,
        Strex | Strexb | Strexh | Strexd | Stlex | Stlexb | Stlexh | Stlexd | Swp | Swpb => false,
        Msr => insn.field_mask() & 2 == 0 && !insn.spsr(),
        Mrs | MrsBanked | MsrBanked => false,
        Ldm | Stm | LdmUser | StmUser => !insn.index.wback || insn.list >> insn.n & 1 == 0,
        op if super::is_memory(op) => insn.n != 15 && !clashes(insn) && index_is_small(insn),
        _ => true,
    }
}

/// A register is both moved and the base that is written back, or a pair loads its own base.
fn clashes(insn: &Insn) -> bool {
    let pair = matches!(insn.op, Op::Ldrd | Op::Strd);
    let moves = insn.index.wback || !insn.index.pre;
    let by_register = !matches!(insn.operand, Operand::Imm { .. } | Operand::None);
    let data = |n: u8| n == insn.d || pair && n == insn.a;
    moves && (data(insn.n) || by_register && insn.m == insn.n)
        || insn.op == Op::Ldrd && by_register && data(insn.m)
}

/// An index register that holds a small number adds one.
fn index_is_small(insn: &Insn) -> bool {
    match insn.operand {
        Operand::Shifted { kind: Shift::Lsl, amount } => insn.m != insn.n && amount <= 3,
        Operand::Shifted { kind, .. } => insn.m != insn.n && !matches!(kind, Shift::Ror | Shift::Rrx),
        Operand::ShiftedByReg { .. } => false,
        _ => true,
    }
}

/// The registers that an access depends on, and values that let it hit the memory that is compared.
pub fn aim(rng: &mut Rng, insn: &Insn) -> Vec<(u8, u32)> {
    let unit = if rng.below(4) == 0 { 1 } else { 8 };
    let at = MEM as u32 + 0x100 + rng.below(0x200 / u64::from(unit)) as u32 * unit;
    let mut values = vec![];
    let base = match insn.operand {
        Operand::Imm { value, .. } if insn.index.pre && !matches!(insn.op, Op::Ldm | Op::Stm) => {
            if insn.index.add { at.wrapping_sub(value) } else { at.wrapping_add(value) }
        }
        Operand::Shifted { .. } => {
            values.push((insn.m, rng.below(8) as u32 * unit.min(4)));
            at
        }
        _ => at,
    };
    values.push((insn.n, base));
    values
}
