//! Names of registers in KVM (KVM_GET_ONE_REG and KVM_SET_ONE_REG; Linux, `Documentation/virt/kvm/api.rst`).

use armlet_arm::SysReg;
use armlet_arm::sysreg::Encoding;

const ARM64: u64 = 0x6000_0000_0000_0000;
const U32: u64 = 2 << 52;
const U64: u64 = 3 << 52;
const U128: u64 = 4 << 52;
/// Registers of `struct kvm_regs`, by their offset.
const CORE: u64 = 0x10 << 16;
/// System registers, by their encoding.
const SYSREG: u64 = 0x13 << 16;
/// Size and architecture.
const FRAME: u64 = 0xfff0_0000_0000_0000;

/// A register at a byte offset of `struct kvm_regs`.
const fn core(size: u64, offset: usize) -> u64 {
    ARM64 | size | CORE | (offset / 4) as u64
}

/// Where things are in `struct kvm_regs`: X0 to X30, SP_EL0, PC, PSTATE, SP_EL1, ELR_EL1, five SPSRs, V0 to V31 at
/// the next multiple of 16, FPSR and FPCR.
mod offset {
    pub const X: usize = 0;
    pub const SP_EL0: usize = 248;
    pub const PC: usize = 256;
    pub const PSTATE: usize = 264;
    pub const SP_EL1: usize = 272;
    pub const ELR_EL1: usize = 280;
    pub const SPSR: usize = 288;
    pub const V: usize = 336;
    pub const FPSR: usize = V + 32 * 16;
    pub const FPCR: usize = FPSR + 4;
}

/// Program counter.
pub const PC: u64 = core(U64, offset::PC);
/// PSTATE or CPSR.
pub const PSTATE: u64 = core(U64, offset::PSTATE);
/// Floating-point status.
pub const FPSR: u64 = core(U32, offset::FPSR);
/// Floating-point control.
pub const FPCR: u64 = core(U32, offset::FPCR);
/// The virtual counter. Setting it moves the counters of all vCPUs.
pub const VIRTUAL_COUNTER: u64 = sys(Encoding::new(3, 3, 14, 3, 2));
/// The physical counter.
pub const PHYSICAL_COUNTER: u64 = sys(Encoding::new(3, 3, 14, 0, 1));

/// X0 to X30.
pub const fn x(n: usize) -> u64 {
    core(U64, offset::X + 8 * n)
}

/// V0 to V31.
pub const fn v(n: usize) -> u64 {
    core(U128, offset::V + 16 * n)
}

/// One of `kvm_regs.spsr`: SPSR_EL1 (or SPSR_svc), SPSR_abt, SPSR_und, SPSR_irq, SPSR_fiq.
const fn spsr(n: usize) -> u64 {
    core(U64, offset::SPSR + 8 * n)
}

const fn sys(encoding: Encoding) -> u64 {
    ARM64 | U64 | SYSREG | encoding.bits() as u64
}

/// The name of a system register that KVM may have.
pub const fn of(reg: SysReg) -> u64 {
    match reg {
        SysReg::SP_EL0 => core(U64, offset::SP_EL0),
        SysReg::SP_EL1 => core(U64, offset::SP_EL1),
        SysReg::ELR_EL1 => core(U64, offset::ELR_EL1),
        SysReg::SPSR_EL1 => spsr(0),
        SysReg::SPSR_ABT => spsr(1),
        SysReg::SPSR_UND => spsr(2),
        SysReg::SPSR_IRQ => spsr(3),
        SysReg::SPSR_FIQ => spsr(4),
        // KVM has the encodings of this one and of the counter exchanged, for good.
        SysReg::CNTV_CVAL_EL0 => sys(Encoding::new(3, 3, 14, 0, 2)),
        _ => sys(reg.encoding()),
    }
}

/// True for a register that tells what the CPU is: software can't change it.
pub fn is_identity(reg: SysReg) -> bool {
    matches!(reg, SysReg::MIDR_EL1 | SysReg::MPIDR_EL1 | SysReg::CNTFRQ_EL0 | SysReg::OSLSR_EL1)
}

/// True for the registers that are in the state of every CPU: those of `struct kvm_regs`.
pub fn is_core(id: u64) -> bool {
    id & !FRAME & !0xffff == CORE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_interface() {
        // From the table of registers in api.rst.
        assert_eq!(x(0), 0x6030_0000_0010_0000);
        assert_eq!(x(30), 0x6030_0000_0010_003c);
        assert_eq!(of(SysReg::SP_EL0), 0x6030_0000_0010_003e);
        assert_eq!((PC, PSTATE), (0x6030_0000_0010_0040, 0x6030_0000_0010_0042));
        assert_eq!(of(SysReg::SP_EL1), 0x6030_0000_0010_0044);
        assert_eq!(of(SysReg::ELR_EL1), 0x6030_0000_0010_0046);
        assert_eq!(of(SysReg::SPSR_EL1), 0x6030_0000_0010_0048);
        assert_eq!(of(SysReg::SPSR_FIQ), 0x6030_0000_0010_0050);
        assert_eq!((v(0), v(31)), (0x6040_0000_0010_0054, 0x6040_0000_0010_00d0));
        assert_eq!((FPSR, FPCR), (0x6020_0000_0010_00d4, 0x6020_0000_0010_00d5));
        assert_eq!(of(SysReg::SCTLR_EL1), 0x6030_0000_0013_c080);
        assert_eq!(of(SysReg::CNTV_CVAL_EL0), 0x6030_0000_0013_df02);
        assert_eq!(of(SysReg::CNTV_CTL_EL0), 0x6030_0000_0013_df19);
        assert_eq!(VIRTUAL_COUNTER, 0x6030_0000_0013_df1a);
        assert!(is_core(PC) && is_core(FPCR) && is_core(v(3)) && !is_core(VIRTUAL_COUNTER));
    }
}
