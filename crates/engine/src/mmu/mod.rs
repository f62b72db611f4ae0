//! Address translation: the soft TLB in front of the architecture's table walk, and all memory
//! accesses of the guest.
//!
//! The first level of the TLB is a few [`Set`]s, each good for one view of memory: EL1, EL1 with
//! PSTATE.PAN, and EL0 in each of the address spaces used last. The set in use is always in
//! [`Mmu::set`]; changing the exception level, PAN or the address space swaps it for another and
//! flushes nothing. Unprivileged accesses of EL1 use the set of EL0.

pub mod access;
mod cache_ops;
#[cfg(test)]
mod domains_tests;
mod insn;
mod locate;
mod maintenance;
mod maintenance32;
mod requests;
mod second;
pub(crate) mod shootdown;
#[cfg(test)]
mod shootdown_tests;
mod spaces;
mod tlb;
mod wide;

pub use access::{Access, Kind, Place};
pub(crate) use requests::{CodeRequests, Invalidate, Requests};
pub use spaces::{Counters, Mmu};
pub use tlb::{Entry, Jump, Set};
