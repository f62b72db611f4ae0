//! The `soft` backend: armlet's CPU engine behind the hypervisor interface. Works on any host.
#![forbid(unsafe_code)]

mod statistics;
mod vcpu;
mod world;

use std::sync::Arc;

use armlet_arm::{cpu, feature::Feature, gic};
use armlet_base::CpuIrqInput;
use armlet_engine as engine;
use armlet_hv::{
    Capabilities, Deterministic, GicKind, GuestMode, HvError, Hypervisor, ModelInfo, RegionSwitch, Vcpu, Vm,
    VmConfig,
};

use vcpu::SoftVcpu;

pub use engine::block::Mode;
pub use engine::jit::{CodeWatch, ListedInsn, Listing, Mark, host};
pub use engine::uop::{Op, Uop};

const NAME: &str = "soft";

/// The least and the most that [`SoftOptions::code_cache`] can be.
pub const CODE_CACHE: std::ops::RangeInclusive<u64> =
    engine::jit::LEAST_CODE_BYTES as u64..=engine::jit::MOST_CODE_BYTES as u64;

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
#[derive(Clone)]
pub struct SoftOptions {
    /// What runs guest code.
    pub engine: Engine,
    /// Bytes of memory for generated code, of each vCPU, within [`CODE_CACHE`]. The host gives memory as it fills.
    pub code_cache: usize,
    /// Notice code that the guest changes without instruction cache maintenance.
    pub strict_code: bool,
    /// Count what generated code leaves to the interpreter by kind, which costs a little.
    pub count_helped: bool,
    /// Looks on while the JIT makes code.
    pub watch: Option<Arc<dyn CodeWatch>>,
}

impl Default for SoftOptions {
    fn default() -> Self {
        Self {
            engine: Engine::Auto,
            code_cache: engine::jit::DEFAULT_CODE_BYTES,
            strict_code: false,
            count_helped: false,
            watch: None,
        }
    }
}

/// The software backend.
pub struct SoftHypervisor {
    options: SoftOptions,
    /// Why there is no JIT, if that was left to the host.
    no_jit: Option<String>,
    capabilities: Capabilities,
}

/// The JIT was asked for and can't run here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoJit(pub String);

impl Default for SoftHypervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl SoftHypervisor {
    /// Always available.
    pub fn new() -> Self {
        Self::with(SoftOptions::default()).expect("without choices there is nothing to refuse")
    }

    /// With choices.
    ///
    /// # Errors
    /// If the JIT is asked for by name and can't run here.
    pub fn with(mut options: SoftOptions) -> Result<Self, NoJit> {
        let no_jit = match options.engine {
            Engine::Interpreter => None,
            Engine::Jit | Engine::Auto => host::check().err(),
        };
        options.engine = match (options.engine, &no_jit) {
            (Engine::Jit, Some(why)) => return Err(NoJit(why.clone())),
            (Engine::Interpreter, _) | (Engine::Auto, Some(_)) => Engine::Interpreter,
            _ => Engine::Jit,
        };
        Ok(Self {
            options,
            no_jit,
            capabilities: Capabilities {
                modes: vec![GuestMode::A64El1, GuestMode::A32El1],
                gics: vec![GicKind::V3, GicKind::V2],
                in_kernel_gic: false,
                its: true,
                own_psci: false,
                address_bits: 48,
                max_cpus: 123,
                cpu_models: cpu::MODELS.iter().map(model_info).collect(),
                deterministic: true,
                dirty_log: false,
                guest_debug: false,
            },
        })
    }
}

/// What the machine has to know of a model.
fn model_info(model: &cpu::CpuModel) -> ModelInfo {
    let aarch64 = model.has_aarch64().then_some(GuestMode::A64El1);
    let aarch32 = model.features.has(Feature::AA32EL1).then_some(GuestMode::A32El1);
    let modes: Vec<_> = aarch64.into_iter().chain(aarch32).collect();
    ModelInfo::new(model.name, &modes)
}

impl Hypervisor for SoftHypervisor {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn details(&self) -> String {
        match (self.options.engine, &self.no_jit) {
            (Engine::Interpreter, Some(why)) => format!("interpreter; no JIT: {why}"),
            (Engine::Interpreter, None) => "interpreter".to_owned(),
            _ => format!("JIT for {}", host::TARGET),
        }
    }

    fn create_vm(&self, config: VmConfig) -> Result<Box<dyn Vm>, HvError> {
        let unsupported = |what| HvError::Unsupported { backend: NAME, what };
        let model = cpu::model(&config.cpu_model)
            .ok_or_else(|| unsupported(format!("there is no CPU model {:?}", config.cpu_model)))?;
        if !self.capabilities.modes.contains(&config.mode) {
            return Err(unsupported(format!("a guest in {}", config.mode.name())));
        }
        let max = self.capabilities.max_cpus;
        if config.cpus == 0 || config.cpus > max {
            return Err(unsupported(format!("{} CPUs; it has 1 to {max}", config.cpus)));
        }
        if config.clock.virtual_time().is_some() && config.cpus != 1 {
            return Err(unsupported(format!("{} CPUs in virtual time; it has 1 then", config.cpus)));
        }
        let deterministic = config.deterministic;
        let vm = engine::Vm::new(config.ram, model, config.cpus, config.clock);
        if self.options.strict_code {
            vm.watch_code();
        }
        if config.mode.is_aarch32() {
            vm.start_in_aarch32();
        }
        Ok(Box::new(SoftVm { deterministic, options: self.options.clone(), vm }))
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

    fn as_region_switch(&self) -> Option<Arc<dyn RegionSwitch>> {
        Some(Arc::new(Regions(self.vm.clone())))
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
        Ok(Box::new(SoftVcpu::new(cpu, code(index, &self.options)?)))
    }
}

/// The machine's memory, of which a part can be hidden.
struct Regions(Arc<engine::Vm>);

impl RegionSwitch for Regions {
    fn show(&self, gpa: u64, shown: bool) -> Result<(), HvError> {
        let hidden = self.0.ram.set_hidden(gpa, !shown);
        hidden.map_err(|error| HvError::Unsupported { backend: NAME, what: error.to_string() })?;
        self.0.memory_changed();
        Ok(())
    }
}

/// Where the code of vCPU `cpu` will be.
fn code(cpu: usize, options: &SoftOptions) -> Result<engine::Code, HvError> {
    if options.engine == Engine::Interpreter {
        return Ok(engine::Code::interpreter());
    }
    let code = engine::Code::jit(options.code_cache);
    let mut code = code.map_err(|error| HvError::Unsupported {
        backend: NAME,
        what: format!(
            "{} bytes of code cache for each CPU ({error}); use less or no JIT",
            options.code_cache
        ),
    })?;
    if let Some(jit) = code.compiler_mut().filter(|_| options.count_helped) {
        jit.count_helped();
    }
    if let (Some(jit), Some(watch)) = (code.compiler_mut(), &options.watch) {
        jit.watch(cpu, watch.clone());
    }
    Ok(code)
}
