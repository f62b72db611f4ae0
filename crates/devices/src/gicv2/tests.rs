//! Register-level tests, and sequences as Linux's irq-gic writes them.

use std::sync::Arc;

use armlet_base::IrqLine;
use proptest::prelude::*;

use super::spec::*;
use super::*;
use crate::gic::testing::{Pins, Port};

struct Rig {
    gic: Arc<Gicv2>,
    pins: Vec<Arc<Pins>>,
}

fn rig(cpus: usize) -> Rig {
    let gic = Gicv2::new(cpus, 256).unwrap();
    let pins: Vec<_> = (0..cpus).map(|_| Arc::new(Pins::default())).collect();
    for (cpu, pins) in pins.iter().enumerate() {
        gic.connect(cpu, pins.clone());
    }
    Rig { gic, pins }
}

impl Rig {
    fn d(&self, cpu: usize) -> Port {
        Port(self.gic.distributor(), cpu)
    }

    fn c(&self, cpu: usize) -> Port {
        Port(self.gic.cpu_interface(), cpu)
    }

    /// As gic_dist_init and gic_cpu_init of Linux do: everything in group 0, which drives IRQ.
    fn linux_init(&self, ctlr: u32) {
        let d = self.d(0);
        d.w32(GICD_CTLR, 0);
        let mask = d.r32(GICD_ITARGETSR) & 0xff;
        let lines = 32 * ((d.r32(GICD_TYPER) & 31) + 1);
        for i in (32..u64::from(lines)).step_by(4) {
            d.w32(GICD_ITARGETSR + i, mask * 0x0101_0101);
            d.w32(0x400 + i, 0xa0a0_a0a0);
        }
        for i in (32..u64::from(lines)).step_by(16) {
            d.w32(GICD_ICFGR + i / 4, 0);
        }
        for i in (32..u64::from(lines)).step_by(32) {
            d.w32(0x380 + i / 8, !0);
            d.w32(0x180 + i / 8, !0);
        }
        d.w32(GICD_CTLR, 1);
        for cpu in 0..self.pins.len() {
            let (d, c) = (self.d(cpu), self.c(cpu));
            d.w32(0x380, !0);
            d.w32(0x180, 0xffff_0000);
            d.w32(0x100, 0x0000_ffff);
            for i in (0..32).step_by(4) {
                d.w32(0x400 + i, 0xa0a0_a0a0);
            }
            c.w32(GICC_PMR, 0xf0);
            c.w32(GICC_CTLR, c.r32(GICC_CTLR) & 0x1e0 | ctlr | 1);
        }
    }

    fn enable_spi(&self, intid: u64) {
        self.d(0).w32(0x100 + intid / 32 * 4, 1 << (intid % 32));
    }
}

#[test]
fn identifies_itself() {
    let r = rig(4);
    let (d, c) = (r.d(0), r.c(0));
    assert_eq!(d.r32(GICD_TYPER), 8 | 3 << 5);
    assert_eq!(d.r32(0xfe8) >> 4 & 15, 2, "ICPIDR2.ArchRev");
    assert_eq!([0xff0, 0xff4, 0xff8, 0xffc].map(|o| d.r32(o)), [0x0d, 0xf0, 0x05, 0xb1]);
    assert_eq!(c.r32(GICC_IIDR), 0x0202_143b);
    assert_eq!((c.r32(GICC_BPR), c.r32(GICC_ABPR)), (2, 3), "least binary points");
    assert_eq!(r.gic.errors().count(), 0);
    assert!(matches!(Gicv2::new(9, 0), Err(GicError::Cpus { limit: 8, .. })));
}

#[test]
fn linux_takes_a_level_interrupt_and_again_while_the_line_is_high() {
    let r = rig(2);
    r.linux_init(0);
    let line = IrqLine::new(r.gic.clone(), 33);
    let c = r.c(0);
    r.enable_spi(33);
    line.set(true);
    assert!(r.pins[0].irq() && !r.pins[0].fiq() && !r.pins[1].irq());
    assert_eq!(c.r32(GICC_HPPIR), 33);
    assert_eq!(c.r32(GICC_IAR), 33);
    assert_eq!((c.r32(GICC_RPR), c.r32(GICC_APR0)), (0xa0, 1 << 20));
    assert!(!r.pins[0].irq());
    assert_eq!(c.r32(GICC_IAR), 1023);
    c.w32(GICC_EOIR, 33);
    assert!(r.pins[0].irq(), "still high");
    c.r32(GICC_IAR);
    line.set(false);
    c.w32(GICC_EOIR, 33);
    assert!(!r.pins[0].irq());
    assert_eq!(c.r32(GICC_RPR), 0xff);
}

