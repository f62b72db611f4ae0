//! What instructions do the same way in every implementation.

use armlet_arm::aarch32::{Insn, Op, Operand};

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
        op if super::is_memory(op) => insn.n != 15 && !clashes(insn),
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
