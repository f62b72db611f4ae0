//! Register-level tests, and sequences as Linux's irq-gic-v3 writes them.

use std::sync::Arc;

use armlet_arm::gic::CpuInterface;
use armlet_arm::sysreg::Encoding;
use armlet_base::{IrqLine, IrqSink};
use proptest::prelude::*;

use super::spec::icc::*;
use super::*;
use crate::gic::testing::{Pins, Port};

struct Rig {
    gic: Arc<Gicv3>,
    dist: Port,
    redist: Port,
    pins: Vec<Arc<Pins>>,
}

const SGI_BASE: u64 = FRAME;

fn rig(cpus: usize) -> Rig {
    let gic = Gicv3::new(cpus, 256).unwrap();
    let pins: Vec<_> = (0..cpus).map(|_| Arc::new(Pins::default())).collect();
    for (cpu, pins) in pins.iter().enumerate() {
        gic.connect(cpu, pins.clone());
    }
    let dist = Port(gic.distributor(), 0);
    let redist = Port(gic.redistributors(0..cpus), 0);
    Rig { gic, dist, redist, pins }
}

impl Rig {
    fn icc(&self, cpu: usize, reg: Encoding) -> u64 {
        self.gic.read(cpu, reg).expect("the register exists")
    }

    fn set_icc(&self, cpu: usize, reg: Encoding, value: u64) {
        self.gic.write(cpu, reg, value).expect("the register is writable");
    }

    /// As gic_dist_init, gic_cpu_init and gic_cpu_sys_reg_init of Linux do on each CPU.
    fn linux_init(&self) {
        let d = &self.dist;
        d.w32(GICD_CTLR, 0);
        let lines = 32 * ((d.r32(GICD_TYPER) & 31) + 1);
        for i in (32..lines).step_by(32) {
            d.w32(0x80 + u64::from(i) / 8, !0);
            d.w32(0x380 + u64::from(i) / 8, !0);
            d.w32(0x180 + u64::from(i) / 8, !0);
        }
        for i in (32..lines).step_by(16) {
            d.w32(0xc00 + u64::from(i) / 4, 0);
        }
        for i in (32..lines).step_by(4) {
            d.w32(0x400 + u64::from(i), 0xa0a0_a0a0);
        }
        d.w32(GICD_CTLR, 0x13);
        for i in 32..lines.min(1020) {
            d.write(8, GICD_IROUTER + 8 * u64::from(i), 0);
        }
        for cpu in 0..self.pins.len() {
            let rd = cpu as u64 * REDISTRIBUTOR;
            let r = &self.redist;
            r.w32(rd + GICR_WAKER, r.r32(rd + GICR_WAKER) & !2);
            assert_eq!(r.r32(rd + GICR_WAKER) & 4, 0, "ChildrenAsleep clears");
            let sgi = rd + SGI_BASE;
            r.w32(sgi + 0x80, !0);
            r.w32(sgi + 0x380, !0);
            r.w32(sgi + 0x180, 0xffff_0000);
            r.w32(sgi + 0x100, 0x0000_ffff);
            for i in (0..32).step_by(4) {
                r.w32(sgi + 0x400 + i, 0xa0a0_a0a0);
            }
            assert_eq!(self.icc(cpu, ICC_SRE_EL1) & 1, 1);
            self.set_icc(cpu, ICC_SRE_EL1, 1);
            self.set_icc(cpu, ICC_PMR_EL1, 0xf0);
            self.set_icc(cpu, ICC_BPR1_EL1, 0);
            self.set_icc(cpu, ICC_CTLR_EL1, 0);
            self.set_icc(cpu, ICC_AP0R0_EL1, 0);
            self.set_icc(cpu, ICC_AP1R0_EL1, 0);
            self.set_icc(cpu, ICC_IGRPEN1_EL1, 1);
        }
    }

    fn enable_spi(&self, intid: u64) {
        self.dist.w32(0x100 + intid / 32 * 4, 1 << (intid % 32));
    }

