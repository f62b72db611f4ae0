//! The interpreter: the portable executor, and the reference for every other.

mod alu;
mod float;
mod system;
mod vector;

use armlet_arm::a64::fields::CONDITIONS;
use armlet_arm::esr::Ec;

use crate::cpu::{Cpu, Raised};
use crate::run::Stop;
use crate::uop::{Op, Uop};
use crate::world::World;

/// How a block was left. `cpu.pc` is where to go on.
pub enum Exit {
    /// By direct branch `n` within the page: its link may be followed.
    Link(usize),
    /// By a look-up.
    Next,
    /// An exception is raised.
    Raised,
    /// The run stops.
    Stop(Stop),
}

/// Runs the uops of one block.
pub fn exec(cpu: &mut Cpu, world: &mut dyn World, uops: &[Uop]) -> Exit {
    for u in uops {
        match step(cpu, world, u) {
            Ok(None) => {}
            Ok(Some(exit)) => return exit,
            Err(Raised) => return Exit::Raised,
        }
    }
    unreachable!("the last uop of a block leaves it")
}

/// Runs one uop. `Some` leaves the block.
#[inline(always)]
fn step(cpu: &mut Cpu, world: &mut dyn World, u: &Uop) -> Result<Option<Exit>, Raised> {
    macro_rules! x {
        ($slot:expr) => {
            cpu.x[($slot & 63) as usize]
        };
    }
    let address = |cpu: &mut Cpu| {
        cpu.delta = u.delta;
        let (a, b) = (cpu.x[(u.a & 63) as usize], cpu.x[(u.b & 63) as usize]);
        a.wrapping_add(b).wrapping_add(u.imm as u64)
    };
    match u.op {
        Op::Mov => x!(u.dst) = x!(u.a),
        Op::MovI => x!(u.dst) = u.imm as u64,
        Op::PcRel => x!(u.dst) = cpu.pc.wrapping_add(u.imm as u64),
        Op::PageRel => x!(u.dst) = (cpu.pc & !0xfff).wrapping_add(u.imm as u64),

        Op::Add64 => x!(u.dst) = x!(u.a).wrapping_add(x!(u.b)),
        Op::Add32 => x!(u.dst) = (x!(u.a) as u32).wrapping_add(x!(u.b) as u32).into(),
        Op::Sub64 => x!(u.dst) = x!(u.a).wrapping_sub(x!(u.b)),
        Op::Sub32 => x!(u.dst) = (x!(u.a) as u32).wrapping_sub(x!(u.b) as u32).into(),
        Op::AddI64 => x!(u.dst) = x!(u.a).wrapping_add(u.imm as u64),
        Op::AddI32 => x!(u.dst) = (x!(u.a) as u32).wrapping_add(u.imm as u32).into(),
        Op::AddS64 => (x!(u.dst), cpu.nzcv) = alu::adds64(x!(u.a), x!(u.b)),
        Op::AddS32 => (x!(u.dst), cpu.nzcv) = alu::adds32(x!(u.a) as u32, x!(u.b) as u32),
        Op::SubS64 => (x!(u.dst), cpu.nzcv) = alu::subs64(x!(u.a), x!(u.b)),
        Op::SubS32 => (x!(u.dst), cpu.nzcv) = alu::subs32(x!(u.a) as u32, x!(u.b) as u32),
        Op::AddSI64 => (x!(u.dst), cpu.nzcv) = alu::adds64(x!(u.a), u.imm as u64),
        Op::AddSI32 => (x!(u.dst), cpu.nzcv) = alu::adds32(x!(u.a) as u32, u.imm as u32),
        Op::SubSI64 => (x!(u.dst), cpu.nzcv) = alu::subs64(x!(u.a), u.imm as u64),
        Op::SubSI32 => (x!(u.dst), cpu.nzcv) = alu::subs32(x!(u.a) as u32, u.imm as u32),

        Op::Load8 => {
            x!(u.dst) = {
                let at = address(cpu);
                cpu.load_mem::<u8>(world, at)?.into()
            }
        }
        Op::Load16 => {
            x!(u.dst) = {
                let at = address(cpu);
                cpu.load_mem::<u16>(world, at)?.into()
            }
        }
        Op::Load32 => {
            x!(u.dst) = {
                let at = address(cpu);
                cpu.load_mem::<u32>(world, at)?.into()
            }
        }
        Op::Load64 => {
            x!(u.dst) = {
                let at = address(cpu);
                cpu.load_mem::<u64>(world, at)?
            }
        }
        Op::Store8 => {
            let at = address(cpu);
            cpu.store_mem(world, at, x!(u.c) as u8)?
        }
        Op::Store16 => {
            let at = address(cpu);
            cpu.store_mem(world, at, x!(u.c) as u16)?
        }
        Op::Store32 => {
            let at = address(cpu);
            cpu.store_mem(world, at, x!(u.c) as u32)?
        }
        Op::Store64 => {
            let at = address(cpu);
            cpu.store_mem(world, at, x!(u.c))?
        }
        Op::CheckSp => {
            if !x!(u.a).is_multiple_of(16) {
                cpu.delta = u.delta;
                return Err(cpu.raise(Ec::SpAlignment, 0, None));
            }
        }

        Op::Jump => return Ok(Some(jump(cpu, u.imm, usize::from(u.flags)))),
        Op::JumpIf => {
            if CONDITIONS[(u.a & 15) as usize] >> (cpu.nzcv >> 28) & 1 != 0 {
                return Ok(Some(jump(cpu, u.imm, 0)));
            }
        }
        Op::Next => {
            cpu.pc = cpu.pc.wrapping_add(u.imm as u64);
            return Ok(Some(Exit::Next));
        }
        Op::JumpReg => {
            cpu.pc = x!(u.a);
            return Ok(Some(Exit::Next));
        }
        Op::Undefined => {
            cpu.delta = u.delta;
            return Err(cpu.undefined());
        }
        Op::Vector(op) => vector::exec(cpu, op, u),
        Op::Float(op) => {
            cpu.delta = u.delta;
            float::exec(cpu, op, u)?;
        }
        Op::System(op) => {
            cpu.delta = u.delta;
            return system::exec(cpu, world, op, u);
        }
    }
    Ok(None)
}

/// A direct branch; only within the page may its link be followed.
#[inline(always)]
fn jump(cpu: &mut Cpu, imm: i64, n: usize) -> Exit {
    let from = cpu.pc;
    cpu.pc = from.wrapping_add(imm as u64);
    if (from ^ cpu.pc) >> 12 == 0 { Exit::Link(n) } else { Exit::Next }
}
