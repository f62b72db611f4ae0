//! The log of pages written, by the platform's own tracking.

use std::sync::atomic::Ordering;

use armlet_base::RamKind;
use armlet_hv::{DirtyLog, HvError};

use crate::error::unsupported;
use crate::vm::Shared;

/// Bytes of a page as the platform counts them.
const PAGE: u64 = 4096;

impl DirtyLog for Shared {
    fn enable(&self, on: bool) -> Result<(), HvError> {
        self.partition.track(&self.ram, on)?;
        self.tracked.store(on, Ordering::SeqCst);
        if !on {
            return Ok(());
        }
        let mut writable = self.ram.regions().filter(|region| region.kind == RamKind::ReadWrite);
        writable.try_for_each(|region| self.partition.take_written(region.gpa, region.len, None))
    }

    fn page_size(&self) -> u64 {
        PAGE
    }

    fn take(&self, gpa: u64) -> Result<Vec<u64>, HvError> {
        if !self.tracked.load(Ordering::SeqCst) {
            return Err(unsupported("asking for written pages that were not logged"));
        }
        let found = self.ram.regions().find(|region| region.gpa == gpa && region.kind == RamKind::ReadWrite);
        let region =
            found.ok_or_else(|| unsupported(format!("a log of {gpa:#x}, where no memory starts")))?;
        let mut bits = vec![0; (region.len / PAGE).div_ceil(64) as usize];
        self.partition.take_written(region.gpa, region.len, Some(&mut bits))?;
        Ok(bits)
    }
}
