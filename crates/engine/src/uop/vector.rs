//! AdvSIMD integer, permute, table, crypto and move ops.

/// What a vector uop does; slots are vector slots unless said otherwise. `flags` bits [1:0] are log2 of
/// the element size in bytes, bit 2 is Q (128 bits; else the upper half of the destination is zeroed).
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum VectorOp {
    /// Every 64-bit half of `dst` that is in use = `imm`.
    MovI,
}
