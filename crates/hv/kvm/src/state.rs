//! The neutral state of a CPU, in and out of KVM, a register at a time.
#![allow(unsafe_code)]

use std::collections::HashSet;

use armlet_arm::{CpuState, Pstate, SysReg};
use armlet_hv::HvError;
use kvm_bindings::RegList;
use kvm_ioctls::VcpuFd;

use crate::{one_reg, os};

/// Room for the names of all registers; a vCPU without vectors longer than 128 bits has some 300.
const MOST_REGISTERS: usize = 500;

/// CNTV_CTL_EL0.ISTATUS: not state, but what comes of the counter.
const ISTATUS: u64 = 1 << 2;

/// Which registers this KVM has.
pub struct Registers {
    /// Those of the neutral state.
    known: Vec<SysReg>,
    /// The others, which only KVM knows.
    pub others: Vec<u64>,
}

impl Registers {
    /// Asks a vCPU, which stands for all of its VM.
    pub fn of(vcpu: &VcpuFd) -> Result<Self, HvError> {
        let mut list = RegList::new(MOST_REGISTERS).map_err(|error| HvError::Os {
            what: "no memory for the list of registers".to_owned(),
            source: std::io::Error::other(format!("{error:?}")),
        })?;
        vcpu.get_reg_list(&mut list).map_err(os("KVM does not tell which registers it has"))?;
        let mut there: HashSet<u64> = list.as_slice().iter().copied().collect();
        let has = |reg: &SysReg| one_reg::is_core(one_reg::of(*reg)) || there.contains(&one_reg::of(*reg));
        let known: Vec<_> = SysReg::ALL.iter().copied().filter(has).collect();
        known.iter().for_each(|reg| {
            there.remove(&one_reg::of(*reg));
        });
        let mut others: Vec<_> = there.into_iter().filter(|id| !one_reg::is_core(*id)).collect();
        others.sort_unstable();
        Ok(Self { known, others })
    }
}

/// Reads a register of up to 64 bits.
pub fn get(vcpu: &VcpuFd, id: u64) -> Result<u64, HvError> {
    let mut bytes = [0; 8];
    vcpu.get_one_reg(id, &mut bytes).map_err(os(format!("KVM does not tell register {id:#x}")))?;
    Ok(u64::from_le_bytes(bytes))
}

/// Writes a register of up to 64 bits.
pub fn set(vcpu: &VcpuFd, id: u64, value: u64) -> Result<(), HvError> {
    let done = vcpu.set_one_reg(id, &value.to_le_bytes());
    done.map_err(os(format!("KVM does not take {value:#x} for register {id:#x}")))?;
    Ok(())
}

/// Copies all of the state out.
pub fn save(vcpu: &VcpuFd, registers: &Registers, state: &mut CpuState) -> Result<(), HvError> {
    for (n, x) in state.x.iter_mut().enumerate() {
        *x = get(vcpu, one_reg::x(n))?;
    }
    state.pc = get(vcpu, one_reg::PC)?;
    state.pstate = Pstate::from_bits_retain(get(vcpu, one_reg::PSTATE)?);
    for (n, v) in state.v.iter_mut().enumerate() {
        let mut bytes = [0; 16];
        vcpu.get_one_reg(one_reg::v(n), &mut bytes).map_err(os(format!("KVM does not tell V{n}")))?;
        *v = u128::from_le_bytes(bytes);
    }
    state.fpsr = get(vcpu, one_reg::FPSR)? as u32;
    state.fpcr = get(vcpu, one_reg::FPCR)? as u32;
    for reg in &registers.known {
        state.sys[*reg] = get(vcpu, one_reg::of(*reg))?;
    }
    state.sys[SysReg::CNTFRQ_EL0] = counter_frequency();
    for control in [SysReg::CNTV_CTL_EL0, SysReg::CNTP_CTL_EL0] {
        state.sys[control] &= !ISTATUS;
    }
    if state.pstate.is_aarch32() {
        // The upper halves are nothing to AArch32 and may hold anything.
        state.x.iter_mut().for_each(|x| *x &= 0xffff_ffff);
    }
    Ok(())
}

/// Copies in what `state` has other than `current`, the state that the vCPU is in.
pub fn load(
    vcpu: &VcpuFd,
    registers: &Registers,
    current: &CpuState,
    state: &CpuState,
) -> Result<(), HvError> {
    let change = |id, from, to| if from == to { Ok(()) } else { set(vcpu, id, to) };
    // First the mode: in AArch32 state it says where some of the others are.
    change(one_reg::PSTATE, current.pstate.bits(), state.pstate.bits())?;
    for n in 0..state.x.len() {
        change(one_reg::x(n), current.x[n], state.x[n])?;
    }
    change(one_reg::PC, current.pc, state.pc)?;
    for n in (0..state.v.len()).filter(|&n| current.v[n] != state.v[n]) {
        let done = vcpu.set_one_reg(one_reg::v(n), &state.v[n].to_le_bytes());
        done.map_err(os(format!("KVM does not take V{n}")))?;
    }
    change(one_reg::FPSR, current.fpsr.into(), state.fpsr.into())?;
    change(one_reg::FPCR, current.fpcr.into(), state.fpcr.into())?;
    for reg in registers.known.iter().copied().filter(|reg| !one_reg::is_identity(*reg)) {
        change(one_reg::of(reg), current.sys[reg], state.sys[reg])?;
    }
    Ok(())
}

/// CNTFRQ_EL0, which guests read from the host's CPU.
fn counter_frequency() -> u64 {
    let frequency: u64;
    // SAFETY: Linux lets user space read this register, and reading has no effect.
    unsafe { std::arch::asm!("mrs {}, cntfrq_el0", out(reg) frequency, options(nomem, nostack)) };
    frequency
}
