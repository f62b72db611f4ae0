//! Saturating, parallel and DSP arithmetic of AArch32, on general slots.

/// What a DSP uop does. Words in, words out; those that saturate set slot [`super::Q`], those that compare or carry by
/// lanes set slot [`super::GE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DspOp {
    /// SEL: bytes of `a` where GE is set, else of `b`.
    Sel,
}
