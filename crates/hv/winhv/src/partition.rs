//! A partition: what it is made of, in the order in which it has to be made.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use armlet_base::{Access, Clock, GuestRam, IrqSink, MmioDevice, RamKind, RamRegion};
use armlet_devices::gicv3::{self, Gicv3};
use armlet_hv::{Capabilities, GicConfig, GicKind, GuestMode, Vm, VmConfig};
use armlet_hv_whp::abi::hresult::HResult;
use armlet_hv_whp::abi::register::{self, Name};
use armlet_hv_whp::abi::{
    ANY_VP, ExitContext, IcParameters, InterruptControl, Value, extended_exit, map, property,
};

use crate::Platform;
use crate::dirty::Dirty;
use crate::psci::Power;
use crate::registers;
use crate::vp::Vp;

/// Shared interrupts of the controller.
const SPIS: usize = 256;
/// Bytes between redistributors.
const REDISTRIBUTOR: u64 = gicv3::REDISTRIBUTOR_SIZE;
/// What redistributors and the distributor are aligned to.
const FRAME: u64 = 0x1_0000;

/// How far it is.
#[derive(Default)]
struct Building {
    controller: Option<IcParameters>,
    cpus: u32,
    hypercalls: bool,
    set_up: bool,
    mappings: Vec<Mapping>,
    /// By index; the place of the redistributor, once it is set.
    vps: Vec<Option<Option<u64>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Mapping {
    host: usize,
    region: RamRegion,
    tracked: bool,
}

/// One partition.
pub struct Partition {
    platform: Arc<Platform>,
    building: Mutex<Building>,
    /// Made when a VP is first looked at: until then memory may come.
    machine: OnceLock<Result<Arc<Machine>, HResult>>,
    dirty: Dirty,
}

/// What VPs share once nothing can change any more.
pub struct Machine {
    pub vps: Vec<Vp>,
    pub power: Power,
    pub ram: Arc<GuestRam>,
    pub quirks: crate::Quirks,
    pub hypercalls: bool,
    /// The inner backend has PSCI itself.
    pub own_psci: bool,
    gic: Interrupts,
    // Dropped after the VPs.
    vm: Box<dyn Vm>,
}

/// The interrupt controller: the inner backend's, or one of ours in front of it.
enum Interrupts {
    Inner(Arc<dyn IrqSink>),
    Ours { gic: Arc<Gicv3>, distributor: u64, redistributors: u64, cpus: usize },
}

fn failed(error: impl std::fmt::Display) -> HResult {
    eprintln!("stand-in for the platform: {error}");
    HResult::WHV_E_UNSUPPORTED_HYPERVISOR_CONFIG
}

impl Partition {
    /// An empty one.
    pub fn new(platform: Arc<Platform>) -> Self {
        Self { platform, building: Mutex::default(), machine: OnceLock::new(), dirty: Dirty::default() }
    }

    fn building(&self) -> MutexGuard<'_, Building> {
        self.building.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the exact size of a property, or the whole union of 64 bytes.
    pub fn set_property(&self, code: u32, value: &[u8]) -> Result<(), HResult> {
        let mut building = self.building();
        let word = |bytes: usize| {
            let fits = value.len() == bytes || value.len() == 64;
            let word = || u64::from_le_bytes(std::array::from_fn(|n| if n < bytes { value[n] } else { 0 }));
            fits.then(word).ok_or(HResult::E_INVALIDARG)
        };
        if building.set_up && code != property::EXTENDED_VM_EXITS {
            return Err(HResult::ERROR_HV_INVALID_PARTITION_STATE);
        }
        match code {
            property::EXTENDED_VM_EXITS => {
                let bits = word(8)?;
                let known = if self.platform.quirks.hypercall_exits { extended_exit::HYPERCALL } else { 0 };
                if bits & !known != 0 {
                    return Err(HResult::E_INVALIDARG);
                }
                building.hypercalls = bits != 0;
            }
            property::PHYSICAL_ADDRESS_WIDTH if word(4)? > u64::from(self.platform.quirks.address_bits) => {
                return Err(HResult::ERROR_HV_PROPERTY_VALUE_OUT_OF_RANGE);
            }
            property::PHYSICAL_ADDRESS_WIDTH => {}
            property::PROCESSOR_COUNT => building.cpus = word(4)? as u32,
            property::ARM64_IC_PARAMETERS if value.len() == size_of::<IcParameters>() => {
                building.controller = Some(bytemuck::pod_read_unaligned(value));
            }
            property::ARM64_IC_PARAMETERS => return Err(HResult::E_INVALIDARG),
            _ => return Err(HResult::WHV_E_UNKNOWN_PROPERTY),
        }
        Ok(())
    }

