//! The table walk of VMSAv8-64 (Arm ARM D8.2, D8.3; pseudocode AArch64.S1Translate).

use super::registers::{Format, Half, PA_BITS, Regime, sctlr};
use super::{Access, Attributes, Fault, FaultKind, Kind, Rights, Tables, Translation};
use crate::feature::Feature;

/// Tries to update a descriptor that other PEs change all the time, before giving up.
const ATTEMPTS: u32 = 1000;

/// Descriptor bits (D8.3.1, D8.3.2), of AArch32's long descriptors too (G5.5).
pub(super) mod desc {
    pub const VALID: u64 = 1 << 0;
    /// A table above level 3, a page at level 3; otherwise a block.
    pub const TABLE: u64 = 1 << 1;
    pub const AP_EL0: u64 = 1 << 6;
    pub const AP_READ_ONLY: u64 = 1 << 7;
    pub const AF: u64 = 1 << 10;
    pub const NG: u64 = 1 << 11;
    pub const DBM: u64 = 1 << 51;
    pub const CONTIGUOUS: u64 = 1 << 52;
    pub const PXN: u64 = 1 << 53;
    pub const UXN: u64 = 1 << 54;
    pub const PXN_TABLE: u64 = 1 << 59;
    pub const UXN_TABLE: u64 = 1 << 60;
    pub const AP_TABLE_NO_EL0: u64 = 1 << 61;
    pub const AP_TABLE_READ_ONLY: u64 = 1 << 62;
    /// What tables pass down to what is below them.
    pub const HIERARCHICAL: u64 = PXN_TABLE | UXN_TABLE | AP_TABLE_NO_EL0 | AP_TABLE_READ_ONLY;
}

/// A block or page descriptor and how it was reached.
struct Leaf {
    descriptor: u64,
    /// Where the descriptor is.
    at: u64,
    level: u8,
    /// log2 of what it maps.
    size: u32,
    /// The OR of the hierarchical bits of the tables above.
    tables: u64,
}

impl Regime {
    /// Translates `va` for `access`. VMSAv8-64 sets the access flag and the dirty state as TCR_EL1 says; AArch32
    /// takes the lower half of `va` and writes nothing.
    pub fn translate(&self, tables: &impl Tables, va: u64, access: Access) -> Result<Translation, Fault> {
        match self.format {
            _ if !self.enabled() => self.flat(va, access),
            Format::Short { .. } => self.walk_short(tables, va as u32, access),
            Format::Long => self.walk_long(tables, va as u32, access),
            Format::Vmsa64 => self.walk_vmsa64(tables, va, access),
        }
    }

    fn walk_vmsa64(&self, tables: &impl Tables, va: u64, access: Access) -> Result<Translation, Fault> {
        for _ in 0..ATTEMPTS {
            let half = self.half(va);
            let leaf = self.walk(tables, &half, va, access)?;
            if let Some(translation) = self.finish(tables, &half, &leaf, va, access)? {
                return Ok(translation);
            }
        }
        Err(Fault::of(FaultKind::External, 3, access))
    }

    /// Translation is off (D8.2.10, G5.2.1): addresses are physical.
    fn flat(&self, va: u64, access: Access) -> Result<Translation, Fault> {
        let top = if self.format == Format::Vmsa64 { self.half(va).top } else { 31 };
        let pa = va << (63 - top) >> (63 - top);
        if pa >> PA_BITS != 0 {
            return Err(Fault::of(FaultKind::AddressSize, 0, access));
        }
        let attributes = match access.kind {
            Kind::Fetch if self.sctlr & sctlr::I != 0 => Attributes::NORMAL_WRITE_THROUGH,
            Kind::Fetch => Attributes::NORMAL_NON_CACHEABLE,
            _ => Attributes::DEVICE_NGNRNE,
        };
        if access.misaligned && attributes.is_device() {
            return Err(Fault::of(FaultKind::Alignment, 0, access));
        }
        let rights = Rights::FLAT;
        Ok(Translation { pa, size: 12, contiguous: false, global: true, rights, domain: 0, attributes })
    }

