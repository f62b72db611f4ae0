//! Terminals of Windows. Console signals are left to the system: the console restores itself when a
//! program ends, and Ctrl-C is a key like any other in raw mode.

use std::io;

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// The console in raw mode.
pub struct RawMode(());

impl RawMode {
    /// Switches the console to raw mode: every key goes to the guest at once, unechoed.
    pub fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self(()))
    }

    /// Enters raw mode once more, after somebody else changed the console.
    pub fn again(&self) -> io::Result<()> {
        enable_raw_mode()
    }

    /// Puts the console back as it was.
    pub fn leave(&self) -> io::Result<()> {
        disable_raw_mode()
    }
}

/// Nobody to watch over the console: it restores itself.
pub struct Guardian(());

impl Guardian {
    /// Nothing to start.
    pub fn start() -> io::Result<Self> {
        Ok(Self(()))
    }
}

/// Nothing to guard.
pub fn guard() -> io::Result<()> {
    Ok(())
}

/// What the system asks of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)]
pub enum Signal {
    /// End, because of the signal with this number.
    End(u8),
    /// We were stopped and go on.
    Resumed,
}

/// Nothing to do here: see the module's first lines.
pub fn on_signal(_handler: impl FnMut(Signal) + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// The host's memory in bytes: not known without a system call of its own.
pub fn memory_size() -> Option<(u64, u64)> {
    None
}
