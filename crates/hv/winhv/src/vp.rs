//! A virtual processor: the inner backend's vCPU, whose exits become the platform's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use armlet_arm::smccc::{Conduit, NOT_SUPPORTED};
use armlet_arm::{CpuState, Pstate};
use armlet_base::BusError;
use armlet_hv::{CallOutcome, CallRegs, ExitEvent, Kick, Stop, Vcpu, VcpuIo};
use armlet_hv_whp::abi::hresult::HResult;
use armlet_hv_whp::abi::register::Name;
use armlet_hv_whp::abi::{ExitContext, Reset, Value, reason};

use crate::exits::{self, Access, AccessKind};
use crate::partition::Machine;
use crate::psci::{self, Served, Start};
use crate::registers;

/// One VP.
pub struct Vp {
    index: usize,
    vcpu: Mutex<Box<dyn Vcpu>>,
    kicker: Arc<dyn Kick>,
    cancelled: AtomicBool,
}

/// What a run came back with that the platform's user has to see to.
enum Left {
    Access(Access),
    Call(u16, CallRegs),
}

impl Vp {
    /// Around a vCPU.
    pub fn new(index: usize, vcpu: Box<dyn Vcpu>) -> Self {
        let kicker = vcpu.kicker();
        Self { index, vcpu: Mutex::new(vcpu), kicker, cancelled: AtomicBool::new(false) }
    }

    /// The vCPU, unless it runs.
    fn stopped(&self) -> Result<MutexGuard<'_, Box<dyn Vcpu>>, HResult> {
        match self.vcpu.try_lock() {
            Ok(vcpu) => Ok(vcpu),
            Err(TryLockError::Poisoned(vcpu)) => Ok(vcpu.into_inner()),
            Err(TryLockError::WouldBlock) => Err(HResult::WHV_E_INVALID_VP_STATE),
        }
    }

    /// Ends this run or the next.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.kicker.kick();
    }

    fn take_cancelled(&self) -> bool {
        self.cancelled.swap(false, Ordering::SeqCst)
    }

    /// Reads registers.
    pub fn get(&self, names: &[Name]) -> Result<Vec<Value>, HResult> {
        let mut state = CpuState::default();
        self.stopped()?.save(&mut state).map_err(failed)?;
        names.iter().map(|name| registers::get(&state, *name)).collect()
    }

    /// Writes registers; none if one can't be.
    pub fn set(&self, names: &[Name], values: &[Value]) -> Result<(), HResult> {
        let mut vcpu = self.stopped()?;
        let mut state = CpuState::default();
        vcpu.save(&mut state).map_err(failed)?;
        for (name, value) in names.iter().zip(values) {
            registers::set(&mut state, *name, *value)?;
        }
        vcpu.load(&state).map_err(failed)
    }

    /// The state after creation.
    pub fn reset(&self) -> Result<(), HResult> {
        self.stopped().map_err(|_| HResult::ERROR_INVALID_STATE)?.reset().map_err(failed)
    }

    /// Runs until something comes out.
    pub fn run(&self, machine: &Machine) -> Result<ExitContext, HResult> {
        let mut vcpu = self.stopped()?;
        loop {
            if self.take_cancelled() {
                return Ok(exits::canceled());
            }
            if !machine.own_psci {
                match machine.power.wait(self.index, || self.cancelled.load(Ordering::SeqCst)) {
                    None => continue,
                    Some(None) => {}
                    Some(Some(start)) => begin(vcpu.as_mut(), start).map_err(failed)?,
                }
            }
            let mut io = Io { cpu: self.index, machine, left: None };
            let stop = vcpu.run(&mut io).map_err(failed)?;
            let left = io.left.take();
            if let Some(exit) = self.exit(machine, vcpu.as_mut(), stop, left)? {
                return Ok(exit);
            }
        }
    }

    /// What the platform makes of it; `None` to go on.
    fn exit(
        &self,
        machine: &Machine,
        vcpu: &mut dyn Vcpu,
        stop: Stop,
        left: Option<Left>,
    ) -> Result<Option<ExitContext>, HResult> {
        let mut state = CpuState::default();
        vcpu.save(&mut state).map_err(failed)?;
        Ok(Some(match (stop, left) {
            // An interrupt was taken instead.
            (_, Some(Left::Access(Access { gpa, kind: AccessKind::Fetch })))
                if exits::code_at(machine, &state) != Some(gpa) =>
            {
                return Ok(None);
            }
            (_, Some(Left::Access(access))) => exits::access(machine, self.index, &state, access),
            (_, Some(Left::Call(imm, regs))) => {
                // The platform stops at the call, not behind it.
                state.pc = state.pc.wrapping_sub(4);
                vcpu.load(&state).map_err(failed)?;
                exits::hypercall(self.index, &state, imm, regs)
            }
            (Stop::Shutdown, None) => exits::reset(self.index, &state, Reset::POWER_OFF),
            (Stop::Reset, None) => exits::reset(self.index, &state, Reset::REBOOT),
            (Stop::CpuOff, None) => {
                machine.power.off(self.index);
                return Ok(None);
            }
            (Stop::Kicked | Stop::Debug, None) => return Ok(None),
            (Stop::Dead(_) | Stop::Hung(_) | Stop::Exit(_), None) => {
                ExitContext::of(reason::UNRECOVERABLE_EXCEPTION, &exits::header(self.index, &state, 0, 4))
            }
        }))
    }
}