    fn priority(&self, intid: u64, priority: u8) {
        self.dist.write(1, 0x400 + intid, priority.into());
    }
}

#[test]
fn identifies_itself() {
    let r = rig(4);
    assert_eq!(r.dist.r32(0xffe8) >> 4 & 15, 3, "GICD_PIDR2.ArchRev");
    assert_eq!(r.dist.r32(0xfff0), 0x0d);
    let typer = r.dist.r32(GICD_TYPER);
    assert_eq!(typer & 31, 8, "288 interrupts");
    assert_eq!(typer >> 10 & 1, 0, "one security state");
    assert_eq!(typer >> 17 & 1, 0, "no LPIs");
    assert_eq!((typer >> 19 & 31) + 1, 10, "INTID bits");
    assert_eq!(r.dist.r32(GICD_CTLR), 0x50, "ARE and DS");
    r.dist.w32(GICD_CTLR, 0);
    assert_eq!(r.dist.r32(GICD_CTLR), 0x50, "and they stay");
    r.dist.w32(GICD_CTLR, !0);
    assert_eq!(r.dist.r32(GICD_CTLR), 0x53);
    for (cpu, last) in [(0_u64, 0), (3, 1)] {
        let rd = cpu * REDISTRIBUTOR;
        assert_eq!(r.redist.r32(rd + 0xffe8) >> 4 & 15, 3, "GICR_PIDR2.ArchRev");
        let typer = r.redist.read(8, rd + GICR_TYPER);
        assert_eq!((typer >> 32, typer >> 8 & 0xffff, typer >> 4 & 1), (cpu, cpu, last));
        assert_eq!(r.redist.r32(rd + 12), cpu as u32, "the upper half by word");
    }
    assert_eq!(r.gic.errors().count(), 0);
}

#[test]
fn affinity_counts_sixteen_cpus_to_a_cluster_and_regions_have_a_last() {
    let gic = Gicv3::new(40, 32).unwrap();
    let second = Port(gic.redistributors(20..40), 0);
    assert_eq!(second.read(8, GICR_TYPER) >> 32, 0x104);
    assert_eq!(second.read(8, 19 * REDISTRIBUTOR + GICR_TYPER), 0x207 << 32 | 39 << 8 | 0x10);
    assert_eq!(second.read(8, 20 * REDISTRIBUTOR + GICR_TYPER), 0, "beyond the region");
    assert_eq!(gic.errors().count(), 1);
    assert_eq!(affinity(511), 0x1f0f);
}

#[test]
fn refuses_what_the_registers_cannot_name() {
    assert_eq!(Gicv3::new(513, 32).err(), Some(GicError::Cpus { gic: "GICv3", cpus: 513, limit: 512 }));
    assert!(Gicv3::new(0, 32).is_err());
    assert_eq!(Gicv3::new(1, 989).err(), Some(GicError::Spis(989)));
    let most = Port(Gicv3::new(1, 988).unwrap().distributor(), 0);
    assert_eq!(most.r32(GICD_TYPER) & 31, 31);
    most.w32(0x100 + 31 * 4, !0);
    assert_eq!(most.r32(0x100 + 31 * 4), 0x0fff_ffff, "1019 is the last");
    let few = Port(Gicv3::new(1, 0).unwrap().distributor(), 0);
    assert_eq!(few.r32(GICD_TYPER) & 31, 0);
}

#[test]
fn the_distributor_has_nothing_of_the_private_interrupts() {
    let r = rig(2);
    for offset in [0x80, 0x100, 0x200, 0x300, 0x400, 0xc00, 0xc04, 0x800, 0xd04] {
        r.dist.w32(offset, !0);
        assert_eq!(r.dist.r32(offset), 0, "{offset:#x}");
    }
    assert_eq!(r.redist.r32(SGI_BASE + 0x100), 0);
    assert_eq!(r.gic.errors().count(), 0, "RES0, not unknown");
    r.redist.w32(SGI_BASE + 0x104, !0);
    assert_eq!(r.redist.r32(SGI_BASE + 0x104), 0, "no SPIs in a redistributor");
}

