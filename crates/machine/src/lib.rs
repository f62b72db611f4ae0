//! Machines: boards, loaders, device trees, firmware calls and the loop that runs the vCPUs.
#![forbid(unsafe_code)]

pub mod board;
pub mod fdt;
pub mod loader;
mod nearest;
pub mod topology;

pub use loader::{LoadError, Payload, PayloadKind};
pub use nearest::nearest;
