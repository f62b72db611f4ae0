//! Address translation: the soft TLB in front of the architecture's table walk, and all memory
//! accesses of the guest.

pub mod access;
mod maintenance;
mod tlb;

pub use access::{Access, Kind, Place};
pub use tlb::{Entry, Tlb};

/// The translation state of one PE.
#[derive(Default)]
pub struct Mmu {
    /// The entries that loads and stores at the current exception level use.
    pub data: Tlb,
    /// The entries that instruction fetches use.
    pub code: Tlb,
}
