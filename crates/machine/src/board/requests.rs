//! The page of *requests*: calls of a guest made by stores to memory that it may only read.
//!
//! The page is a real mapping, read-only: loads from it are loads from memory, and no monitor notices. A store to
//! it is a data abort that the monitor takes, and finds in it what the guest wants: the offset says which request,
//! the value is its argument. So it works on every hypervisor, also where calls by HVC don't reach the monitor.
//!
//! | offset | on a load | on a store of a word |
//! |-------:|-----------|----------------------|
//! | 0x00 | 0 | [`EXIT`]: leave with this exit status |
//! | 0x04 | 0 | [`WRITE_CHAR`]: write the character in the low byte |
//! | 0x08 | 0 | [`WRITE_STRING`]: write the NUL-terminated string at this address |
//! | 0x40 | magic number 0x4f495648, the bytes "HVIO" | |
//! | 0x44 | version, 1: later ones only add | |
//! | 0x48 | start of memory | |
//! | 0x4c | length of memory in bytes | |
//!
//! All other offsets read as zero, and stores to them, or of another width than a word, ask for nothing and do nothing.

/// Length of the page.
pub const LEN: u64 = 0x1000;

/// Leave with this exit status.
pub const EXIT: u64 = 0x00;
/// Write a character.
pub const WRITE_CHAR: u64 = 0x04;
/// Write the NUL-terminated string at this address.
pub const WRITE_STRING: u64 = 0x08;

/// Offset of the words that can be read.
pub const ABOUT: u64 = 0x40;
/// The first of them.
pub const MAGIC: u32 = u32::from_le_bytes(*b"HVIO");
/// The second.
pub const VERSION: u32 = 1;

/// The words at [`ABOUT`], for a board with `len` bytes of memory at `ram`.
pub fn about(ram: u64, len: u64) -> Vec<u8> {
    let words = [MAGIC, VERSION, ram as u32, len as u32];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
