//! A virtual machine: memory, interrupt controller, vCPUs, made at once.

use std::sync::{Arc, Mutex, PoisonError};

use armlet_arm::gic;
use armlet_base::{CpuIrqInput, GuestRam, IrqSink, RamKind, RamRegion};
use armlet_hv::{DirtyLog, HvError, Vcpu, Vm, VmConfig};

use super::abi::{
    self, EnableCap, IrqLevel, KVM_ARM_IRQ_TYPE_SPI, KVM_ARM_VCPU_POWER_OFF, KVM_ARM_VCPU_PSCI_0_2,
    KVM_CAP_ARM_NISV_TO_USER, KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY, MemoryRegion, VcpuInit,
};
use super::gic::Gic;
use super::linux::{Fd, Request, Thread, io, ior, iow};
use super::vcpu::KvmVcpu;

const CREATE_VM: Request = io(0x01);
const GET_VCPU_MMAP_SIZE: Request = io(0x04);
const CREATE_VCPU: Request = io(0x41);
const GET_DIRTY_LOG: Request = iow::<abi::DirtyLog>(0x42);
const SET_USER_MEMORY_REGION: Request = iow::<MemoryRegion>(0x46);
const IRQ_LINE: Request = iow::<IrqLevel>(0x61);
const ENABLE_CAP: Request = iow::<EnableCap>(0xa3);
const PREFERRED_TARGET: Request = ior::<VcpuInit>(0xaf);

/// Bytes of a page, which memory and its log are made of.
const PAGE: u64 = 4096;

/// What the parts of a VM share.
pub struct Shared {
    fd: Fd,
    ram: Arc<GuestRam>,
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
    pub fn new(kvm: &Fd, config: VmConfig) -> Result<Self, HvError> {
        Thread::prepare().map_err(|error| error.of("can't handle a signal"))?;
        let fd =
            kvm.with_number(CREATE_VM, 0).map_err(|error| error.of("KVM can't make a virtual machine"))?;
        let shared = Arc::new(Shared { fd: Fd::new(fd as i32), ram: config.ram });
        shared.map(false)?;
        let mut undecoded = EnableCap { cap: KVM_CAP_ARM_NISV_TO_USER, ..EnableCap::default() };
        // SAFETY: the request's structure.
        unsafe { shared.fd.with(ENABLE_CAP, &mut undecoded) }
            .map_err(|error| error.of("KVM does not hand over accesses without a syndrome"))?;
        let gic = config.gic.map(|gic| Gic::create(&shared.fd, gic)).transpose()?;
        let page =
            kvm.with_number(GET_VCPU_MMAP_SIZE, 0).map_err(|error| error.of("no size of run pages"))?;
        let mut init = VcpuInit::default();
        // SAFETY: the request's structure.
        unsafe { shared.fd.with(PREFERRED_TARGET, &mut init) }
            .map_err(|error| error.of("KVM does not know this CPU"))?;
        let vcpus = (0..config.cpus)
            .map(|index| shared.vcpu(index, init, page).map(Some))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(gic) = &gic {
            gic.start()?;
        }
        Ok(Self { shared, gic, cpus: config.cpus, vcpus: Mutex::new(vcpus) })
    }
}

impl Shared {
    /// Makes vCPU `index`; those after the first are off.
    fn vcpu(&self, index: usize, mut init: VcpuInit, page: usize) -> Result<KvmVcpu, HvError> {
        init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2 | u32::from(index != 0) << KVM_ARM_VCPU_POWER_OFF;
        let failed = |what: &str| format!("KVM can't {what} vCPU {index}");
        let fd = self.fd.with_number(CREATE_VCPU, index).map_err(|error| error.of(failed("make")))?;
        let fd = Fd::new(fd as i32);
        let run = fd.map(page).map_err(|error| error.of(failed("share")))?;
        KvmVcpu::new(fd, run, init)
    }