#[test]
fn linux_takes_a_level_interrupt_and_again_while_the_line_is_high() {
    let r = rig(2);
    r.linux_init();
    let line = IrqLine::new(r.gic.clone(), 33);
    r.enable_spi(33);
    line.set(true);
    assert!(r.pins[0].irq() && !r.pins[1].irq() && !r.pins[0].fiq());
    assert_eq!(r.icc(0, ICC_HPPIR1_EL1), 33);
    assert_eq!(r.icc(0, ICC_HPPIR0_EL1), 1023);
    assert_eq!(r.icc(0, ICC_RPR_EL1), 0xff);
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 33);
    assert_eq!(r.icc(0, ICC_RPR_EL1), 0xa0);
    assert_eq!(r.icc(0, ICC_AP1R0_EL1), 1 << (0xa0 >> 3));
    assert!(!r.pins[0].irq(), "active and pending is not signalled");
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 1023, "spurious");
    r.set_icc(0, ICC_EOIR1_EL1, 1023);
    assert_eq!(r.icc(0, ICC_RPR_EL1), 0xa0, "the end of a spurious interrupt is nothing");
    r.set_icc(0, ICC_EOIR1_EL1, 33);
    assert!(r.pins[0].irq(), "still high: pending again");
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 33);
    line.set(false);
    r.set_icc(0, ICC_EOIR1_EL1, 33);
    assert!(!r.pins[0].irq());
    assert_eq!(r.icc(0, ICC_RPR_EL1), 0xff);
    assert_eq!(r.dist.r32(0x304), 0, "not active");
}

#[test]
fn an_edge_interrupt_comes_once_for_each_edge() {
    let r = rig(1);
    r.linux_init();
    r.dist.w32(0xc08, 2 << 2);
    r.enable_spi(33);
    r.gic.set_level(33, true);
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 33);
    r.gic.set_level(33, false);
    r.gic.set_level(33, true);
    assert_eq!(r.dist.r32(0x204), 2, "pending while active");
    r.set_icc(0, ICC_EOIR1_EL1, 33);
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 33);
    r.set_icc(0, ICC_EOIR1_EL1, 33);
    assert!(!r.pins[0].irq(), "the level alone is no edge");
}

#[test]
fn eoimode_splits_priority_drop_from_deactivation() {
    let r = rig(1);
    r.linux_init();
    r.set_icc(0, ICC_CTLR_EL1, CTLR_EOIMODE);
    assert_eq!(r.icc(0, ICC_CTLR_EL1) & CTLR_EOIMODE, CTLR_EOIMODE);
    r.enable_spi(40);
    r.enable_spi(41);
    r.gic.set_level(40, true);
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 40);
    r.gic.set_level(41, true);
    assert!(!r.pins[0].irq(), "same priority");
    r.set_icc(0, ICC_EOIR1_EL1, 40);
    assert_eq!(r.icc(0, ICC_RPR_EL1), 0xff);
    assert_eq!(r.dist.r32(0x304), 1 << 8, "40 is still active");
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 41, "but others come");
    r.set_icc(0, ICC_EOIR1_EL1, 41);
    r.set_icc(0, ICC_DIR_EL1, 41);
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 41, "41 is still high");
    r.gic.set_level(41, false);
    r.set_icc(0, ICC_EOIR1_EL1, 41);
    r.set_icc(0, ICC_DIR_EL1, 41);
    assert!(!r.pins[0].irq());
    r.set_icc(0, ICC_DIR_EL1, 40);
    assert!(r.pins[0].irq(), "40 returns when it is deactivated");
}

#[test]
fn dir_does_nothing_without_eoimode() {
    let r = rig(1);
    r.linux_init();
    r.enable_spi(40);
    r.gic.set_level(40, true);
    r.icc(0, ICC_IAR1_EL1);
    r.set_icc(0, ICC_DIR_EL1, 40);
    assert_eq!(r.dist.r32(0x304), 1 << 8);
}

