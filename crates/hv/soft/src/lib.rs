//! The `soft` backend: armlet's CPU engine behind the hypervisor interface. Works on any host.
#![forbid(unsafe_code)]

mod vcpu;
mod world;

use std::sync::Arc;

use armlet_arm::{cpu, gic};
use armlet_base::CpuIrqInput;
use armlet_engine as engine;
use armlet_hv::{Capabilities, Deterministic, GicKind, GuestMode, HvError, Hypervisor, Vcpu, Vm, VmConfig};

use vcpu::SoftVcpu;

const NAME: &str = "soft";

/// What runs guest code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The JIT where the host has one, else the interpreter.
    #[default]
    Auto,
    /// The JIT.
    Jit,
    /// The interpreter.
    Interpreter,
}

/// Choices of the software backend.
#[derive(Clone, Copy, Debug)]
pub struct SoftOptions {
    /// What runs guest code.
    pub engine: Engine,
    /// Bytes of memory for generated code, of each vCPU.
    pub code_cache: usize,
}

impl Default for SoftOptions {
    fn default() -> Self {
        Self { engine: Engine::Auto, code_cache: engine::jit::DEFAULT_CODE_BYTES }
    }
}

/// The software backend.
pub struct SoftHypervisor {
    options: SoftOptions,
    capabilities: Capabilities,
}

impl Default for SoftHypervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl SoftHypervisor {
    /// Always available.
    pub fn new() -> Self {
        Self::with(SoftOptions::default())
    }

    /// With choices.
    pub fn with(options: SoftOptions) -> Self {
        Self {
            options,
            capabilities: Capabilities {
                modes: vec![GuestMode::A64El1],
                gics: vec![GicKind::V3, GicKind::V2],
                in_kernel_gic: false,
                address_bits: 48,
                max_cpus: 123,
                cpu_models: cpu::MODELS.iter().map(|model| model.name.to_string()).collect(),
                deterministic: true,
                dirty_log: false,
                guest_debug: false,
            },
        }
    }
}

impl Hypervisor for SoftHypervisor {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn create_vm(&self, config: VmConfig) -> Result<Box<dyn Vm>, HvError> {
        let unsupported = |what| HvError::Unsupported { backend: NAME, what };
        let model = cpu::model(&config.cpu_model)
            .ok_or_else(|| unsupported(format!("there is no CPU model {:?}", config.cpu_model)))?;
        let max = self.capabilities.max_cpus;
        if config.cpus == 0 || config.cpus > max {
            return Err(unsupported(format!("{} CPUs; it has 1 to {max}", config.cpus)));
        }
        if config.clock.virtual_time().is_some() && config.cpus != 1 {
            return Err(unsupported(format!("{} CPUs in virtual time; it has 1 then", config.cpus)));
        }
        let deterministic = config.deterministic;
        Ok(Box::new(SoftVm {
            deterministic,
            options: self.options,
            vm: engine::Vm::new(config.ram, model, config.cpus, config.clock),
        }))
    }
}

struct SoftVm {
    options: SoftOptions,
    deterministic: Option<Deterministic>,
    vm: Arc<engine::Vm>,
}

impl Vm for SoftVm {
    fn attach_gic(&mut self, gic: Arc<dyn gic::CpuInterface>) -> Result<(), HvError> {
        self.vm.attach_gic(gic);
        Ok(())
    }

    fn irq_input(&self, index: usize) -> Option<Arc<dyn CpuIrqInput>> {
        let port = self.vm.ports.get(index)?.clone();
        Some(port)
    }

    fn timers_pending(&self) -> bool {
        !self.vm.alarms.is_silent()
    }

    fn create_vcpu(&self, index: usize) -> Result<Box<dyn Vcpu>, HvError> {
        if index >= self.vm.ports.len() {
            return Err(HvError::Unsupported {
                backend: NAME,
                what: format!("vCPU {index} of {}", self.vm.ports.len()),
            });
        }
        let mut cpu = engine::Cpu::new(self.vm.clone(), index);
        if let (Some(slice), Some(how)) = (&mut cpu.slice, &self.deterministic) {
            if how.block_limit != 0 {
                slice.set_block_limit(how.block_limit);
            }
            if let Some(checkpoints) = &how.checkpoints {
                slice.set_checkpoints(checkpoints.clone());
            }
        }
        Ok(Box::new(SoftVcpu::new(cpu, code(self.options)?)))
    }
}

/// Where a vCPU's code will be.
fn code(options: SoftOptions) -> Result<engine::Code, HvError> {
    let jit = match options.engine {
        Engine::Auto => engine::Code::HAS_JIT,
        Engine::Jit => true,
        Engine::Interpreter => false,
    };
    if !jit {
        return Ok(engine::Code::interpreter());
    }
    engine::Code::jit(options.code_cache).map_err(|error| HvError::Unsupported {
        backend: NAME,
        what: format!("memory for generated code ({error}); use --engine interp"),
    })
}