#[test]
fn eoimode_splits_priority_drop_from_deactivation() {
    let r = rig(1);
    r.linux_init(CTLR_EOIMODE);
    let (d, c) = (r.d(0), r.c(0));
    r.enable_spi(40);
    r.gic.set_level(40, true);
    assert_eq!(c.r32(GICC_IAR), 40);
    c.w32(GICC_EOIR, 40);
    assert_eq!(c.r32(GICC_RPR), 0xff);
    assert_eq!(d.r32(0x304), 1 << 8, "active until GICC_DIR");
    assert!(!r.pins[0].irq());
    c.w32(GICC_DIR, 40);
    assert_eq!(d.r32(0x304), 0);
    assert!(r.pins[0].irq());
    c.w32(GICC_CTLR, 1);
    c.r32(GICC_IAR);
    c.w32(GICC_DIR, 40);
    assert_eq!(d.r32(0x304), 1 << 8, "GICC_DIR does nothing without EOImode");
}

#[test]
fn sgis_carry_their_sender_and_one_pends_for_each() {
    let r = rig(4);
    r.linux_init(0);
    // gic_ipi_send_mask: CPUs 0 and 1 both send SGI 3 to CPU 2.
    r.d(0).w32(GICD_SGIR, 1 << 18 | 3);
    r.d(1).w32(GICD_SGIR, 1 << 18 | 3);
    assert!(r.pins[2].irq() && !r.pins[3].irq());
    let (c, d) = (r.c(2), r.d(2));
    assert_eq!(d.r32(GICD_SPENDSGIR), 0b11 << 24);
    assert_eq!(c.r32(GICC_HPPIR), 3);
    assert_eq!(c.r32(GICC_IAR), 3, "CPU 0 first");
    assert!(!r.pins[2].irq(), "SGI 3 is active");
    c.w32(GICC_EOIR, 3);
    assert!(r.pins[2].irq());
    assert_eq!(c.r32(GICC_IAR), 3 | 1 << 10);
    c.w32(GICC_EOIR, 3 | 1 << 10);
    assert!(!r.pins[2].irq());
    // All others; only itself; the reserved filter.
    r.d(1).w32(GICD_SGIR, 1 << 24 | 5);
    let hit: Vec<_> = (0..4).filter(|&cpu| r.pins[cpu].irq()).collect();
    assert_eq!(hit, [0, 2, 3]);
    r.d(1).w32(GICD_SGIR, 2 << 24 | 6);
    assert_eq!(r.c(1).r32(GICC_IAR), 6 | 1 << 10);
    r.d(3).w32(GICD_SGIR, 3 << 24 | 0xf << 16 | 7);
    assert_eq!(r.d(3).r32(GICD_SPENDSGIR + 4), 1 << 9, "only SGI 5 of CPU 1");
}

#[test]
fn sgi_pending_registers_name_the_senders() {
    let r = rig(2);
    r.linux_init(0);
    let d = r.d(0);
    d.w32(0x200, !0);
    assert_eq!(d.r32(0x200) & 0xffff, 0, "GICD_ISPENDR0 does not pend SGIs");
    d.write(1, GICD_SPENDSGIR + 2, 0xff);
    assert_eq!(d.r32(GICD_CPENDSGIR), 3 << 16, "only CPUs that exist");
    assert_eq!(d.r32(0x200) & 0xffff, 1 << 2);
    assert!(r.pins[0].irq());
    d.write(1, GICD_CPENDSGIR + 2, 1);
    assert_eq!(r.c(0).r32(GICC_IAR), 2 | 1 << 10);
    d.w32(0x180, !0);
    assert_eq!(d.r32(0x100), 0xffff, "SGIs are always enabled");
    assert_eq!(r.d(1).r32(GICD_SPENDSGIR), 0, "banked");
}

