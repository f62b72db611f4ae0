//! A backend without a CPU: each vCPU plays a script of what a guest could do, and the backend records
//! what came of it. For tests of boards, firmware calls and the run loop.
//!
//! ```
//! use armlet_hv_fake::{Action, FakeHypervisor};
//! let hv = FakeHypervisor::new([vec![Action::write(0x0900_0000, 1, b'A'.into()), Action::Spin]]);
//! assert!(hv.failures().is_empty());
//! ```
#![forbid(unsafe_code)]

mod action;
mod input;
mod vcpu;

use std::sync::{Arc, Mutex, MutexGuard};

use armlet_arm::gic::CpuInterface;
use armlet_base::{CpuIrqInput, GuestRam};
use armlet_hv::{Capabilities, GicKind, GuestMode, HvError, Hypervisor, ModelInfo, Vcpu, Vm, VmConfig};

pub use action::{Action, Expect, StateChange, StateCheck};
pub use input::Inputs;

/// Something that happened on a vCPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// `reset` was called.
    Reset,
    /// `load` was called: program counter, X0 and stack pointer.
    Load {
        /// Program counter.
        pc: u64,
        /// X0.
        x0: u64,
        /// The stack pointer in use.
        sp: u64,
    },
    /// `run` was entered.
    Run,
    /// A read that was answered.
    Read(u64, u64),
    /// A call: function identifier and X0 to X3 after it.
    Called(u32, [u64; 4]),
    /// A kick ended a wait.
    Kicked,
    /// The script expected something else.
    Failed(String),
}

/// What all handles of one fake share.
pub(crate) struct Shared {
    pub(crate) scripts: Vec<Vec<Action>>,
    pub(crate) log: Mutex<Vec<(usize, Record)>>,
    pub(crate) inputs: Vec<Arc<Inputs>>,
    pub(crate) gic: Mutex<Option<Arc<dyn CpuInterface>>>,
    pub(crate) ram: Mutex<Option<Arc<GuestRam>>>,
    pub(crate) mode: Mutex<Option<GuestMode>>,
    pub(crate) created: Mutex<Vec<usize>>,
}

impl Shared {
    pub(crate) fn record(&self, cpu: usize, record: Record) {
        lock(&self.log).push((cpu, record));
    }
}

/// The scripted backend. Clones share scripts and records.
#[derive(Clone)]
pub struct FakeHypervisor {
    capabilities: Capabilities,
    shared: Arc<Shared>,
}

impl FakeHypervisor {
    /// A backend whose vCPU n plays `scripts[n]`; vCPUs without a script wait for a kick forever.
    pub fn new(scripts: impl IntoIterator<Item = Vec<Action>>) -> Self {
        use GuestMode::{A32El1, A64El1};
        let capabilities = Capabilities {
            modes: vec![A64El1, A32El1],
            gics: vec![GicKind::V3, GicKind::V2],
            in_kernel_gic: false,
            its: false,
            own_psci: false,
            address_bits: 40,
            max_cpus: 256,
            cpu_models: vec![
                ModelInfo::new("max", &[A64El1]),
                ModelInfo::new("cortex-a53", &[A64El1, A32El1]),
                ModelInfo::new("cortex-a72", &[A64El1, A32El1]),
                ModelInfo::new("cortex-a15", &[A32El1]),
            ],
            deterministic: false,
            dirty_log: false,
            guest_debug: false,
        };
        let shared = Shared {
            scripts: scripts.into_iter().collect(),
            log: Mutex::default(),
            inputs: (0..capabilities.max_cpus).map(|_| Arc::default()).collect(),
            gic: Mutex::default(),
            ram: Mutex::default(),
            mode: Mutex::default(),
            created: Mutex::default(),
        };
        Self { capabilities, shared: Arc::new(shared) }
    }

    /// The same backend with other capabilities.
    pub fn with_capabilities(mut self, change: impl FnOnce(&mut Capabilities)) -> Self {
        change(&mut self.capabilities);
        self
    }

    /// Everything recorded so far, in order, with the vCPU's number.
    pub fn log(&self) -> Vec<(usize, Record)> {
        lock(&self.shared.log).clone()
    }

    /// What vCPU `cpu` recorded.
    pub fn log_of(&self, cpu: usize) -> Vec<Record> {
        self.log().into_iter().filter(|(n, _)| *n == cpu).map(|(_, record)| record).collect()
    }

    /// Every expectation of a script that was not met.
    pub fn failures(&self) -> Vec<String> {
        let failed = |(cpu, record)| match record {
            Record::Failed(why) => Some(format!("vCPU {cpu}: {why}")),
            _ => None,
        };
        self.log().into_iter().filter_map(failed).collect()
    }

    /// The interrupt controller the board attached.
    pub fn gic(&self) -> Option<Arc<dyn CpuInterface>> {
        lock(&self.shared.gic).clone()
    }

    /// Guest memory, once a VM was created.
    pub fn ram(&self) -> Option<Arc<GuestRam>> {
        lock(&self.shared.ram).clone()
    }

    /// The state the machine asked for, once a VM was created.
    pub fn mode(&self) -> Option<GuestMode> {
        *lock(&self.shared.mode)
    }

    /// The interrupt inputs of vCPU `cpu`.
    pub fn inputs(&self, cpu: usize) -> Arc<Inputs> {
        self.shared.inputs[cpu].clone()
    }
}

impl Hypervisor for FakeHypervisor {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn create_vm(&self, config: VmConfig) -> Result<Box<dyn Vm>, HvError> {
        *lock(&self.shared.ram) = Some(config.ram);
        *lock(&self.shared.mode) = Some(config.mode);
        Ok(Box::new(FakeVm { cpus: config.cpus, shared: self.shared.clone() }))
    }
}

struct FakeVm {
    cpus: usize,
    shared: Arc<Shared>,
}

impl Vm for FakeVm {
    fn attach_gic(&mut self, gic: Arc<dyn CpuInterface>) -> Result<(), HvError> {
        if !lock(&self.shared.created).is_empty() {
            let what = "attaching an interrupt controller after a vCPU was created".to_owned();
            return Err(HvError::Unsupported { backend: "fake", what });
        }
        *lock(&self.shared.gic) = Some(gic);
        Ok(())
    }

    fn irq_input(&self, index: usize) -> Option<Arc<dyn CpuIrqInput>> {
        Some(self.shared.inputs.get(index)?.clone())
    }

    fn create_vcpu(&self, index: usize) -> Result<Box<dyn Vcpu>, HvError> {
        let mut created = lock(&self.shared.created);
        if index >= self.cpus || created.contains(&index) {
            let what = format!("creating vCPU {index} of {} twice or beyond the last", self.cpus);
            return Err(HvError::Unsupported { backend: "fake", what });
        }
        created.push(index);
        Ok(Box::new(vcpu::FakeVcpu::new(index, self.shared.clone())))
    }
}

/// Locks even if a scripted panic happened while the lock was held.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
