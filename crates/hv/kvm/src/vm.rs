//! A virtual machine: its memory, interrupt controller and vCPUs, which are all made at once.
#![allow(unsafe_code)]

use std::sync::{Arc, Mutex, PoisonError};

use armlet_arm::gic;
use armlet_base::{CpuIrqInput, GuestRam, IrqSink, MessageSink};
use armlet_hv::{
    Capabilities, DirtyLog, GuestMode, HostEvents, HvError, OpaqueState, RegionSwitch, Vcpu, Vm, VmConfig,
};
use kvm_bindings::{
    KVM_ARM_VCPU_EL1_32BIT, KVM_ARM_VCPU_PMU_V3, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT,
    KVM_ARM_VCPU_PMU_V3_IRQ, KVM_ARM_VCPU_POWER_OFF, KVM_ARM_VCPU_PSCI_0_2, KVM_ARM_VM_SMCCC_CTRL,
    KVM_ARM_VM_SMCCC_FILTER, KVM_CAP_ARM_NISV_TO_USER, kvm_device_attr, kvm_enable_cap, kvm_smccc_filter,
    kvm_smccc_filter_action_KVM_SMCCC_FILTER_FWD_TO_USER, kvm_vcpu_init,
};
use kvm_ioctls::{Cap, Kvm, VcpuFd, VmFd};

use crate::caps::{self, HOST, USUAL_ADDRESS_BITS};
use crate::gic::Gic;
use crate::irq::{Lines, Sink};
use crate::kick;
use crate::memory::{self, Log};
use crate::state::Registers;
use crate::vcpu::KvmVcpu;
use crate::{os, unsupported};

/// What the parts of a VM share.
pub struct Shared {
    pub fd: VmFd,
    // After the VM that maps it.
    pub ram: Arc<GuestRam>,
    pub mode: GuestMode,
    pub lines: Lines,
    pub log: Log,
}

/// A virtual machine.
pub struct KvmVm {
    shared: Arc<Shared>,
    gic: Option<Gic>,
    cpus: usize,
    /// Those that nobody took yet.
    vcpus: Mutex<Vec<Option<KvmVcpu>>>,
}

impl KvmVm {
    /// Makes the VM and everything in it.
    pub fn new(kvm: &Kvm, can: &Capabilities, config: VmConfig) -> Result<Self, HvError> {
        check(can, &config)?;
        kick::prepare()?;
        let end = config.ram.regions().map(|region| region.gpa + region.len).max().unwrap_or(0);
        let needed = (u64::BITS - end.saturating_sub(1).leading_zeros()) as u8;
        let bits = caps::vm_type(can.address_bits, needed.max(USUAL_ADDRESS_BITS));
        let fd = kvm.create_vm_with_ipa_size(bits).map_err(os("KVM can't make a virtual machine"))?;
        let (mode, lines, log) = (config.mode, Lines::default(), Log::default());
        let shared = Arc::new(Shared { fd, ram: config.ram, mode, lines, log });
        memory::map(&shared.fd, &shared.ram)?;
        report_undecoded(&shared.fd);
        let mut gic = config.gic.map(|gic| Gic::create(&shared.fd, gic)).transpose()?;
        if forwards_calls(&shared.fd) {
            forward_calls(&shared.fd)?;
        }
        let pmu = config.gic.is_some() && shared.fd.check_extension(Cap::ArmPmuV3);
        let fds = create_vcpus(&shared.fd, config.cpus, config.mode, pmu)?;
        if let Some(gic) = &mut gic {
            gic.start(&shared.fd)?;
        }
        if pmu {
            fds.iter().try_for_each(|(fd, _)| start_pmu(fd))?;
        }
        let registers = match fds.first() {
            Some((fd, _)) => Arc::new(Registers::of(fd)?),
            None => return Err(unsupported("a machine without CPUs")),
        };
        let vcpus = fds
            .into_iter()
            .enumerate()
            .map(|(index, (fd, init))| Some(KvmVcpu::new(index, fd, init, shared.clone(), registers.clone())))
            .collect();
        Ok(Self { shared, gic, cpus: config.cpus, vcpus: Mutex::new(vcpus) })
    }
}

/// Refuses what KVM here can't do.
fn check(can: &Capabilities, config: &VmConfig) -> Result<(), HvError> {
    if config.deterministic.is_some() || config.clock.virtual_time().is_some() {
        return Err(unsupported("virtual time; the backend soft can"));
    }
    if !can.modes.contains(&config.mode) {
        return Err(unsupported(format!(
            "a guest in {}, which this host's CPU does not have",
            config.mode.name()
        )));
    }
    if config.cpu_model != HOST {
        return Err(unsupported(format!("the CPU model {:?}; it has {HOST:?}", config.cpu_model)));
    }
    if config.cpus == 0 || config.cpus > can.max_cpus {
        return Err(unsupported(format!("{} CPUs; it has 1 to {}", config.cpus, can.max_cpus)));
    }
    if config.gic.is_some_and(|gic| !can.gics.contains(&gic.kind)) {
        return Err(unsupported("this kind of interrupt controller on this host"));
    }
    Ok(())
}

/// Wants to see loads and stores to devices that the hardware does not describe. Without this the kernel ends
/// the vCPU at one.
fn report_undecoded(vm: &VmFd) {
    let cap = kvm_enable_cap { cap: KVM_CAP_ARM_NISV_TO_USER, ..kvm_enable_cap::default() };
    // Linux 5.5 has it; an older one refuses, and tells of the access by an error of KVM_RUN.
    let _ = vm.enable_cap(&cap);
}

