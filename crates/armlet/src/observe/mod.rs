//! What the user sees of the guest's exits: a log with a line for each, or a narration for a class.

pub mod code;
mod counts;
mod describe;
mod hashes;
mod log;
mod narrate;
pub mod perf;
pub mod statistics;
pub mod symbols;
pub mod watch;

pub use describe::{Devices, address};
pub use hashes::Hashes;
pub use log::ExitLog;
pub use narrate::Narrator;
