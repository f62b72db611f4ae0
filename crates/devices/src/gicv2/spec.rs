//! Register offsets and fields of GICv2 in Arm's spelling. Sections are of IHI 0048B.b.

// Distributor, section 4.1.2.
pub const GICD_CTLR: u64 = 0x000;
pub const GICD_TYPER: u64 = 0x004;
pub const GICD_IIDR: u64 = 0x008;
/// First of GICD_IGROUPR; the bit and priority registers go on to GICD_ITARGETSR.
pub const GICD_IGROUPR: u64 = 0x080;
pub const GICD_ISPENDR: u64 = 0x200;
pub const GICD_ICPENDR: u64 = 0x280;
pub const GICD_ITARGETSR: u64 = 0x800;
pub const GICD_ICFGR: u64 = 0xc00;
pub const GICD_ICFGR_END: u64 = 0xd00;
pub const GICD_NSACR: u64 = 0xe00;
pub const GICD_SGIR: u64 = 0xf00;
pub const GICD_CPENDSGIR: u64 = 0xf10;
pub const GICD_SPENDSGIR: u64 = 0xf20;
pub const GICD_SPENDSGIR_END: u64 = 0xf30;
/// PIDR4, the first identification register.
pub const GICD_ID_REGISTERS: u64 = 0xfd0;

/// Implementer Arm, a GIC-400.
pub const GICD_IIDR_VALUE: u64 = 0x0200_143b;
/// PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3 of a GIC-400; PIDR2 says GICv2.
pub const GICD_IDS: [u8; 12] = [0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

// CPU interface, section 4.1.3.
pub const GICC_CTLR: u64 = 0x0000;
pub const GICC_PMR: u64 = 0x0004;
pub const GICC_BPR: u64 = 0x0008;
pub const GICC_IAR: u64 = 0x000c;
pub const GICC_EOIR: u64 = 0x0010;
pub const GICC_RPR: u64 = 0x0014;
pub const GICC_HPPIR: u64 = 0x0018;
pub const GICC_ABPR: u64 = 0x001c;
pub const GICC_AIAR: u64 = 0x0020;
pub const GICC_AEOIR: u64 = 0x0024;
pub const GICC_AHPPIR: u64 = 0x0028;
pub const GICC_APR0: u64 = 0x00d0;
pub const GICC_APR_END: u64 = 0x00e0;
pub const GICC_NSAPR0: u64 = 0x00e0;
pub const GICC_NSAPR_END: u64 = 0x00f0;
pub const GICC_IIDR: u64 = 0x00fc;
pub const GICC_DIR: u64 = 0x1000;

/// Implementer Arm, a GIC-400, architecture version 2.
pub const GICC_IIDR_VALUE: u64 = 0x0202_143b;

/// GICC_CTLR.EnableGrp0.
pub const CTLR_ENABLE_GRP0: u32 = 1 << 0;
/// GICC_CTLR.EnableGrp1.
pub const CTLR_ENABLE_GRP1: u32 = 1 << 1;
/// GICC_CTLR.AckCtl: GICC_IAR acknowledges group 1 interrupts too.
pub const CTLR_ACKCTL: u32 = 1 << 2;
/// GICC_CTLR.FIQEn: group 0 drives the FIQ input.
pub const CTLR_FIQEN: u32 = 1 << 3;
/// GICC_CTLR.CBPR.
pub const CTLR_CBPR: u32 = 1 << 4;
/// GICC_CTLR.EOImode: end of interrupt drops the priority only.
pub const CTLR_EOIMODE: u32 = 1 << 9;
/// The fields of GICC_CTLR; the bypass disable bits 5 to 8 are only stored.
pub const CTLR_MASK: u32 = 0x3ff;

/// What GICC_IAR returns for a group 1 interrupt it does not acknowledge.
pub const INTID_GROUP1: u32 = 1022;
