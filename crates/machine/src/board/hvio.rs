//! The `hvio` board: the smallest machine. Memory with a program, and a page of *requests*.
//!
//! The page is a real mapping, read-only: loads from it are loads from memory, and no monitor notices. A store to
//! it is a data abort that the monitor takes, and finds in it what the guest wants: the offset says which request,
//! the value is its argument. Beside it only PSCI is there, by HVC.
//!
//! The program starts at [`ENTRY`] in AArch32 state with R0 at [`map::REQUESTS`] and R13 at [`STACK`]; an AArch64
//! program gets X0 and SP.
//!
//! | offset | on a load | on a store of a word |
//! |-------:|-----------|----------------------|
//! | 0x00 | 0 | [`request::EXIT`]: leave with this exit status |
//! | 0x04 | 0 | [`request::WRITE_CHAR`]: write the character in the low byte |
//! | 0x08 | 0 | [`request::WRITE_STRING`]: write the NUL-terminated string at this address |
//! | 0x40 | magic number 0x4f495648, the bytes "HVIO" | |
//! | 0x44 | version, 1: later ones only add | |
//! | 0x48 | start of memory | |
//! | 0x4c | length of memory in bytes | |
//!
//! All other offsets read as zero, and stores to them, or of another width than a word, ask for nothing and do nothing.

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
    /// Length of the page of requests.
    pub const REQUESTS_LEN: u64 = 0x1000;
}

/// Offsets of requests.
pub mod request {
    /// Leave with this exit status.
    pub const EXIT: u64 = 0x00;
    /// Write a character.
    pub const WRITE_CHAR: u64 = 0x04;
    /// Write the NUL-terminated string at this address.
    pub const WRITE_STRING: u64 = 0x08;
}

/// Offset of the words that can be read.
pub const ABOUT: u64 = 0x40;
/// The first of them.
pub const MAGIC: u32 = u32::from_le_bytes(*b"HVIO");
/// The second.
pub const VERSION: u32 = 1;

/// The words at [`ABOUT`].
pub fn about() -> Vec<u8> {
    let words = [MAGIC, VERSION, map::RAM as u32, map::RAM_LEN as u32];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
