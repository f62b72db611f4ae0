//! Between a PE and its interrupt controller: the GICv3 CPU interface registers (IHI 0069, chapter 12).

use crate::sysreg::Encoding;

/// A GICv3 CPU interface as system registers, one state per CPU. The `soft` backend's `MRS`/`MSR` of
/// `ICC_*` come here; hardware backends keep theirs in the host kernel.
pub trait CpuInterface: Send + Sync {
    /// Reads `ICC_*` for `cpu`; `None` if the register does not exist (UNDEFINED).
    fn read(&self, cpu: usize, reg: Encoding) -> Option<u64>;
    /// Writes `ICC_*` for `cpu`; `None` if the register does not exist or is read-only (UNDEFINED).
    fn write(&self, cpu: usize, reg: Encoding, value: u64) -> Option<()>;
    /// Sets the level of a private peripheral interrupt (INTID 16 to 31) of `cpu`.
    fn set_ppi(&self, cpu: usize, intid: u32, level: bool);
}

/// INTIDs of the private peripheral interrupts every machine uses (BSA, and QEMU's `virt`).
pub mod ppi {
    /// Performance monitors overflow.
    pub const PMU: u32 = 23;
    /// EL2 physical timer.
    pub const HYP_TIMER: u32 = 26;
    /// EL1 virtual timer.
    pub const VIRTUAL_TIMER: u32 = 27;
    /// Secure EL1 physical timer.
    pub const SECURE_TIMER: u32 = 29;
    /// EL1 physical timer.
    pub const PHYSICAL_TIMER: u32 = 30;
}
