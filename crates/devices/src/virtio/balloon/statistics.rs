//! What a driver says of its guest's memory (5.5.6.3).

use super::Buffers;

// Tags.
const MEMFREE: u16 = 4;
const MEMTOT: u16 = 5;
const AVAIL: u16 = 6;
const CACHES: u16 = 7;

/// Bytes of a tag and its value.
const ENTRY: usize = 10;
/// More entries than there are tags.
const MOST: usize = 64;

/// A guest's memory as its kernel counts it, in bytes; what it does not tell is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Not used for anything.
    pub free: Option<u64>,
    /// All that the kernel manages, less what is in the balloon.
    pub total: Option<u64>,
    /// What programs could have before the guest runs out of memory.
    pub available: Option<u64>,
    /// Copies of what is on disks, which can be dropped.
    pub caches: Option<u64>,
}

impl Statistics {
    /// Reads entries in any order; those with other tags are left out.
    pub(super) fn decode(buffers: &Buffers<'_>) -> Self {
        let mut bytes = vec![0; buffers.len().min(MOST * ENTRY)];
        buffers.copy_to(&mut bytes);
        let mut statistics = Self::default();
        for [t0, t1, value @ ..] in bytes.as_chunks::<ENTRY>().0 {
            let field = match u16::from_le_bytes([*t0, *t1]) {
                MEMFREE => &mut statistics.free,
                MEMTOT => &mut statistics.total,
                AVAIL => &mut statistics.available,
                CACHES => &mut statistics.caches,
                _ => continue,
            };
            *field = Some(u64::from_le_bytes(*value));
        }
        statistics
    }
}
