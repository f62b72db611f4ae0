//! The distributor's frame (IHI 0069H sections 12.8 and 12.9).

use std::sync::Arc;

use armlet_base::{Access, MmioDevice};

use super::spec::*;
use super::{Gicv3, State};
use crate::gic::{INTID_LIMIT, bank::BankId};
use crate::mmio;

/// The distributor's registers. See [`Gicv3::distributor`].
pub struct Distributor {
    pub(super) gic: Arc<Gicv3>,
}

impl MmioDevice for Distributor {
    fn read(&self, access: Access, offset: u64) -> u64 {
        let state = self.gic.state();
        mmio::read(&self.gic.errors, access, offset, |offset, size| state.gicd_read(offset, size))
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        let mut state = self.gic.state();
        mmio::write(&self.gic.errors, access, offset, value, |offset, size, value| {
            state.gicd_write(offset, size, value)
        });
    }

    fn reset(&self) {
        self.gic.reset();
    }

    fn awaits_host(&self) -> bool {
        false
    }
}

/// The bank of a register with this index; those of INTIDs 0 to 31 are in the redistributors.
fn shared(index: usize) -> Option<BankId> {
    index.checked_sub(1).map(BankId::Spi)
}

impl State {
    fn gicd_typer(&self) -> u64 {
        let lpis = if self.ram.is_some() { TYPER_LPIS | TYPER_IDBITS_LPIS } else { TYPER_IDBITS };
        TYPER_A3V | lpis | TYPER_MBIS | self.core.spi_banks() as u64
    }

    /// Index into `routers` of the register at `offset`; `None` where it is RES0.
    fn router_index(&self, offset: u64) -> Option<usize> {
        let intid = (offset - GICD_IROUTER) as usize / 8;
        intid.checked_sub(32).filter(|&spi| spi < self.routers.len())
    }

    fn gicd_read(&self, offset: u64, size: u8) -> Option<u64> {
        match (offset, size) {
            (GICD_IROUTER..GICD_IROUTER_END, 4 | 8) => {
                let router = self.router_index(offset).map_or(0, |spi| self.routers[spi]);
                return Some(if offset & 4 != 0 { router >> 32 } else { router });
            }
            (SHARED_START..GICD_ITARGETSR, _) | (0xc00..SHARED_END, _) => {
                return self.core.read_register(offset, size, shared);
            }
            (GICD_ITARGETSR..0xc00, 1) => return Some(0),
            (GICD_SETSPI_NSR | GICD_CLRSPI_NSR | GICD_SETSPI_SR | GICD_CLRSPI_SR, 2) => return Some(0),
            (_, 4) => {}
            _ => return None,
        }
        match offset {
            GICD_CTLR => {
                let enables = u64::from(self.core.groups[0]) | u64::from(self.core.groups[1]) << 1;
                Some(CTLR_DS | CTLR_ARE | enables)
            }
            GICD_TYPER => Some(self.gicd_typer()),
            GICD_IIDR => Some(IIDR),
            GICD_TYPER2 | GICD_STATUSR => Some(0),
            GICD_SETSPI_NSR | GICD_CLRSPI_NSR | GICD_SETSPI_SR | GICD_CLRSPI_SR => Some(0),
            GICD_ITARGETSR..0xc00 | GICD_IGRPMODR..GICD_SGIR => Some(0),
            GICD_SGIR | GICD_CPENDSGIR..GICD_SGI_END => Some(0),
            _ => mmio::id_register(&DISTRIBUTOR_IDS, ID_REGISTERS, offset),
        }
    }

    fn gicd_write(&mut self, offset: u64, size: u8, value: u64) -> Option<()> {
        match (offset, size) {
            (GICD_IROUTER..GICD_IROUTER_END, 4 | 8) => {
                if let Some(spi) = self.router_index(offset) {
                    let old = self.routers[spi];
                    let new = match (size, offset & 4) {
                        (8, _) => value,
                        (_, 0) => old & !0xffff_ffff | value,
                        _ => old & 0xffff_ffff | value << 32,
                    };
                    self.routers[spi] = new & IROUTER_MASK;
                    self.route(spi);
                }
                return Some(());
            }
            (SHARED_START..GICD_ITARGETSR, _) | (0xc00..SHARED_END, _) => {
                self.core.write_register(offset, size, value, shared)?;
                if offset < 0x100
                    && let Some(b) = ((offset as usize - 0x80) / 4).checked_sub(1)
                {
                    // The CPU of a 1-of-N interrupt depends on its group.
                    self.route_bank(b);
                }
                return Some(());
            }
            (GICD_ITARGETSR..0xc00, 1) => return Some(()),
            (GICD_SETSPI_NSR | GICD_CLRSPI_NSR, 2 | 4) => {
                self.message(value as u32 & 0x3ff, offset == GICD_SETSPI_NSR);
                return Some(());
            }
            (_, 4) => {}
            _ => return None,
        }
        match offset {
            GICD_CTLR => {
                self.core.groups = [value & CTLR_ENABLE_GRP0 != 0, value & CTLR_ENABLE_GRP1 != 0];
                self.core.update_all();
                Some(())
            }
            // RES0.
            GICD_STATUSR | GICD_SETSPI_SR | GICD_CLRSPI_SR => Some(()),
            GICD_ITARGETSR..0xc00 | GICD_IGRPMODR..GICD_SGIR => Some(()),
            GICD_SGIR | GICD_CPENDSGIR..GICD_SGI_END => Some(()),
            _ => None,
        }
    }

    fn message(&mut self, intid: u32, set: bool) {
        if (32..INTID_LIMIT).contains(&intid)
            && let Some((id, n)) = self.core.locate(0, intid)
        {
            self.core.edit(id, |bank| bank.message(n, set));
        }
    }
}
