//! System ops of AArch32.

use armlet_arm::esr::Ec;
use armlet_arm::smccc::Conduit;

use super::Exit;
use super::system::{call, resume};
use crate::cpu::{Cpu, Raised};
use crate::sys::aarch32::slot_number;
use crate::sys::bits::{sctlr, sctlr32};
use crate::uop::{SystemOp, Uop};
use crate::world::World;

/// Runs one of them. `Some` leaves the block.
pub fn exec(cpu: &mut Cpu, world: &mut dyn World, op: SystemOp, u: &Uop) -> Result<Option<Exit>, Raised> {
    let (a, b) = (cpu.x[usize::from(u.a & 63)], cpu.x[usize::from(u.b & 63)]);
    let value = match op {
        SystemOp::Svc32 => {
            let next = cpu.insn_pc().wrapping_add(u.c.into());
            cpu.retired += 1;
            cpu.step_advance();
            return Err(cpu
                .raise_returning_to(next, Ec::Svc32, u.imm as u64 & 0xffff, None)
                .of_bytes(cpu, u.c));
        }
        SystemOp::Hvc32 => return call(cpu, world, Conduit::Hvc, u.imm as u16, u.c).map(Some),
        SystemOp::Smc32 => return call(cpu, world, Conduit::Smc, u.imm as u16, u.c).map(Some),
        SystemOp::Bkpt32 => {
            return Err(cpu.raise(Ec::Bkpt32, u.imm as u64 & 0xffff, None).of_bytes(cpu, u.c));
        }
        SystemOp::Wfi32 => {
            let done = cpu.wait_for_interrupt(world)?;
            return Ok(Some(resume(cpu, done || u.c == 2, u.c)));
        }
        SystemOp::Wfe32 => {
            let done = cpu.wait_for_event()?;
            return Ok(Some(resume(cpu, done || u.c == 2, u.c)));
        }
        SystemOp::ReadCpsr => cpu.read_cpsr(),
        SystemOp::ReadSpsr => cpu.read_spsr()?,
        SystemOp::ReadVfp => cpu.read_vfp(u.imm, u.c)?,
        SystemOp::ReadBanked => match cpu.banked_register(u.imm) {
            Some(register) => *register & 0xffff_ffff,
            None => return Err(cpu.undefined()),
        },
        SystemOp::ReadCp => cpu.read_cp(u.imm as usize, u.c.into())?,
        SystemOp::ReadCp64 => {
            let value = cpu.read_cp(u.imm as usize, pair(u.dst, u.c))?;
            cpu.x[usize::from(u.c & 63)] = value >> 32;
            value & 0xffff_ffff
        }
        _ => {
            perform(cpu, op, u, a, b)?;
            return Ok((op == SystemOp::ReturnTo32).then_some(Exit::Next));
        }
    };
    cpu.x[usize::from(u.dst & 63)] = value;
    Ok(None)
}

/// Those that give no value.
fn perform(cpu: &mut Cpu, op: SystemOp, u: &Uop, a: u64, b: u64) -> Result<(), Raised> {
    match op {
        SystemOp::WriteCpsr => cpu.write_cpsr(a, u.flags),
        SystemOp::WriteSpsr => cpu.write_spsr(a, u.flags)?,
        SystemOp::WriteVfp => cpu.write_vfp(u.imm, a, u.c)?,
        SystemOp::WriteBanked => match cpu.banked_register(u.imm) {
            Some(register) => *register = a & 0xffff_ffff,
            None => return Err(cpu.undefined()),
        },
        SystemOp::Cps => cpu.change_state(u.imm),
        // SCTLR.SED; SCTLR_EL1 has it too, where nothing can clear it.
        SystemOp::SetEnd if cpu.sctlr(sctlr::SED) => return Err(cpu.undefined_of(u.c)),
        SystemOp::SetEnd => cpu.set_endianness(u.flags & 1 != 0),
        SystemOp::WriteCp => cpu.write_cp(u.imm as usize, u.c.into(), a)?,
        SystemOp::WriteCp64 => cpu.write_cp(u.imm as usize, pair(u.a, u.b), a | b << 32)?,
        SystemOp::CheckSwap if !cpu.sctlr(sctlr32::SW) => return Err(cpu.undefined()),
        SystemOp::CheckSwap => {}
        SystemOp::SetIt => cpu.set_itstate(u.flags),
        SystemOp::ReturnTo32 => cpu.exception_return32(a, b),
        _ => return Err(cpu.undefined()),
    }
    Ok(())
}

/// The numbers of Rt and Rt2, by their slots, for the syndrome of a trap.
fn pair(rt: u8, rt2: u8) -> u16 {
    u16::from(slot_number(rt)) | u16::from(slot_number(rt2)) << 5
}
