//! A32 instructions that name coprocessor registers.

/// opc1, CRn, CRm, opc2 of CP15.
pub type Name = (u32, u32, u32, u32);

fn cp((opc1, crn, crm, opc2): Name, coproc: u32, rt: u32) -> u32 {
    0xee00_0010 | opc1 << 21 | crn << 16 | rt << 12 | coproc << 8 | opc2 << 5 | crm
}

/// MRC p15 to R`rt`.
pub fn mrc(name: Name, rt: u32) -> u32 {
    cp(name, 15, rt) | 1 << 20
}

/// MCR p15 from R`rt`.
pub fn mcr(name: Name, rt: u32) -> u32 {
    cp(name, 15, rt)
}

/// MRC p14 to R`rt`.
pub fn mrc14(name: Name, rt: u32) -> u32 {
    cp(name, 14, rt) | 1 << 20
}

/// MCR p14 from R`rt`.
pub fn mcr14(name: Name, rt: u32) -> u32 {
    cp(name, 14, rt)
}

/// MRRC p15 to R`rt` and R`rt2`.
pub fn mrrc(opc1: u32, crm: u32, rt: u32, rt2: u32) -> u32 {
    0xec50_0f00 | rt2 << 16 | rt << 12 | opc1 << 4 | crm
}

/// MCRR p15 from R`rt` and R`rt2`.
pub fn mcrr(opc1: u32, crm: u32, rt: u32, rt2: u32) -> u32 {
    0xec40_0f00 | rt2 << 16 | rt << 12 | opc1 << 4 | crm
}

/// HVC with the immediate 0x2000, which ends a program.
pub const END: u32 = 0xe142_0070;
/// What [`super::kit::Machine::run`] returns then.
pub const DONE: u16 = 0x2000;

/// The vectors, as `run` returns them.
pub mod vector {
    pub const UNDEFINED: u16 = 0x04;
    pub const SVC: u16 = 0x08;
    pub const PREFETCH: u16 = 0x0c;
    pub const DATA: u16 = 0x10;
}

pub const SCTLR: Name = (0, 1, 0, 0);
pub const TTBR0: Name = (0, 2, 0, 0);
pub const TTBCR: Name = (0, 2, 0, 2);
pub const DACR: Name = (0, 3, 0, 0);
pub const PAR: Name = (0, 7, 4, 0);
pub const ATS1CPR: Name = (0, 7, 8, 0);
pub const TLBIALL: Name = (0, 8, 7, 0);
pub const TLBIMVA: Name = (0, 8, 7, 1);
pub const TLBIASID: Name = (0, 8, 7, 2);
pub const TLBIMVAA: Name = (0, 8, 7, 3);
pub const CONTEXTIDR: Name = (0, 13, 0, 1);
