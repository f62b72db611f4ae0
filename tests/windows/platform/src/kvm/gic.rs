//! The GICv3 in the kernel (Linux, `Documentation/virt/kvm/devices/arm-vgic-v3.rst`).

use armlet_hv::{GicConfig, HvError};

use super::abi::{CreateDevice, DeviceAttr, vgic};
use super::linux::{Fd, Request, iow, iowr};

const CREATE_DEVICE: Request = iowr::<CreateDevice>(0xe0);
const SET_DEVICE_ATTR: Request = iow::<DeviceAttr>(0xe1);

/// Registers by offset: of the distributor, and of the interrupts' frame of a redistributor.
const CTLR: u64 = 0x0;
const ICENABLER: u64 = 0x180;
const ISPENDR: u64 = 0x200;
const ICACTIVER: u64 = 0x380;
const ICFGR: u64 = 0xc00;
const SGI_BASE: u64 = 0x1_0000;

/// The interrupt controller.
pub struct Gic {
    fd: Fd,
    spis: u64,
}

/// Sets an attribute of a device or vCPU.
pub fn set<T>(fd: &Fd, group: u32, attr: u64, value: &T) -> Result<(), HvError> {
    let addr = std::ptr::from_ref(value) as u64;
    let mut attribute = DeviceAttr { flags: 0, group, attr, addr };
    // SAFETY: the value lives during the call and is of the type that the group's attributes have.
    let done = unsafe { fd.with(SET_DEVICE_ATTR, &mut attribute) };
    done.map(drop)
        .map_err(|error| error.of(format!("KVM does not take attribute {attr:#x} of group {group}")))
}

impl Gic {
    /// Makes it, before the vCPUs.
    pub fn create(vm: &Fd, config: GicConfig) -> Result<Self, HvError> {
        let mut device = CreateDevice { kind: vgic::DEVICE, fd: 0, flags: 0 };
        // SAFETY: the request's structure.
        unsafe { vm.with(CREATE_DEVICE, &mut device) }.map_err(|error| error.of("KVM can't make a GICv3"))?;
        let gic = Self { fd: Fd::new(device.fd as i32), spis: config.spis as u64 };
        for (place, at) in
            [(vgic::ADDR_TYPE_DIST, config.distributor), (vgic::ADDR_TYPE_REDIST, config.redistributors)]
        {
            set(&gic.fd, vgic::GRP_ADDR, place, &at)?;
        }
        set(&gic.fd, vgic::GRP_NR_IRQS, 0, &(32 + config.spis as u32))?;
        Ok(gic)
    }

    /// Makes it work, once all vCPUs are there.
    pub fn start(&self) -> Result<(), HvError> {
        set(&self.fd, vgic::GRP_CTRL, vgic::CTRL_INIT, &0u64)?;
        self.sense_levels()
    }

    /// KVM's shared interrupts begin as edges.
    fn sense_levels(&self) -> Result<(), HvError> {
        (2..2 + self.spis / 16).try_for_each(|n| self.shared(ICFGR + 4 * n, 0))
    }

    fn shared(&self, offset: u64, value: u32) -> Result<(), HvError> {
        set(&self.fd, vgic::GRP_DIST_REGS, offset, &value)
    }

    /// Nothing is enabled, pending or active.
    pub fn reset(&self, cpus: u64) -> Result<(), HvError> {
        const QUIET: [(u64, u32); 3] = [(ICENABLER, !0), (ISPENDR, 0), (ICACTIVER, !0)];
        self.shared(CTLR, 0)?;
        for (register, value) in QUIET {
            (1..1 + self.spis / 32).try_for_each(|n| self.shared(register + 4 * n, value))?;
            for cpu in 0..cpus {
                let affinity = cpu % 16 | cpu / 16 << 8;
                let attr = affinity << 32 | (SGI_BASE + register);
                set(&self.fd, vgic::GRP_REDIST_REGS, attr, &value)?;
            }
        }
        self.sense_levels()
    }
}
