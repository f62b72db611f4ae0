//! LPIs in the redistributors: their properties and, while nobody has them enabled, their pending state are in guest memory
//! (IHI 0069H, 5.1).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use armlet_base::GuestRam;

use super::spec::*;
use super::{Gicv3, State};
use crate::gic::lpis::{FIRST_LPI, Property};
use crate::gic::priority::PRIORITY_MASK;

/// Bits of INTIDs, as GICD_TYPER.IDbits says.
const ID_BITS: u32 = 16;
/// LPI configuration table entry: Enable.
const ENABLE: u8 = 1;
/// Bits 51 to 12 of GICR_PROPBASER are an address.
const PROPERTIES: u64 = 0x000f_ffff_ffff_f000;
/// Bits 51 to 16 of GICR_PENDBASER are an address.
const PENDING: u64 = 0x000f_ffff_ffff_0000;

/// What an ITS makes of a message.
impl Gicv3 {
    /// Makes an LPI of a CPU pending, if that CPU has LPIs enabled and this one exists.
    pub(super) fn set_lpi(&self, cpu: usize, intid: u32) {
        self.state().set_lpi(cpu, intid);
    }

    /// Ends the pending state of an LPI.
    pub(super) fn clear_lpi(&self, cpu: usize, intid: u32) {
        self.state().clear_lpi(cpu, intid);
    }

    /// Looks the properties of an LPI up again.
    pub(super) fn refresh_lpi(&self, cpu: usize, intid: u32) {
        let mut state = self.state();
        if state.has_pending(cpu, intid) {
            state.set_lpi(cpu, intid);
        }
    }

    /// Looks the properties of all LPIs of a CPU up again; how many there are.
    pub(super) fn refresh_lpis(&self, cpu: usize) -> usize {
        let mut state = self.state();
        state.move_lpis(cpu, cpu)
    }

    /// A pending LPI of a CPU becomes another's.
    pub(super) fn move_lpi(&self, from: usize, to: usize, intid: u32) {
        let mut state = self.state();
        if state.has_pending(from, intid) {
            state.clear_lpi(from, intid);
            state.set_lpi(to, intid);
        }
    }

    /// All pending LPIs of a CPU become another's; how many there are.
    pub(super) fn move_lpis(&self, from: usize, to: usize) -> usize {
        self.state().move_lpis(from, to)
    }

    /// Number of CPUs.
    pub(super) fn cpus(&self) -> usize {
        self.state().locals.len()
    }
}

impl State {
    fn has_pending(&self, cpu: usize, intid: u32) -> bool {
        cpu < self.locals.len() && self.core.lpis(cpu).is_pending(intid)
    }

    fn clear_lpi(&mut self, cpu: usize, intid: u32) {
        if self.has_pending(cpu, intid) {
            self.core.edit_lpis(cpu, |lpis| lpis.clear(intid));
        }
    }

    fn set_lpi(&mut self, cpu: usize, intid: u32) {
        if let Some(property) = self.property(cpu, intid) {
            self.core.edit_lpis(cpu, |lpis| lpis.set(intid, property));
        }
    }

    fn move_lpis(&mut self, from: usize, to: usize) -> usize {
        if from >= self.locals.len() || to >= self.locals.len() {
            return 0;
        }
        let all = self.core.edit_lpis(from, |lpis| lpis.take());
        let known: Vec<_> =
            all.iter().filter_map(|&intid| Some((intid, self.property(to, intid)?))).collect();
        self.core
            .edit_lpis(to, |lpis| known.iter().for_each(|(intid, property)| lpis.set(*intid, *property)));
        all.len()
    }

    /// INTIDs that the tables of a CPU have room for.
    fn limit(&self, cpu: usize) -> u32 {
        let bits = (self.locals[cpu].propbaser & 0x1f) as u32 + 1;
        1 << bits.min(ID_BITS)
    }

    /// What the configuration table says of an LPI; `None` if it doesn't exist, or the CPU takes none.
    fn property(&self, cpu: usize, intid: u32) -> Option<Property> {
        let (local, ram) = (self.locals.get(cpu)?, self.ram.as_ref()?);
        if !local.lpis_enabled || !(FIRST_LPI..self.limit(cpu)).contains(&intid) {
            return None;
        }
        let (_, offset, _) = ram.find((local.propbaser & PROPERTIES) + u64::from(intid - FIRST_LPI))?;
        let byte = ram.load::<u8>(offset, Ordering::Acquire);
        Some(Property { priority: byte & PRIORITY_MASK, enabled: byte & ENABLE != 0 })
    }

    /// GICR_CTLR.EnableLPIs: the pending table is read when it comes on, and written when it goes off.
    pub(super) fn enable_lpis(&mut self, cpu: usize, on: bool) {
        let Some(ram) = self.ram.clone().filter(|_| self.locals[cpu].lpis_enabled != on) else { return };
        if on {
            self.locals[cpu].lpis_enabled = true;
            if self.locals[cpu].pendbaser & PENDBASER_PTZ == 0 {
                self.load_pending(cpu, &ram);
            }
        } else {
            self.store_pending(cpu, &ram);
            self.locals[cpu].lpis_enabled = false;
        }
    }

    /// Where the pending bits of LPIs are, and how many bytes of them.
    fn pending_table(&self, cpu: usize) -> (u64, usize) {
        let bytes = self.limit(cpu).saturating_sub(FIRST_LPI) / 8;
        ((self.locals[cpu].pendbaser & PENDING) + u64::from(FIRST_LPI / 8), bytes as usize)
    }

    fn load_pending(&mut self, cpu: usize, ram: &Arc<GuestRam>) {
        let (at, len) = self.pending_table(cpu);
        let mut bits = vec![0; len];
        // A table that isn't in memory has nothing pending.
        if ram.read(at, &mut bits).is_ok() {
            let set = (0..8 * len as u32).filter(|n| bits[*n as usize / 8] >> (n % 8) & 1 != 0);
            set.for_each(|n| self.set_lpi(cpu, FIRST_LPI + n));
        }
    }

    fn store_pending(&mut self, cpu: usize, ram: &Arc<GuestRam>) {
        let (at, len) = self.pending_table(cpu);
        let mut bits = vec![0; len];
        for intid in self.core.edit_lpis(cpu, |lpis| lpis.take()) {
            let n = intid - FIRST_LPI;
            bits[n as usize / 8] |= 1 << (n % 8);
        }
        // Without memory there they are lost.
        let _ = ram.write(at, &bits);
    }
}