    /// Finds the descriptor that maps `va`.
    fn walk(&self, tables: &impl Tables, half: &Half, va: u64, access: Access) -> Result<Leaf, Fault> {
        let unsigned = if va >> 55 & 1 != 0 { !va } else { va };
        let in_range = unsigned << (63 - half.top) >> (63 - half.top) >> half.input == 0;
        if !in_range || half.disabled || (half.e0pd && !access.privileged) {
            return Err(Fault::of(FaultKind::Translation, 0, access));
        }
        let output = self.output_bits();
        let stride = half.granule - 3;
        let start = 3 - (half.input - 1 - half.granule) / stride;
        // The first table may be smaller than the others; TTBR ignores bits below its size.
        let first = half.input - half.granule - stride * (3 - start);
        let mut base = half.ttbr & field(PA_BITS, 0);
        if base >> output != 0 {
            return Err(Fault::of(FaultKind::AddressSize, 0, access));
        }
        base = base >> (first + 3) << (first + 3);
        let mut inherited = 0;
        for level in start..=3 {
            let size = half.granule + stride * (3 - level);
            let index = va >> size & field(if level == start { first } else { stride }, 0);
            let at = base + index * 8;
            let level = level as u8;
            let Some(descriptor) = tables.read(at) else {
                return Err(Fault::of(FaultKind::External, level, access));
            };
            let is_table = descriptor & desc::TABLE != 0 && level < 3;
            let is_leaf = descriptor & desc::TABLE != 0 || blocks_at(half.granule, level);
            if descriptor & desc::VALID == 0 || !(is_table || is_leaf) {
                return Err(Fault::of(FaultKind::Translation, level, access));
            }
            let low = if is_table { half.granule } else { size };
            if (descriptor & field(PA_BITS, low)) >> output != 0 {
                return Err(Fault::of(FaultKind::AddressSize, level, access));
            }
            if !is_table {
                return Ok(Leaf { descriptor, at, level, size, tables: inherited });
            }
            base = descriptor & field(PA_BITS, low);
            if !half.hpd {
                inherited |= descriptor & desc::HIERARCHICAL;
            }
        }
        unreachable!("a descriptor of level 3 is a leaf or a fault")
    }

    /// Checks the access against the leaf. `None` if the descriptor changed meanwhile.
    fn finish(
        &self,
        tables: &impl Tables,
        half: &Half,
        leaf: &Leaf,
        va: u64,
        access: Access,
    ) -> Result<Option<Translation>, Fault> {
        let descriptor = leaf.descriptor;
        if descriptor & desc::AF == 0 && !self.sets_access_flag() {
            return Err(Fault::of(FaultKind::AccessFlag, leaf.level, access));
        }
        let index = descriptor >> 2 & 7;
        let attributes =
            Attributes { mair: (self.mair >> (index * 8)) as u8, shareability: (descriptor >> 8 & 3) as u8 };
        if access.misaligned && attributes.is_device() {
            return Err(Fault::of(FaultKind::Alignment, 0, access));
        }
        // A clean page that hardware may make dirty counts as writable.
        let cleans = self.sets_dirty() && descriptor & desc::DBM != 0;
        let read_only = descriptor & desc::AP_READ_ONLY != 0;
        let mut rights = self.rights(descriptor, leaf.tables, read_only && !cleans);
        if half.e0pd {
            rights -= Rights::EL0;
        }
        if let Some(write) = access.refused(rights) {
            return Err(Fault { write, ..Fault::of(FaultKind::Permission, leaf.level, access) });
        }
        let mut new = descriptor | desc::AF;
        if cleans && access.writes() {
            new &= !desc::AP_READ_ONLY;
        }
        if new != descriptor {
            let Some(old) = tables.exchange(leaf.at, descriptor, new) else {
                return Err(Fault::of(FaultKind::External, leaf.level, access));
            };
            if old != descriptor {
                return Ok(None);
            }
        }
        if new & desc::AP_READ_ONLY != 0 {
            rights -= Rights::EL1_WRITE | Rights::EL0_WRITE;
        }
        Ok(Some(Translation {
            pa: descriptor & field(PA_BITS, leaf.size) | va & field(leaf.size, 0),
            size: leaf.size as u8,
            contiguous: descriptor & desc::CONTIGUOUS != 0,
            global: descriptor & desc::NG == 0,
            rights,
            domain: 0,
            attributes,
        }))
    }

    /// Permissions (D8.4), but for PAN, which is a matter of the access.
    fn rights(&self, descriptor: u64, tables: u64, read_only: bool) -> Rights {
        let has = |bit| descriptor & bit != 0;
        let below = |bit| tables & bit != 0;
        let wxn = self.sctlr & sctlr::WXN != 0;
        let write = !read_only && !below(desc::AP_TABLE_READ_ONLY);
        let user = has(desc::AP_EL0) && !below(desc::AP_TABLE_NO_EL0);
        let user_write = user && write;
        // EL1 does not execute what EL0 can write.
        let no_exec = has(desc::PXN) || below(desc::PXN_TABLE) || user_write || (wxn && write);
        let user_exec = !(has(desc::UXN) || below(desc::UXN_TABLE) || (wxn && user_write));
        let epan = self.sctlr & sctlr::EPAN != 0 && self.features.has(Feature::PAN3);
        let mut rights = Rights::EL1_READ;
        rights.set(Rights::EL1_WRITE, write);
        rights.set(Rights::EL1_EXEC, !no_exec);
        rights.set(Rights::EL0_READ, user);
        rights.set(Rights::EL0_WRITE, user_write);
        rights.set(Rights::EL0_EXEC, user_exec);
        rights.set(Rights::USER, user || (epan && user_exec));
        rights
    }
}

/// Levels at which a block may stand, 48-bit addresses.
fn blocks_at(granule: u32, level: u8) -> bool {
    level == 2 || (level == 1 && granule == 12)
}

/// Bits `[hi-1:lo]`.
pub(super) fn field(hi: u32, lo: u32) -> u64 {
    (1 << hi) - 1 >> lo << lo
}
