//! Registers by the platform's names, from and to [`CpuState`].

use armlet_arm::{CpuState, Pstate, SysReg};
use armlet_hv_whp::abi::Value;
use armlet_hv_whp::abi::hresult::HResult;
use armlet_hv_whp::abi::register::{self as name, Name};

/// What a name stands for.
enum Place {
    X(usize),
    Q(usize),
    Pc,
    Pstate,
    Fpcr,
    Fpsr,
    Sp,
    System(SysReg),
    /// Told, and only set to what it is.
    Fixed(SysReg),
    /// The virtual counter, which can't be had from the state.
    Counter,
}

const UNKNOWN: HResult = HResult::WHV_E_INVALID_VP_REGISTER_NAME;

/// Breakpoints and watchpoints that there are, of the sixteen that have names.
const DEBUG: &[(Name, SysReg)] = &[
    (name::dbgbvr(0), SysReg::DBGBVR0_EL1),
    (name::dbgbvr(1), SysReg::DBGBVR1_EL1),
    (name::dbgbcr(0), SysReg::DBGBCR0_EL1),
    (name::dbgbcr(1), SysReg::DBGBCR1_EL1),
    (name::dbgwvr(0), SysReg::DBGWVR0_EL1),
    (name::dbgwcr(0), SysReg::DBGWCR0_EL1),
];

fn place(name: Name) -> Result<Place, HResult> {
    if let Some((_, register)) = DEBUG.iter().find(|(known, _)| *known == name) {
        return Ok(Place::System(*register));
    }
    Ok(match name.0 {
        0x2_0000..=0x2_001e => Place::X((name.0 & 0x1f) as usize),
        0x2_001f => Place::Sp,
        0x3_0000..=0x3_001f => Place::Q((name.0 & 0x1f) as usize),
        _ => match name {
            name::PC => Place::Pc,
            name::PSTATE => Place::Pstate,
            name::FPCR => Place::Fpcr,
            name::FPSR => Place::Fpsr,
            name::CNTVCT_EL0 => Place::Counter,
            name::MIDR_EL1 => Place::Fixed(SysReg::MIDR_EL1),
            name::MPIDR_EL1 => Place::Fixed(SysReg::MPIDR_EL1),
            name::SP_EL0 => Place::System(SysReg::SP_EL0),
            name::SP_EL1 => Place::System(SysReg::SP_EL1),
            name::SCTLR_EL1 => Place::System(SysReg::SCTLR_EL1),
            name::ACTLR_EL1 => Place::System(SysReg::ACTLR_EL1),
            name::CPACR_EL1 => Place::System(SysReg::CPACR_EL1),
            name::TTBR0_EL1 => Place::System(SysReg::TTBR0_EL1),
            name::TTBR1_EL1 => Place::System(SysReg::TTBR1_EL1),
            name::TCR_EL1 => Place::System(SysReg::TCR_EL1),
            name::ESR_EL1 => Place::System(SysReg::ESR_EL1),
            name::FAR_EL1 => Place::System(SysReg::FAR_EL1),
            name::PAR_EL1 => Place::System(SysReg::PAR_EL1),
            name::MAIR_EL1 => Place::System(SysReg::MAIR_EL1),
            name::VBAR_EL1 => Place::System(SysReg::VBAR_EL1),
            name::CONTEXTIDR_EL1 => Place::System(SysReg::CONTEXTIDR_EL1),
            name::TPIDR_EL1 => Place::System(SysReg::TPIDR_EL1),
            name::TPIDRRO_EL0 => Place::System(SysReg::TPIDRRO_EL0),
            name::TPIDR_EL0 => Place::System(SysReg::TPIDR_EL0),
            name::SPSR_EL1 => Place::System(SysReg::SPSR_EL1),
            name::ELR_EL1 => Place::System(SysReg::ELR_EL1),
            name::CSSELR_EL1 => Place::System(SysReg::CSSELR_EL1),
            name::MDSCR_EL1 => Place::System(SysReg::MDSCR_EL1),
            name::CNTKCTL_EL1 => Place::System(SysReg::CNTKCTL_EL1),
            name::CNTV_CTL_EL0 => Place::System(SysReg::CNTV_CTL_EL0),
            name::CNTV_CVAL_EL0 => Place::System(SysReg::CNTV_CVAL_EL0),
            _ => return Err(UNKNOWN),
        },
    })
}

/// Reads a register.
pub fn get(state: &CpuState, name: Name) -> Result<Value, HResult> {
    Ok(match place(name)? {
        Place::X(n) => state.x[n].into(),
        Place::Q(n) => state.v[n].into(),
        Place::Pc => state.pc.into(),
        Place::Pstate => state.pstate.bits().into(),
        Place::Fpcr => u64::from(state.fpcr).into(),
        Place::Fpsr => u64::from(state.fpsr).into(),
        Place::Sp => state.sp().into(),
        Place::System(register) | Place::Fixed(register) => state.sys[register].into(),
        Place::Counter => return Err(UNKNOWN),
    })
}

/// Writes a register. The unused half of a value must be zero.
pub fn set(state: &mut CpuState, name: Name, value: Value) -> Result<(), HResult> {
    let place = place(name)?;
    if value.high != 0 && !matches!(place, Place::Q(_)) {
        return Err(HResult::ERROR_HV_INVALID_REGISTER_VALUE);
    }
    match place {
        Place::X(n) => state.x[n] = value.low,
        Place::Q(n) => state.v[n] = value.into(),
        Place::Pc => state.pc = value.low,
        Place::Pstate => state.pstate = Pstate::from_bits_retain(value.low),
        Place::Fpcr => state.fpcr = value.low as u32,
        Place::Fpsr => state.fpsr = value.low as u32,
        Place::Sp => state.set_sp(value.low),
        Place::System(register) => state.sys[register] = value.low,
        Place::Fixed(register) if state.sys[register] == value.low => {}
        Place::Fixed(_) | Place::Counter => return Err(HResult::ERROR_HV_INVALID_REGISTER_VALUE),
    }
    Ok(())
}