    /// Wants an interrupt controller and a number of VPs.
    pub fn setup(&self) -> Result<(), HResult> {
        if let [_, Some(refusal)] = self.platform.quirks.refusals {
            return Err(refusal);
        }
        let mut building = self.building();
        if building.set_up {
            return Err(HResult::ERROR_HV_INVALID_PARTITION_STATE);
        }
        let sound = |gic: &IcParameters| {
            gic.emulation_mode == IcParameters::GICV3
                && gic.gicd_base.is_multiple_of(FRAME)
                && gic.gicd_base != 0
                && (16..32).contains(&gic.timer_intid)
                && gic.pmu_intid == 23
        };
        if building.cpus == 0 || !building.controller.as_ref().is_some_and(sound) {
            return Err(HResult::WHV_E_INVALID_PARTITION_CONFIG);
        }
        if building.cpus as usize > self.inner().max_cpus {
            return Err(HResult::ERROR_HV_PROPERTY_VALUE_OUT_OF_RANGE);
        }
        building.vps = vec![None; building.cpus as usize];
        building.set_up = true;
        Ok(())
    }

    fn inner(&self) -> &Capabilities {
        self.platform.inner.capabilities()
    }

    /// Maps memory of this process.
    pub fn map(&self, host: usize, gpa: u64, len: u64, flags: u32) -> Result<(), HResult> {
        let mut building = self.building();
        if !building.set_up {
            return Err(HResult::ERROR_HV_INVALID_PARTITION_STATE);
        }
        let aligned = [host as u64, gpa, len].iter().all(|n| n.is_multiple_of(4096)) && len != 0;
        let tracked = flags & map::TRACK_DIRTY_PAGES != 0;
        let flags_known = map::READ | map::WRITE | map::EXECUTE | map::TRACK_DIRTY_PAGES;
        let known = flags & !flags_known == 0 && flags & map::READ != 0;
        let known = known && (!tracked || self.platform.quirks.dirty_tracking);
        let limit = 1u64 << self.platform.quirks.address_bits;
        let fits = gpa.checked_add(len).is_some_and(|end| end <= limit);
        let kind = if flags & map::WRITE != 0 { RamKind::ReadWrite } else { RamKind::ReadOnly };
        let mapping = Mapping { host, region: RamRegion { gpa, len, kind }, tracked };
        let same = |other: &&mut Mapping| other.host == host && other.region == mapping.region;
        if let Some(other) = building.mappings.iter_mut().find(same).filter(|_| known) {
            other.tracked = tracked;
            let now = building.mappings.clone();
            drop(building);
            let comes_back = kind == RamKind::ReadOnly && self.machine.get().is_some();
            return if comes_back { self.show(gpa, true) } else { self.track(&now) };
        }
        // The stand-in's own limit: once a VP was looked at only read-only memory can go and come back; none is mapped
        // twice in different ways.
        let overlaps =
            |other: &Mapping| gpa < other.region.gpa + other.region.len && other.region.gpa < gpa + len;
        let late = self.machine.get().is_some();
        if !aligned || !known || !fits || late || building.mappings.iter().any(overlaps) {
            return Err(HResult::E_INVALIDARG);
        }
        building.mappings.push(mapping);
        Ok(())
    }

    /// Tracks what `mappings` say, once there is a machine.
    fn track(&self, mappings: &[Mapping]) -> Result<(), HResult> {
        let Some(Ok(machine)) = self.machine.get() else { return Ok(()) };
        let wanted = |gpa| mappings.iter().any(|mapping| mapping.region.gpa == gpa && mapping.tracked);
        self.dirty.track(&*machine.vm, &machine.ram, wanted).map_err(failed)
    }

    /// Takes the pages of a tracked range that were written.
    pub fn take_written(&self, gpa: u64, len: u64) -> Result<Vec<u64>, HResult> {
        let machine = self.machine()?;
        if !gpa.is_multiple_of(4096) || !len.is_multiple_of(4096) || len == 0 {
            return Err(HResult::E_INVALIDARG);
        }
        self.dirty.take(&*machine.vm, &machine.ram, gpa, len)
    }

    /// Unmaps a whole range.
    pub fn unmap(&self, gpa: u64) -> Result<(), HResult> {
        let mut building = self.building();
        let at = building.mappings.iter().position(|mapping| mapping.region.gpa == gpa);
        match at {
            Some(_) if self.machine.get().is_some() => return self.show(gpa, false),
            Some(at) => drop(building.mappings.remove(at)),
            None => return Err(HResult::WHV_E_GPA_RANGE_NOT_FOUND),
        }
        Ok(())
    }

    /// Hides a read-only range from a machine that is there, or shows it again.
    fn show(&self, gpa: u64, shown: bool) -> Result<(), HResult> {
        let machine = self.machine()?;
        let regions = machine.vm.as_region_switch().ok_or(HResult::E_INVALIDARG)?;
        regions.show(gpa, shown).map_err(failed)
    }

