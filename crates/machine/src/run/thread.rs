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
    if shared.power.is_parked(cpu) {
        vcpu.reset()?;
    } else {
        enter(vcpu, start)?;
    }
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
    prepare(&mut state, start);
    vcpu.load(&state)
}

/// Sets the registers that `start` is about; all others keep what a reset gave them.
fn prepare(state: &mut CpuState, start: Start) {
    state.x = [0; 31];
    state.x[..3].copy_from_slice(&start.regs);
    if !start.mode.is_aarch32() {
        state.pc = start.pc;
        state.pstate = Pstate::RESET_EL1H;
        state.sys[SysReg::SP_EL1] = start.sp.unwrap_or(state.sys[SysReg::SP_EL1]);
        return;
    }
    state.pc = start.pc & !1;
    state.pstate = Pstate::RESET_SVC;
    state.pstate.set(Pstate::T, start.pc & 1 != 0);
    state.x[R13_SVC] = start.sp.unwrap_or(0);
}

/// The register that R13_svc is on (Arm ARM D1.8.2).
const R13_SVC: usize = 19;

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "for an unknown reason".to_owned()).lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use armlet_hv::GuestMode;

    #[test]
    fn registers_at_the_start_in_either_state() {
        let start = Start { pc: 0x4000_0001, regs: [1, 2, 3], sp: Some(0x5000), mode: GuestMode::A32El1 };
        let mut state = CpuState::default();
        prepare(&mut state, start);
        assert_eq!((state.pc, state.pstate.bits()), (0x4000_0000, 0x1f3));
        assert_eq!((&state.x[..4], state.x[19]), (&[1, 2, 3, 0][..], 0x5000));
        prepare(&mut state, Start { pc: 0x4000_0004, sp: None, ..start });
        assert_eq!((state.pc, state.pstate.bits(), state.x[19]), (0x4000_0004, 0x1d3, 0));
        prepare(&mut state, Start { pc: 0x4000_0004, mode: GuestMode::A64El1, ..start });
        assert_eq!((state.pstate, state.sys[SysReg::SP_EL1], state.x[19]), (Pstate::RESET_EL1H, 0x5000, 0));
    }
}
