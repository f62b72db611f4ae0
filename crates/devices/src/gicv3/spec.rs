//! Register offsets and fields of GICv3 in Arm's spelling. Sections are of IHI 0069H.

// Distributor, section 12.9; 12.8 has the register map.
pub const GICD_CTLR: u64 = 0x0000;
pub const GICD_TYPER: u64 = 0x0004;
pub const GICD_IIDR: u64 = 0x0008;
pub const GICD_TYPER2: u64 = 0x000c;
pub const GICD_STATUSR: u64 = 0x0010;
pub const GICD_SETSPI_NSR: u64 = 0x0040;
pub const GICD_CLRSPI_NSR: u64 = 0x0048;
pub const GICD_SETSPI_SR: u64 = 0x0050;
pub const GICD_CLRSPI_SR: u64 = 0x0058;
/// First of GICD_IGROUPR; the bit, priority and configuration registers go on to [`SHARED_END`].
pub const SHARED_START: u64 = 0x0080;
pub const SHARED_END: u64 = 0x0d00;
/// GICD_ITARGETSR, RES0 with affinity routing.
pub const GICD_ITARGETSR: u64 = 0x0800;
pub const GICD_IGRPMODR: u64 = 0x0d00;
pub const GICD_NSACR: u64 = 0x0e00;
pub const GICD_SGIR: u64 = 0x0f00;
/// GICD_CPENDSGIR and GICD_SPENDSGIR, RES0 with affinity routing.
pub const GICD_CPENDSGIR: u64 = 0x0f10;
pub const GICD_SGI_END: u64 = 0x0f30;
/// GICD_IROUTER0; the first that exists is that of INTID 32, at 0x6100.
pub const GICD_IROUTER: u64 = 0x6000;
pub const GICD_IROUTER_END: u64 = 0x6000 + 8 * 1020;
/// PIDR4, the first identification register of every frame.
pub const ID_REGISTERS: u64 = 0xffd0;
/// Bytes of a frame.
pub const FRAME: u64 = 0x1_0000;

/// GICD_CTLR.EnableGrp0.
pub const CTLR_ENABLE_GRP0: u64 = 1 << 0;
/// GICD_CTLR.EnableGrp1.
pub const CTLR_ENABLE_GRP1: u64 = 1 << 1;
/// GICD_CTLR.ARE: affinity routing, always on here.
pub const CTLR_ARE: u64 = 1 << 4;
/// GICD_CTLR.DS: one security state, always so here.
pub const CTLR_DS: u64 = 1 << 6;

/// GICD_TYPER.MBIS: GICD_SETSPI_NSR exists.
pub const TYPER_MBIS: u64 = 1 << 16;
/// GICD_TYPER.IDbits: ten-bit INTIDs.
pub const TYPER_IDBITS: u64 = 9 << 19;
/// GICD_TYPER.LPIS: there are LPIs.
pub const TYPER_LPIS: u64 = 1 << 17;
/// GICD_TYPER.IDbits with LPIs: sixteen-bit INTIDs.
pub const TYPER_IDBITS_LPIS: u64 = 15 << 19;
/// GICD_TYPER.A3V: affinity 3 may be non-zero.
pub const TYPER_A3V: u64 = 1 << 24;

/// GICD_IROUTER.Interrupt_Routing_Mode: any one CPU.
pub const IROUTER_IRM: u64 = 1 << 31;
/// The fields of GICD_IROUTER: Aff3, IRM, Aff2, Aff1, Aff0.
pub const IROUTER_MASK: u64 = 0xff_80ff_ffff;

/// GICD_IIDR and GICR_IIDR: implementer Arm, no product.
pub const IIDR: u64 = 0x43b;

/// PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3 of the distributor; PIDR2 says GICv3.
pub const DISTRIBUTOR_IDS: [u8; 12] = [0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0x00, 0x0d, 0xf0, 0x05, 0xb1];
/// The same of a redistributor.
pub const REDISTRIBUTOR_IDS: [u8; 12] = [0x44, 0, 0, 0, 0x93, 0xb4, 0x3b, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

// Redistributor, sections 12.10 (RD_base) and 12.11 (SGI_base).
pub const GICR_CTLR: u64 = 0x0000;
pub const GICR_IIDR: u64 = 0x0004;
pub const GICR_TYPER: u64 = 0x0008;
pub const GICR_STATUSR: u64 = 0x0010;
pub const GICR_WAKER: u64 = 0x0014;
pub const GICR_MPAMIDR: u64 = 0x0018;
pub const GICR_PARTIDR: u64 = 0x001c;
pub const GICR_PROPBASER: u64 = 0x0070;
pub const GICR_PENDBASER: u64 = 0x0078;
/// Bytes of one redistributor: RD_base and SGI_base.
pub const REDISTRIBUTOR: u64 = 2 * FRAME;

/// GICR_CTLR.EnableLPIs.
pub const GICR_CTLR_ENABLE_LPIS: u64 = 1 << 0;
/// GICR_CTLR.CES: EnableLPIs can be cleared again.
pub const GICR_CTLR_CES: u64 = 1 << 1;
/// GICR_TYPER.PLPIS: there are LPIs.
pub const GICR_TYPER_PLPIS: u64 = 1 << 0;
/// GICR_TYPER.Last: no redistributor follows in this region.
pub const GICR_TYPER_LAST: u64 = 1 << 4;
/// GICR_WAKER.ProcessorSleep.
pub const WAKER_PROCESSOR_SLEEP: u64 = 1 << 1;
/// GICR_WAKER.ChildrenAsleep.
pub const WAKER_CHILDREN_ASLEEP: u64 = 1 << 2;
/// The fields of GICR_PROPBASER.
pub const PROPBASER_MASK: u64 = 0x070f_ffff_ffff_ff9f;
/// GICR_PENDBASER.PTZ: the pending table is all zeros.
pub const PENDBASER_PTZ: u64 = 1 << 62;
/// The fields of GICR_PENDBASER, without PTZ, which reads as zero.
pub const PENDBASER_MASK: u64 = 0x070f_ffff_ffff_0f80;

// CPU interface system registers, section 12.2.
pub mod icc {
    use armlet_arm::sysreg::Encoding;

    pub const ICC_PMR_EL1: Encoding = Encoding::new(3, 0, 4, 6, 0);
    pub const ICC_IAR0_EL1: Encoding = Encoding::new(3, 0, 12, 8, 0);
    pub const ICC_EOIR0_EL1: Encoding = Encoding::new(3, 0, 12, 8, 1);
    pub const ICC_HPPIR0_EL1: Encoding = Encoding::new(3, 0, 12, 8, 2);
    pub const ICC_BPR0_EL1: Encoding = Encoding::new(3, 0, 12, 8, 3);
    pub const ICC_AP0R0_EL1: Encoding = Encoding::new(3, 0, 12, 8, 4);
    pub const ICC_AP1R0_EL1: Encoding = Encoding::new(3, 0, 12, 9, 0);
    pub const ICC_DIR_EL1: Encoding = Encoding::new(3, 0, 12, 11, 1);
    pub const ICC_RPR_EL1: Encoding = Encoding::new(3, 0, 12, 11, 3);
    pub const ICC_SGI1R_EL1: Encoding = Encoding::new(3, 0, 12, 11, 5);
    pub const ICC_ASGI1R_EL1: Encoding = Encoding::new(3, 0, 12, 11, 6);
    pub const ICC_SGI0R_EL1: Encoding = Encoding::new(3, 0, 12, 11, 7);
    pub const ICC_IAR1_EL1: Encoding = Encoding::new(3, 0, 12, 12, 0);
    pub const ICC_EOIR1_EL1: Encoding = Encoding::new(3, 0, 12, 12, 1);
    pub const ICC_HPPIR1_EL1: Encoding = Encoding::new(3, 0, 12, 12, 2);
    pub const ICC_BPR1_EL1: Encoding = Encoding::new(3, 0, 12, 12, 3);
    pub const ICC_CTLR_EL1: Encoding = Encoding::new(3, 0, 12, 12, 4);
    pub const ICC_SRE_EL1: Encoding = Encoding::new(3, 0, 12, 12, 5);
    pub const ICC_IGRPEN0_EL1: Encoding = Encoding::new(3, 0, 12, 12, 6);
    pub const ICC_IGRPEN1_EL1: Encoding = Encoding::new(3, 0, 12, 12, 7);

    /// ICC_CTLR_EL1.CBPR.
    pub const CTLR_CBPR: u64 = 1 << 0;
    /// ICC_CTLR_EL1.EOImode: end of interrupt drops the priority only.
    pub const CTLR_EOIMODE: u64 = 1 << 1;
    /// ICC_CTLR_EL1.PRIbits: five priority bits.
    pub const CTLR_PRIBITS: u64 = 4 << 8;
    /// ICC_CTLR_EL1.A3V.
    pub const CTLR_A3V: u64 = 1 << 15;
    /// ICC_SRE_EL1: SRE, DFB and DIB, all fixed.
    pub const SRE: u64 = 7;
    /// ICC_SGI1R_EL1.IRM: every CPU but this one.
    pub const SGIR_IRM: u64 = 1 << 40;
}
