//! Exception syndromes (Arm ARM D24.2.40 "ESR_EL1").

/// Exception classes, ESR_ELx.EC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ec {
    /// Unknown reason: undefined instructions.
    Unknown = 0x00,
    /// Trapped WFI or WFE.
    Wfx = 0x01,
    /// Trapped MCR or MRC of CP15 (AArch32).
    Cp15 = 0x03,
    /// Trapped MCRR or MRRC of CP15 (AArch32).
    Cp15Wide = 0x04,
    /// Trapped MCR or MRC of CP14 (AArch32).
    Cp14 = 0x05,
    /// Trapped LDC or STC of CP14 (AArch32).
    Cp14Memory = 0x06,
    /// Access to SVE, AdvSIMD or FP trapped by CPACR_EL1.FPEN.
    FpAccess = 0x07,
    /// Trapped MRRC of CP14 (AArch32).
    Cp14Wide = 0x0c,
    /// Illegal execution state.
    IllegalState = 0x0e,
    /// SVC in AArch32 state.
    Svc32 = 0x11,
    /// SVC in AArch64 state.
    Svc64 = 0x15,
    /// HVC in AArch64 state.
    Hvc64 = 0x16,
    /// SMC in AArch64 state.
    Smc64 = 0x17,
    /// Trapped MSR, MRS or system instruction.
    SysReg = 0x18,
    /// Instruction abort from a lower exception level.
    InsnAbortLower = 0x20,
    /// Instruction abort without a change of exception level.
    InsnAbort = 0x21,
    /// PC alignment fault.
    PcAlignment = 0x22,
    /// Data abort from a lower exception level.
    DataAbortLower = 0x24,
    /// Data abort without a change of exception level.
    DataAbort = 0x25,
    /// SP alignment fault.
    SpAlignment = 0x26,
    /// Trapped floating-point exception in AArch64 state.
    Fp64 = 0x2c,
    /// SError.
    SError = 0x2f,
    /// Breakpoint from a lower exception level.
    BreakpointLower = 0x30,
    /// Breakpoint without a change of exception level.
    Breakpoint = 0x31,
    /// Software step from a lower exception level.
    StepLower = 0x32,
    /// Software step without a change of exception level.
    Step = 0x33,
    /// Watchpoint from a lower exception level.
    WatchpointLower = 0x34,
    /// Watchpoint without a change of exception level.
    Watchpoint = 0x35,
    /// BKPT in AArch32 state.
    Bkpt32 = 0x38,
    /// BRK in AArch64 state.
    Brk = 0x3c,
}

/// ESR_ELx.IL: the instruction was 32 bits long.
pub const IL: u64 = 1 << 25;

/// Builds ESR_ELx with IL set.
pub const fn esr(ec: Ec, iss: u64) -> u64 {
    (ec as u64) << 26 | IL | iss & 0x1ff_ffff
}

/// The exception class field of an ESR value.
pub const fn ec_of(esr: u64) -> u8 {
    (esr >> 26 & 0x3f) as u8
}

/// Name of an exception class as the Arm ARM words it, for logs.
pub fn ec_name(ec: u8) -> &'static str {
    match ec {
        0x00 => "undefined instruction",
        0x01 => "trapped WFI/WFE",
        0x03 | 0x04 => "trapped CP15 access",
        0x05 | 0x06 | 0x0c => "trapped CP14 access",
        0x07 => "FP/SIMD access trap",
        0x0e => "illegal execution state",
        0x11 => "SVC (AArch32)",
        0x15 => "SVC",
        0x16 => "HVC",
        0x17 => "SMC",
        0x18 => "trapped system register",
        0x20 => "instruction abort from EL0",
        0x21 => "instruction abort",
        0x22 => "PC alignment fault",
        0x24 => "data abort from EL0",
        0x25 => "data abort",
        0x26 => "SP alignment fault",
        0x2c => "FP exception",
        0x2f => "SError",
        0x30 | 0x31 => "breakpoint",
        0x32 | 0x33 => "software step",
        0x34 | 0x35 => "watchpoint",
        0x38 => "BKPT",
        0x3c => "BRK",
        _ => "reserved exception class",
    }
}

/// Fault status codes, ESR_ELx.ISS.DFSC / IFSC. Level-specific codes take the level in their low bits.
pub mod fsc {
    /// Address size fault, level 0.
    pub const ADDRESS_SIZE: u8 = 0b000000;
    /// Translation fault, level 0.
    pub const TRANSLATION: u8 = 0b000100;
    /// Access flag fault, level 0.
    pub const ACCESS_FLAG: u8 = 0b001000;
    /// Permission fault, level 0.
    pub const PERMISSION: u8 = 0b001100;
    /// Synchronous external abort, not on a walk.
    pub const EXTERNAL: u8 = 0b010000;
    /// Synchronous external abort on a walk, level 0.
    pub const EXTERNAL_WALK: u8 = 0b010100;
    /// Alignment fault.
    pub const ALIGNMENT: u8 = 0b100001;
    /// Debug exception (watchpoint, breakpoint).
    pub const DEBUG: u8 = 0b100010;
    /// TLB conflict abort.
    pub const TLB_CONFLICT: u8 = 0b110000;
    /// Domain fault of a section (PAR_EL1.FST alone has it).
    pub const SECTION_DOMAIN: u8 = 0b111101;
    /// Domain fault of a page (the same).
    pub const PAGE_DOMAIN: u8 = 0b111110;
    /// Unsupported exclusive or atomic access.
    pub const UNSUPPORTED_ATOMIC: u8 = 0b110101;
}

/// ISS bits of data and instruction aborts.
pub mod iss {
    /// Write not Read.
    pub const WNR: u64 = 1 << 6;
    /// Fault on a stage 1 walk of a stage 2 translation.
    pub const S1PTW: u64 = 1 << 7;
    /// Cache maintenance or address translation instruction.
    pub const CM: u64 = 1 << 8;
    /// External abort type.
    pub const EA: u64 = 1 << 9;
    /// FAR not valid.
    pub const FNV: u64 = 1 << 10;
    /// Instruction syndrome valid.
    pub const ISV: u64 = 1 << 24;
}
