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

/// System registers by the platform's names. Of the sixteen breakpoints and watchpoints that have names there are few.
pub const SYSTEM: &[(Name, SysReg)] = &[
    (name::SP_EL0, SysReg::SP_EL0),
    (name::SP_EL1, SysReg::SP_EL1),
    (name::SCTLR_EL1, SysReg::SCTLR_EL1),
    (name::ACTLR_EL1, SysReg::ACTLR_EL1),
    (name::CPACR_EL1, SysReg::CPACR_EL1),
    (name::TTBR0_EL1, SysReg::TTBR0_EL1),
    (name::TTBR1_EL1, SysReg::TTBR1_EL1),
    (name::TCR_EL1, SysReg::TCR_EL1),
    (name::ESR_EL1, SysReg::ESR_EL1),
    (name::FAR_EL1, SysReg::FAR_EL1),
    (name::PAR_EL1, SysReg::PAR_EL1),
    (name::MAIR_EL1, SysReg::MAIR_EL1),
    (name::VBAR_EL1, SysReg::VBAR_EL1),
    (name::CONTEXTIDR_EL1, SysReg::CONTEXTIDR_EL1),
    (name::TPIDR_EL1, SysReg::TPIDR_EL1),
    (name::TPIDRRO_EL0, SysReg::TPIDRRO_EL0),
    (name::TPIDR_EL0, SysReg::TPIDR_EL0),
    (name::SPSR_EL1, SysReg::SPSR_EL1),
    (name::ELR_EL1, SysReg::ELR_EL1),
    (name::CSSELR_EL1, SysReg::CSSELR_EL1),
    (name::MDSCR_EL1, SysReg::MDSCR_EL1),
    (name::CNTKCTL_EL1, SysReg::CNTKCTL_EL1),
    (name::CNTV_CTL_EL0, SysReg::CNTV_CTL_EL0),
    (name::CNTV_CVAL_EL0, SysReg::CNTV_CVAL_EL0),
    (name::dbgbvr(0), SysReg::DBGBVR0_EL1),
    (name::dbgbvr(1), SysReg::DBGBVR1_EL1),
    (name::dbgbcr(0), SysReg::DBGBCR0_EL1),
    (name::dbgbcr(1), SysReg::DBGBCR1_EL1),
    (name::dbgwvr(0), SysReg::DBGWVR0_EL1),
    (name::dbgwcr(0), SysReg::DBGWCR0_EL1),
];

/// Those that are told, and only set to what they are.
pub const FIXED: &[(Name, SysReg)] =
    &[(name::MIDR_EL1, SysReg::MIDR_EL1), (name::MPIDR_EL1, SysReg::MPIDR_EL1)];

fn find(table: &[(Name, SysReg)], name: Name) -> Option<SysReg> {
    table.iter().find(|(known, _)| *known == name).map(|(_, register)| *register)
}

fn place(name: Name) -> Result<Place, HResult> {
    if let Some(register) = find(SYSTEM, name) {
        return Ok(Place::System(register));
    }
    if let Some(register) = find(FIXED, name) {
        return Ok(Place::Fixed(register));
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

/// Reads an identification register, which all VPs have in common. No guest is shown these values.
pub fn identification(name: Name) -> Result<Value, HResult> {
    let known = name::IDENTIFICATION.iter().find(|(_, known)| *known == name);
    Ok(match known.ok_or(UNKNOWN)?.0 {
        // A Cortex-A76 with EL1 and EL0 in AArch64 state, and the GICv3's system registers.
        "MIDR_EL1" => 0x413f_d0c1,
        "ID_AA64PFR0_EL1" => 0x0100_0011,
        _ => 0u64,
    }
    .into())
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
