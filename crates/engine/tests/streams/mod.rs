//! Random streams of A64 instructions.
//!
//! Tests take what they need of it: those that compare the JIT with the interpreter use the streams alone.
#![allow(dead_code)]

pub mod asm;
mod memory;
pub mod state;
pub mod words;

pub use words::Mix;
