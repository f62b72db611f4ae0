//! AArch32 state: which registers are where, process state, exceptions and their returns.

mod banks;
mod exceptions;
mod psr;
mod vfp;

pub use banks::{arch_slot, slot, slot_number};
pub(crate) use exceptions::short_status;