/// The calls that come to armlet: the vendor-specific hypervisor services of SMCCC (DEN0028, 6.2), 32-bit convention.
const OWN_CALLS: kvm_smccc_filter = kvm_smccc_filter {
    base: 0x8600_0000,
    nr_functions: 0x1_0000,
    action: kvm_smccc_filter_action_KVM_SMCCC_FILTER_FWD_TO_USER as u8,
    pad: [0; 15],
};

fn filter_attribute() -> kvm_device_attr {
    kvm_device_attr {
        flags: 0,
        group: KVM_ARM_VM_SMCCC_CTRL,
        attr: KVM_ARM_VM_SMCCC_FILTER.into(),
        addr: std::ptr::from_ref(&OWN_CALLS) as u64,
    }
}

/// True if the kernel can forward calls (Linux 6.4).
pub fn forwards_calls(vm: &VmFd) -> bool {
    vm.has_device_attr(&filter_attribute()).is_ok()
}

fn forward_calls(vm: &VmFd) -> Result<(), HvError> {
    vm.set_device_attr(&filter_attribute()).map_err(os("KVM does not forward calls"))
}

type Created = (VcpuFd, kvm_vcpu_init);

/// Makes all vCPUs; those after the first are off.
fn create_vcpus(vm: &VmFd, cpus: usize, mode: GuestMode, pmu: bool) -> Result<Vec<Created>, HvError> {
    let mut init = kvm_vcpu_init::default();
    vm.get_preferred_target(&mut init).map_err(os("KVM does not know this host's CPU"))?;
    init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2
        | u32::from(mode.is_aarch32()) << KVM_ARM_VCPU_EL1_32BIT
        | u32::from(pmu) << KVM_ARM_VCPU_PMU_V3;
    let mut all = Vec::with_capacity(cpus);
    for index in 0..cpus {
        let mut init = init;
        init.features[0] |= u32::from(index != 0) << KVM_ARM_VCPU_POWER_OFF;
        let fd = vm.create_vcpu(index as u64).map_err(os(format!("KVM can't make vCPU {index}")))?;
        fd.vcpu_init(&init).map_err(os(format!("KVM can't set up vCPU {index} for {}", mode.name())))?;
        if pmu {
            let intid = gic::ppi::PMU;
            pmu_attribute(&fd, KVM_ARM_VCPU_PMU_V3_IRQ, std::ptr::from_ref(&intid) as u64)?;
        }
        all.push((fd, init));
    }
    Ok(all)
}

/// The performance monitors work once the interrupt controller does.
fn start_pmu(vcpu: &VcpuFd) -> Result<(), HvError> {
    pmu_attribute(vcpu, KVM_ARM_VCPU_PMU_V3_INIT, 0)
}

fn pmu_attribute(vcpu: &VcpuFd, attr: u32, addr: u64) -> Result<(), HvError> {
    let attribute = kvm_device_attr { flags: 0, group: KVM_ARM_VCPU_PMU_V3_CTRL, attr: attr.into(), addr };
    vcpu.set_device_attr(&attribute).map_err(os("KVM can't set up performance monitors"))
}

impl Vm for KvmVm {
    fn in_kernel_irqs(&self) -> Option<Arc<dyn IrqSink>> {
        self.gic.as_ref().map(|_| Arc::new(Sink(self.shared.clone())) as Arc<dyn IrqSink>)
    }

    fn attach_gic(&mut self, _: Arc<dyn gic::CpuInterface>) -> Result<(), HvError> {
        Err(unsupported("an interrupt controller other than the kernel's"))
    }

    fn irq_input(&self, _: usize) -> Option<Arc<dyn CpuIrqInput>> {
        None
    }

    fn create_vcpu(&self, index: usize) -> Result<Box<dyn Vcpu>, HvError> {
        let mut vcpus = self.vcpus.lock().unwrap_or_else(PoisonError::into_inner);
        match vcpus.get_mut(index).and_then(Option::take) {
            Some(vcpu) => Ok(Box::new(vcpu)),
            None => Err(unsupported(format!("vCPU {index} of {}, or twice", self.cpus))),
        }
    }

    fn reset(&self) -> Result<(), HvError> {
        match &self.gic {
            Some(gic) => {
                self.shared.forget_lines();
                gic.reset(self.cpus)
            }
            None => Ok(()),
        }
    }

    fn as_msi(&self) -> Option<Arc<dyn MessageSink>> {
        self.gic.as_ref()?.its.as_ref().map(|_| self.shared.clone() as Arc<dyn MessageSink>)
    }

    fn as_host_events(&self) -> Option<Arc<dyn HostEvents>> {
        self.gic.as_ref().map(|_| self.shared.clone() as Arc<dyn HostEvents>)
    }

    fn as_region_switch(&self) -> Option<Arc<dyn RegionSwitch>> {
        Some(self.shared.clone())
    }

    fn as_dirty_log(&self) -> Option<&dyn DirtyLog> {
        Some(self.shared.as_ref())
    }

    fn as_opaque_state(&mut self) -> Option<&mut dyn OpaqueState> {
        self.gic.is_some().then_some(self)
    }
}

impl OpaqueState for KvmVm {
    fn save_opaque(&self) -> Result<Vec<u8>, HvError> {
        self.gic.as_ref().map_or(Ok(Vec::new()), |gic| gic.save(self.cpus))
    }

    fn load_opaque(&mut self, state: &[u8]) -> Result<(), HvError> {
        let Some(gic) = &self.gic else { return Ok(()) };
        gic.load(self.cpus, state)?;
        self.shared.drive_all(gic.config.spis);
        Ok(())
    }
}
