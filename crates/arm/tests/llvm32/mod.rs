//! A32 and T32 as LLVM sees them.

mod accepted;
mod normal;

pub use accepted::{Accepted, a32_added, a32_refused, t16_refused, t32_added, t32_refused};
pub use normal::normal;
