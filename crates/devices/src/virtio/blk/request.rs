//! The parts of a block request that are not data (5.2.6).

use crate::virtio::{Broken, Request};

/// What is asked for, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub kind: u32,
    pub sector: u64,
}

impl Header {
    const LEN: usize = 16;

    /// Takes the header off the front of a request.
    pub fn take(request: &mut Request) -> Result<Self, Broken> {
        let header = request.readable.split_front(Self::LEN);
        let header = header.ok_or(Broken("a block request is shorter than its header"))?;
        let mut bytes = [0; Self::LEN];
        header.copy_to(&mut bytes);
        Ok(Self { kind: word(&bytes, 0), sector: wide(&bytes, 8) })
    }
}

/// Sector, number of sectors and flags of a range to discard or zero.
pub(super) fn range(bytes: &[u8; 16]) -> (u64, u32, u32) {
    (wide(bytes, 0), word(bytes, 8), word(bytes, 12))
}

fn word(bytes: &[u8; 16], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn wide(bytes: &[u8; 16], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