    /// Creates VP `vp`.
    pub fn create_vp(&self, vp: u32) -> Result<(), HResult> {
        let mut building = self.building();
        if !building.set_up {
            return Err(HResult::ERROR_HV_INVALID_PARTITION_STATE);
        }
        match building.vps.get_mut(vp as usize) {
            None => Err(HResult::ERROR_HV_INVALID_VP_INDEX),
            Some(Some(_)) => Err(HResult::WHV_E_VP_ALREADY_EXISTS),
            Some(none) => {
                *none = Some(None);
                Ok(())
            }
        }
    }

    /// Deletes VP `vp`.
    pub fn delete_vp(&self, vp: u32) -> Result<(), HResult> {
        let gone = self.building().vps.get_mut(vp as usize).and_then(Option::take);
        gone.map(drop).ok_or(HResult::WHV_E_VP_DOES_NOT_EXIST)
    }

    /// The VP, if it was created, and where its redistributor is.
    fn vp(&self, vp: u32) -> Result<Option<u64>, HResult> {
        let found = self.building().vps.get(vp as usize).copied().flatten();
        found.ok_or(HResult::WHV_E_VP_DOES_NOT_EXIST)
    }

    fn machine(&self) -> Result<Arc<Machine>, HResult> {
        if let Some(machine) = self.machine.get() {
            return machine.clone();
        }
        let machine = self.machine.get_or_init(|| self.build().map(Arc::new)).clone();
        let mappings = self.building().mappings.clone();
        self.track(&mappings)?;
        machine
    }

    /// Makes the inner machine of what is there.
    fn build(&self) -> Result<Machine, HResult> {
        let building = self.building();
        let controller = building.controller.ok_or(HResult::WHV_E_INVALID_PARTITION_CONFIG)?;
        let redistributors = building.vps.first().copied().flatten().flatten();
        let redistributors = redistributors.ok_or(HResult::WHV_E_INVALID_VP_STATE)?;
        let ram = Arc::new(memory(&building.mappings)?);
        let cpus = building.cpus as usize;
        let distributor = controller.gicd_base;
        let config = GicConfig {
            kind: GicKind::V3,
            distributor,
            cpu_interface: 0,
            redistributors,
            spis: SPIS,
            its: None,
        };
        let models = &self.inner().cpu_models;
        let mut vm = self
            .platform
            .inner
            .create_vm(VmConfig {
                ram: ram.clone(),
                cpus,
                cpu_model: models.first().map(|model| model.name.clone()).unwrap_or_default(),
                mode: GuestMode::A64El1,
                gic: Some(config),
                clock: Clock::default(),
                deterministic: None,
            })
            .map_err(failed)?;
        let gic = match vm.in_kernel_irqs() {
            Some(sink) => Interrupts::Inner(sink),
            None => {
                let gic = Gicv3::new(cpus, SPIS).map_err(failed)?;
                (0..cpus)
                    .filter_map(|cpu| Some((cpu, vm.irq_input(cpu)?)))
                    .for_each(|(cpu, input)| gic.connect(cpu, input));
                vm.attach_gic(gic.clone()).map_err(failed)?;
                Interrupts::Ours { gic, distributor, redistributors, cpus }
            }
        };
        let vps: Result<_, _> =
            (0..cpus).map(|cpu| vm.create_vcpu(cpu).map(|vcpu| Vp::new(cpu, vcpu))).collect();
        Ok(Machine {
            vps: vps.map_err(failed)?,
            power: Power::new(cpus),
            ram,
            quirks: self.platform.quirks,
            hypercalls: building.hypercalls,
            own_psci: self.inner().own_psci,
            gic,
            vm,
        })
    }

    /// Runs VP `vp`.
    pub fn run(&self, vp: u32) -> Result<ExitContext, HResult> {
        // The redistributor must be in its place first.
        self.vp(vp)?.ok_or(HResult::WHV_E_INVALID_VP_STATE)?;
        let machine = self.machine()?;
        machine.vps[vp as usize].run(&machine)
    }

    /// Ends a run of VP `vp`, this or the next.
    pub fn cancel(&self, vp: u32) -> Result<(), HResult> {
        self.vp(vp)?;
        let machine = self.machine()?;
        machine.vps[vp as usize].cancel();
        machine.power.wake();
        Ok(())
    }

    /// Reads registers; all or none.
    pub fn get(&self, vp: u32, names: &[Name]) -> Result<Vec<Value>, HResult> {
        self.known(names)?;
        if vp == ANY_VP {
            return names.iter().map(|name| registers::identification(*name)).collect();
        }
        if let [register::GICR_BASE_GPA] = names {
            return Ok(vec![self.vp(vp)?.unwrap_or(0).into()]);
        }
        self.vp(vp)?;
        self.machine()?.vps[vp as usize].get(names)
    }

