//! The state of the interrupt controller in the kernel, out and in by its registers, and its reset (GIC architecture,
//! IHI 0069 and IHI 0048; the order is that of `arm-vgic-v3.rst` and `arm-vgic-its.rst`).

use armlet_arm::sysreg::Encoding;
use armlet_hv::{GicKind, HvError};
use kvm_bindings::{
    KVM_DEV_ARM_ITS_CTRL_RESET, KVM_DEV_ARM_ITS_RESTORE_TABLES, KVM_DEV_ARM_ITS_SAVE_TABLES,
    KVM_DEV_ARM_VGIC_GRP_CPU_REGS, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, KVM_DEV_ARM_VGIC_GRP_CTRL,
    KVM_DEV_ARM_VGIC_GRP_DIST_REGS, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
    KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES,
};

use crate::blob::{Reader, Writer};
use crate::gic::{Device, Gic};
use crate::unsupported;

const NAME: &[u8; 8] = b"kvm-gic ";
const VERSION: u32 = 1;

/// What a reset makes of a register.
#[derive(Clone, Copy)]
enum Reset {
    To(u32),
    /// These bits become zero.
    Clear(u64),
    /// It says what the controller is.
    Keep,
}

/// One step through the registers.
#[derive(Clone, Copy)]
enum Step {
    /// A register that is saved, loaded and reset.
    Register { group: u32, attr: u64, wide: bool, reset: Reset },
    /// A write without which loading another register would only add bits to it.
    Clear { group: u32, attr: u64 },
}

/// A list of steps in the order in which registers are loaded.
#[derive(Default)]
struct Plan(Vec<Step>);

/// Registers of interrupts, 32 bits each, by their offsets in a distributor. A redistributor has the same for 32.
mod per_interrupt {
    pub const GROUP: u64 = 0x080;
    pub const SET_ENABLE: u64 = 0x100;
    pub const CLEAR_ENABLE: u64 = 0x180;
    pub const SET_PENDING: u64 = 0x200;
    pub const SET_ACTIVE: u64 = 0x300;
    pub const CLEAR_ACTIVE: u64 = 0x380;
    pub const PRIORITY: u64 = 0x400;
    pub const TARGETS: u64 = 0x800;
    pub const CONFIGURATION: u64 = 0xc00;
    /// GICv3, 64 bits each, from the first shared interrupt on.
    pub const ROUTE: u64 = 0x6100;
}
/// GICD_CTLR, GICR_CTLR and GITS_CTLR.
const CTLR: u64 = 0;
/// GICD_IIDR.
const GICD_IIDR: u64 = 8;
/// GITS_IIDR.
const GITS_IIDR: u64 = 4;
/// GICD_SPENDSGIRn of GICv2.
const SPENDSGIR: u64 = 0xf20;
/// GICD_CPENDSGIRn of GICv2.
const CPENDSGIR: u64 = 0xf10;
/// GICR_PROPBASER and GICR_PENDBASER.
const LPI_TABLES: [u64; 2] = [0x70, 0x78];
/// The frame of a redistributor with its interrupts.
const SGI_BASE: u64 = 0x1_0000;
/// GICC_PMR, GICC_BPR, GICC_ABPR, GICC_APR0 to GICC_APR3; the last is GICC_CTLR.
const GICC: [u64; 8] = [0x04, 0x08, 0x1c, 0xd0, 0xd4, 0xd8, 0xdc, 0x00];
/// GITS_CBASER, GITS_CREADR, GITS_CWRITER, GITS_BASER0 to GITS_BASER7.
const GITS: [u64; 11] = [0x80, 0x90, 0x88, 0x100, 0x108, 0x110, 0x118, 0x120, 0x128, 0x130, 0x138];

/// ICC_CTLR_EL1.
const ICC_CTLR: Encoding = Encoding::new(3, 0, 12, 12, 4);
/// ICC_CTLR_EL1.CBPR and EOImode; the other bits tell what the CPU interface is.
const ICC_CTLR_WRITABLE: u64 = 3;
/// ICC_SRE_EL1: the system registers are in use, always.
const ICC_SRE: Encoding = Encoding::new(3, 0, 12, 12, 5);
/// ICC_PMR_EL1, ICC_BPR0_EL1, ICC_BPR1_EL1, ICC_IGRPEN0_EL1, ICC_IGRPEN1_EL1.
const ICC: [Encoding; 5] = [
    Encoding::new(3, 0, 4, 6, 0),
    Encoding::new(3, 0, 12, 8, 3),
    Encoding::new(3, 0, 12, 12, 3),
    Encoding::new(3, 0, 12, 12, 6),
    Encoding::new(3, 0, 12, 12, 7),
];

/// ICC_AP0Rn_EL1 and ICC_AP1Rn_EL1: as many as bits of priority need.
fn active_priorities(icc_ctlr: u64) -> impl Iterator<Item = Encoding> {
    let count = match (icc_ctlr >> 8 & 7) + 1 {
        ..=5 => 1,
        6 => 2,
        _ => 4,
    };
    (0..count).flat_map(|n| [Encoding::new(3, 0, 12, 8, 4 + n), Encoding::new(3, 0, 12, 9, n)])
}

