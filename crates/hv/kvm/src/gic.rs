//! The interrupt controller in the kernel (Linux, `Documentation/virt/kvm/devices/arm-vgic*.rst`).
#![allow(unsafe_code)]

use armlet_hv::{GicConfig, GicKind, HvError};
use kvm_bindings::{
    KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_DEV_ARM_VGIC_GRP_CTRL,
    KVM_DEV_ARM_VGIC_GRP_NR_IRQS, KVM_VGIC_ITS_ADDR_TYPE, KVM_VGIC_V2_ADDR_TYPE_CPU,
    KVM_VGIC_V2_ADDR_TYPE_DIST, KVM_VGIC_V3_ADDR_TYPE_DIST, KVM_VGIC_V3_ADDR_TYPE_REDIST, kvm_create_device,
    kvm_device_attr, kvm_device_type, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_ITS,
    kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V2, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3,
};
use kvm_ioctls::{DeviceFd, VmFd};

use crate::os;

/// Private interrupts, which KVM counts among all.
const PRIVATE: u32 = 32;

/// A device in the kernel.
pub struct Device {
    fd: DeviceFd,
    name: &'static str,
}

impl Device {
    fn create(vm: &VmFd, type_: kvm_device_type, name: &'static str) -> Result<Self, HvError> {
        let mut device = kvm_create_device { type_, fd: 0, flags: 0 };
        let fd = vm.create_device(&mut device).map_err(os(format!("KVM can't make a {name}")))?;
        Ok(Self { fd, name })
    }

    /// Sets an attribute of a type that the kernel takes there.
    pub fn set<T>(&self, group: u32, attr: u64, value: &T) -> Result<(), HvError> {
        let addr = std::ptr::from_ref(value) as u64;
        let attribute = kvm_device_attr { flags: 0, group, attr, addr };
        let what = format!("the {} does not take attribute {attr:#x} of group {group}", self.name);
        self.fd.set_device_attr(&attribute).map_err(os(what))
    }

    /// A command: an attribute without a value.
    pub fn command(&self, group: u32, attr: u32) -> Result<(), HvError> {
        self.set(group, attr.into(), &0u64)
    }

    /// Reads an attribute that the kernel keeps in up to 64 bits.
    pub fn get(&self, group: u32, attr: u64) -> Result<u64, HvError> {
        let mut value = 0u64;
        let addr = std::ptr::from_mut(&mut value) as u64;
        let mut attribute = kvm_device_attr { flags: 0, group, attr, addr };
        let what = format!("the {} does not tell attribute {attr:#x} of group {group}", self.name);
        // SAFETY: `addr` is that of a local variable, as wide as any attribute of these devices.
        unsafe { self.fd.get_device_attr(&mut attribute) }.map_err(os(what))?;
        Ok(value)
    }

    fn place(&self, type_: u32, at: u64) -> Result<(), HvError> {
        self.set(KVM_DEV_ARM_VGIC_GRP_ADDR, type_.into(), &at)
    }

    fn init(&self) -> Result<(), HvError> {
        self.command(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT)
    }
}

/// The interrupt controller of a VM.
pub struct Gic {
    pub config: GicConfig,
    pub device: Device,
    pub its: Option<Device>,
}

impl Gic {
    /// Makes it, before the vCPUs.
    pub fn create(vm: &VmFd, config: GicConfig) -> Result<Self, HvError> {
        let device = match config.kind {
            GicKind::V2 => {
                let device = Device::create(vm, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V2, "GICv2")?;
                device.place(KVM_VGIC_V2_ADDR_TYPE_DIST, config.distributor)?;
                device.place(KVM_VGIC_V2_ADDR_TYPE_CPU, config.cpu_interface)?;
                device
            }
            GicKind::V3 => {
                let device = Device::create(vm, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3, "GICv3")?;
                device.place(KVM_VGIC_V3_ADDR_TYPE_DIST, config.distributor)?;
                device.place(KVM_VGIC_V3_ADDR_TYPE_REDIST, config.redistributors)?;
                device
            }
        };
        device.set(KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &(PRIVATE + config.spis as u32))?;
        Ok(Self { config, device, its: None })
    }

    /// Makes it work, once all vCPUs are there.
    pub fn start(&mut self, vm: &VmFd) -> Result<(), HvError> {
        self.device.init()?;
        self.sense_levels()?;
        if let Some(at) = self.config.its {
            let its = Device::create(vm, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_ITS, "GICv3 ITS")?;
            its.place(KVM_VGIC_ITS_ADDR_TYPE, at)?;
            its.init()?;
            self.its = Some(its);
        }
        Ok(())
    }
}
