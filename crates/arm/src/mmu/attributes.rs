//! Memory attributes (Arm ARM D8.6, D24.2.108 "MAIR_EL1").

/// Memory type and shareability of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The attribute byte, as MAIR_EL1 holds it.
    pub mair: u8,
    /// Shareability: 0 none, 2 outer, 3 inner.
    pub shareability: u8,
}

impl Attributes {
    /// Device-nGnRnE: data while translation is off.
    pub const DEVICE_NGNRNE: Self = Self { mair: 0x00, shareability: 2 };
    /// Normal, Non-cacheable.
    pub const NORMAL_NON_CACHEABLE: Self = Self { mair: 0x44, shareability: 2 };
    /// Normal, Write-Through, read-allocate: fetches while translation is off and SCTLR_EL1.I is set.
    pub const NORMAL_WRITE_THROUGH: Self = Self { mair: 0xaa, shareability: 2 };

    /// Any of the Device types; unallocated encodings count as such.
    #[inline]
    pub fn is_device(self) -> bool {
        self.mair & 0xf0 == 0
    }

    /// ATTR and SH in their places of PAR_EL1 (D24.2.127). What is not cacheable is Outer Shareable.
    pub fn par(self) -> u64 {
        let outer = self.is_device() || matches!(self.mair, 0x44 | 0x40);
        let shareability = if outer { 2 } else { self.shareability };
        u64::from(self.mair) << 56 | u64::from(shareability) << 7
    }
}
