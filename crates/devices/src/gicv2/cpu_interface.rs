//! The CPU interface's registers (IHI 0048B.b section 4.4).

use std::sync::Arc;

use armlet_base::{Access, MmioDevice};

use super::spec::*;
use super::{Gicv2, State};
use crate::gic::{Candidate, Group, INTID_LIMIT, SPURIOUS, priority::PRIORITY_MASK};
use crate::mmio;

/// The CPU interface's registers. See [`Gicv2::cpu_interface`].
pub struct CpuInterfaceFrame {
    pub(super) gic: Arc<Gicv2>,
}

impl MmioDevice for CpuInterfaceFrame {
    fn read(&self, access: Access, offset: u64) -> u64 {
        let mut state = self.gic.state();
        mmio::read(&self.gic.errors, access, offset, |offset, size| {
            if size == 4 { state.gicc_read(access.cpu, offset) } else { None }
        })
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        let mut state = self.gic.state();
        mmio::write(&self.gic.errors, access, offset, value, |offset, size, value| {
            if size == 4 { state.gicc_write(access.cpu, offset, value as u32) } else { None }
        });
    }

    fn awaits_host(&self) -> bool {
        false
    }
}

impl State {
    fn gicc_read(&mut self, cpu: usize, offset: u64) -> Option<u64> {
        let ctlr = self.locals.get(cpu)?.ctlr;
        let it = &self.core.cpus[cpu];
        let p = &it.priorities;
        let value = match offset {
            GICC_CTLR => ctlr,
            GICC_PMR => p.mask.into(),
            GICC_BPR => p.binary_point(Group::Zero).into(),
            GICC_ABPR => p.binary_point(Group::One).into(),
            GICC_RPR => p.running().into(),
            GICC_IAR => self.acknowledge(cpu),
            GICC_AIAR => self.acknowledge_group1(cpu),
            GICC_HPPIR => self.visible(cpu, it.best()),
            GICC_AHPPIR => match it.best().filter(|best| best.group == Group::One) {
                Some(best) => self.shown(cpu, best),
                None => SPURIOUS,
            },
            GICC_APR0 => p.active[0],
            GICC_NSAPR0 => p.active[1],
            GICC_APR0..GICC_APR_END | GICC_NSAPR0..GICC_NSAPR_END => 0,
            GICC_IIDR => GICC_IIDR_VALUE as u32,
            // Write-only.
            GICC_EOIR | GICC_AEOIR | GICC_DIR => 0,
            _ => return None,
        };
        Some(value.into())
    }

    fn gicc_write(&mut self, cpu: usize, offset: u64, value: u32) -> Option<()> {
        let local = self.locals.get_mut(cpu)?;
        let it = &mut self.core.cpus[cpu];
        let p = &mut it.priorities;
        match offset {
            GICC_EOIR | GICC_AEOIR => {
                self.end(cpu, value, offset == GICC_AEOIR);
                return Some(());
            }
            GICC_DIR => {
                if local.ctlr & CTLR_EOIMODE != 0 && value & 0x3ff < INTID_LIMIT {
                    self.core.deactivate(cpu, value & 0x3ff);
                }
                return Some(());
            }
            GICC_CTLR => {
                local.ctlr = value & CTLR_MASK;
                p.enabled = [value & CTLR_ENABLE_GRP0 != 0, value & CTLR_ENABLE_GRP1 != 0];
                p.common_binary_point = value & CTLR_CBPR != 0;
                it.group0_is_fiq = value & CTLR_FIQEN != 0;
            }
            GICC_PMR => p.mask = value as u8 & PRIORITY_MASK,
            GICC_BPR => p.set_binary_point(Group::Zero, value.into()),
            GICC_ABPR => p.set_binary_point(Group::One, value.into()),
            GICC_APR0 => p.active[0] = value,
            GICC_NSAPR0 => p.active[1] = value,
            GICC_APR0..GICC_APR_END | GICC_NSAPR0..GICC_NSAPR_END => {}
            _ => return None,
        }
        self.core.update(cpu);
        Some(())
    }

    /// An interrupt as GICC_IAR and GICC_HPPIR see it: those of group 1 only with AckCtl.
    fn visible(&self, cpu: usize, candidate: Option<Candidate>) -> u32 {
        match candidate {
            None => SPURIOUS,
            Some(it) if it.group == Group::One && self.locals[cpu].ctlr & CTLR_ACKCTL == 0 => INTID_GROUP1,
            Some(it) => self.shown(cpu, it),
        }
    }

    fn acknowledge(&mut self, cpu: usize) -> u32 {
        let seen = self.visible(cpu, self.core.cpus[cpu].signalled());
        if seen & 0x3ff < INTID_LIMIT {
            self.take(cpu);
        }
        seen
    }

    fn acknowledge_group1(&mut self, cpu: usize) -> u32 {
        match self.core.cpus[cpu].signalled().filter(|it| it.group == Group::One) {
            None => SPURIOUS,
            Some(it) => {
                let seen = self.shown(cpu, it);
                self.take(cpu);
                seen
            }
        }
    }

    /// Takes the signalled interrupt; of an SGI only the lowest sender, the others stay pending.
    fn take(&mut self, cpu: usize) {
        if let Some(taken) = self.core.acknowledge(cpu, |_| true)
            && taken.intid < 16
        {
            let senders = self.locals[cpu].senders[taken.intid as usize];
            self.set_senders(cpu, taken.intid, senders & senders.wrapping_sub(1));
        }
    }

    /// End of interrupt: priority drop, and deactivation unless EOImode splits the two.
    fn end(&mut self, cpu: usize, value: u32, only_group1: bool) {
        let intid = value & 0x3ff;
        let Some((id, n)) = self.core.locate(cpu, intid) else { return };
        let Some(group) = self.core.bank(id).map(|bank| bank.group(n)) else { return };
        if only_group1 && group == Group::Zero {
            return;
        }
        self.core.drop_priority(cpu, group);
        if self.locals[cpu].ctlr & CTLR_EOIMODE == 0 {
            self.core.deactivate(cpu, intid);
        }
    }
}
