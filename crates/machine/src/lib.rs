//! Machines: boards, loaders, device trees, firmware calls and the loop that runs the vCPUs.
//!
//! [`Machine::build`] makes one from a [`MachineConfig`] on any [`armlet_hv::Hypervisor`];
//! [`Machine::run`] runs it to its [`Ending`].
#![forbid(unsafe_code)]

pub mod board;
mod config;
mod console;
mod error;
pub mod fdt;
mod firmware;
mod input;
pub mod loader;
mod machine;
mod nearest;
mod plan;
mod run;
pub mod topology;

pub use config::{BoardKind, MachineConfig, UnknownBoard};
pub use error::MachineError;
pub use input::ConsoleInput;
pub use loader::{LoadError, Payload, PayloadKind};
pub use machine::Machine;
pub use nearest::nearest;
pub use run::{Ending, MachineControl};

/// Where a UART's output goes.
pub trait SerialOutput: Send {
    /// Takes bytes the guest sent.
    fn write(&mut self, bytes: &[u8]);
    /// Shows what was written so far.
    fn flush(&mut self);
}
