//! What differs between host systems: terminals and signals. Each system's module has the same
//! functions; nothing outside this folder asks which system it is.

#[cfg(unix)]
mod guardian;
#[cfg(unix)]
mod patient;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use guardian::{Guardian, guard, own_program};
#[cfg(unix)]
pub use unix::{RawMode, Signal, allocated, memory_size, on_signal, resident, stderr, stdin, stdout, window};

#[cfg(any(windows, test))]
mod lossy;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::{
    Guardian, RawMode, Signal, allocated, guard, memory_size, on_signal, stderr, stdin, stdout, window,
};
