//! How much code memory there may be, and what the JIT counts.

use std::time::Duration;

/// Code memory of one PE unless told otherwise.
pub const DEFAULT_CODE_BYTES: usize = 64 << 20;
/// The least code memory that makes sense: room for the longest trace many times over.
pub const LEAST_CODE_BYTES: usize = 1 << 20;
/// The most code memory: jumps reach 2 GiB.
pub const MOST_CODE_BYTES: usize = 1 << 30;

/// What the JIT has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Traces compiled.
    pub traces: u64,
    /// Guest instructions compiled.
    pub insns: u64,
    /// Uops compiled.
    pub uops: u64,
    /// Bytes of host code.
    pub bytes: u64,
    /// Time spent forming and compiling traces.
    pub compiling: Duration,
    /// Links made.
    pub links: u64,
    /// Times all code was dropped for lack of room.
    pub evictions: u64,
    /// Traces entered from the run loop.
    pub entries: u64,
    /// Exits, by `thunks::Why`.
    pub exits: [u64; 8],
    /// Uops run by the interpreter for generated code.
    pub helper_uops: u64,
    /// Traces dropped because the guest changed what they were made of.
    pub dropped: u64,
    /// Times the guest said that any code may have changed.
    pub flushes: u64,
    /// Traces that had not changed then.
    pub verified: u64,
}
