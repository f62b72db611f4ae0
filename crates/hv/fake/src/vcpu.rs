//! A vCPU that plays its script.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use armlet_arm::CpuState;
use armlet_arm::smccc::Conduit;
use armlet_hv::{CallOutcome, CallRegs, HvError, Kick, Stop, Vcpu, VcpuIo};

use crate::action::{Action, Expect};
use crate::input::PATIENCE;
use crate::{Record, Shared, lock};

pub(crate) struct FakeVcpu {
    index: usize,
    next: usize,
    state: CpuState,
    shared: Arc<Shared>,
    retired: Arc<AtomicU64>,
}

impl FakeVcpu {
    pub(crate) fn new(index: usize, shared: Arc<Shared>) -> Self {
        Self { index, next: 0, state: CpuState::default(), shared, retired: Arc::default() }
    }

    /// Plays one action. `Some` leaves `run`.
    fn play(&mut self, action: &Action, io: &mut dyn VcpuIo) -> Result<Option<Stop>, String> {
        match action {
            Action::MmioRead { gpa, size, expect } => {
                let got = io.mmio_read(*gpa, *size);
                check(&format!("read of {gpa:#x}"), got.ok(), *expect)?;
                if let Ok(value) = got {
                    self.shared.record(self.index, Record::Read(*gpa, value));
                }
            }
            Action::MmioPoll { gpa, size, mask, expect } => {
                let read = || io.mmio_read(*gpa, *size).map(|value| value & mask).ok();
                poll(&format!("{gpa:#x} & {mask:#x}"), Some(*expect), read)?;
            }
            Action::MmioWrite { gpa, size, value, mapped } => {
                if io.mmio_write(*gpa, *size, *value).is_ok() != *mapped {
                    return Err(format!("write to {gpa:#x}: mapped should be {mapped}"));
                }
            }
            Action::Call { conduit, imm, regs, expect } => {
                let (outcome, x0) = self.call(io, *conduit, *imm, regs);
                if let CallOutcome::Stop(stop) | CallOutcome::Wait(Some(stop)) = outcome {
                    return Ok(Some(stop));
                }
                let expect = expect.map_or(Expect::Anything, Expect::Value);
                let got = matches!(outcome, CallOutcome::Continue | CallOutcome::Wait(None)).then_some(x0);
                check(&format!("call {regs:#x?}"), got, expect)?;
            }
            Action::CallUntil { regs, until } => {
                poll(&format!("call {regs:#x?}"), *until, || self.call(io, Conduit::Hvc, 0, regs).1)?;
            }
            Action::CallUndefined { conduit } => {
                if self.call(io, *conduit, 0, &[]).0 != CallOutcome::Undefined {
                    return Err("the call should be UNDEFINED".into());
                }
            }
            Action::IccRead(reg, expect) => {
                let gic = lock(&self.shared.gic).clone().ok_or("no GIC was attached")?;
                check(&format!("{reg:?}"), gic.read(self.index, *reg), *expect)?;
            }
            Action::IccWrite(reg, value) => {
                let gic = lock(&self.shared.gic).clone().ok_or("no GIC was attached")?;
                gic.write(self.index, *reg, *value).ok_or(format!("{reg:?} can't be written"))?;
            }
            Action::WaitIrq => {
                if !self.shared.inputs[self.index].wait_irq() {
                    return Err("no interrupt came".into());
                }
            }
            Action::Observe(event) => {
                if io.observed() {
                    io.observe(event);
                }
            }
            Action::Stop(stop) => return Ok(Some(stop.clone())),
            Action::WaitKick => {
                self.shared.inputs[self.index].wait_kick();
                self.shared.record(self.index, Record::Kicked);
                return Ok(Some(Stop::Kicked));
            }
            Action::Spin => {
                while !self.shared.inputs[self.index].take_kick() {
                    self.retired.fetch_add(1, Ordering::Relaxed);
                    std::thread::yield_now();
                }
                self.shared.record(self.index, Record::Kicked);
                return Ok(Some(Stop::Kicked));
            }
            Action::Retire(count) => {
                self.retired.fetch_add(*count, Ordering::Relaxed);
            }
            Action::SetState(change) => change(&mut self.state),
            Action::CheckState(check) => check(&self.state)?,
            Action::Panic(why) => panic!("{why}"),
            Action::Fail(_) => {}
        }
        Ok(None)
    }

    fn call(&self, io: &mut dyn VcpuIo, conduit: Conduit, imm: u16, regs: &[u64]) -> (CallOutcome, u64) {
        let mut x: CallRegs = [0; 18];
        x[..regs.len()].copy_from_slice(regs);
        let function = x[0] as u32;
        let outcome = io.call(conduit, imm, &mut x);
        self.shared.record(self.index, Record::Called(function, [x[0], x[1], x[2], x[3]]));
        (outcome, x[0])
    }
}

impl Vcpu for FakeVcpu {
    fn run(&mut self, io: &mut dyn VcpuIo) -> Result<Stop, HvError> {
        let shared = self.shared.clone();
        shared.record(self.index, Record::Run);
        loop {
            if shared.inputs[self.index].take_kick() {
                shared.record(self.index, Record::Kicked);
                return Ok(Stop::Kicked);
            }
            let action = shared.scripts.get(self.index).and_then(|script| script.get(self.next));
            let action = action.unwrap_or(&Action::WaitKick);
            self.next += 1;
            if let Action::Fail(why) = action {
                return Err(HvError::Unsupported { backend: "fake", what: (*why).to_owned() });
            }
            match self.play(action, io) {
                Ok(None) => {}
                Ok(Some(stop)) => return Ok(stop),
                Err(why) => {
                    let why = format!("step {}: {why}", self.next - 1);
                    shared.record(self.index, Record::Failed(why.clone()));
                    return Ok(Stop::Dead(why));
                }
            }
        }
    }

    fn save(&self, state: &mut CpuState) -> Result<(), HvError> {
        *state = self.state.clone();
        Ok(())
    }

    fn load(&mut self, state: &CpuState) -> Result<(), HvError> {
        self.state = state.clone();
        let record = Record::Load { pc: state.pc, x0: state.x[0], sp: state.sp() };
        self.shared.record(self.index, record);
        Ok(())
    }

    /// The script goes on where it was: a script is the test's, not the guest's.
    fn reset(&mut self) -> Result<(), HvError> {
        self.state = CpuState::default();
        self.shared.record(self.index, Record::Reset);
        Ok(())
    }

    fn kicker(&self) -> Arc<dyn Kick> {
        self.shared.inputs[self.index].clone()
    }

    fn retired(&self) -> Option<u64> {
        Some(self.retired.load(Ordering::Relaxed))
    }

    fn retired_counter(&self) -> Option<Arc<AtomicU64>> {
        Some(self.retired.clone())
    }
}

fn check(what: &str, got: Option<u64>, expect: Expect) -> Result<(), String> {
    match (expect, got) {
        (Expect::Anything, Some(_)) | (Expect::Unmapped, None) => Ok(()),
        (Expect::Value(value), Some(got)) if value == got => Ok(()),
        _ => Err(format!("{what}: expected {expect:x?}, got {got:x?}")),
    }
}

fn poll<T: PartialEq + std::fmt::Debug>(
    what: &str,
    until: T,
    mut read: impl FnMut() -> T,
) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let got = read();
        if got == until {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("{what}: expected {until:x?} in the end, got {got:x?}"));
        }
        std::thread::yield_now();
    }
}
