//! A VP as a [`Vcpu`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use armlet_arm::CpuState;
use armlet_arm::smccc::Conduit;
use armlet_engine::Emulator;
use armlet_hv::{CallOutcome, ExitEvent, HvError, Kick, Statistic, Stop, Vcpu, VcpuIo};

use crate::abi::register::{self as name, Name};
use crate::abi::{ExitContext, Hypercall, InterceptHeader, MemoryAccess, Reset, Value, reason};
use crate::vm::{REDISTRIBUTOR_BASE, Shared, one};

/// Registers of a firmware call.
const CALL_REGISTERS: [Name; 18] = {
    let mut names = [name::PC; 18];
    let mut n = 0;
    while n < names.len() {
        names[n] = name::x(n as u8);
        n += 1;
    }
    names
};

/// What came out, by kind.
#[derive(Debug, Default)]
pub struct Counts {
    pub decoded: u64,
    pub emulated: u64,
    pub calls: u64,
    pub cancelled: u64,
}

/// One VP.
pub struct WhpVcpu {
    pub(crate) shared: Arc<Shared>,
    pub(crate) index: u32,
    pub(crate) counts: Counts,
    /// Made when it is first needed.
    pub(crate) emulator: Option<Emulator>,
    exit: Box<ExitContext>,
    /// The state after creation.
    fresh: CpuState,
    kicked: Arc<Kicked>,
}

impl WhpVcpu {
    /// Creates VP `index`.
    pub fn create(shared: Arc<Shared>, index: u32) -> Result<Self, HvError> {
        let partition = &shared.partition;
        partition.create_vp(index)?;
        partition.put(index, &[REDISTRIBUTOR_BASE], &one(shared.redistributor(index)))?;
        let layout = shared.layout.get_or_init(|| crate::state::Layout::probe(partition, index));
        partition.put(index, &[name::MPIDR_EL1], &one(mpidr(index)))?;
        let midr = partition.get_one(index, name::MIDR_EL1)?;
        let common = *shared.midr.get_or_init(|| midr);
        if midr != common {
            // Harmless where a build refuses it: the guest sees cores of two kinds then.
            let _ = partition.try_put(index, &[name::MIDR_EL1], &one(common));
        }
        let mut fresh = CpuState::default();
        layout.save(partition, index, &mut fresh)?;
        let kicked = Arc::new(Kicked {
            shared: Arc::downgrade(&shared),
            index,
            due: AtomicBool::new(false),
            kicks: AtomicU64::new(0),
        });
        let (exit, counts) = (Box::default(), Counts::default());
        Ok(Self { shared, index, counts, emulator: None, exit, fresh, kicked })
    }

    /// Reads registers.
    pub(crate) fn get<const N: usize>(&self, names: [Name; N]) -> Result<[u64; N], HvError> {
        let mut values = [Value::default(); N];
        self.shared.partition.get(self.index, &names, &mut values)?;
        Ok(values.map(|value| value.low))
    }

    /// Writes registers.
    pub(crate) fn put<const N: usize>(&self, names: [Name; N], values: [u64; N]) -> Result<(), HvError> {
        self.shared.partition.put(self.index, &names, &values.map(Value::from))
    }

    /// A firmware call that the hypervisor doesn't serve.
    fn call(&mut self, io: &mut dyn VcpuIo) -> Result<Option<Stop>, HvError> {
        let call: Hypercall = self.exit.payload();
        self.counts.calls += 1;
        let (pc, imm) = (call.header.pc, call.immediate);
        let mut regs = call.x;
        let outcome = io.call(Conduit::Hvc, imm, &mut regs);
        if io.observed() {
            let (conduit, function, result) = (Conduit::Hvc, call.x[0] as u32, regs[0]);
            io.observe(&ExitEvent::Call { pc, conduit, imm, function, result });
        }
        // The hypervisor has stopped at the call.
        let changed = (0..regs.len()).filter(|n| regs[*n] != call.x[*n]);
        let (mut names, mut values) = (vec![name::PC], vec![Value::from(pc.wrapping_add(4))]);
        changed.for_each(|n| {
            names.push(CALL_REGISTERS[n]);
            values.push(regs[n].into());
        });
        self.shared.partition.put(self.index, &names, &values)?;
        Ok(match outcome {
            CallOutcome::Continue | CallOutcome::Wait(None) => None,
            CallOutcome::Stop(stop) | CallOutcome::Wait(Some(stop)) => Some(stop),
            CallOutcome::Undefined => {
                Some(Stop::Dead(format!("HVC #{imm} at {pc:#x}, which nobody implements")))
            }
        })
    }

