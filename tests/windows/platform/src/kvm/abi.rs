//! Structures and numbers of KVM (Linux, `Documentation/virt/kvm/api.rst`). The published bindings are for hosts whose
//! `unsigned long` has 64 bits, which Windows has not.

/// Numbers.
pub const KVM_CAP_MAX_VCPUS: usize = 66;
pub const KVM_CAP_ARM_NISV_TO_USER: u32 = 177;
pub const KVM_MEM_LOG_DIRTY_PAGES: u32 = 1;
pub const KVM_MEM_READONLY: u32 = 2;
pub const KVM_ARM_VCPU_POWER_OFF: u32 = 0;
pub const KVM_ARM_VCPU_PSCI_0_2: u32 = 2;
/// A shared interrupt, for [`IrqLevel::irq`].
pub const KVM_ARM_IRQ_TYPE_SPI: u32 = 1 << 24;
pub const KVM_EXIT_MMIO: u32 = 6;
pub const KVM_EXIT_INTR: u32 = 10;
pub const KVM_EXIT_SYSTEM_EVENT: u32 = 24;
pub const KVM_EXIT_ARM_NISV: u32 = 28;
pub const KVM_SYSTEM_EVENT_SHUTDOWN: u32 = 1;
pub const KVM_SYSTEM_EVENT_RESET: u32 = 2;

/// The GICv3 in the kernel (`arm-vgic-v3.rst`).
pub mod vgic {
    pub const DEVICE: u32 = 7;
    pub const GRP_ADDR: u32 = 0;
    pub const GRP_DIST_REGS: u32 = 1;
    pub const GRP_NR_IRQS: u32 = 3;
    pub const GRP_CTRL: u32 = 4;
    pub const GRP_REDIST_REGS: u32 = 5;
    pub const ADDR_TYPE_DIST: u64 = 2;
    pub const ADDR_TYPE_REDIST: u64 = 3;
    pub const CTRL_INIT: u64 = 0;
}

/// `struct kvm_enable_cap`.
#[repr(C)]
#[derive(Default)]
pub struct EnableCap {
    pub cap: u32,
    pub flags: u32,
    pub args: [u64; 4],
    pub pad: [u64; 8],
}

/// `struct kvm_userspace_memory_region`.
#[repr(C)]
pub struct MemoryRegion {
    pub slot: u32,
    pub flags: u32,
    pub guest_phys_addr: u64,
    pub memory_size: u64,
    pub userspace_addr: u64,
}

/// `struct kvm_dirty_log`.
#[repr(C)]
pub struct DirtyLog {
    pub slot: u32,
    pub padding: u32,
    pub bitmap: u64,
}

/// `struct kvm_irq_level`.
#[repr(C)]
pub struct IrqLevel {
    pub irq: u32,
    pub level: u32,
}

/// `struct kvm_vcpu_init`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct VcpuInit {
    pub target: u32,
    pub features: [u32; 7],
}

/// `struct kvm_one_reg`.
#[repr(C)]
pub struct OneReg {
    pub id: u64,
    pub addr: u64,
}

/// `struct kvm_create_device`.
#[repr(C)]
pub struct CreateDevice {
    pub kind: u32,
    pub fd: u32,
    pub flags: u32,
}

/// `struct kvm_device_attr`.
#[repr(C)]
pub struct DeviceAttr {
    pub flags: u32,
    pub group: u32,
    pub attr: u64,
    pub addr: u64,
}

/// The beginning of `struct kvm_run`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Run {
    pub request_interrupt_window: u8,
    pub immediate_exit: u8,
    pub padding: [u8; 6],
    pub exit_reason: u32,
    pub flags: u32,
    pub cr8: u64,
    pub apic_base: u64,
    /// What the reason says.
    pub payload: [u64; 4],
}

const _: () = {
    assert!(size_of::<EnableCap>() == 104 && size_of::<MemoryRegion>() == 32 && size_of::<DirtyLog>() == 16);
    assert!(size_of::<VcpuInit>() == 32 && size_of::<CreateDevice>() == 12 && size_of::<DeviceAttr>() == 24);
    assert!(std::mem::offset_of!(Run, exit_reason) == 8 && std::mem::offset_of!(Run, payload) == 32);
};
