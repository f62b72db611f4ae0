//! Checkpoints of a deterministic run: short hashes of the state, to compare runs by.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

/// The state of a machine after a number of instructions, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Instructions retired.
    pub retired: u64,
    /// Virtual time in nanoseconds.
    pub time_ns: u64,
    /// Where the next instruction is.
    pub pc: u64,
    /// Hash of all registers.
    pub registers: u64,
    /// Hash of guest memory, at checkpoints that have one.
    pub memory: Option<u64>,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retired, time_ns, pc, registers, .. } = self;
        write!(f, "{retired} {time_ns} ns pc={pc:#x} registers={registers:016x}")?;
        self.memory.map_or(Ok(()), |memory| write!(f, " memory={memory:016x}"))
    }
}

/// Hears of checkpoints, on the vCPU's thread.
pub type CheckpointSink = Arc<dyn Fn(&Checkpoint) + Send + Sync>;

/// When to make checkpoints, and who hears of them.
#[derive(Clone)]
pub struct Checkpoints {
    /// The number of retired instructions at the first one; with 0 the first is at `every`.
    pub from: u64,
    /// Instructions from one to the next, at least 1.
    pub every: u64,
    /// Memory is hashed at each checkpoint of this number, at none with 0.
    pub memory_every: u64,
    /// Hears of each.
    pub sink: CheckpointSink,
}

impl fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, every, memory_every, .. } = self;
        let mut debug = f.debug_struct("Checkpoints");
        debug
            .field("from", from)
            .field("every", every)
            .field("memory_every", memory_every)
            .finish_non_exhaustive()
    }
}
