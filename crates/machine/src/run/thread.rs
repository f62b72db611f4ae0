//! The life of a vCPU's thread: off, on, off again; and what its exits mean to the machine.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use armlet_arm::{CpuState, Pstate, SysReg};
use armlet_hv::{HvError, Stop, Vcpu};

use super::io::CpuIo;
use super::power::{Start, Verdict};
use super::{Ending, Shared};

/// Runs vCPU `cpu` whenever it is on, until the machine ends. A panic ends the machine, not the host.
pub(super) fn serve(cpu: usize, mut vcpu: Box<dyn Vcpu>, shared: &Shared) {
    while let Some(start) = shared.power.next(cpu) {
        let ran = catch_unwind(AssertUnwindSafe(|| run_from(start, cpu, vcpu.as_mut(), shared)));
        let dead = match ran {
            Ok(Ok(Left::Off)) => {
                shared.power.off(cpu);
                continue;
            }
            Ok(Ok(Left::Hung(why))) => {
                shared.power.hung(cpu, why);
                continue;
            }
            Ok(Ok(Left::Verdict(verdict))) => {
                shared.power.decide(verdict);
                false
            }
            Ok(Ok(Left::Halted)) => false,
            Ok(Err(error)) => {
                shared.power.decide(Verdict::Failed(error.into()));
                false
            }
            Err(panic) => {
                let why = format!("the thread of vCPU {cpu} panicked: {}", message(&*panic));
                shared.power.decide(Verdict::End(Ending::Dead(why)));
                true
            }
        };
        shared.power.stopped();
        if dead {
            // Whatever the backend left half done may panic again when dropped.
            std::mem::forget(vcpu);
            return;
        }
    }
    shared.accounts.close(cpu, vcpu.statistics());
}

/// Why a vCPU is no longer running.
enum Left {
    Off,
    Hung(&'static str),
    Verdict(Verdict),
    Halted,
}

fn run_from(start: Start, cpu: usize, vcpu: &mut dyn Vcpu, shared: &Shared) -> Result<Left, HvError> {
    enter(vcpu, start)?;
    let mut io = CpuIo { cpu, shared };
    loop {
        let end = match vcpu.run(&mut io)? {
            Stop::Kicked | Stop::Debug if shared.power.halted() => return Ok(Left::Halted),
            Stop::Kicked | Stop::Debug => continue,
            Stop::CpuOff => return Ok(Left::Off),
            Stop::Hung(why) => return Ok(Left::Hung(why)),
            Stop::Reset => return Ok(Left::Verdict(Verdict::Reset)),
            Stop::Shutdown => Ending::PowerOff,
            Stop::Exit(status) => Ending::Exit(status),
            Stop::Dead(why) => Ending::Dead(format!("vCPU {cpu}: {why}")),
        };
        return Ok(Left::Verdict(Verdict::End(end)));
    }
}

/// Resets the vCPU and puts it at its first instruction.
fn enter(vcpu: &mut dyn Vcpu, start: Start) -> Result<(), HvError> {
    vcpu.reset()?;
    let mut state = CpuState::default();
    vcpu.save(&mut state)?;
    state.x = [0; 31];
    state.x[0] = start.x0;
    state.pc = start.pc;
    state.pstate = Pstate::RESET_EL1H;
    if let Some(sp) = start.sp {
        state.sys[SysReg::SP_EL1] = sp;
    }
    vcpu.load(&state)
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "for an unknown reason".to_owned()).lines().next().unwrap_or_default().to_owned()
}