#[test]
fn private_registers_are_banked() {
    let r = rig(2);
    r.linux_init(0);
    r.d(1).w32(0x100, 1 << 27);
    assert_eq!((r.d(0).r32(0x100), r.d(1).r32(0x100)), (0xffff, 1 << 27 | 0xffff));
    r.gic.set_ppi(0, 27, true);
    r.gic.set_ppi(1, 27, true);
    assert!(!r.pins[0].irq() && r.pins[1].irq());
    assert_eq!(r.c(1).r32(GICC_IAR), 27);
    assert_eq!((r.d(0).r32(0x300), r.d(1).r32(0x300)), (0, 1 << 27));
    assert_eq!((r.d(0).r32(GICD_ITARGETSR), r.d(1).r32(GICD_ITARGETSR + 28)), (0x0101_0101, 0x0202_0202));
    r.d(0).w32(GICD_ITARGETSR, !0);
    assert_eq!(r.d(0).r32(GICD_ITARGETSR), 0x0101_0101, "read-only");
    for (cpu, intid) in [(7, 27), (0, 1), (0, 40)] {
        r.gic.set_ppi(cpu, intid, true);
    }
    assert_eq!(r.gic.read(0, Encoding::new(3, 0, 12, 12, 0)), None, "no system registers");
    assert_eq!(r.d(7).r32(GICD_TYPER), 0, "no such CPU");
}

#[test]
fn targets_choose_cpus_and_the_first_takes_the_interrupt() {
    let r = rig(4);
    r.linux_init(0);
    r.enable_spi(50);
    r.gic.set_level(50, true);
    r.d(0).write(1, GICD_ITARGETSR + 50, 0xfa);
    assert_eq!(r.d(0).read(1, GICD_ITARGETSR + 50), 0x0a, "only CPUs that exist");
    let irqs = || r.pins.iter().map(|pins| pins.irq()).collect::<Vec<_>>();
    assert_eq!(irqs(), [false, true, false, true]);
    assert_eq!(r.c(3).r32(GICC_IAR), 50);
    assert_eq!(irqs(), [false; 4]);
    assert_eq!(r.c(1).r32(GICC_IAR), 1023);
    r.gic.set_level(50, false);
    r.c(3).w32(GICC_EOIR, 50);
    r.d(0).write(1, GICD_ITARGETSR + 50, 0);
    r.gic.set_level(50, true);
    assert_eq!(irqs(), [false; 4], "nobody");
}

#[test]
fn one_cpu_has_no_target_registers_and_gets_everything() {
    let r = rig(1);
    r.linux_init(0);
    assert_eq!(r.d(0).r32(GICD_ITARGETSR), 0);
    r.enable_spi(50);
    r.d(0).w32(GICD_ITARGETSR + 48, 0);
    r.gic.set_level(50, true);
    assert!(r.pins[0].irq());
}

#[test]
fn better_priorities_preempt() {
    let r = rig(1);
    r.linux_init(0);
    let (d, c) = (r.d(0), r.c(0));
    r.enable_spi(40);
    r.enable_spi(41);
    d.write(1, 0x400 + 41, 0x83);
    assert_eq!(d.read(1, 0x400 + 41), 0x80, "five bits");
    r.gic.set_level(40, true);
    assert_eq!(c.r32(GICC_IAR), 40);
    r.gic.set_level(41, true);
    assert_eq!(c.r32(GICC_IAR), 41);
    assert_eq!((c.r32(GICC_RPR), c.r32(GICC_APR0)), (0x80, 1 << 16 | 1 << 20));
    c.w32(GICC_EOIR, 41);
    assert_eq!(c.r32(GICC_RPR), 0xa0);
    c.w32(GICC_BPR, 7);
    assert!(!r.pins[0].irq(), "no preemption at all");
    c.w32(GICC_BPR, 0);
    assert_eq!(c.r32(GICC_BPR), 2);
    assert!(r.pins[0].irq());
    c.w32(GICC_PMR, 0x80);
    assert!(!r.pins[0].irq(), "masked");
}

#[test]
fn groups_have_their_own_registers() {
    let r = rig(1);
    r.linux_init(CTLR_FIQEN | CTLR_ENABLE_GRP1);
    let (d, c) = (r.d(0), r.c(0));
    d.w32(GICD_CTLR, 3);
    d.w32(0x84, 1 << 9);
    r.enable_spi(40);
    r.enable_spi(41);
    r.gic.set_level(41, true);
    assert!(r.pins[0].irq() && !r.pins[0].fiq());
    assert_eq!((c.r32(GICC_IAR), c.r32(GICC_HPPIR)), (1022, 1022), "a group 1 interrupt is there");
    assert_eq!(c.r32(GICC_AHPPIR), 41);
    r.gic.set_level(40, true);
    assert!(r.pins[0].fiq() && !r.pins[0].irq());
    assert_eq!((c.r32(GICC_AIAR), c.r32(GICC_AHPPIR)), (1023, 1023));
    assert_eq!(c.r32(GICC_IAR), 40);
    r.gic.set_level(40, false);
    c.w32(GICC_AEOIR, 40);
    assert_eq!(c.r32(GICC_RPR), 0xa0, "GICC_AEOIR is for group 1");
    c.w32(GICC_EOIR, 40);
    assert_eq!(c.r32(GICC_AIAR), 41);
    assert_eq!(c.r32(GICC_NSAPR0), 1 << 20);
    r.gic.set_level(41, false);
    c.w32(GICC_AEOIR, 41);
    assert_eq!(c.r32(GICC_RPR), 0xff);
    r.gic.set_level(41, true);
    c.w32(GICC_CTLR, CTLR_ACKCTL | 3);
    assert_eq!(c.r32(GICC_IAR), 41, "AckCtl lets GICC_IAR take it");
    c.w32(GICC_EOIR, 41);
    d.w32(GICD_CTLR, 1);
    assert!(!r.pins[0].irq());
    d.w32(0x84, 0);
    assert!(r.pins[0].irq() && !r.pins[0].fiq(), "without FIQEn, group 0 drives IRQ");
}

