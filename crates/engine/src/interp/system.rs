//! System ops.

use std::sync::atomic::{Ordering, fence};

use armlet_arm::esr::Ec;
use armlet_arm::smccc::Conduit;
use armlet_arm::sysreg::Encoding;
use armlet_arm::{Feature, Pstate, SysReg};

use super::{Exit, system32};
use crate::cpu::{Cpu, Raised};
use crate::run::Stop;
use crate::sys::aarch32::slot;
use crate::sys::bits::sctlr;
use crate::uop::{SystemOp, Uop};
use crate::world::{CallOutcome, Note, World};

/// Runs one system uop. `Some` leaves the block.
pub fn exec(cpu: &mut Cpu, world: &mut dyn World, op: SystemOp, u: &Uop) -> Result<Option<Exit>, Raised> {
    cpu.publish_time();
    let exit = perform(cpu, world, op, u);
    cpu.attend_after(op);
    exit
}

#[inline(always)]
fn perform(cpu: &mut Cpu, world: &mut dyn World, op: SystemOp, u: &Uop) -> Result<Option<Exit>, Raised> {
    let a = cpu.x[(u.a & 63) as usize];
    let encoding = Encoding::from_bits(u.imm as u16);
    macro_rules! dst {
        ($value:expr) => {
            cpu.x[(u.dst & 63) as usize] = $value
        };
    }
    match op {
        SystemOp::Svc => {
            let next = cpu.insn_pc().wrapping_add(4);
            cpu.retired += 1;
            cpu.step_advance();
            return Err(cpu.raise_returning_to(next, Ec::Svc64, u.imm as u64, None));
        }
        SystemOp::Hvc => return call(cpu, world, Conduit::Hvc, u.imm as u16, 4).map(Some),
        SystemOp::Smc => return call(cpu, world, Conduit::Smc, u.imm as u16, 4).map(Some),
        SystemOp::Brk => return Err(cpu.raise(Ec::Brk, u.imm as u64, None)),
        SystemOp::Eret => {
            cpu.exception_return();
            return Ok(Some(Exit::Next));
        }

        SystemOp::Wfi => {
            let done = cpu.wait_for_interrupt(world)?;
            return Ok(Some(resume(cpu, done, 4)));
        }
        SystemOp::Wfe => {
            let done = cpu.wait_for_event()?;
            return Ok(Some(resume(cpu, done, 4)));
        }
        SystemOp::Sev => cpu.send_event(),
        SystemOp::Sevl => cpu.send_event_local(),

        SystemOp::Clrex => {
            if cpu.exclusive.is_armed() {
                cpu.exclusive.clear();
                cpu.send_event_local();
            }
        }
        // CRm bits [1:0]: 1 orders loads against all that follows, 2 stores against stores, 3 everything.
        SystemOp::Dmb => match u.imm & 3 {
            1 => fence(Ordering::Acquire),
            2 => fence(Ordering::Release),
            _ => fence(Ordering::SeqCst),
        },
        SystemOp::Dsb => {
            if !cpu.dsb(world) {
                return Ok(Some(resume(cpu, false, 4)));
            }
        }
        SystemOp::Isb => cpu.isb(),

        SystemOp::ReadReg => dst!(cpu.sys[SysReg::ALL[u.imm as usize]]),
        SystemOp::WriteReg => cpu.sys[SysReg::ALL[u.imm as usize]] = a,
        SystemOp::ReadRow => dst!(cpu.read_row(u.imm as usize, u.c)?),
        SystemOp::WriteRow => cpu.write_row(u.imm as usize, u.c, a)?,
        SystemOp::ReadGic => match cpu.vm.gic().and_then(|gic| gic.read(cpu.index, encoding)) {
            Some(value) => dst!(value),
            None => return Err(no_register(cpu, world, encoding, true)),
        },
        SystemOp::WriteGic => {
            if cpu.vm.gic().and_then(|gic| gic.write(cpu.index, encoding, a)).is_none() {
                return Err(no_register(cpu, world, encoding, false));
            }
        }
        SystemOp::ReadId => dst!(cpu.model().id_register(encoding).unwrap_or(0)),
        SystemOp::NoReg => return Err(no_register(cpu, world, encoding, u.flags & 1 != 0)),
        SystemOp::ReadVirtualCount => dst!(cpu.virtual_count()),

        SystemOp::ReadNzcv => dst!(cpu.nzcv.into()),
        SystemOp::WriteNzcv => cpu.nzcv = a as u32 & 0xf000_0000,
        SystemOp::ReadFpcr => dst!(cpu.fpcr.into()),
        SystemOp::WriteFpcr => {
            cpu.fpcr = a as u32 & FPCR;
            if cpu.pstate.is_aarch32() {
                cpu.mode_changed();
            }
        }
        SystemOp::ReadFpsr => dst!(cpu.fpsr.into()),
        SystemOp::WriteFpsr => cpu.fpsr = a as u32 & writable_fpsr(cpu),
        SystemOp::ReadDaif => {
            check_daif(cpu, encoding, u.c, true)?;
            dst!((cpu.pstate & Pstate::DAIF).bits());
        }
        SystemOp::WriteDaif => {
            check_daif(cpu, encoding, u.c, false)?;
            cpu.set_daif(Pstate::DAIF, a);
        }
        SystemOp::SetDaif => {
            check_daif(cpu, encoding, u.c, false)?;
            cpu.set_daif(Pstate::from_bits_retain(u64::from(u.flags & 15) << 6), !0);
        }
        SystemOp::ClearDaif => {
            check_daif(cpu, encoding, u.c, false)?;
            cpu.set_daif(Pstate::from_bits_retain(u64::from(u.flags & 15) << 6), 0);
        }
        SystemOp::SetPstate => {
            let value = if u.flags & 1 != 0 { !0 } else { 0 };
            cpu.set_pstate_bits(Pstate::from_bits_retain(u.imm as u64), value);
            cpu.mode_changed();
        }
        SystemOp::WriteSpSel => cpu.select_sp(a & 1 != 0),
        SystemOp::SetSpSel => cpu.select_sp(u.flags & 1 != 0),

        SystemOp::CheckSys => {
            if !cpu.sctlr(1 << (u.flags & 63)) {
                return Err(cpu.sysreg_trap(encoding, u.c, false));
            }
        }
        SystemOp::Ic => cpu.ic(world, encoding, a)?,
        SystemOp::Dc => cpu.dc(world, encoding, a)?,
        SystemOp::DcZva => cpu.dc_zva(world, a)?,
        SystemOp::At => cpu.at(world, encoding, a)?,
        SystemOp::Tlbi => cpu.tlbi(encoding, a),
        _ => return system32::exec(cpu, world, op, u),
    }
    Ok(None)
}

