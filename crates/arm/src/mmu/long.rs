//! The table walk of VMSAv8-32 with long descriptors (Arm ARM G5.5; pseudocode AArch32.S1TranslateLD).

use super::registers::{Regime, sctlr32, ttbcr};
use super::short::Permissions;
use super::walk::{desc, field};
use super::{Access, Attributes, Fault, FaultKind, Rights, Tables, Translation};

/// Bits of physical address that these tables can hold.
const PA_BITS: u32 = 40;
/// Bits of a descriptor that must be zero for that.
const TOO_HIGH: u64 = 0xff << PA_BITS;
/// log2 of the granule and bits of address for each level.
const PAGE: u32 = 12;
const STRIDE: u32 = 9;

/// A block or page descriptor, where it was found, and the OR of the hierarchical bits of the tables above.
struct Leaf {
    descriptor: u64,
    level: u8,
    /// log2 of what it maps.
    size: u32,
    tables: u64,
}

impl Regime {
    pub(super) fn walk_long(
        &self,
        tables: &impl Tables,
        va: u32,
        access: Access,
    ) -> Result<Translation, Fault> {
        let Leaf { descriptor, level, size, tables } = self.find_long(tables, va, access)?;
        if descriptor & desc::AF == 0 {
            return Err(Fault::of(FaultKind::AccessFlag, level, access));
        }
        let index = descriptor >> 2 & 7;
        let attributes =
            Attributes { mair: (self.mair >> (index * 8)) as u8, shareability: (descriptor >> 8 & 3) as u8 };
        if access.misaligned && attributes.is_device() {
            return Err(Fault::of(FaultKind::Alignment, 0, access));
        }
        let rights = self.long_rights(descriptor, tables);
        if let Some(write) = access.refused(rights) {
            return Err(Fault { write, ..Fault::of(FaultKind::Permission, level, access) });
        }
        Ok(Translation {
            pa: descriptor & field(PA_BITS, size) | u64::from(va) & field(size, 0),
            size: size as u8,
            contiguous: descriptor & desc::CONTIGUOUS != 0,
            global: descriptor & desc::NG == 0,
            rights,
            domain: 0,
            attributes,
        })
    }

    /// The table that `va` starts at and the bits of address it translates, if any does.
    fn long_base(&self, va: u32) -> Option<(u64, u32)> {
        let (t0sz, t1sz) = ((self.tcr & 7) as u32, (self.tcr >> 16 & 7) as u32);
        let lower = t0sz == 0 || va >> (32 - t0sz) == 0;
        let upper = if t1sz == 0 { !lower } else { !va >> (32 - t1sz) == 0 };
        let (n, size, disabled) = match (upper, lower) {
            (true, _) => (1, t1sz, ttbcr::EPD1),
            (_, true) => (0, t0sz, ttbcr::EPD0),
            _ => return None,
        };
        (self.tcr & disabled == 0).then_some((self.ttbr[n], 32 - size))
    }

    /// Finds the descriptor that maps `va`.
    fn find_long(&self, tables: &impl Tables, va: u32, access: Access) -> Result<Leaf, Fault> {
        let fault = |kind, level| Err(Fault::of(kind, level, access));
        let Some((ttbr, input)) = self.long_base(va) else { return fault(FaultKind::Translation, 1) };
        if ttbr & TOO_HIGH != 0 {
            return fault(FaultKind::AddressSize, 0);
        }
        let start = if input > PAGE + 2 * STRIDE { 1 } else { 2 };
        // The first table may be smaller than the others; TTBR ignores bits below its size.
        let first = input - PAGE - STRIDE * (3 - start);
        let mut base = ttbr & field(PA_BITS, first + 3);
        let mut inherited = 0;
        for level in start..=3 {
            let size = PAGE + STRIDE * (3 - level);
            let index = u64::from(va) >> size & field(if level == start { first } else { STRIDE }, 0);
            let level = level as u8;
            let Some(read) = tables.read(base + index * 8) else { return fault(FaultKind::External, level) };
            let descriptor = if self.sctlr & sctlr32::EE != 0 { read.swap_bytes() } else { read };
            let has_table = descriptor & desc::TABLE != 0;
            if descriptor & desc::VALID == 0 || level == 3 && !has_table {
                return fault(FaultKind::Translation, level);
            }
            if descriptor & TOO_HIGH != 0 {
                return fault(FaultKind::AddressSize, level);
            }
            if level == 3 || !has_table {
                return Ok(Leaf { descriptor, level, size, tables: inherited });
            }
            base = descriptor & field(PA_BITS, PAGE);
            inherited |= descriptor & desc::HIERARCHICAL;
        }
        unreachable!("a descriptor of level 3 is a leaf or a fault")
    }

    fn long_rights(&self, descriptor: u64, tables: u64) -> Rights {
        let has = |bit| descriptor & bit != 0;
        let below = |bit| tables & bit != 0;
        let write = !has(desc::AP_READ_ONLY) && !below(desc::AP_TABLE_READ_ONLY);
        let user = has(desc::AP_EL0) && !below(desc::AP_TABLE_NO_EL0);
        self.rights32(Permissions {
            el1: (true, write),
            el0: (user, user && write),
            xn: has(desc::UXN) || below(desc::UXN_TABLE),
            pxn: has(desc::PXN) || below(desc::PXN_TABLE),
        })
    }
}