#[test]
fn better_priorities_preempt_and_unwind() {
    let r = rig(1);
    r.linux_init();
    for (intid, priority) in [(40, 0xa0), (41, 0x80), (42, 0x40)] {
        r.enable_spi(intid);
        r.priority(intid, priority);
    }
    r.gic.set_level(40, true);
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 40);
    r.gic.set_level(41, true);
    assert!(r.pins[0].irq());
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 41);
    r.gic.set_level(42, true);
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 42);
    assert_eq!(r.icc(0, ICC_RPR_EL1), 0x40);
    for (intid, left) in [(42, 0x80), (41, 0xa0), (40, 0xff)] {
        r.gic.set_level(intid, false);
        r.set_icc(0, ICC_EOIR1_EL1, intid.into());
        assert_eq!(r.icc(0, ICC_RPR_EL1), left);
        assert!(!r.pins[0].irq());
    }
}

#[test]
fn the_binary_point_groups_priorities() {
    let r = rig(1);
    r.linux_init();
    assert_eq!(r.icc(0, ICC_BPR1_EL1), 3, "least value");
    assert_eq!(r.icc(0, ICC_BPR0_EL1), 2);
    r.set_icc(0, ICC_BPR1_EL1, 6);
    r.enable_spi(40);
    r.enable_spi(41);
    r.priority(41, 0x88);
    r.gic.set_level(40, true);
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 40);
    assert_eq!(r.icc(0, ICC_RPR_EL1), 0x80);
    r.gic.set_level(41, true);
    assert!(!r.pins[0].irq(), "0x88 and 0xa0 are one group by bits [7:6]");
    r.set_icc(0, ICC_BPR0_EL1, 4);
    r.set_icc(0, ICC_CTLR_EL1, CTLR_CBPR);
    assert_eq!(r.icc(0, ICC_BPR1_EL1), 5, "BPR0 + 1");
    r.set_icc(0, ICC_BPR1_EL1, 7);
    r.set_icc(0, ICC_CTLR_EL1, 0);
    assert_eq!(r.icc(0, ICC_BPR1_EL1), 6, "writes with CBPR set are ignored");
}

#[test]
fn the_priority_mask_hides_what_is_not_urgent() {
    let r = rig(1);
    r.linux_init();
    r.enable_spi(40);
    r.set_icc(0, ICC_PMR_EL1, 0xa7);
    assert_eq!(r.icc(0, ICC_PMR_EL1), 0xa0, "five bits");
    r.gic.set_level(40, true);
    assert!(!r.pins[0].irq());
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 1023);
    assert_eq!(r.icc(0, ICC_HPPIR1_EL1), 40, "HPPIR looks past the mask");
    r.set_icc(0, ICC_PMR_EL1, 0xf0);
    assert!(r.pins[0].irq());
    r.priority(40, 0xf0);
    assert!(!r.pins[0].irq(), "a priority change counts at once");
}

#[test]
fn group_0_is_fiq_and_has_registers_of_its_own() {
    let r = rig(1);
    r.linux_init();
    r.set_icc(0, ICC_IGRPEN0_EL1, 1);
    r.dist.w32(0x84, !(1 << 8));
    r.enable_spi(40);
    r.enable_spi(41);
    r.priority(40, 0x20);
    r.gic.set_level(40, true);
    r.gic.set_level(41, true);
    assert!(r.pins[0].fiq() && !r.pins[0].irq());
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 1023, "40 is for IAR0");
    assert_eq!(r.icc(0, ICC_HPPIR0_EL1), 40);
    assert_eq!(r.icc(0, ICC_IAR0_EL1), 40);
    assert_eq!(r.icc(0, ICC_AP0R0_EL1), 1 << (0x20 >> 3));
    r.set_icc(0, ICC_EOIR1_EL1, 40);
    assert_eq!(r.icc(0, ICC_RPR_EL1), 0x20, "the wrong end register does nothing");
    r.gic.set_level(40, false);
    r.set_icc(0, ICC_EOIR0_EL1, 40);
    assert!(r.pins[0].irq() && !r.pins[0].fiq());
    r.dist.w32(GICD_CTLR, 1);
    assert!(!r.pins[0].irq(), "group 1 off in the distributor");
    r.dist.w32(GICD_CTLR, 2);
    assert!(r.pins[0].irq());
    r.set_icc(0, ICC_IGRPEN1_EL1, 0);
    assert!(!r.pins[0].irq(), "group 1 off in the CPU interface");
}

