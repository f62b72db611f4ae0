//! System ops: exceptions, system registers, barriers, maintenance.

/// What a system uop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SystemOp {
    /// SVC; `imm` is the immediate. Ends a block.
    Svc,
    /// HVC; `imm` is the immediate. Ends a block.
    Hvc,
}
