//! What stands for the JIT on hosts that it makes no code for: a type without values, and the answer that there
//! is none.

pub mod host;
mod listing;
mod stats;

use std::io;
use std::iter::Empty;
use std::sync::Arc;

use armlet_x64::Level;

pub use host::Host;
pub use listing::{CodeWatch, ListedInsn, Listing, Mark};
pub use stats::{DEFAULT_CODE_BYTES, LEAST_CODE_BYTES, MOST_CODE_BYTES, Stats};

use crate::cache::Cache;
use crate::cpu::Cpu;
use crate::run::Stop;
use crate::uop::Op;
use crate::world::World;

/// The JIT of one PE, which this host has not.
pub enum Jit {}

impl Jit {
    /// Always an error.
    pub fn new(_: usize) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Always an error.
    pub fn at_level(bytes: usize, _: Level) -> io::Result<Self> {
        Self::new(bytes)
    }

    /// What it has done so far.
    pub fn stats(&self) -> &Stats {
        match *self {}
    }

    /// Counts what generated code leaves to the interpreter from now on.
    pub fn count_helped(&mut self) {
        match *self {}
    }

    /// What was left to the interpreter, and how often.
    pub fn helped(&self) -> Empty<(Op, u64)> {
        match *self {}
    }

    /// Shows `watch` all code made from now on, as that of PE `cpu`.
    pub fn watch(&mut self, _cpu: usize, _watch: Arc<dyn CodeWatch>) {
        match *self {}
    }

    /// The executors must agree, in virtual time, on when changed code is seen that the guest has not announced.
    pub(crate) fn compare_one_by_one(&mut self) {
        match *self {}
    }

    /// Drops code that depends on `len` bytes of guest physical memory at `pa`, within one page.
    pub fn invalidate(&mut self, _pa: u64, _len: u64) {
        match *self {}
    }

    /// Drops all code.
    pub fn clear(&mut self) {
        match *self {}
    }

    /// As [`Self::clear`], for the guest.
    pub fn flush(&mut self) {
        match *self {}
    }
}

impl Cpu {
    /// Runs generated code, of which there is none.
    pub(crate) fn run_jit(&mut self, jit: &mut Jit, _: &mut Cache, _: &mut dyn World) -> Option<Stop> {
        match *jit {}
    }

    /// True if code of the current mode can be compiled.
    pub(crate) fn can_compile(&self) -> bool {
        false
    }
}