#[test]
fn sgis_reach_the_cpus_of_the_list() {
    let r = rig(40);
    r.linux_init();
    // gic_send_sgi: cluster 1, CPUs 17 and 19.
    r.set_icc(0, ICC_SGI1R_EL1, 1 << 16 | 3 << 24 | 0b1010);
    let hit: Vec<_> = (0..40).filter(|&cpu| r.pins[cpu].irq()).collect();
    assert_eq!(hit, [17, 19]);
    assert_eq!(r.icc(17, ICC_IAR1_EL1), 3);
    r.set_icc(17, ICC_EOIR1_EL1, 3);
    assert!(!r.pins[17].irq());
    assert_eq!(r.icc(19, ICC_IAR1_EL1), 3);
    r.set_icc(19, ICC_EOIR1_EL1, 3);
    // To itself, to nobody, by a range that does not exist.
    r.set_icc(5, ICC_SGI1R_EL1, 1 << 5);
    assert_eq!(r.icc(5, ICC_IAR1_EL1), 0);
    r.set_icc(5, ICC_EOIR1_EL1, 0);
    for nobody in [2 << 16 | 1 << 9, 1 << 32 | 1, 1 << 48 | 1, 1 << 44 | 1] {
        r.set_icc(0, ICC_SGI1R_EL1, nobody);
    }
    assert!((0..40).all(|cpu| !r.pins[cpu].irq()));
    r.set_icc(7, ICC_SGI1R_EL1, SGIR_IRM | 15 << 24);
    assert!((0..40).all(|cpu| r.pins[cpu].irq() == (cpu != 7)));
}

#[test]
fn sgi_registers_reach_their_group() {
    let r = rig(2);
    r.linux_init();
    r.set_icc(1, ICC_IGRPEN0_EL1, 1);
    r.redist.w32(REDISTRIBUTOR + SGI_BASE + 0x80, !1);
    r.set_icc(0, ICC_SGI0R_EL1, 2 | 1 << 24);
    assert!(!r.pins[1].irq(), "SGI 1 is of group 1");
    r.set_icc(0, ICC_SGI0R_EL1, 2);
    assert!(r.pins[1].fiq());
    assert_eq!(r.icc(1, ICC_IAR0_EL1), 0);
    r.set_icc(1, ICC_EOIR0_EL1, 0);
    r.set_icc(0, ICC_ASGI1R_EL1, 2);
    assert_eq!(r.icc(1, ICC_IAR0_EL1), 0);
    r.set_icc(1, ICC_EOIR0_EL1, 0);
    r.set_icc(0, ICC_SGI1R_EL1, 2);
    assert_eq!(r.icc(1, ICC_IAR0_EL1), 0, "SGI1R reaches both groups");
}

#[test]
fn private_interrupts_are_private() {
    let r = rig(2);
    r.linux_init();
    for cpu in 0..2 {
        r.redist.w32(cpu * REDISTRIBUTOR + SGI_BASE + 0x100, 1 << 27);
    }
    r.gic.set_ppi(1, 27, true);
    assert!(r.pins[1].irq() && !r.pins[0].irq());
    assert_eq!(r.icc(1, ICC_IAR1_EL1), 27);
    r.gic.set_ppi(1, 27, false);
    r.set_icc(1, ICC_EOIR1_EL1, 27);
    assert!(!r.pins[1].irq());
    for (cpu, intid) in [(9, 27), (1, 3), (1, 32), (1, u32::MAX)] {
        r.gic.set_ppi(cpu, intid, true);
    }
    r.gic.set_level(27, true);
    r.gic.set_level(u32::MAX, true);
    assert!(!r.pins[0].irq() && !r.pins[1].irq());
    assert_eq!(r.redist.r32(SGI_BASE + 0xc00), 0xaaaa_aaaa, "SGIs are edge-triggered");
    r.redist.w32(SGI_BASE + 0xc04, 2 << 22);
    assert_eq!(r.redist.r32(SGI_BASE + 0xc04), 2 << 22);
}

