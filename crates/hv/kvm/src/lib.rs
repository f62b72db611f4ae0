//! The `kvm` backend: guests on the host's own CPUs, by Linux's KVM on arm64. The crate is empty on all other hosts.
//!
//! Interrupt controller, timers, performance monitors and PSCI are in the kernel; what leaves the guest are accesses
//! to devices, armlet's own calls, and the end. The interface is `Documentation/virt/kvm/` of Linux, 5.10 or newer.
#![cfg(all(target_os = "linux", target_arch = "aarch64"))]
#![deny(unsafe_code)]

mod blob;
mod caps;
mod code;
mod emulate;
mod events;
mod exits;
mod gic;
mod gic_state;
mod host;
mod irq;
mod kick;
mod memory;
mod one_reg;
mod opaque;
mod state;
mod vcpu;
mod vm;

use armlet_hv::{Capabilities, HvError, Hypervisor, Vm, VmConfig};
use kvm_ioctls::Kvm;

pub use host::NoKvm;

/// Name as `--backend` takes it.
const NAME: &str = "kvm";

/// KVM on this host.
pub struct KvmHypervisor {
    kvm: Kvm,
    capabilities: Capabilities,
    details: String,
}

impl KvmHypervisor {
    /// Opens `/dev/kvm` and finds out what it can do.
    ///
    /// # Errors
    /// Why it can't be used here, and what would help.
    pub fn open() -> Result<Self, NoKvm> {
        let kvm = host::open()?;
        let (capabilities, details) = caps::probe(&kvm)?;
        Ok(Self { kvm, capabilities, details })
    }
}

impl Hypervisor for KvmHypervisor {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn details(&self) -> String {
        self.details.clone()
    }

    fn create_vm(&self, config: VmConfig) -> Result<Box<dyn Vm>, HvError> {
        Ok(Box::new(vm::KvmVm::new(&self.kvm, &self.capabilities, config)?))
    }
}

/// An error of a call to KVM.
fn os(what: impl Into<String>) -> impl FnOnce(kvm_ioctls::Error) -> HvError {
    let what = what.into();
    move |error| HvError::Os { what, source: std::io::Error::from_raw_os_error(error.errno()) }
}

/// What this backend does not do.
fn unsupported(what: impl Into<String>) -> HvError {
    HvError::Unsupported { backend: NAME, what: what.into() }
}
