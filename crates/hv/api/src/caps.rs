//! What a backend can do on this host.

/// State a guest can start in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GuestMode {
    /// AArch64 at EL1.
    A64El1,
    /// AArch32 at EL1.
    A32El1,
    /// AArch64 at EL2.
    A64El2,
}

impl GuestMode {
    /// True for a 32-bit start.
    pub fn is_aarch32(self) -> bool {
        self == Self::A32El1
    }

    /// The state's name in Arm's words, and the exception level.
    pub fn name(self) -> &'static str {
        match self {
            Self::A64El1 => "AArch64 at EL1",
            Self::A32El1 => "AArch32 at EL1",
            Self::A64El2 => "AArch64 at EL2",
        }
    }
}

/// A CPU model and what it can do, apart from what the backend can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    /// Name as `--cpu` takes it.
    pub name: String,
    /// States a guest can start in on it, the preferred one first.
    pub modes: Vec<GuestMode>,
}

impl ModelInfo {
    /// A model by name, with its start states.
    pub fn new(name: &str, modes: &[GuestMode]) -> Self {
        Self { name: name.to_owned(), modes: modes.to_vec() }
    }
}

/// Interrupt controllers a board can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GicKind {
    /// GICv2: memory-mapped CPU interface, up to 8 CPUs.
    V2,
    /// GICv3: redistributors and system-register CPU interface.
    V3,
}

/// The interrupt controller of a board: what it is and where its registers are (guest physical addresses).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GicConfig {
    /// Which one.
    pub kind: GicKind,
    /// Distributor.
    pub distributor: u64,
    /// GICv2 CPU interface.
    pub cpu_interface: u64,
    /// GICv3 redistributors, one of 128 KiB for each vCPU, in order.
    pub redistributors: u64,
    /// Number of shared peripheral interrupts, INTIDs from 32 on.
    pub spis: usize,
    /// GICv3: the registers of an Interrupt Translation Service, for a board that has one.
    pub its: Option<u64>,
}

/// The capability report of a [`crate::Hypervisor`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Guest modes it can start.
    pub modes: Vec<GuestMode>,
    /// Interrupt controllers it has or can be given.
    pub gics: Vec<GicKind>,
    /// True if the interrupt controller and timers are the backend's own (kvm, whp).
    pub in_kernel_gic: bool,
    /// A GICv3 can have an Interrupt Translation Service.
    pub its: bool,
    /// The backend itself serves PSCI calls. All vCPUs are run at once then; those after the first wait inside
    /// [`crate::Vcpu::run`] until the guest turns them on, and one that turns itself off stays there.
    pub own_psci: bool,
    /// Width of guest physical addresses in bits.
    pub address_bits: u8,
    /// Most vCPUs of one VM.
    pub max_cpus: usize,
    /// CPU models `--cpu` can name; the first that can start the guest is the default.
    pub cpu_models: Vec<ModelInfo>,
    /// Virtual time and runs that can be repeated exactly ([`crate::Deterministic`]), with one vCPU.
    pub deterministic: bool,
    /// Dirty-page tracking.
    pub dirty_log: bool,
    /// Breakpoints, watchpoints and single step from outside the guest.
    pub guest_debug: bool,
}