#[test]
fn spis_follow_their_router() {
    let r = rig(20);
    r.linux_init();
    let router = GICD_IROUTER + 8 * 50;
    r.enable_spi(50);
    r.gic.set_level(50, true);
    assert!(r.pins[0].irq());
    r.dist.write(8, router, 0x102);
    assert!(!r.pins[0].irq() && r.pins[18].irq());
    r.dist.w32(router, 5);
    assert!(r.pins[5].irq() && !r.pins[18].irq());
    for absent in [0x104, 0x10, 0x1_0000, 1 << 32] {
        r.dist.write(8, router, absent);
        assert_eq!(r.dist.read(8, router), absent);
        assert!(r.pins.iter().all(|pins| !pins.irq()), "{absent:#x} is nobody");
    }
    r.dist.w32(router + 4, 0);
    assert!(r.pins[0].irq(), "Aff3 went back to zero");
    assert_eq!(r.dist.read(8, GICD_IROUTER + 8 * 31), 0, "no router of a PPI");
    r.dist.write(8, GICD_IROUTER + 8 * 1000, 3);
    assert_eq!(r.dist.read(8, GICD_IROUTER + 8 * 1000), 0, "no such SPI");
}

#[test]
fn one_of_n_interrupts_go_to_a_cpu_that_takes_the_group() {
    let r = rig(3);
    r.linux_init();
    r.set_icc(0, ICC_IGRPEN1_EL1, 0);
    r.enable_spi(50);
    r.dist.write(8, GICD_IROUTER + 8 * 50, IROUTER_IRM);
    r.gic.set_level(50, true);
    assert!(r.pins[1].irq() && !r.pins[2].irq(), "one CPU only");
    r.set_icc(1, ICC_IGRPEN1_EL1, 0);
    assert!(r.pins[2].irq());
    r.set_icc(1, ICC_IGRPEN0_EL1, 1);
    assert!(r.pins[2].irq() && !r.pins[1].irq() && !r.pins[1].fiq());
    r.dist.w32(0x84, !(1 << 18));
    assert!(r.pins[1].fiq() && !r.pins[2].irq(), "moved to group 0, for which CPU 1 is elected");
    r.set_icc(1, ICC_IGRPEN0_EL1, 0);
    assert!(r.pins.iter().all(|pins| !pins.fiq() && !pins.irq()), "nobody takes group 0");
}

#[test]
fn messages_raise_spis() {
    let r = rig(1);
    r.linux_init();
    r.enable_spi(60);
    r.dist.w32(GICD_SETSPI_NSR, 60);
    assert!(r.pins[0].irq());
    r.dist.w32(GICD_CLRSPI_NSR, 60);
    assert!(!r.pins[0].irq());
    r.dist.w32(0xc0c, 2 << 24);
    r.dist.write(2, GICD_SETSPI_NSR, 60);
    assert_eq!(r.icc(0, ICC_IAR1_EL1), 60);
    r.set_icc(0, ICC_EOIR1_EL1, 60);
    assert!(!r.pins[0].irq(), "an edge is taken once");
    for nothing in [0, 31, 288, 1019, 1023] {
        r.dist.w32(GICD_SETSPI_NSR, nothing);
    }
    assert!(!r.pins[0].irq());
}