/// The high half of attributes that are of one CPU: its affinity with GICv3, its number with GICv2.
fn of_cpu(kind: GicKind, cpu: usize) -> u64 {
    let cpu = cpu as u64;
    let affinity = cpu & 0xf | (cpu >> 4) << 8;
    (if kind == GicKind::V3 { affinity } else { cpu }) << 32
}

impl Plan {
    fn register(&mut self, group: u32, attr: u64, reset: Reset) {
        self.0.push(Step::Register { group, attr, wide: false, reset });
    }

    fn wide(&mut self, group: u32, attr: u64, reset: Reset) {
        self.0.push(Step::Register { group, attr, wide: true, reset });
    }

    /// Registers for `count` interrupts from `first` on, `bits` for each.
    fn each(&mut self, group: u32, base: u64, (first, count, bits): (u64, u64, u64), reset: Reset) {
        for word in first * bits / 32..(first + count) * bits / 32 {
            self.register(group, base + 4 * word, reset);
        }
    }

    /// A bitmap with registers of their own to set and to clear bits.
    fn bitmap(&mut self, group: u32, (set, clear): (u64, u64), (first, count): (u64, u64)) {
        for word in first / 32..(first + count) / 32 {
            self.0.push(Step::Clear { group, attr: clear + 4 * word });
            self.register(group, set + 4 * word, Reset::To(0));
        }
    }

    /// What a distributor and a redistributor have alike.
    fn interrupts(&mut self, group: u32, base: u64, (first, count): (u64, u64), groups: Reset) {
        use per_interrupt::*;
        self.each(group, base + GROUP, (first, count, 1), groups);
        self.bitmap(group, (base + SET_ENABLE, base + CLEAR_ENABLE), (first, count));
        self.each(group, base + CONFIGURATION, (first, count, 2), Reset::To(0));
        self.each(group, base + SET_PENDING, (first, count, 1), Reset::To(0));
        self.bitmap(group, (base + SET_ACTIVE, base + CLEAR_ACTIVE), (first, count));
        self.each(group, base + PRIORITY, (first, count, 8), Reset::To(0));
    }

    fn gicv2(&mut self, cpus: usize, spis: u64) {
        let group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
        self.register(group, GICD_IIDR, Reset::Keep);
        for cpu in (0..cpus).map(|cpu| of_cpu(GicKind::V2, cpu)) {
            self.interrupts(group, cpu, (0, 32), Reset::To(0));
            for word in 0..4 {
                self.0.push(Step::Clear { group, attr: cpu | CPENDSGIR + 4 * word });
                self.register(group, cpu | SPENDSGIR + 4 * word, Reset::To(0));
            }
        }
        self.interrupts(group, 0, (32, spis), Reset::To(0));
        self.each(group, per_interrupt::TARGETS, (32, spis, 8), Reset::To(0));
        self.register(group, CTLR, Reset::To(0));
        for cpu in (0..cpus).map(|cpu| of_cpu(GicKind::V2, cpu)) {
            GICC.iter().for_each(|at| self.register(KVM_DEV_ARM_VGIC_GRP_CPU_REGS, cpu | at, Reset::To(0)));
        }
    }

    fn gicv3(&mut self, cpus: usize, spis: u64, icc_ctlr: u64) {
        use {KVM_DEV_ARM_VGIC_GRP_DIST_REGS as DIST, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS as REDIST};
        let all_of_group_1 = Reset::To(u32::MAX);
        self.register(DIST, GICD_IIDR, Reset::Keep);
        for cpu in (0..cpus).map(|cpu| of_cpu(GicKind::V3, cpu)) {
            // The tables can't change while LPIs are enabled.
            self.0.push(Step::Clear { group: REDIST, attr: cpu | CTLR });
            for half in LPI_TABLES.into_iter().flat_map(|at| [at, at + 4]) {
                self.register(REDIST, cpu | half, Reset::To(0));
            }
            self.register(REDIST, cpu | CTLR, Reset::To(0));
            self.interrupts(REDIST, cpu | SGI_BASE, (0, 32), all_of_group_1);
            self.register(KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, cpu, Reset::To(0));
        }
        self.interrupts(DIST, 0, (32, spis), all_of_group_1);
        for half in 0..2 * spis {
            self.register(DIST, per_interrupt::ROUTE + 4 * half, Reset::To(0));
        }
        for word in 1..=spis / 32 {
            self.register(KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 32 * word, Reset::To(0));
        }
        self.register(DIST, CTLR, Reset::To(0));
        for cpu in (0..cpus).map(|cpu| of_cpu(GicKind::V3, cpu)) {
            let mut icc = |reg: Encoding, reset| {
                self.wide(KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, cpu | u64::from(reg.bits()), reset);
            };
            icc(ICC_SRE, Reset::Keep);
            icc(ICC_CTLR, Reset::Clear(ICC_CTLR_WRITABLE));
            ICC.into_iter().chain(active_priorities(icc_ctlr)).for_each(|reg| icc(reg, Reset::To(0)));
        }
    }
}

