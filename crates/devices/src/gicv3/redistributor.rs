//! The redistributors' frames (IHI 0069H sections 12.10 and 12.11).

use std::ops::Range;
use std::sync::Arc;

use armlet_base::{Access, MmioDevice};

use super::spec::*;
use super::{Gicv3, State, affinity};
use crate::gic::bank::BankId;
use crate::mmio;

/// A region of redistributors, one after the other. See [`Gicv3::redistributors`].
pub struct Redistributors {
    pub(super) gic: Arc<Gicv3>,
    pub(super) cpus: Range<usize>,
}

impl Redistributors {
    /// The CPU whose redistributor `offset` is in, whether it is the region's last, and the offset
    /// in it.
    fn find(&self, offset: u64) -> Option<(usize, bool, u64)> {
        let cpu = usize::try_from(offset / REDISTRIBUTOR).ok()?.checked_add(self.cpus.start)?;
        self.cpus.contains(&cpu).then_some((cpu, cpu + 1 == self.cpus.end, offset % REDISTRIBUTOR))
    }
}

impl MmioDevice for Redistributors {
    fn read(&self, access: Access, offset: u64) -> u64 {
        let state = self.gic.state();
        mmio::read(&self.gic.errors, access, offset, |offset, size| {
            let (cpu, last, offset) = self.find(offset)?;
            match offset.checked_sub(FRAME) {
                None => state.gicr_read(cpu, last, offset, size),
                Some(offset) => state.gicr_sgi_read(cpu, offset, size),
            }
        })
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        let mut state = self.gic.state();
        mmio::write(&self.gic.errors, access, offset, value, |offset, size, value| {
            let (cpu, _, offset) = self.find(offset)?;
            match offset.checked_sub(FRAME) {
                None => state.gicr_write(cpu, offset, size, value),
                Some(offset) => state.gicr_sgi_write(cpu, offset, size, value),
            }
        });
    }

    fn awaits_host(&self) -> bool {
        false
    }
}

/// One half of a 64-bit register, or all of it.
pub(super) fn part(register: u64, offset: u64, size: u8) -> u64 {
    if size == 8 { register } else { register >> ((offset & 4) * 8) & 0xffff_ffff }
}

/// Replaces one half of a 64-bit register, or all of it.
pub(super) fn replace(register: &mut u64, offset: u64, size: u8, value: u64, mask: u64) {
    let new = match (size, offset & 4) {
        (8, _) => value,
        (_, 0) => *register & !0xffff_ffff | value & 0xffff_ffff,
        _ => *register & 0xffff_ffff | value << 32,
    };
    *register = new & mask;
}

impl State {
    fn gicr_read(&self, cpu: usize, last: bool, offset: u64, size: u8) -> Option<u64> {
        let local = self.locals.get(cpu)?;
        match (offset & !4, size) {
            (GICR_TYPER, 4 | 8) => {
                let last = if last { GICR_TYPER_LAST } else { 0 };
                let lpis = if self.ram.is_some() { GICR_TYPER_PLPIS } else { 0 };
                let typer = affinity(cpu) << 32 | (cpu as u64) << 8 | last | lpis;
                return Some(part(typer, offset, size));
            }
            (GICR_PROPBASER, 4 | 8) => return Some(part(local.propbaser, offset, size)),
            (GICR_PENDBASER, 4 | 8) => {
                return Some(part(local.pendbaser & !PENDBASER_PTZ, offset, size));
            }
            (_, 4) => {}
            _ => return None,
        }
        match offset {
            GICR_CTLR if self.ram.is_some() => {
                let enabled = if local.lpis_enabled { GICR_CTLR_ENABLE_LPIS } else { 0 };
                Some(GICR_CTLR_CES | enabled)
            }
            GICR_CTLR | GICR_STATUSR | GICR_MPAMIDR | GICR_PARTIDR => Some(0),
            GICR_IIDR => Some(IIDR),
            GICR_WAKER => Some(local.waker),
            _ => mmio::id_register(&REDISTRIBUTOR_IDS, ID_REGISTERS, offset),
        }
    }

    fn gicr_write(&mut self, cpu: usize, offset: u64, size: u8, value: u64) -> Option<()> {
        let local = self.locals.get_mut(cpu)?;
        match (offset, size) {
            (GICR_CTLR, 4) => self.enable_lpis(cpu, value & GICR_CTLR_ENABLE_LPIS != 0),
            (GICR_STATUSR, 4) => {}
            // Where the tables are does not change under their user.
            (0x70..0x80, 4 | 8) if local.lpis_enabled => {}
            (GICR_WAKER, 4) => {
                // The CPU interface goes to sleep and wakes at once.
                let asleep = value & WAKER_PROCESSOR_SLEEP;
                local.waker = asleep | if asleep != 0 { WAKER_CHILDREN_ASLEEP } else { 0 };
            }
            (0x70..0x78, 4 | 8) => replace(&mut local.propbaser, offset, size, value, PROPBASER_MASK),
            (0x78..0x80, 4 | 8) => {
                replace(&mut local.pendbaser, offset, size, value, PENDBASER_MASK | PENDBASER_PTZ);
            }
            _ => return None,
        }
        Some(())
    }

    fn gicr_sgi_read(&self, cpu: usize, offset: u64, size: u8) -> Option<u64> {
        self.locals.get(cpu)?;
        match (offset, size) {
            (GICD_IGRPMODR | GICD_NSACR, 4) => Some(0),
            _ => self.core.read_register(offset, size, |index| (index == 0).then_some(BankId::Local(cpu))),
        }
    }

    fn gicr_sgi_write(&mut self, cpu: usize, offset: u64, size: u8, value: u64) -> Option<()> {
        self.locals.get(cpu)?;
        match (offset, size) {
            (GICD_IGRPMODR | GICD_NSACR, 4) => Some(()),
            _ => {
                let bank = |index| (index == 0).then_some(BankId::Local(cpu));
                self.core.write_register(offset, size, value, bank)
            }
        }
    }
}
