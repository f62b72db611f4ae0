//! The `hvio` board: the smallest machine. Memory with a program, and a page of *requests* (see [`super::requests`]).
//!
//! Beside them only PSCI is there, by HVC. The program starts at [`ENTRY`] in AArch32 state with R0 at
//! [`map::REQUESTS`] and R13 at [`STACK`]; an AArch64 program gets X0 and SP.

/// Where flat binaries go and start.
pub const ENTRY: u64 = map::RAM;
/// The stack pointer at entry: the end of memory.
pub const STACK: u64 = map::RAM + map::RAM_LEN;

/// Guest physical addresses.
pub mod map {
    /// Guest memory.
    pub const RAM: u64 = 0x4000_0000;
    /// Length of guest memory: 1 MiB.
    pub const RAM_LEN: u64 = 0x10_0000;
    /// The page of requests.
    pub const REQUESTS: u64 = 0x5000_0000;
}