/// Writable bits of FPCR without FP16, EBF16, AFP: AHP, DN, FZ and RMode. Exceptions are not trapped.
const FPCR: u32 = 0x07c0_0000;
/// Writable bits of FPSR: QC and the cumulative exception bits; and N, Z, C and V, which AArch64 keeps for AArch32.
fn writable_fpsr(cpu: &Cpu) -> u32 {
    if cpu.has(Feature::AA32EL0) { 0xf800_009f } else { 0x0800_009f }
}

/// After WFI, WFE or DSB of so many bytes: on to the next instruction, or to this one again once business is done. In
/// virtual time it must not count as retired then, although its block is about to count it.
pub(super) fn resume(cpu: &mut Cpu, done: bool, bytes: u8) -> Exit {
    if !done && cpu.slice.is_some() {
        cpu.retired = cpu.retired.wrapping_sub(1);
    }
    cpu.pc = cpu.insn_pc().wrapping_add(if done { bytes.into() } else { 0 });
    Exit::Next
}

#[cold]
fn no_register(cpu: &mut Cpu, world: &mut dyn World, reg: Encoding, read: bool) -> Raised {
    if world.notes() {
        world.note(Note::SysReg { pc: cpu.insn_pc(), reg, read });
    }
    cpu.undefined()
}

/// EL0 may touch DAIF if SCTLR_EL1.UMA says so.
fn check_daif(cpu: &mut Cpu, reg: Encoding, rt: u8, read: bool) -> Result<(), Raised> {
    if cpu.pstate.el() == 0 && !cpu.sctlr(sctlr::UMA) {
        return Err(cpu.sysreg_trap(reg, rt, read));
    }
    Ok(())
}

/// HVC and SMC, of so many bytes.
pub(super) fn call(
    cpu: &mut Cpu,
    world: &mut dyn World,
    conduit: Conduit,
    imm: u16,
    bytes: u8,
) -> Result<Exit, Raised> {
    if cpu.pstate.el() == 0 {
        return Err(cpu.undefined_of(bytes));
    }
    let pc = cpu.insn_pc();
    let mut regs = call_registers(cpu);
    let outcome = world.call(pc, conduit, imm, &mut regs);
    if outcome == CallOutcome::Undefined {
        return Err(cpu.undefined_of(bytes));
    }
    set_call_registers(cpu, &regs);
    cpu.pc = pc.wrapping_add(bytes.into());
    if let CallOutcome::Wait { .. } = outcome {
        cpu.sleep_until_interrupt();
    }
    let stop = matches!(outcome, CallOutcome::Stop | CallOutcome::Wait { stop: true });
    Ok(if stop { Exit::Stop(Stop::World) } else { Exit::Next })
}

/// X0 to X17 for a call: from AArch32 state R0 to R12, the others being zero.
fn call_registers(cpu: &Cpu) -> [u64; 18] {
    if !cpu.pstate.is_aarch32() {
        return std::array::from_fn(|n| cpu.x[n]);
    }
    std::array::from_fn(|n| if n < 13 { cpu.x[usize::from(slot(n as u8))] } else { 0 })
}

/// The opposite.
fn set_call_registers(cpu: &mut Cpu, regs: &[u64; 18]) {
    if !cpu.pstate.is_aarch32() {
        return cpu.x[..18].copy_from_slice(regs);
    }
    for n in 0..13 {
        cpu.x[usize::from(slot(n))] = regs[usize::from(n)] & 0xffff_ffff;
    }
}