    /// Gives the VM its memory, with a log of pages written or without.
    fn map(&self, log: bool) -> Result<(), HvError> {
        self.ram.regions().zip(0..).try_for_each(|(region, slot)| self.map_one(region, slot, log))
    }

    fn map_one(&self, region: RamRegion, slot: u32, log: bool) -> Result<(), HvError> {
        let flags = match region.kind {
            RamKind::ReadOnly | RamKind::Hidden => KVM_MEM_READONLY,
            RamKind::ReadWrite if log => KVM_MEM_LOG_DIRTY_PAGES,
            RamKind::ReadWrite => 0,
        };
        let offset = self.ram.find(region.gpa).map_or(0, |(_, offset, _)| offset);
        let mut region = MemoryRegion {
            slot,
            flags,
            guest_phys_addr: region.gpa,
            memory_size: region.len,
            userspace_addr: self.ram.host_base().wrapping_add(offset) as u64,
        };
        // SAFETY: the range is guest memory, which outlives the VM.
        unsafe { self.fd.with(SET_USER_MEMORY_REGION, &mut region) }
            .map(drop)
            .map_err(|error| error.of(format!("KVM does not take memory at {:#x}", region.guest_phys_addr)))
    }
}

impl IrqSink for Shared {
    fn set_level(&self, intid: u32, level: bool) {
        let mut line = IrqLevel { irq: KVM_ARM_IRQ_TYPE_SPI | intid, level: level.into() };
        // SAFETY: the request's structure.
        let done = unsafe { self.fd.with(IRQ_LINE, &mut line) };
        debug_assert!(done.is_ok(), "interrupt {intid}: {done:?}");
    }
}

impl DirtyLog for Shared {
    fn enable(&self, on: bool) -> Result<(), HvError> {
        self.map(on)
    }

    fn page_size(&self) -> u64 {
        PAGE
    }

    fn take(&self, gpa: u64) -> Result<Vec<u64>, HvError> {
        let found = self.ram.regions().zip(0..).find(|(region, _)| region.gpa == gpa);
        let unknown = || HvError::Unsupported { backend: super::NAME, what: format!("a log of {gpa:#x}") };
        let (region, slot) = found.ok_or_else(unknown)?;
        let mut bits = vec![0u64; (region.len / PAGE).div_ceil(64) as usize];
        let mut log = abi::DirtyLog { slot, padding: 0, bitmap: bits.as_mut_ptr() as u64 };
        // SAFETY: the request's structure; a bit for each page of the slot, up to whole words.
        unsafe { self.fd.with(GET_DIRTY_LOG, &mut log) }
            .map_err(|error| error.of("KVM does not tell which pages were written"))?;
        Ok(bits)
    }
}

impl Vm for KvmVm {
    fn in_kernel_irqs(&self) -> Option<Arc<dyn IrqSink>> {
        self.gic.as_ref().map(|_| self.shared.clone() as Arc<dyn IrqSink>)
    }

    fn attach_gic(&mut self, _: Arc<dyn gic::CpuInterface>) -> Result<(), HvError> {
        Err(HvError::Unsupported { backend: super::NAME, what: "another interrupt controller".into() })
    }

    fn irq_input(&self, _: usize) -> Option<Arc<dyn CpuIrqInput>> {
        None
    }

    fn create_vcpu(&self, index: usize) -> Result<Box<dyn Vcpu>, HvError> {
        let mut vcpus = self.vcpus.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = || HvError::Unsupported { backend: super::NAME, what: format!("vCPU {index}, or twice") };
        let vcpu = vcpus.get_mut(index).and_then(Option::take).ok_or_else(taken)?;
        Ok(Box::new(vcpu))
    }

    fn reset(&self) -> Result<(), HvError> {
        self.gic.as_ref().map_or(Ok(()), |gic| gic.reset(self.cpus as u64))
    }

    fn as_dirty_log(&self) -> Option<&dyn DirtyLog> {
        Some(self.shared.as_ref())
    }
}
