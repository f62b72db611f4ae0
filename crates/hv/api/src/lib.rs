//! `Hypervisor` -> `Vm` -> `Vcpu`: the interface every CPU backend implements, and the exits that
//! travel through it. Generic code names no backend; what a backend can't do is refused up front.
#![forbid(unsafe_code)]

mod ability;
mod caps;
mod error;
mod exit;
mod statistics;

use std::sync::Arc;

use armlet_arm::{CpuState, gic, smccc::Conduit};
use armlet_base::{BusError, Checkpoints, Clock, CpuIrqInput, GuestRam};

pub use ability::{DirtyLog, Doorbell, EventHandle, HostEvents, OpaqueState, RegionSwitch};
pub use caps::{Capabilities, GicConfig, GicKind, GuestMode, ModelInfo};
pub use error::HvError;
pub use exit::{ExitEvent, Observer};
pub use statistics::{Statistic, Unit};

/// What a VM is made of, fixed at creation.
#[derive(Clone)]
pub struct VmConfig {
    /// All guest memory, already placed at its guest physical addresses.
    pub ram: Arc<GuestRam>,
    /// Number of vCPUs that will be created.
    pub cpus: usize,
    /// The CPU model by name (`armlet cpus`), for backends that can choose; hardware ones refuse all but `host`.
    pub cpu_model: String,
    /// State in which the guest starts, on every vCPU. EL1 keeps it as long as the machine lives.
    pub mode: GuestMode,
    /// The interrupt controller the board wants, if any.
    pub gic: Option<GicConfig>,
    /// The guest's time base; a virtual one for a deterministic VM.
    pub clock: Clock,
    /// How a VM on a virtual clock runs.
    pub deterministic: Option<Deterministic>,
}

/// How a VM runs whose runs can be repeated exactly: one instruction takes one nanosecond of virtual time.
#[derive(Clone, Debug, Default)]
pub struct Deterministic {
    /// Most guest instructions that are translated at a time; 0 for as many as the backend likes. Nothing
    /// that can be seen depends on it: tests show that by it.
    pub block_limit: usize,
    /// Hashes of the state now and then.
    pub checkpoints: Option<Checkpoints>,
}

/// A CPU backend.
pub trait Hypervisor: Send + Sync {
    /// Name as `--backend` takes it.
    fn name(&self) -> &'static str;
    /// What this backend can do on this host.
    fn capabilities(&self) -> &Capabilities;
    /// How it runs guest code, for people; empty where there is only one way.
    fn details(&self) -> String {
        String::new()
    }
    /// What the host's hypervisor says of itself, a line each, for reports from hosts we have not seen.
    fn facts(&self) -> Vec<String> {
        Vec::new()
    }
    /// Creates a virtual machine.
    fn create_vm(&self, config: VmConfig) -> Result<Box<dyn Vm>, HvError>;
}

/// A virtual machine: memory and interrupt wiring shared by its vCPUs.
pub trait Vm: Send + Sync {
    /// The interrupt controller inside the backend (kvm, whp); `None` where armlet's own is used, which
    /// the board then attaches with [`Vm::attach_gic`].
    fn in_kernel_irqs(&self) -> Option<Arc<dyn armlet_base::IrqSink>> {
        None
    }
    /// Gives a backend without an interrupt controller armlet's own, before any vCPU is created.
    /// A GICv2 has no system registers: it only takes the private peripheral interrupts from the vCPUs.
    fn attach_gic(&mut self, gic: Arc<dyn gic::CpuInterface>) -> Result<(), HvError>;
    /// The IRQ and FIQ inputs of vCPU `index`, for armlet's own interrupt controller.
    fn irq_input(&self, index: usize) -> Option<Arc<dyn CpuIrqInput>>;
    /// False if no timer of any vCPU will ring unless a vCPU runs. True is the safe answer.
    fn timers_pending(&self) -> bool {
        true
    }
    /// System reset of what the VM itself has beside its vCPUs, an interrupt controller for instance. No vCPU runs
    /// meanwhile.
    fn reset(&self) -> Result<(), HvError> {
        Ok(())
    }
    /// Creates vCPU `index`, with MPIDR affinity `index` (Aff0 below 16, then Aff1), powered on at reset state, but
    /// see [`Capabilities::own_psci`].
    fn create_vcpu(&self, index: usize) -> Result<Box<dyn Vcpu>, HvError>;
    /// Where messages go, if it has an interrupt controller of its own that takes them.
    fn as_msi(&self) -> Option<Arc<dyn armlet_base::MessageSink>> {
        None
    }
    /// Doorbells and interrupts through the host's kernel.
    fn as_host_events(&self) -> Option<Arc<dyn HostEvents>> {
        None
    }
    /// Read-only memory that comes and goes. Devices keep it.
    fn as_region_switch(&self) -> Option<Arc<dyn RegionSwitch>> {
        None
    }
    /// The log of written pages.
    fn as_dirty_log(&self) -> Option<&dyn DirtyLog> {
        None
    }
    /// What a copy of the machine needs of the VM beside memory and vCPUs.
    fn as_opaque_state(&mut self) -> Option<&mut dyn OpaqueState> {
        None
    }
}

