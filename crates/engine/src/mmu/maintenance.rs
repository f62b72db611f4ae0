//! Hooks of the system registers and instructions into translation and caches.

use armlet_arm::sysreg::Encoding;

use crate::cache::Cache;
use crate::cpu::{Cpu, Raised};
use crate::port::Port;
use crate::world::World;

impl Cpu {
    /// SCTLR_EL1, TCR_EL1 or MAIR_EL1 changed.
    pub fn translation_changed(&mut self) {}

    /// TTBR0_EL1 or TTBR1_EL1 changed.
    pub fn ttbr_changed(&mut self) {}

    /// The exception level, PSTATE.PAN or PSTATE.UAO may have changed.
    pub fn context_changed(&mut self) {}

    /// Answers messages of other PEs.
    pub fn read_mail(&mut self, _code: &mut Cache, _world: &mut dyn World) {
        self.port.lower(Port::MAIL);
    }

    /// TLBI.
    pub fn tlbi(&mut self, _op: Encoding, _value: u64) {}

    /// AT.
    pub fn at(&mut self, _world: &mut dyn World, _op: Encoding, _va: u64) {}

    /// DC but for ZVA.
    pub fn dc(&mut self, _world: &mut dyn World, _op: Encoding, _va: u64) -> Result<(), Raised> {
        Ok(())
    }

    /// IC.
    pub fn ic(&mut self, _world: &mut dyn World, _op: Encoding, _va: u64) -> Result<(), Raised> {
        Ok(())
    }

    /// DC ZVA.
    pub fn dc_zva(&mut self, world: &mut dyn World, va: u64) -> Result<(), Raised> {
        let len = 4u64 << self.model().dczid_bs;
        let start = va & !(len - 1);
        (0..len / 8).try_for_each(|n| self.store_mem(world, start + n * 8, 0u64))
    }

    /// DSB: earlier maintenance is complete everywhere.
    pub fn dsb(&mut self, _world: &mut dyn World) {}

    /// ISB.
    pub fn isb(&mut self) {}
}