#[test]
fn software_sets_and_clears_pending_and_active() {
    let r = rig(1);
    r.linux_init();
    r.enable_spi(70);
    let bit = 1 << (70 - 64);
    r.dist.w32(0x208, bit);
    assert!(r.pins[0].irq());
    r.dist.w32(0x288, bit);
    assert!(!r.pins[0].irq());
    r.dist.w32(0x208, bit);
    r.dist.w32(0x308, bit);
    assert!(!r.pins[0].irq(), "active");
    r.dist.w32(0x388, bit);
    assert!(r.pins[0].irq());
    r.dist.w32(0x188, bit);
    assert!(!r.pins[0].irq(), "disabled");
    assert_eq!(r.dist.r32(0x208), bit, "pending all the same");
}

#[test]
fn redistributor_registers_keep_what_they_should() {
    let r = rig(1);
    assert_eq!(r.redist.r32(GICR_WAKER), 6, "asleep at reset");
    r.redist.write(8, GICR_PROPBASER, 0x4000_078f);
    assert_eq!(r.redist.read(8, GICR_PROPBASER), 0x4000_078f);
    r.redist.w32(GICR_PENDBASER, 0x5001_0000);
    r.redist.w32(GICR_PENDBASER + 4, 0x4000_0001);
    assert_eq!(r.redist.read(8, GICR_PENDBASER), 0x1_5001_0000, "PTZ reads as zero");
    r.redist.w32(GICR_CTLR, !0);
    assert_eq!(r.redist.r32(GICR_CTLR), 0, "LPIs cannot be enabled");
    assert_eq!(r.gic.errors().count(), 0);
}

#[test]
fn registers_that_do_not_exist_are_undefined() {
    let r = rig(1);
    let absent = [
        Encoding::new(3, 0, 12, 8, 5),
        Encoding::new(3, 0, 12, 9, 1),
        Encoding::new(3, 4, 12, 9, 5),
        Encoding::new(3, 0, 1, 0, 0),
    ];
    for reg in absent {
        assert_eq!(r.gic.read(0, reg), None, "{reg:?}");
        assert_eq!(r.gic.write(0, reg, 0), None, "{reg:?}");
    }
    for read_only in [ICC_IAR1_EL1, ICC_HPPIR0_EL1, ICC_RPR_EL1] {
        assert_eq!(r.gic.write(0, read_only, 0), None);
    }
    for write_only in [ICC_EOIR1_EL1, ICC_DIR_EL1, ICC_SGI1R_EL1] {
        assert_eq!(r.gic.read(0, write_only), None);
    }
    assert_eq!(r.gic.read(1, ICC_PMR_EL1), None, "no such CPU");
    assert_eq!(r.gic.write(1, ICC_SGI1R_EL1, SGIR_IRM), None);
}

#[test]
fn reset_forgets_everything_but_the_wires() {
    let r = rig(2);
    r.linux_init();
    r.enable_spi(33);
    r.gic.set_level(33, true);
    r.icc(0, ICC_IAR1_EL1);
    r.dist.0.reset();
    assert!(!r.pins[0].irq());
    assert_eq!(r.icc(0, ICC_RPR_EL1), 0xff);
    assert_eq!((r.dist.r32(0x104), r.dist.r32(0x304)), (0, 0));
    r.linux_init();
    r.enable_spi(33);
    assert!(r.pins[0].irq(), "the device still drives its line");
}

#[test]
fn a_cpu_connected_late_learns_its_level() {
    let r = rig(1);
    r.linux_init();
    r.enable_spi(33);
    r.gic.set_level(33, true);
    let late = Arc::new(Pins::default());
    r.gic.connect(0, late.clone());
    assert!(late.irq());
    assert_eq!(late.calls(), 1);
}

#[test]
fn dump_names_what_goes_on() {
    let r = rig(1);
    r.linux_init();
    r.enable_spi(33);
    r.gic.set_level(33, true);
    r.gic.set_level(40, true);
    let text = r.gic.dump();
    assert!(text.contains("irq 1, fiq 0, next 33 at 0xa0"), "{text}");
    assert!(text.contains("pending: 33 40\n  active: none\n  enabled: 33"), "{text}");
}

