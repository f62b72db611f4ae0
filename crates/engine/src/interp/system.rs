//! System ops.

use armlet_arm::esr::Ec;
use armlet_arm::smccc::Conduit;

use super::Exit;
use crate::cpu::{Cpu, Raised};
use crate::run::Stop;
use crate::uop::{SystemOp, Uop};
use crate::world::{CallOutcome, World};

/// Runs one system uop. `Some` leaves the block.
pub fn exec(cpu: &mut Cpu, world: &mut dyn World, op: SystemOp, u: &Uop) -> Result<Option<Exit>, Raised> {
    match op {
        SystemOp::Svc => {
            let next = cpu.insn_pc().wrapping_add(4);
            Err(cpu.raise_returning_to(next, Ec::Svc64, u.imm as u64, None))
        }
        SystemOp::Hvc => call(cpu, world, Conduit::Hvc, u.imm as u16).map(Some),
    }
}

fn call(cpu: &mut Cpu, world: &mut dyn World, conduit: Conduit, imm: u16) -> Result<Exit, Raised> {
    if cpu.pstate.el() == 0 {
        return Err(cpu.undefined());
    }
    let pc = cpu.insn_pc();
    let mut regs = [0; 18];
    regs.copy_from_slice(&cpu.x[..18]);
    let outcome = world.call(pc, conduit, imm, &mut regs);
    if outcome == CallOutcome::Undefined {
        return Err(cpu.undefined());
    }
    cpu.x[..18].copy_from_slice(&regs);
    cpu.pc = pc.wrapping_add(4);
    Ok(if outcome == CallOutcome::Stop { Exit::Stop(Stop::World) } else { Exit::Next })
}
