//! Linux's KVM on arm64 as a backend under the stand-in, from within Wine: memory, vCPUs, GICv3, accesses to devices that
//! are left to the stand-in's user. Just what the stand-in asks for; armlet's own backend is `crates/hv/kvm`.

mod abi;
mod gic;
mod linux;
#[path = "../../../../../crates/hv/kvm/src/one_reg.rs"]
#[allow(dead_code, reason = "armlet's own backend uses all of it")]
mod one_reg;
mod vcpu;
mod vm;

use abi::KVM_CAP_MAX_VCPUS;
use armlet_hv::{Capabilities, GicKind, GuestMode, HvError, Hypervisor, ModelInfo, Vm, VmConfig};
use linux::{Errno, Fd, Request, io};

const NAME: &str = "kvm under wine";
const CHECK_EXTENSION: Request = io(0x03);
/// Width of guest physical addresses of a VM that asks for no other.
pub const ADDRESS_BITS: u8 = 40;

/// `/dev/kvm`.
pub struct Kvm {
    fd: Fd,
    capabilities: Capabilities,
}

/// Asks what the kernel has; 0 for nothing.
fn extension(fd: &Fd, number: usize) -> usize {
    fd.with_number(CHECK_EXTENSION, number).unwrap_or(0)
}

impl Kvm {
    /// Opens it.
    pub fn open() -> Result<Self, HvError> {
        let failed = |error: Errno| error.of("/dev/kvm can't be opened");
        let fd = Fd::open(c"/dev/kvm").map_err(failed)?;
        let modes = vec![GuestMode::A64El1];
        let capabilities = Capabilities {
            cpu_models: vec![ModelInfo::new("host", &modes)],
            gics: vec![GicKind::V3],
            in_kernel_gic: true,
            its: false,
            own_psci: true,
            address_bits: ADDRESS_BITS,
            max_cpus: extension(&fd, KVM_CAP_MAX_VCPUS),
            deterministic: false,
            dirty_log: true,
            guest_debug: false,
            modes,
        };
        Ok(Self { fd, capabilities })
    }
}

impl Hypervisor for Kvm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn create_vm(&self, config: VmConfig) -> Result<Box<dyn Vm>, HvError> {
        Ok(Box::new(vm::KvmVm::new(&self.fd, config)?))
    }
}
