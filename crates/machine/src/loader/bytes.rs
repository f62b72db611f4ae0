//! Reading little-endian fields out of files that may end anywhere.

/// The little-endian 16-bit field at `at`, or `None` beyond the end.
pub fn u16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

/// The little-endian 32-bit field at `at`, or `None` beyond the end.
pub fn u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

/// The little-endian 64-bit field at `at`, or `None` beyond the end.
pub fn u64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|b| u64::from_le_bytes(*b))
}

/// True if `magic` stands at `at`.
pub fn has(bytes: &[u8], at: usize, magic: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(magic))
}
