//! Address translation of the EL1&0 regime, stage 1, as a pure function of registers, descriptors and an
//! access: VMSAv8-64 (Arm ARM D8) and VMSAv8-32 (G5) with short and with long descriptors. Who calls it keeps
//! TLBs and raises aborts.
//!
//! Where the architecture leaves a choice: TnSZ outside its range is taken as the nearest limit, a
//! reserved granule as 4 KiB, the Contiguous bit and nT are hints without effect, and the access flag
//! and dirty state are written only by accesses that meet no fault. In AArch32 a domain with the reserved
//! setting 0b10 allows nothing, neither does the reserved AP\[2:0\] = 0b100; reserved memory types are
//! Normal, Non-cacheable.

mod access;
mod attributes;
mod long;
mod registers;
mod short;
mod walk;

pub use access::{Access, Fault, FaultKind, Kind, Rights};
pub use attributes::Attributes;
pub use registers::{Format, Granule, PA_BITS, Regime, sctlr, sctlr32, tcr, ttbcr};

/// Physical memory as a table walk sees it.
pub trait Tables {
    /// Reads the descriptor at `pa`, a multiple of 8, or the two short ones there. `None`: nothing there answers.
    fn read(&self, pa: u64) -> Option<u64>;
    /// Writes `new` if the descriptor still is `old`, atomically; returns what it was. `None`: nothing
    /// there can be written.
    fn exchange(&self, pa: u64, old: u64, new: u64) -> Option<u64>;
}

/// Where a virtual address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// Physical address of the byte asked for.
    pub pa: u64,
    /// log2 of the size of the page or block; both addresses are congruent modulo that size.
    pub size: u8,
    /// The leaf says that it is one of a run of contiguous ones.
    pub contiguous: bool,
    /// The same under every ASID.
    pub global: bool,
    /// Who may do what as the tables have it, see [`Regime::allowed`]. Writing is in it only once the page is dirty.
    pub rights: Rights,
    /// The domain, with short descriptors.
    pub domain: u8,
    /// Memory type and shareability.
    pub attributes: Attributes,
}
