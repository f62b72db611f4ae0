//! The CPU interface as system registers (IHI 0069H section 12.2).

use armlet_arm::gic::CpuInterface;
use armlet_arm::sysreg::Encoding;

use super::spec::icc::*;
use super::{Gicv3, State, cpu_of};
use crate::gic::{Candidate, Group, INTID_LIMIT, SPURIOUS, bank::BankId, priority::PRIORITY_MASK};

impl CpuInterface for Gicv3 {
    fn read(&self, cpu: usize, reg: Encoding) -> Option<u64> {
        self.state().icc_read(cpu, reg)
    }

    fn write(&self, cpu: usize, reg: Encoding, value: u64) -> Option<()> {
        self.state().icc_write(cpu, reg, value)
    }

    fn set_ppi(&self, cpu: usize, intid: u32, level: bool) {
        if (16..32).contains(&intid) {
            self.state().core.set_level(cpu, intid, level);
        }
    }
}

impl State {
    fn icc_read(&mut self, cpu: usize, reg: Encoding) -> Option<u64> {
        let eoi_mode = self.locals.get(cpu)?.eoi_mode;
        let it = &self.core.cpus[cpu];
        let p = &it.priorities;
        let value = match reg {
            ICC_IAR0_EL1 => self.acknowledge(cpu, Group::Zero),
            ICC_IAR1_EL1 => self.acknowledge(cpu, Group::One),
            ICC_HPPIR0_EL1 => intid(it.best().filter(|best| best.group == Group::Zero)),
            ICC_HPPIR1_EL1 => intid(it.best().filter(|best| best.group == Group::One)),
            ICC_PMR_EL1 => p.mask.into(),
            ICC_RPR_EL1 => p.running().into(),
            ICC_BPR0_EL1 => p.binary_point(Group::Zero).into(),
            ICC_BPR1_EL1 if p.common_binary_point => (p.binary_point(Group::Zero) + 1).min(7).into(),
            ICC_BPR1_EL1 => p.binary_point(Group::One).into(),
            ICC_CTLR_EL1 => {
                let cbpr = if p.common_binary_point { CTLR_CBPR } else { 0 };
                let eoi_mode = if eoi_mode { CTLR_EOIMODE } else { 0 };
                CTLR_A3V | CTLR_PRIBITS | cbpr | eoi_mode
            }
            ICC_SRE_EL1 => SRE,
            ICC_IGRPEN0_EL1 => p.enabled[0].into(),
            ICC_IGRPEN1_EL1 => p.enabled[1].into(),
            ICC_AP0R0_EL1 => p.active[0].into(),
            ICC_AP1R0_EL1 => p.active[1].into(),
            _ => return None,
        };
        Some(value)
    }

    fn icc_write(&mut self, cpu: usize, reg: Encoding, value: u64) -> Option<()> {
        self.locals.get(cpu)?;
        match reg {
            ICC_EOIR0_EL1 => self.end(cpu, Group::Zero, value),
            ICC_EOIR1_EL1 => self.end(cpu, Group::One, value),
            ICC_DIR_EL1 => {
                if self.locals[cpu].eoi_mode {
                    self.core.deactivate(cpu, value as u32 & 0xff_ffff);
                }
            }
            // ICC_ASGI1R_EL1 names the other security state, of which there is none: as group 0.
            ICC_SGI1R_EL1 => self.send_sgi(cpu, value, true),
            ICC_ASGI1R_EL1 | ICC_SGI0R_EL1 => self.send_sgi(cpu, value, false),
            ICC_SRE_EL1 => {}
            ICC_PMR_EL1 | ICC_BPR0_EL1 | ICC_BPR1_EL1 | ICC_CTLR_EL1 | ICC_IGRPEN0_EL1 | ICC_IGRPEN1_EL1
            | ICC_AP0R0_EL1 | ICC_AP1R0_EL1 => self.configure(cpu, reg, value),
            _ => return None,
        }
        Some(())
    }

    /// Writes a register that changes which interrupts the CPU takes.
    fn configure(&mut self, cpu: usize, reg: Encoding, value: u64) {
        let p = &mut self.core.cpus[cpu].priorities;
        match reg {
            ICC_PMR_EL1 => p.mask = value as u8 & PRIORITY_MASK,
            ICC_BPR0_EL1 => p.set_binary_point(Group::Zero, value),
            ICC_BPR1_EL1 if p.common_binary_point => {}
            ICC_BPR1_EL1 => p.set_binary_point(Group::One, value),
            ICC_CTLR_EL1 => {
                p.common_binary_point = value & CTLR_CBPR != 0;
                self.locals[cpu].eoi_mode = value & CTLR_EOIMODE != 0;
            }
            ICC_IGRPEN0_EL1 => p.enabled[0] = value & 1 != 0,
            ICC_IGRPEN1_EL1 => p.enabled[1] = value & 1 != 0,
            ICC_AP0R0_EL1 => p.active[0] = value as u32,
            ICC_AP1R0_EL1 => p.active[1] = value as u32,
            _ => {}
        }
        if matches!(reg, ICC_IGRPEN0_EL1 | ICC_IGRPEN1_EL1) {
            self.elect();
        }
        self.core.update(cpu);
    }

    fn acknowledge(&mut self, cpu: usize, group: Group) -> u64 {
        intid(self.core.acknowledge(cpu, |best| best.group == group))
    }

    /// End of interrupt: priority drop, and deactivation unless EOImode splits the two.
    fn end(&mut self, cpu: usize, group: Group, value: u64) {
        let intid = value as u32 & 0xff_ffff;
        if (INTID_LIMIT..=SPURIOUS).contains(&intid)
            || self.core.cpus[cpu].priorities.running_group() != Some(group)
        {
            return;
        }
        self.core.drop_priority(cpu, group);
        if !self.locals[cpu].eoi_mode {
            self.core.deactivate(cpu, intid);
        }
    }

    /// ICC_SGI1R_EL1 reaches SGIs of either group, the others those of group 0 (IHI 0069H table 12-10).
    fn send_sgi(&mut self, from: usize, value: u64, group1: bool) {
        let sgi = (value >> 24 & 15) as u32;
        if value & SGIR_IRM != 0 {
            for cpu in (0..self.locals.len()).filter(|&cpu| cpu != from) {
                self.pend_sgi(cpu, sgi, group1);
            }
            return;
        }
        // The range selector would name Aff0 from 16 on: GICD_TYPER.RSS says there are none.
        if value >> 44 & 15 != 0 {
            return;
        }
        for aff0 in (0..16).filter(|aff0| value >> aff0 & 1 != 0) {
            if let Some(cpu) = cpu_of(value >> 48 & 0xff, value >> 32 & 0xff, value >> 16 & 0xff, aff0) {
                self.pend_sgi(cpu, sgi, group1);
            }
        }
    }

    fn pend_sgi(&mut self, cpu: usize, sgi: u32, group1: bool) {
        let Some(bank) = self.core.bank(BankId::Local(cpu)) else { return };
        if group1 || bank.group(sgi) == Group::Zero {
            self.core.set_latch(cpu, sgi, true);
        }
    }
}

fn intid(candidate: Option<Candidate>) -> u64 {
    candidate.map_or(SPURIOUS, |it| it.intid).into()
}
