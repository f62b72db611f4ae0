//! Locality-specific peripheral interrupts of one CPU: those that are pending (IHI 0069H, 4.1 and 5.1).
//!
//! LPIs are edges without an active state, always of group 1. There can be many, so that only what is pending is
//! kept, together with the properties that were last looked up.

use std::collections::{BTreeMap, BTreeSet};

/// The first INTID of an LPI.
pub(crate) const FIRST_LPI: u32 = 8192;

/// What the LPI configuration table says of an interrupt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Property {
    pub priority: u8,
    pub enabled: bool,
}

#[derive(Default)]
pub(crate) struct Lpis {
    pending: BTreeMap<u32, Property>,
    /// Those that are enabled as well: priority and INTID, the best first.
    ready: BTreeSet<(u8, u32)>,
}

impl Lpis {
    /// Makes an interrupt pending; if it is already, its properties are new.
    pub fn set(&mut self, intid: u32, property: Property) {
        self.clear(intid);
        self.pending.insert(intid, property);
        if property.enabled {
            self.ready.insert((property.priority, intid));
        }
    }

    /// Ends the pending state; false if it was not pending.
    pub fn clear(&mut self, intid: u32) -> bool {
        let old = self.pending.remove(&intid);
        if let Some(old) = old {
            self.ready.remove(&(old.priority, intid));
        }
        old.is_some()
    }

    /// Ends the pending state of all, and tells which they were.
    pub fn take(&mut self) -> Vec<u32> {
        self.ready.clear();
        std::mem::take(&mut self.pending).into_keys().collect()
    }

    /// True if the interrupt is pending.
    pub fn is_pending(&self, intid: u32) -> bool {
        self.pending.contains_key(&intid)
    }

    /// What is pending, in order.
    pub fn pending(&self) -> impl Iterator<Item = u32> + '_ {
        self.pending.keys().copied()
    }

    /// Priority and INTID of the best that is enabled.
    pub fn best(&self) -> Option<(u8, u32)> {
        self.ready.first().copied()
    }
}
