//! Address translation of the EL1&0 regime, stage 1, VMSAv8-64 (Arm ARM D8), as a pure function of
//! registers, descriptors and an access. Who calls it keeps TLBs and raises aborts.
//!
//! Where the architecture leaves a choice: TnSZ outside its range is taken as the nearest limit, a
//! reserved granule as 4 KiB, the Contiguous bit and nT are hints without effect, and the access flag
//! and dirty state are written only by accesses that meet no fault.

mod access;
mod attributes;
mod registers;
mod walk;

pub use access::{Access, Fault, FaultKind, Kind, Rights};
pub use attributes::Attributes;
pub use registers::{Granule, PA_BITS, Regime, sctlr, tcr};

/// Physical memory as a table walk sees it.
pub trait Tables {
    /// Reads the descriptor at `pa`, a multiple of 8. `None`: nothing there answers.
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
    /// Who may do what. Writing is in it only once the page is dirty.
    pub rights: Rights,
    /// Memory type and shareability.
    pub attributes: Attributes,
}
