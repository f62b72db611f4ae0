//! Floating-point ops, scalar and vector.

/// What a floating-point uop does.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FloatOp {
    /// FP access is trapped by CPACR_EL1.FPEN.
    Trapped,
}