#[test]
fn reset_and_dump() {
    let r = rig(2);
    r.linux_init(0);
    r.d(0).w32(GICD_SGIR, 2 << 24);
    assert!(r.pins[0].irq());
    assert!(r.gic.dump().contains("next 0 at 0xa0"), "{}", r.gic.dump());
    armlet_base::MmioDevice::reset(&*r.gic.distributor());
    assert!(!r.pins[0].irq());
    assert_eq!(r.d(0).r32(GICD_SPENDSGIR), 0);
    assert_eq!(r.c(0).r32(GICC_CTLR), 0);
}

#[derive(Clone, Debug)]
enum Op {
    Dist(usize, u8, u64, Option<u64>),
    Cpu(usize, u8, u64, Option<u64>),
    Level(usize, u32, bool),
}

fn op() -> impl Strategy<Value = Op> {
    let size = || prop_oneof![4 => Just(4_u8), 1 => Just(8_u8), 1 => Just(1_u8), 1 => any::<u8>()];
    let value = || prop_oneof![any::<u64>(), 0..64_u64, Just(0xa0a0_a0a0), Just(u64::MAX)];
    let written = move || proptest::option::weighted(0.8, value());
    let dist = prop_oneof![
        8 => (0..0x400_u64).prop_map(|o| o * 4),
        1 => 0xf00..0xf30_u64,
        1 => any::<u64>(),
    ];
    let cpu = prop_oneof![6 => (0..12_u64).prop_map(|o| o * 4), 1 => 0..=0x2000_u64, 1 => any::<u64>()];
    prop_oneof![
        (0..5_usize, size(), dist, written()).prop_map(|(c, s, o, v)| Op::Dist(c, s, o, v)),
        (0..5_usize, size(), cpu, proptest::option::of(any::<u64>()))
            .prop_map(|(c, s, o, v)| Op::Cpu(c, s, o, v)),
        (0..5_usize, 0..80_u32, any::<bool>()).prop_map(|(c, i, l)| Op::Level(c, i, l)),
    ]
}

proptest! {
    /// Whatever a guest does, nothing panics, and the cached choice of every CPU is what a look at
    /// all interrupts would choose.
    #[test]
    fn any_sequence_of_accesses_keeps_the_state_consistent(
        ops in proptest::collection::vec(op(), 1..200),
        cpus in 1..5_usize,
        linux in any::<bool>(),
    ) {
        let r = rig(cpus);
        if linux {
            r.linux_init(0);
            r.d(0).w32(0x104, !0);
        }
        for op in ops {
            match op {
                Op::Dist(cpu, size, offset, None) => { r.d(cpu).read(size, offset); }
                Op::Dist(cpu, size, offset, Some(value)) => r.d(cpu).write(size, offset, value),
                Op::Cpu(cpu, size, offset, None) => { r.c(cpu).read(size, offset); }
                Op::Cpu(cpu, size, offset, Some(value)) => r.c(cpu).write(size, offset, value),
                Op::Level(cpu, intid, level) if intid < 32 => r.gic.set_ppi(cpu, intid, level),
                Op::Level(_, intid, level) => r.gic.set_level(intid, level),
            }
            let state = r.gic.state();
            state.core.check();
            for (cpu, local) in state.locals.iter().enumerate() {
                let pending = state.core.bank(gic::bank::BankId::Local(cpu)).unwrap().pending();
                for (sgi, senders) in local.senders.iter().enumerate() {
                    assert_eq!(pending >> sgi & 1 != 0, *senders != 0);
                }
            }
        }
        r.gic.dump();
    }
}
