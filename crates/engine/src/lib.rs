//! The software CPU. A front end lowers guest instructions to [`uop`]s, an executor runs them over
//! the state in [`Cpu`]; the [`mmu`] translates, the [`cache`] keeps what was lowered.
//!
//! One [`Cpu`] is one PE and lives on one host thread; [`Vm`] is what the PEs of a machine share.
#![deny(unsafe_code)]

pub mod a64;
pub mod aarch32;
pub mod block;
pub mod cache;
mod code;
mod cpu;
mod emulate;
mod exception;
mod interp;
#[cfg_attr(not(jit), path = "jit/absent.rs")]
pub mod jit;
pub mod lower;
pub mod mmu;
mod port;
mod run;
pub mod slice;
mod strict;
pub mod sys;
pub mod uop;
mod vm;
mod world;

pub use armlet_x64::Level;
pub use code::Code;
pub use cpu::{Cpu, Raised};
pub use emulate::{Emulator, Unknown};
pub use exception::{Exception, Vector};
pub use port::Port;
pub use run::Stop;
pub use vm::Vm;
pub use world::{CallOutcome, EmptyWorld, InsnSet, Note, World};
