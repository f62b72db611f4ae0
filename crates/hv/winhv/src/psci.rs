//! Firmware calls that the hypervisor serves itself: PSCI 1.1 (DEN0022), the base of SMCCC (DEN0028), and the
//! identification of Hyper-V.

use std::sync::{Condvar, Mutex, PoisonError};

use armlet_arm::smccc::psci::{self, Status};
use armlet_arm::smccc::{NOT_SUPPORTED, SMCCC_ARCH_FEATURES, SMCCC_VERSION, vendor};
use armlet_hv::{CallRegs, Stop};

use crate::partition::Machine;
use crate::vp::lock;

/// Where a VP starts that another one turns on.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Its first instruction.
    pub pc: u64,
    /// X0.
    pub context: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Off,
    Pending(Start),
    On,
}

/// Which VPs are on. The first one is, from the beginning.
pub struct Power {
    vps: Mutex<Vec<State>>,
    changed: Condvar,
}

impl Power {
    /// After set-up.
    pub fn new(cpus: usize) -> Self {
        let power = Self { vps: Mutex::new(vec![State::Off; cpus]), changed: Condvar::new() };
        power.reset();
        power
    }

    /// Back to after set-up.
    pub fn reset(&self) {
        let mut vps = lock(&self.vps);
        vps.fill(State::Off);
        vps[0] = State::On;
    }

    /// Waits until a VP is on: `Some`, with where it starts if it was turned on now. `None` if `cancelled` first.
    pub fn wait(&self, vp: usize, cancelled: impl Fn() -> bool) -> Option<Option<Start>> {
        let off = |vps: &mut Vec<State>| matches!(vps[vp], State::Off) && !cancelled();
        let waited = self.changed.wait_while(lock(&self.vps), off);
        let mut vps = waited.unwrap_or_else(PoisonError::into_inner);
        match vps[vp] {
            State::Off => None,
            State::On => Some(None),
            State::Pending(start) => {
                vps[vp] = State::On;
                Some(Some(start))
            }
        }
    }

    /// Lets all that wait look again.
    pub fn wake(&self) {
        drop(lock(&self.vps));
        self.changed.notify_all();
    }

    /// A VP has turned itself off.
    pub fn off(&self, vp: usize) {
        lock(&self.vps)[vp] = State::Off;
    }

    fn on(&self, vp: usize, start: Start) -> Status {
        let mut vps = lock(&self.vps);
        let Some(state) = vps.get_mut(vp) else { return Status::InvalidParameters };
        match state {
            State::On => Status::AlreadyOn,
            State::Pending(_) => Status::OnPending,
            State::Off => {
                *state = State::Pending(start);
                self.changed.notify_all();
                Status::Success
            }
        }
    }

    fn info(&self, vp: usize) -> Option<u64> {
        Some(match lock(&self.vps).get(vp)? {
            State::On => 0,
            State::Off => 1,
            State::Pending(_) => 2,
        })
    }
}

/// What a call that was served leads to.
pub enum Served {
    /// The registers hold the result.
    Done,
    /// The same, once an interrupt is pending.
    Wait,
    /// The VP stops.
    Stop(Stop),
}

/// Hyper-V's own identification.
const HYPER_V: [u64; 4] = [0x4d32_ba58, 0xcd24_4764, 0x8eef_6c75, 0x1659_7024];

/// Serves a call, if the hypervisor does.
pub fn serve(machine: &Machine, imm: u16, regs: &mut CallRegs) -> Option<Served> {
    let function = regs[0] as u32;
    let wide = function & psci::SMC64 != 0;
    let arg = |n: usize| if wide { regs[n] } else { regs[n] & 0xffff_ffff };
    let (first, second, third) = (arg(1), arg(2), arg(3));
    if imm != 0 {
        return None;
    }
    let result = match function & !psci::SMC64 {
        psci::VERSION if !wide => 0x1_0001,
        SMCCC_VERSION if !wide => 0x1_0001,
        SMCCC_ARCH_FEATURES if !wide => NOT_SUPPORTED,
        vendor::CALL_UID if !wide => {
            regs[..4].copy_from_slice(&HYPER_V);
            return Some(Served::Done);
        }
        psci::CPU_OFF if !wide => return Some(Served::Stop(Stop::CpuOff)),
        psci::SYSTEM_OFF if !wide => return Some(Served::Stop(Stop::Shutdown)),
        psci::SYSTEM_RESET if !wide => return Some(Served::Stop(Stop::Reset)),
        psci::MIGRATE_INFO_TYPE if !wide => 2,
        psci::CPU_ON if !machine.is_code(second) => code(Status::InvalidAddress),
        psci::CPU_ON => {
            let start = Start { pc: second, context: third };
            code(vp(first).map_or(Status::InvalidParameters, |vp| machine.power.on(vp, start)))
        }
        psci::AFFINITY_INFO => {
            let info = vp(first).filter(|_| second == 0).and_then(|vp| machine.power.info(vp));
            info.unwrap_or(code(Status::InvalidParameters))
        }
        // A state that keeps the VP's context; Linux asks for no other without being told of one.
        psci::CPU_SUSPEND if first & 1 << 16 == 0 => {
            regs[0] = 0;
            return Some(Served::Wait);
        }
        psci::CPU_SUSPEND => code(Status::InvalidParameters),
        psci::FEATURES if !wide => match first as u32 & !psci::SMC64 {
            psci::CPU_ON | psci::CPU_OFF | psci::CPU_SUSPEND | psci::AFFINITY_INFO | psci::VERSION => 0,
            psci::SYSTEM_OFF | psci::SYSTEM_RESET | psci::FEATURES | SMCCC_VERSION => 0,
            _ => NOT_SUPPORTED,
        },
        // All the range of PSCI is the hypervisor's.
        0x8400_0000..=0x8400_001f => NOT_SUPPORTED,
        _ => return None,
    };
    regs[0] = result;
    Some(Served::Done)
}

/// The VP with this affinity.
fn vp(affinity: u64) -> Option<usize> {
    let (aff0, aff1) = (affinity & 0xff, affinity >> 8 & 0xff);
    (aff0 < 16 && affinity >> 16 == 0).then_some((aff1 * 16 + aff0) as usize)
}

/// A status as X0 holds it.
fn code(status: Status) -> u64 {
    i64::from(status as i32) as u64
}