/// One virtual CPU. Created on any thread, then moved to the one that runs it.
pub trait Vcpu: Send {
    /// Runs the guest until something only the run loop can decide. All other exits go to `io`.
    fn run(&mut self, io: &mut dyn VcpuIo) -> Result<Stop, HvError>;
    /// Copies the state out.
    fn save(&self, state: &mut CpuState) -> Result<(), HvError>;
    /// Replaces the state; identification registers keep the model's values.
    fn load(&mut self, state: &CpuState) -> Result<(), HvError>;
    /// Architectural reset: the state a fresh vCPU has.
    fn reset(&mut self) -> Result<(), HvError>;
    /// A handle to make `run` return [`Stop::Kicked`] from another thread.
    fn kicker(&self) -> Arc<dyn Kick>;
    /// Guest instructions retired so far, where the backend can tell.
    fn retired(&self) -> Option<u64> {
        None
    }
    /// A shared view of the retired-instruction count, for progress displays on other threads.
    fn retired_counter(&self) -> Option<Arc<std::sync::atomic::AtomicU64>> {
        None
    }
    /// What the vCPU has counted so far; names are the backend's own.
    fn statistics(&self) -> Vec<Statistic> {
        self.retired().map(|retired| Statistic::count("instructions", retired)).into_iter().collect()
    }
    /// A handle to see from other threads whether WFI has the vCPU asleep, where the backend can tell.
    fn sleeper(&self) -> Option<Arc<dyn Sleeper>> {
        None
    }
    /// What a copy of the vCPU needs beside [`Vcpu::save`].
    fn as_opaque_state(&mut self) -> Option<&mut dyn OpaqueState> {
        None
    }
}

/// Tells whether a vCPU sleeps.
pub trait Sleeper: Send + Sync {
    /// A number of its own for each sleep in WFI, as long as nothing is there to end it; `None` if the
    /// vCPU is awake. Two equal answers mean that it slept all the time between them.
    fn asleep(&self) -> Option<u64>;
}

/// Interrupts a running vCPU from outside.
pub trait Kick: Send + Sync {
    /// Makes the vCPU's current or next `run` return [`Stop::Kicked`] soon, once.
    fn kick(&self);
}

/// Why [`Vcpu::run`] returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The guest powered the machine off (by [`CallOutcome::Stop`] or a backend's own PSCI).
    Shutdown,
    /// The guest asked for a system reset.
    Reset,
    /// This vCPU turned itself off; it waits for a CPU_ON.
    CpuOff,
    /// The guest left with an exit status (monitor and hvio machines).
    Exit(u32),
    /// Another thread called [`Kick::kick`].
    Kicked,
    /// This vCPU can never go on, as the backend can prove on its own. A machine whose vCPUs all sleep in
    /// WFI is found by the run loop ([`Vcpu::sleeper`]).
    Hung(&'static str),
    /// A debugger asked to stop here.
    Debug,
    /// The guest is in a state it can't leave, for instance an exception whose vector faults again.
    Dead(String),
}

/// General-purpose registers of a firmware call (SMCCC): X0-X17 in and out.
///
/// From AArch32 the first 15 are R0-R14 of the calling mode, zero-extended, and the rest is zero. The firmware
/// leaves the upper words of R0-R3 zero; the backend takes the low words of those back.
pub type CallRegs = [u64; 18];

/// What a firmware call leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The registers hold the result; the guest goes on after the call.
    Continue,
    /// The guest goes on after the call, but `run` returns first.
    Stop(Stop),
    /// As WFI: the vCPU sleeps until an interrupt is pending, masked or not, or until a kick; then as the
    /// other outcome says.
    Wait(Option<Stop>),
    /// Nobody implements calls by this conduit: UNDEFINED.
    Undefined,
}

/// What a running vCPU needs of the machine around it.
pub trait VcpuIo {
    /// Reads `size` (1, 2, 4, 8) bytes where no RAM is; an error becomes an external abort in the guest.
    fn mmio_read(&mut self, gpa: u64, size: u8) -> Result<u64, BusError>;
    /// Writes where no writable RAM is, read-only regions included.
    fn mmio_write(&mut self, gpa: u64, size: u8, value: u64) -> Result<(), BusError>;
    /// Why no instruction can be fetched at `gpa`, where no memory is: nobody answers, which becomes an external abort
    /// in the guest, or somebody else takes care.
    fn refuse_fetch(&mut self, gpa: u64) -> BusError {
        BusError::Unmapped(gpa)
    }
    /// HVC or SMC with immediate `imm`.
    fn call(&mut self, conduit: Conduit, imm: u16, regs: &mut CallRegs) -> CallOutcome;
    /// True if [`VcpuIo::observe`] wants events; backends skip building them otherwise.
    fn observed(&self) -> bool;
    /// Tells the exit log, counters and traces what happened.
    fn observe(&mut self, event: &ExitEvent);
}