    /// Writes registers; all or none.
    pub fn set(&self, vp: u32, names: &[Name], values: &[Value]) -> Result<(), HResult> {
        self.known(names)?;
        let placed = self.vp(vp)?;
        if let ([register::GICR_BASE_GPA], [place]) = (names, values) {
            return self.place_redistributor(vp, placed, place.low);
        }
        self.machine()?.vps[vp as usize].set(names, values)
    }

    /// Registers that the build doesn't know.
    fn known(&self, names: &[Name]) -> Result<(), HResult> {
        let unknown = self.platform.quirks.unknown_registers;
        let known = names.iter().all(|name| !unknown.contains(&name.0));
        known.then_some(()).ok_or(HResult::WHV_E_INVALID_VP_REGISTER_NAME)
    }

    fn place_redistributor(&self, vp: u32, placed: Option<u64>, at: u64) -> Result<(), HResult> {
        let mut building = self.building();
        let first = building.vps.first().copied().flatten().flatten();
        let expected = first.map_or(at, |first| first + u64::from(vp) * REDISTRIBUTOR);
        if placed.is_some() || !at.is_multiple_of(FRAME) || at == 0 || at != expected {
            return Err(HResult::ERROR_HV_INVALID_REGISTER_VALUE);
        }
        building.vps[vp as usize] = Some(Some(at));
        Ok(())
    }

    /// Drives a shared interrupt.
    pub fn request_interrupt(&self, control: &InterruptControl) -> Result<(), HResult> {
        let intid = control.requested_vector;
        let known = control.control & !InterruptControl::ASSERTED == 0 && control.target_partition == 0;
        if !known || !(32..32 + SPIS as u32).contains(&intid) {
            return Err(HResult::E_INVALIDARG);
        }
        self.machine()?.gic.drive(intid, control.control & InterruptControl::ASSERTED != 0);
        Ok(())
    }

    /// Back to after set-up; no VP may run. Memory and the redistributors' places stay.
    pub fn reset(&self) -> Result<(), HResult> {
        let machine = self.machine()?;
        for vp in &machine.vps {
            vp.reset()?;
        }
        machine.gic.reset();
        machine.vm.reset().map_err(failed)?;
        machine.power.reset();
        Ok(())
    }
}

/// Guest memory over the mappings, which armlet takes from one block.
fn memory(mappings: &[Mapping]) -> Result<GuestRam, HResult> {
    let mut sorted = mappings.to_vec();
    sorted.sort_by_key(|mapping| mapping.host);
    let Some(first) = sorted.first() else { return Err(HResult::WHV_E_GPA_RANGE_NOT_FOUND) };
    let (base, mut end) = (first.host, first.host);
    for mapping in &sorted {
        if mapping.host != end {
            return Err(failed("memory from several blocks"));
        }
        end += mapping.region.len as usize;
    }
    let regions = sorted.iter().map(|mapping| (mapping.region, mapping.host - base)).collect();
    // SAFETY: the caller of the platform keeps what it maps as long as the partition lives.
    unsafe { GuestRam::over(base as *mut u8, end - base, regions) }.map_err(failed)
}

impl Interrupts {
    fn drive(&self, intid: u32, level: bool) {
        match self {
            Self::Inner(sink) => sink.set_level(intid, level),
            Self::Ours { gic, .. } => gic.set_level(intid, level),
        }
    }

    fn reset(&self) {
        if let Self::Ours { gic, .. } = self {
            gic.reset();
        }
    }

    /// The frame at `gpa`, if it is one of ours, and the offset in it.
    fn frame(&self, gpa: u64) -> Option<(Arc<dyn MmioDevice>, u64)> {
        let Self::Ours { gic, distributor, redistributors, cpus } = self else { return None };
        let within = |start: u64, len: u64| (start..start + len).contains(&gpa).then(|| gpa - start);
        if let Some(offset) = within(*distributor, gicv3::DISTRIBUTOR_SIZE) {
            return Some((gic.distributor(), offset));
        }
        let offset = within(*redistributors, REDISTRIBUTOR * *cpus as u64)?;
        Some((gic.redistributors(0..*cpus), offset))
    }
}

impl Machine {
    /// Reads a register of the interrupt controller, if there is one at `gpa`.
    pub fn gic_read(&self, cpu: usize, gpa: u64, size: u8) -> Option<u64> {
        let (frame, offset) = self.gic.frame(gpa)?;
        Some(frame.read(Access { cpu, size }, offset))
    }

    /// Writes a register of the interrupt controller, if there is one at `gpa`.
    pub fn gic_write(&self, cpu: usize, gpa: u64, size: u8, value: u64) -> Option<()> {
        let (frame, offset) = self.gic.frame(gpa)?;
        frame.write(Access { cpu, size }, offset, value);
        Some(())
    }
}
