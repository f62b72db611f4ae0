//! The Arm architecture as facts: registers, syndromes, features and CPU models, decode tables,
//! translation tables, firmware call numbers. Nothing here runs a guest.
#![forbid(unsafe_code)]

pub mod a64;
pub mod aarch32;
pub mod cpu;
pub mod esr;
pub mod feature;
pub mod gic;
pub mod mmu;
pub mod pstate;
pub mod smccc;
pub mod state;
pub mod syndrome;
pub mod sysreg;
pub mod table;

pub use feature::{Feature, FeatureSet};
pub use pstate::Pstate;
pub use state::CpuState;
pub use sysreg::SysReg;
