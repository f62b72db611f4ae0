//! The distributor's registers (IHI 0048B.b section 4.3).

use std::sync::Arc;

use armlet_base::{Access, MmioDevice};

use super::spec::*;
use super::{Gicv2, State};
use crate::gic::bank::BankId;
use crate::mmio;

/// The distributor's registers. See [`Gicv2::distributor`].
pub struct Distributor {
    pub(super) gic: Arc<Gicv2>,
}

impl MmioDevice for Distributor {
    fn read(&self, access: Access, offset: u64) -> u64 {
        let state = self.gic.state();
        mmio::read(&self.gic.errors, access, offset, |offset, size| state.gicd_read(access.cpu, offset, size))
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        let mut state = self.gic.state();
        mmio::write(&self.gic.errors, access, offset, value, |offset, size, value| {
            state.gicd_write(access.cpu, offset, size, value)
        });
    }

    fn reset(&self) {
        self.gic.reset();
    }

    fn awaits_host(&self) -> bool {
        false
    }
}

/// The bank of a register with this index as `cpu` sees it.
fn bank(cpu: usize, index: usize) -> Option<BankId> {
    Some(index.checked_sub(1).map_or(BankId::Local(cpu), BankId::Spi))
}

/// Joins `size` bytes, the first one lowest.
fn word(size: u8, byte: impl Fn(usize) -> u8) -> u64 {
    (0..usize::from(size)).rev().fold(0, |word, i| word << 8 | u64::from(byte(i)))
}

impl State {
    fn gicd_read(&self, cpu: usize, offset: u64, size: u8) -> Option<u64> {
        self.locals.get(cpu)?;
        match (offset, size) {
            (GICD_IGROUPR..GICD_ITARGETSR, _) | (GICD_ICFGR..GICD_ICFGR_END, _) => {
                self.core.read_register(offset, size, |index| bank(cpu, index))
            }
            (GICD_ITARGETSR..GICD_ICFGR, 1 | 4) => {
                let first = (offset - GICD_ITARGETSR) as u32;
                Some(word(size, |i| self.itargetsr(cpu, first + i as u32)))
            }
            (GICD_CPENDSGIR..GICD_SPENDSGIR_END, 1 | 4) => {
                let sgi = offset as usize & 15;
                Some(word(size, |i| self.locals[cpu].senders[sgi + i]))
            }
            (GICD_CTLR, 4) => Some(u64::from(self.core.groups[0]) | u64::from(self.core.groups[1]) << 1),
            (GICD_TYPER, 4) => Some(self.core.spi_banks() as u64 | (self.locals.len() as u64 - 1) << 5),
            (GICD_IIDR, 4) => Some(GICD_IIDR_VALUE),
            (GICD_NSACR..=GICD_SGIR, 4) => Some(0),
            (_, 4) => mmio::id_register(&GICD_IDS, GICD_ID_REGISTERS, offset),
            _ => None,
        }
    }

    fn gicd_write(&mut self, cpu: usize, offset: u64, size: u8, value: u64) -> Option<()> {
        self.locals.get(cpu)?;
        match (offset, size) {
            (GICD_IGROUPR..GICD_ITARGETSR, _) | (GICD_ICFGR..GICD_ICFGR_END, _) => {
                // SGIs are made pending by GICD_SGIR and GICD_SPENDSGIR, which know the sender.
                let sgis = matches!(offset, GICD_ISPENDR | GICD_ICPENDR);
                let value = if sgis { value & 0xffff_0000 } else { value };
                self.core.write_register(offset, size, value, |index| bank(cpu, index))?;
            }
            (GICD_ITARGETSR..GICD_ICFGR, 1 | 4) => {
                let first = (offset - GICD_ITARGETSR) as u32;
                for i in 0..u32::from(size) {
                    self.set_itargetsr(first + i, (value >> (8 * i)) as u8);
                }
            }
            (GICD_CPENDSGIR..GICD_SPENDSGIR_END, 1 | 4) => {
                let cpus = (1_u16 << self.locals.len()) - 1;
                for i in 0..u32::from(size) {
                    let sgi = (offset as u32 & 15) + i;
                    let byte = (value >> (8 * i)) as u8 & cpus as u8;
                    let old = self.locals[cpu].senders[sgi as usize];
                    let set = offset >= GICD_SPENDSGIR;
                    self.set_senders(cpu, sgi, if set { old | byte } else { old & !byte });
                }
            }
            (GICD_CTLR, 4) => {
                self.core.groups = [value & 1 != 0, value & 2 != 0];
                self.core.update_all();
            }
            (GICD_NSACR..GICD_SGIR, 4) => {}
            (GICD_SGIR, 4) => self.send_sgi(cpu, value),
            _ => return None,
        }
        Some(())
    }

    /// One byte of GICD_ITARGETSR: the CPUs an interrupt goes to.
    fn itargetsr(&self, cpu: usize, intid: u32) -> u8 {
        let cpus = self.locals.len();
        match self.core.locate(cpu, intid) {
            _ if cpus == 1 => 0,
            Some((BankId::Local(cpu), _)) => 1 << cpu,
            Some((BankId::Spi(b), n)) => {
                (0..cpus).fold(0, |mask, cpu| mask | u8::from(self.core.is_target(b, n, cpu)) << cpu)
            }
            None => 0,
        }
    }

    fn set_itargetsr(&mut self, intid: u32, mask: u8) {
        let cpus = self.locals.len();
        if cpus > 1
            && let Some((BankId::Spi(b), n)) = self.core.locate(0, intid)
            && self.core.bank(BankId::Spi(b)).is_some_and(|bank| bank.exists(n))
        {
            for cpu in 0..cpus {
                self.core.set_target(b, n, cpu, mask >> cpu & 1 != 0);
            }
        }
    }

    /// GICD_SGIR: the target list filter picks CPUs by list, all others, or only the sender.
    fn send_sgi(&mut self, from: usize, value: u64) {
        let sgi = value as u32 & 15;
        let targets = match value >> 24 & 3 {
            0 => (value >> 16) as u8,
            1 => !(1 << from),
            2 => 1 << from,
            _ => 0,
        };
        for cpu in (0..self.locals.len()).filter(|cpu| targets >> cpu & 1 != 0) {
            let senders = self.locals[cpu].senders[sgi as usize] | 1 << from;
            self.set_senders(cpu, sgi, senders);
        }
    }
}
