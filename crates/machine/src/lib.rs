//! Machines: boards, loaders, device trees, firmware calls and the loop that runs the vCPUs.
#![forbid(unsafe_code)]

pub mod loader;
mod nearest;

pub use loader::{LoadError, Payload, PayloadKind};
pub use nearest::nearest;