#[derive(Clone, Debug)]
enum Op {
    Dist(u8, u64, Option<u64>),
    Redist(u8, u64, Option<u64>),
    Icc(usize, Encoding, Option<u64>),
    Spi(u32, bool),
    Ppi(usize, u32, bool),
}

/// Mostly small and dense values, so that things interact.
fn value() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0..64_u64, Just(0xa0_a0a0_a0a0), Just(u64::MAX), Just(IROUTER_IRM)]
}

fn offset() -> impl Strategy<Value = u64> {
    let shared = (0..=0xf30_u64, any::<bool>()).prop_map(|(o, a)| if a { o & !3 } else { o });
    prop_oneof![4 => shared, 2 => 0x6100..0x6200_u64, 1 => 0..=0x1_0000_u64, 1 => any::<u64>()]
}

fn op() -> impl Strategy<Value = Op> {
    let size = || prop_oneof![3 => Just(4_u8), 1 => Just(8_u8), 1 => Just(1_u8), 1 => any::<u8>()];
    let written = || proptest::option::weighted(0.8, value());
    let icc = prop_oneof![
        4 => (0..16_u8, 0..8_u8).prop_map(|(crm, op2)| Encoding::new(3, 0, 12, crm, op2)),
        1 => Just(ICC_PMR_EL1),
        2 => Just(ICC_IAR1_EL1),
        2 => Just(ICC_EOIR1_EL1),
    ];
    let redist = (offset(), 0..5_u64, any::<bool>())
        .prop_map(|(o, cpu, sgi)| o.wrapping_add(cpu * REDISTRIBUTOR + if sgi { SGI_BASE } else { 0 }));
    prop_oneof![
        3 => (size(), offset(), written()).prop_map(|(s, o, v)| Op::Dist(s, o, v)),
        3 => (size(), redist, written()).prop_map(|(s, o, v)| Op::Redist(s, o, v)),
        4 => (0..5_usize, icc, proptest::option::of(value())).prop_map(|(c, r, v)| Op::Icc(c, r, v)),
        3 => (0..100_u32, any::<bool>()).prop_map(|(i, l)| Op::Spi(i, l)),
        2 => (0..5_usize, 0..33_u32, any::<bool>()).prop_map(|(c, i, l)| Op::Ppi(c, i, l)),
    ]
}

proptest! {
    /// Whatever a guest does, nothing panics, and the cached choice of every CPU is what a look at
    /// all interrupts would choose. Half of the runs start where Linux leaves the controller.
    #[test]
    fn any_sequence_of_accesses_keeps_the_state_consistent(
        ops in proptest::collection::vec(op(), 1..200),
        linux in any::<bool>(),
    ) {
        let r = rig(4);
        if linux {
            r.linux_init();
            for bank in 1..4 {
                r.dist.w32(0x100 + 4 * bank, !0);
            }
        }
        for op in ops {
            match op {
                Op::Dist(size, offset, None) => { r.dist.read(size, offset); }
                Op::Dist(size, offset, Some(value)) => r.dist.write(size, offset, value),
                Op::Redist(size, offset, None) => { r.redist.read(size, offset); }
                Op::Redist(size, offset, Some(value)) => r.redist.write(size, offset, value),
                Op::Icc(cpu, reg, None) => { r.gic.read(cpu, reg); }
                Op::Icc(cpu, reg, Some(value)) => { r.gic.write(cpu, reg, value); }
                Op::Spi(intid, level) => r.gic.set_level(intid, level),
                Op::Ppi(cpu, intid, level) => r.gic.set_ppi(cpu, intid, level),
            }
            let state = r.gic.state();
            state.core.check();
            state.check_routes();
        }
        r.gic.dump();
    }
}

impl State {
    fn check_routes(&self) {
        for spi in 0..self.routers.len() {
            let target = self.target(spi);
            for cpu in 0..self.locals.len() {
                assert_eq!(self.core.is_target(spi / 32, spi as u32 % 32, cpu), target == Some(cpu));
            }
        }
    }
}