/// Turned on by PSCI.
fn begin(vcpu: &mut dyn Vcpu, start: Start) -> Result<(), armlet_hv::HvError> {
    vcpu.reset()?;
    let mut state = CpuState::default();
    vcpu.save(&mut state)?;
    (state.pc, state.x[0], state.pstate) = (start.pc, start.context, Pstate::RESET_EL1H);
    vcpu.load(&state)
}

fn failed(error: armlet_hv::HvError) -> HResult {
    eprintln!("stand-in for the platform: {error}");
    HResult::ERROR_HV_OPERATION_DENIED
}

/// What the inner vCPU asks for while it runs.
struct Io<'a> {
    cpu: usize,
    machine: &'a Machine,
    left: Option<Left>,
}

impl VcpuIo for Io<'_> {
    fn mmio_read(&mut self, gpa: u64, size: u8) -> Result<u64, BusError> {
        self.machine.gic_read(self.cpu, gpa, size).ok_or_else(|| {
            self.left = Some(Left::Access(Access { gpa, kind: AccessKind::Load }));
            BusError::Deferred
        })
    }

    fn mmio_write(&mut self, gpa: u64, size: u8, value: u64) -> Result<(), BusError> {
        self.machine.gic_write(self.cpu, gpa, size, value).ok_or_else(|| {
            self.left = Some(Left::Access(Access { gpa, kind: AccessKind::Store }));
            BusError::Deferred
        })
    }

    fn refuse_fetch(&mut self, gpa: u64) -> BusError {
        self.left = Some(Left::Access(Access { gpa, kind: AccessKind::Fetch }));
        BusError::Deferred
    }

    fn call(&mut self, conduit: Conduit, imm: u16, regs: &mut CallRegs) -> CallOutcome {
        if let Some(served) = psci::serve(self.machine, imm, regs) {
            return match served {
                Served::Done => CallOutcome::Continue,
                Served::Wait => CallOutcome::Wait(None),
                Served::Stop(stop) => CallOutcome::Stop(stop),
            };
        }
        if conduit == Conduit::Hvc && self.machine.hypercalls {
            self.left = Some(Left::Call(imm, *regs));
            return CallOutcome::Stop(Stop::Debug);
        }
        regs[0] = NOT_SUPPORTED;
        CallOutcome::Continue
    }

    fn observed(&self) -> bool {
        false
    }

    fn observe(&mut self, _: &ExitEvent) {}
}

impl Machine {
    /// True if there is memory that instructions can be in at `address`.
    pub fn is_code(&self, address: u64) -> bool {
        address.is_multiple_of(4) && self.ram.find(address).is_some()
    }
}

/// Takes a lock whatever happened to its last holder.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