impl Step {
    /// Sets a register unless it has the value: what some have at first they don't take later.
    fn change(device: &Device, group: u32, attr: u64, wide: bool, value: u64) -> Result<(), HvError> {
        if device.get(group, attr)? == value {
            return Ok(());
        }
        Self::write(device, group, attr, wide, value)
    }

    fn write(device: &Device, group: u32, attr: u64, wide: bool, value: u64) -> Result<(), HvError> {
        if wide { device.set(group, attr, &value) } else { device.set(group, attr, &(value as u32)) }
    }

    fn load(self, device: &Device, state: &mut Reader) -> Result<(), HvError> {
        match self {
            Self::Register { group, attr, wide, .. } => {
                Self::change(device, group, attr, wide, state.double()?)
            }
            Self::Clear { .. } => self.reset(device),
        }
    }

    fn reset(self, device: &Device) -> Result<(), HvError> {
        match self {
            Self::Register { reset: Reset::Keep, .. } => Ok(()),
            Self::Register { group, attr, wide, reset: Reset::To(value) } => {
                Self::change(device, group, attr, wide, value.into())
            }
            Self::Register { group, attr, wide, reset: Reset::Clear(bits) } => {
                let value = device.get(group, attr)? & !bits;
                Self::write(device, group, attr, wide, value)
            }
            // In a control register nothing is set by ones, and zero turns off.
            Self::Clear { group: KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, attr } if attr as u32 == 0 => {
                Self::write(device, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, attr, false, 0)
            }
            Self::Clear { group, attr } => Self::write(device, group, attr, false, u32::MAX.into()),
        }
    }
}

impl Gic {
    /// Makes all shared interrupts level-sensitive. KVM begins with edges; the architecture leaves it open, and armlet's
    /// own interrupt controllers and devices mean levels.
    pub fn sense_levels(&self) -> Result<(), HvError> {
        let mut plan = Plan::default();
        let shared = (32, self.config.spis as u64, 2);
        plan.each(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, per_interrupt::CONFIGURATION, shared, Reset::To(0));
        plan.0.iter().try_for_each(|step| step.reset(&self.device))
    }

    fn plan(&self, cpus: usize) -> Result<Plan, HvError> {
        let mut plan = Plan::default();
        let spis = self.config.spis as u64;
        match self.config.kind {
            GicKind::V2 => plan.gicv2(cpus, spis),
            GicKind::V3 => {
                let attr = u64::from(ICC_CTLR.bits());
                plan.gicv3(cpus, spis, self.device.get(KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, attr)?);
            }
        }
        Ok(plan)
    }

    /// Puts everything back as it was when the VM was made. No vCPU runs.
    pub fn reset(&self, cpus: usize) -> Result<(), HvError> {
        if let Some(its) = &self.its {
            its.command(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_CTRL_RESET)?;
        }
        self.plan(cpus)?.0.iter().try_for_each(|step| step.reset(&self.device))
    }

    /// Everything. The tables of LPIs and of an ITS are in guest memory then.
    pub fn save(&self, cpus: usize) -> Result<Vec<u8>, HvError> {
        let its = self.its.as_ref();
        if let Some(its) = its {
            its.command(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_SAVE_TABLES)?;
            self.device.command(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES)?;
        }
        let mut writer = Writer::new(NAME, VERSION);
        self.shape(cpus).into_iter().for_each(|word| writer.word(word));
        for step in self.plan(cpus)?.0 {
            if let Step::Register { group, attr, .. } = step {
                writer.double(self.device.get(group, attr)?);
            }
        }
        if let Some(its) = its {
            for at in [GITS_IIDR].into_iter().chain(GITS).chain([CTLR]) {
                writer.double(its.get(KVM_DEV_ARM_VGIC_GRP_ITS_REGS, at)?);
            }
        }
        Ok(writer.finish())
    }

    /// Puts back what was saved of a controller like this one, once guest memory is back.
    pub fn load(&self, cpus: usize, state: &[u8]) -> Result<(), HvError> {
        let mut reader = Reader::new(state, NAME, VERSION)?;
        for word in self.shape(cpus) {
            if reader.word()? != word {
                return Err(unsupported("the state of an interrupt controller of another shape"));
            }
        }
        self.plan(cpus)?.0.iter().try_for_each(|step| step.load(&self.device, &mut reader))?;
        if let Some(its) = &self.its {
            for at in [GITS_IIDR].into_iter().chain(GITS) {
                its.set(KVM_DEV_ARM_VGIC_GRP_ITS_REGS, at, &reader.double()?)?;
            }
            its.command(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES)?;
            its.set(KVM_DEV_ARM_VGIC_GRP_ITS_REGS, CTLR, &reader.double()?)?;
        }
        reader.end()
    }

    /// What must be alike on both sides: kind, CPUs, interrupts, ITS.
    fn shape(&self, cpus: usize) -> [u32; 4] {
        let kind = if self.config.kind == GicKind::V2 { 2 } else { 3 };
        [kind, cpus as u32, self.config.spis as u32, self.its.is_some().into()]
    }
}
