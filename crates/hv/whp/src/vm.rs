//! A partition as a [`Vm`]: made in the order that the platform wants.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use armlet_arm::gic::{self, ppi};
use armlet_base::{CpuIrqInput, GuestRam, IrqSink};
use armlet_hv::{DirtyLog, GicConfig, GicKind, GuestMode, HvError, RegionSwitch, Vcpu, Vm, VmConfig};

use crate::abi::register as name;
use crate::abi::{IcParameters, Value, extended_exit, property};
use crate::error::unsupported;
use crate::partition::Partition;
use crate::state::Layout;
use crate::vcpu::WhpVcpu;
use crate::{MODEL, WhpHypervisor};

/// Bytes between redistributors.
const REDISTRIBUTOR: u64 = 0x2_0000;
/// Where the interrupt controller is that the platform insists on, on boards without: above all memory of
/// theirs.
const NOWHERE: [u64; 2] = [0xffff_0000, 0xfff0_0000];

/// What the vCPUs of a partition share.
pub struct Shared {
    pub partition: Partition,
    pub ram: Arc<GuestRam>,
    pub irqs: Arc<Irqs>,
    /// Found by the first vCPU.
    pub layout: OnceLock<Layout>,
    /// MIDR_EL1 of the first vCPU, so that all cores of a heterogeneous host look like one.
    pub midr: OnceLock<u64>,
    /// Memory is mapped so that the platform tells which pages were written.
    pub tracked: AtomicBool,
    redistributors: u64,
}

impl Shared {
    /// Where the redistributor of vCPU `index` is.
    pub fn redistributor(&self, index: u32) -> u64 {
        self.redistributors + u64::from(index) * REDISTRIBUTOR
    }
}

impl RegionSwitch for Shared {
    fn show(&self, gpa: u64, shown: bool) -> Result<(), HvError> {
        self.partition.show(&self.ram, gpa, shown)
    }
}

/// Makes the partition and gives it its memory.
pub fn create(hypervisor: &WhpHypervisor, config: VmConfig) -> Result<Box<dyn Vm>, HvError> {
    refuse(&config)?;
    let cpus = config.cpus as u32;
    let partition = Partition::create(hypervisor.table, config.ram.clone(), cpus)?;
    let redistributors = controller(&partition, cpus, config.gic)?;
    let width = u32::from(hypervisor.capabilities.address_bits);
    // Builds that don't know it have the width they have.
    let _ = partition.set(property::PHYSICAL_ADDRESS_WIDTH, &width);
    if hypervisor.calls {
        partition.set(property::EXTENDED_VM_EXITS, &extended_exit::HYPERCALL)?;
    }
    partition.setup()?;
    partition.map(&config.ram)?;
    let shared = Arc::new_cyclic(|shared| Shared {
        partition,
        ram: config.ram,
        irqs: Arc::new(Irqs { shared: shared.clone(), levels: Mutex::default(), failed: OnceLock::new() }),
        layout: OnceLock::new(),
        midr: OnceLock::new(),
        tracked: AtomicBool::new(false),
        redistributors,
    });
    Ok(Box::new(WhpVm { shared, cpus, tracks: hypervisor.capabilities.dirty_log }))
}

/// Says how many VPs there will be and where the interrupt controller is; where its redistributors are.
pub fn controller(partition: &Partition, cpus: u32, gic: Option<GicConfig>) -> Result<u64, HvError> {
    partition.set(property::PROCESSOR_COUNT, &cpus)?;
    let [distributor, redistributors] = gic.map_or(NOWHERE, |gic| [gic.distributor, gic.redistributors]);
    let controller = IcParameters {
        emulation_mode: IcParameters::GICV3,
        gicd_base: distributor,
        timer_intid: ppi::VIRTUAL_TIMER,
        pmu_intid: ppi::PMU,
        ..IcParameters::default()
    };
    partition.set(property::ARM64_IC_PARAMETERS, &controller)?;
    Ok(redistributors)
}

/// Refuses what the platform can't do, with who can.
fn refuse(config: &VmConfig) -> Result<(), HvError> {
    let refused = |what: String| Err(unsupported(format!("{what}; use --backend soft")));
    if config.mode != GuestMode::A64El1 {
        return refused(format!("a guest in {}", config.mode.name()));
    }
    if config.gic.is_some_and(|gic| gic.kind != GicKind::V3) {
        return refused("a GICv2".to_owned());
    }
    if config.cpu_model != MODEL {
        return refused(format!("the CPU model {}: it has the host's, --cpu {MODEL}", config.cpu_model));
    }
    if config.deterministic.is_some() || config.clock.virtual_time().is_some() {
        return refused("virtual time".to_owned());
    }
    Ok(())
}

struct WhpVm {
    shared: Arc<Shared>,
    cpus: u32,
    /// The platform can tell which pages were written.
    tracks: bool,
}

impl Vm for WhpVm {
    fn in_kernel_irqs(&self) -> Option<Arc<dyn IrqSink>> {
        Some(self.shared.irqs.clone())
    }

    fn attach_gic(&mut self, _: Arc<dyn gic::CpuInterface>) -> Result<(), HvError> {
        Err(unsupported("an interrupt controller other than its own"))
    }

    fn irq_input(&self, _: usize) -> Option<Arc<dyn CpuIrqInput>> {
        None
    }

    fn reset(&self) -> Result<(), HvError> {
        self.shared.irqs.forget();
        let done = self.shared.partition.reset()?;
        let no_function =
            "a reset by the guest: this build of Windows has no WHvResetPartition; use --no-reboot";
        if done { Ok(()) } else { Err(unsupported(no_function)) }
    }

    fn as_region_switch(&self) -> Option<Arc<dyn RegionSwitch>> {
        Some(self.shared.clone())
    }

    fn as_dirty_log(&self) -> Option<&dyn DirtyLog> {
        self.tracks.then_some(self.shared.as_ref())
    }

    fn create_vcpu(&self, index: usize) -> Result<Box<dyn Vcpu>, HvError> {
        let index = u32::try_from(index).ok().filter(|index| *index < self.cpus);
        let index = index.ok_or_else(|| unsupported(format!("more than {} vCPUs", self.cpus)))?;
        Ok(Box::new(WhpVcpu::create(self.shared.clone(), index)?))
    }
}

/// The wires of devices into the hypervisor's interrupt controller.
pub struct Irqs {
    shared: std::sync::Weak<Shared>,
    /// INTIDs whose level is high. The platform wants to hear of changes only, in their order.
    levels: Mutex<Vec<u32>>,
    /// The first failure, which the next vCPU to come back reports.
    failed: OnceLock<String>,
}

impl Irqs {
    /// All levels are low: the interrupt controller is being reset.
    fn forget(&self) {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What went wrong since devices can't be told.
    pub fn failure(&self) -> Option<HvError> {
        self.failed.get().map(|why| unsupported(why.clone()))
    }
}

impl IrqSink for Irqs {
    fn set_level(&self, intid: u32, level: bool) {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let at = levels.iter().position(|high| *high == intid);
        let Some(shared) = self.shared.upgrade() else { return };
        match (at, level) {
            (None, true) => levels.push(intid),
            (Some(at), false) => drop(levels.swap_remove(at)),
            _ => return,
        }
        if let Err(error) = shared.partition.request_interrupt(intid, level) {
            let _ = self.failed.set(crate::with_cause(&error));
        }
    }
}

/// A register's value.
pub fn one(value: u64) -> [Value; 1] {
    [value.into()]
}

/// The name of the register with the redistributor's place, which can be set once.
pub const REDISTRIBUTOR_BASE: name::Name = name::GICR_BASE_GPA;
