//! Cache maintenance (Arm ARM C5.3, D7.5.9). Data caches are coherent and invisible, so data cache
//! maintenance only translates; instruction cache maintenance drops lowered code.

use armlet_arm::esr::fsc;
use armlet_arm::mmu::{self, Kind};
use armlet_arm::sysreg::Encoding;

use super::access::{Access, Place};
use crate::cpu::{Cpu, Raised};
use crate::world::World;

impl Cpu {
    /// DC in all its forms but ZVA. Those by set and way do nothing.
    pub fn dc(&mut self, _world: &mut dyn World, op: Encoding, va: u64) -> Result<(), Raised> {
        match (op.op1(), op.crm(), op.op2()) {
            // IVAC destroys data: it asks for what a store asks for.
            (0, 6, 1) => self.maintain(va, Kind::Write).map(drop),
            (0, ..) => Ok(()),
            _ => self.maintain(va, Kind::Maintain).map(drop),
        }
    }

    /// IC. The code cache hears of it before the next block.
    pub fn ic(&mut self, _world: &mut dyn World, op: Encoding, va: u64) -> Result<(), Raised> {
        let by_address = op.op1() == 3;
        let line = if by_address { Some(self.maintain(va, Kind::Maintain)?) } else { None };
        // All but IC IALLU go to every PE.
        let broadcast = (by_address || op.crm() == 1) && self.vm.ports.len() > 1;
        self.mmu.unsent |= u32::from(broadcast);
        let others = broadcast.then_some(&mut self.mmu.outbox.code);
        for requests in [Some(&mut self.mmu.code_requests), others].into_iter().flatten() {
            match line {
                Some(pa) => requests.push_line(pa),
                None => requests.push_all(),
            }
        }
        Ok(())
    }

    /// As IC IVAU of the line at physical address `pa`.
    pub(crate) fn drop_code_line(&mut self, pa: u64) {
        self.mmu.code_requests.push_line(pa);
        if self.vm.ports.len() > 1 {
            self.mmu.outbox.code.push_line(pa);
            self.mmu.unsent = 1;
        }
    }

    /// Translates for maintenance by address. At EL0 what needs no permission needs that to read.
    fn maintain(&mut self, va: u64, kind: Kind) -> Result<u64, Raised> {
        let privileged = self.pstate.el() != 0;
        let kind = if privileged { kind } else { Kind::Read };
        let access = mmu::Access { kind, privileged, pan: false, misaligned: false, probe: true };
        match self.translate(va, access) {
            Ok(found) => Ok(found.pa),
            Err(fault) => Err(self.maintenance_abort(va, fault)),
        }
    }

    /// DC ZVA: zeroes the block of DCZID_EL0.BS that holds `va`. Device memory refuses it as unaligned.
    pub fn dc_zva(&mut self, world: &mut dyn World, va: u64) -> Result<(), Raised> {
        let len = 4 << self.model().dczid_bs;
        // The translation is that of `va` itself: FAR_EL1 reports the address as given. Watchpoints see
        // all of the block.
        let block = va & !(len as u64 - 1);
        if self.watched_page(va) && self.watch_hit(block, len, true) {
            self.locate(world, va, 1, Access::STORE, true)?;
            return Err(self.watchpoint(va, true));
        }
        let located = self.locate(world, va, 1, Access::STORE, true)?;
        let start = located.pa & !(len as u64 - 1);
        match located.place {
            Place::Ram(offset) => {
                self.note_store(start, offset, len);
                self.vm.ram.zero(start, len).map_err(|_| self.data_abort(va, fsc::EXTERNAL, true))
            }
            Place::Device(_) => {
                (0..len as u64).step_by(8).try_for_each(|n| self.device_store(world, va, start + n, 8, 0))
            }
        }
    }
}
