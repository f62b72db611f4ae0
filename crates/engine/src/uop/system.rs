//! System ops: exceptions, system registers, barriers, maintenance.

/// What a system uop does. Operands: `dst` and `a` are general slots, `imm` as said; `c` is the number
/// of the instruction's Rt where an access can trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SystemOp {
    /// SVC; `imm` is the immediate. Ends a block.
    Svc,
    /// HVC; `imm` is the immediate. Ends a block.
    Hvc,
    /// SMC; `imm` is the immediate. Ends a block.
    Smc,
    /// BRK; `imm` is the immediate. Ends a block.
    Brk,
    /// ERET. Ends a block.
    Eret,

    /// WFI. Ends a block.
    Wfi,
    /// WFE. Ends a block.
    Wfe,
    /// SEV.
    Sev,
    /// SEVL.
    Sevl,

    /// CLREX.
    Clrex,
    /// DMB; `imm` is CRm.
    Dmb,
    /// DSB.
    Dsb,
    /// ISB; the block must end after it.
    Isb,

    /// MRS of plain state: `dst` = the SysReg `imm`.
    ReadReg,
    /// MSR of plain state: the SysReg `imm` = `a`.
    WriteReg,
    /// MRS by row `imm` of the register table.
    ReadRow,
    /// MSR by row `imm`.
    WriteRow,
    /// MRS of the interrupt controller's register with encoding `imm`.
    ReadGic,
    /// MSR of the same.
    WriteGic,
    /// MRS of the constant identification register with encoding `imm`.
    ReadId,
    /// Access to a register that is UNDEFINED here; `imm` is the encoding, `flags` 1 for a read. Ends a block.
    NoReg,
    /// `dst` = CNTVCT_EL0, at EL1.
    ReadVirtualCount,

    /// `dst` = NZCV.
    ReadNzcv,
    /// NZCV = `a`.
    WriteNzcv,
    /// `dst` = FPCR.
    ReadFpcr,
    /// FPCR = `a`.
    WriteFpcr,
    /// `dst` = FPSR.
    ReadFpsr,
    /// FPSR = `a`.
    WriteFpsr,
    /// `dst` = DAIF. `imm` is the encoding, for the trap at EL0.
    ReadDaif,
    /// DAIF = `a`. `imm` as above. The block must end after it, as after every op that unmasks.
    WriteDaif,
    /// DAIFSet; `flags` is the immediate, `imm` the encoding.
    SetDaif,
    /// DAIFClr; the same.
    ClearDaif,
    /// PSTATE's bit mask `imm` = bit 0 of `flags`: UAO, PAN, DIT, SSBS. The block must end after it.
    SetPstate,
    /// PSTATE.SP = bit 0 of `a`. The block must end after it.
    WriteSpSel,
    /// PSTATE.SP = bit 0 of `flags`. The block must end after it.
    SetSpSel,

    /// IC with encoding `imm` and argument `a`; the block must end after it.
    Ic,
    /// DC; the same operands.
    Dc,
    /// DC ZVA.
    DcZva,
    /// AT; the same operands.
    At,
    /// TLBI; the same operands; the block must end after it.
    Tlbi,
    // AArch32. Those that end a block or may change the mode: the block must end after them.
    /// SVC; `imm` is the immediate, `c` the length of the instruction. Ends a block.
    Svc32,
    /// HVC; the same.
    Hvc32,
    /// SMC; the same.
    Smc32,
    /// BKPT; `imm` is the immediate. Ends a block.
    Bkpt32,
    /// WFI; `c` is the length of the instruction. Ends a block.
    Wfi32,
    /// WFE; the same.
    Wfe32,
    /// `dst` = CPSR as MRS reads it.
    ReadCpsr,
    /// The bytes of CPSR in mask `flags` = those of `a`, as MSR may.
    WriteCpsr,
    /// `dst` = SPSR of the mode.
    ReadSpsr,
    /// The bytes of SPSR in mask `flags` = those of `a`.
    WriteSpsr,
    /// `dst` = a register of another mode: `imm` is `M[4:0] << 5 | n`, `n` being its number, 16 for SPSR.
    ReadBanked,
    /// A register of another mode = `a`.
    WriteBanked,
    /// CPS: `imm` is the instruction's imod, M, A, I, F and mode, in bits `[19:17]`, `[8:6]` and `[4:0]`.
    Cps,
    /// SETEND: PSTATE.E = bit 0 of `flags`; `c` is the length of the instruction.
    SetEnd,
    /// SWP is UNDEFINED unless SCTLR.SW is set.
    CheckSwap,
    /// Between the instructions of an IT block: ITSTATE of what comes next is `flags`.
    SetIt,
    /// Exception return to `a` with CPSR = `b`. Ends a block.
    ReturnTo32,
    /// VMRS: `dst` = floating-point system register `imm`, but for FPSCR; `c` is the length of the instruction.
    ReadVfp,
    /// VMSR; the block must end after it.
    WriteVfp,
    /// MRC: `dst` = coprocessor register by row `imm`; `c` is the number of Rt.
    ReadCp,
    /// MCR: coprocessor register by row `imm` = `a`; `c` is the number of Rt.
    WriteCp,
    /// MRRC: `dst`, `c` = the lower and the upper word of a coprocessor register.
    ReadCp64,
    /// MCRR: coprocessor register = `b:a`.
    WriteCp64,

    /// At EL0, traps SYS `imm` unless the bit of SCTLR_EL1 numbered `flags` is set.
    CheckSys,
}