    /// Power-off or reset, by the hypervisor's PSCI.
    fn ended(&mut self) -> Stop {
        let reset: Reset = self.exit.payload();
        match reset.kind {
            Reset::POWER_OFF => Stop::Shutdown,
            Reset::REBOOT | Reset::RESET2 => Stop::Reset,
            other => Stop::Dead(format!("the guest asked for a reset of kind {other}, which is not known")),
        }
    }

    /// What else comes out.
    fn strange(&self) -> Stop {
        let header: InterceptHeader = self.exit.payload();
        Stop::Dead(match self.exit.reason {
            reason::UNRECOVERABLE_EXCEPTION => {
                format!("an exception it can't recover from, at {:#x}", header.pc)
            }
            reason::INVALID_VP_REGISTER_VALUE => "a register has a value that can't be".to_owned(),
            reason::UNSUPPORTED_FEATURE => "the guest did what the hypervisor doesn't do".to_owned(),
            other => format!("the hypervisor handed over an exit of kind {other:#x}, which is not known"),
        })
    }
}

/// MPIDR_EL1: RES1 in bit 31, and the affinity that all backends give.
fn mpidr(index: u32) -> u64 {
    1 << 31 | u64::from(index % 16) | u64::from(index / 16) << 8
}

impl Vcpu for WhpVcpu {
    fn run(&mut self, io: &mut dyn VcpuIo) -> Result<Stop, HvError> {
        loop {
            if self.kicked.take() {
                return Ok(Stop::Kicked);
            }
            self.shared.partition.run(self.index, &mut self.exit)?;
            if let Some(failure) = self.shared.irqs.failure() {
                return Err(failure);
            }
            let stop = match self.exit.reason {
                reason::UNMAPPED_GPA | reason::GPA_INTERCEPT => {
                    let access: MemoryAccess = self.exit.payload();
                    self.access(&access, io)?
                }
                reason::HYPERCALL => self.call(io)?,
                reason::ARM64_RESET => Some(self.ended()),
                reason::CANCELED | reason::NONE => {
                    self.counts.cancelled += 1;
                    None
                }
                _ => Some(self.strange()),
            };
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
    }

    fn save(&self, state: &mut CpuState) -> Result<(), HvError> {
        let layout = self.shared.layout.get().expect("found at creation");
        layout.save(&self.shared.partition, self.index, state)
    }

    fn load(&mut self, state: &CpuState) -> Result<(), HvError> {
        let layout = self.shared.layout.get().expect("found at creation");
        layout.load(&self.shared.partition, self.index, state)
    }

    fn reset(&mut self) -> Result<(), HvError> {
        let fresh = self.fresh.clone();
        self.load(&fresh)?;
        // Where a reset takes it away it has to be set again; where it doesn't, it can't be.
        let _ = self.shared.partition.try_put(self.index, &[name::MPIDR_EL1], &one(mpidr(self.index)));
        Ok(())
    }

    fn kicker(&self) -> Arc<dyn Kick> {
        self.kicked.clone()
    }

    fn statistics(&self) -> Vec<Statistic> {
        let Counts { decoded, emulated, calls, cancelled } = self.counts;
        vec![
            Statistic::count("exits.access", decoded),
            Statistic::count("exits.access.emulated", emulated),
            Statistic::count("exits.call", calls),
            Statistic::count("exits.cancelled", cancelled),
            Statistic::count("kicks", self.kicked.kicks.load(Ordering::Relaxed)),
        ]
    }
}

/// Whether a VP is to come back. The platform may forget a cancellation that comes between two runs, or tell of
/// one late: the flag counts, not the exit.
struct Kicked {
    shared: std::sync::Weak<Shared>,
    index: u32,
    due: AtomicBool,
    kicks: AtomicU64,
}

impl Kicked {
    fn take(&self) -> bool {
        self.due.swap(false, Ordering::SeqCst)
    }
}

impl Kick for Kicked {
    fn kick(&self) {
        self.due.store(true, Ordering::SeqCst);
        self.kicks.fetch_add(1, Ordering::Relaxed);
        if let Some(shared) = self.shared.upgrade() {
            shared.partition.cancel(self.index);
        }
    }
}
