//! What KVM can do on this host.

use armlet_hv::{Capabilities, GicKind, GuestMode, ModelInfo};
use kvm_bindings::{
    KVM_CREATE_DEVICE_TEST, kvm_create_device, kvm_device_type, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_ITS,
    kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V2, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3,
};
use kvm_ioctls::{Cap, Kvm, VmFd};

use crate::host::NoKvm;

/// The one CPU model: whatever the host has.
pub const HOST: &str = "host";
/// Width of guest physical addresses where a host does not say (KVM_CAP_ARM_VM_IPA_SIZE), and of VMs that need
/// no more.
pub const USUAL_ADDRESS_BITS: u8 = 40;

/// Finds out what a VM here can be, and tells it in words.
pub fn probe(kvm: &Kvm) -> Result<(Capabilities, String), NoKvm> {
    let address_bits = match u8::try_from(kvm.get_host_ipa_limit()) {
        Ok(bits) if bits >= 32 => bits,
        _ => USUAL_ADDRESS_BITS,
    };
    // Which interrupt controllers there are only a VM tells.
    let vm = kvm.create_vm_with_ipa_size(vm_type(address_bits, USUAL_ADDRESS_BITS)).map_err(|error| {
        let why = format!("KVM can't make a virtual machine ({})", error_text(error));
        NoKvm::new(why, "give the host more memory, or look into its kernel log")
    })?;
    let gics: Vec<_> = [
        (GicKind::V3, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3),
        (GicKind::V2, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V2),
    ]
    .into_iter()
    .filter(|(_, device)| has_device(&vm, *device))
    .map(|(kind, _)| kind)
    .collect();
    let mut modes = vec![GuestMode::A64El1];
    modes.extend(kvm.check_extension(Cap::ArmEl132bit).then_some(GuestMode::A32El1));
    let capabilities = Capabilities {
        cpu_models: vec![ModelInfo::new(HOST, &modes)],
        gics,
        in_kernel_gic: true,
        its: has_device(&vm, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_ITS),
        own_psci: true,
        address_bits,
        max_cpus: kvm.get_max_vcpus(),
        deterministic: false,
        dirty_log: true,
        guest_debug: false,
        modes,
    };
    let details = if crate::vm::forwards_calls(&vm) {
        String::new()
    } else {
        "calls of armlet's own by the request page, for the kernel is older than Linux 6.4".to_owned()
    };
    Ok((capabilities, details))
}

/// The type of a VM with addresses of so many bits; 0 stands for the usual ones, which old kernels want to see.
pub fn vm_type(host_bits: u8, wanted: u8) -> u32 {
    let bits = wanted.min(host_bits);
    if bits == USUAL_ADDRESS_BITS { 0 } else { bits.into() }
}

fn has_device(vm: &VmFd, type_: kvm_device_type) -> bool {
    let mut device = kvm_create_device { type_, fd: 0, flags: KVM_CREATE_DEVICE_TEST };
    match vm.create_device(&mut device) {
        Ok(nothing) => {
            // A test makes no device: what looks like its descriptor is standard input.
            std::mem::forget(nothing);
            true
        }
        Err(_) => false,
    }
}

fn error_text(error: kvm_ioctls::Error) -> String {
    std::io::Error::from_raw_os_error(error.errno()).to_string()
}
