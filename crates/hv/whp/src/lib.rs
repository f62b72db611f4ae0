//! The `whp` backend: Windows Hypervisor Platform, on Windows 11 for ARM64.
//!
//! The hypervisor has the interrupt controller (GICv3), the timers and PSCI. What comes out are accesses to
//! devices, firmware calls that it doesn't know, power-off and reset. Everything above the table of
//! functions ([`table::Table`]) runs on any host, over whatever stands behind the table.
#![deny(unsafe_code)]

pub mod abi;
mod access;
mod dirty;
mod error;
mod facts;
#[allow(unsafe_code)]
mod partition;
mod state;
#[allow(unsafe_code)]
pub mod table;
mod vcpu;
mod vm;

use armlet_hv::{Capabilities, GicKind, GuestMode, HvError, Hypervisor, ModelInfo, Vm, VmConfig};

use abi::{capability, extended_exit, feature};
use partition::capability as ask;
use table::Table;

/// Name of the backend.
pub const NAME: &str = "whp";

/// What to do about a missing platform.
pub const ENABLE: &str = "enable it as administrator by `dism /online /enable-feature /featurename:HypervisorPlatform /all` \
     and restart Windows, or use --backend soft";
/// What to do about an old one.
pub const UPDATE: &str = "update Windows 11 to build 26100.3915 or later, or use --backend soft";
/// What to do about one that is there but does not run.
const RESTART: &str =
    "restart Windows, and see that virtualization is on in the firmware's settings, or use --backend soft";

/// The CPU models there are: the host's.
const MODEL: &str = "host";
/// The most vCPUs. The platform tells no limit of its own before it refuses.
const MAX_CPUS: usize = 64;
/// Width of guest physical addresses if the platform tells none.
const ADDRESS_BITS: u32 = 40;

/// Why the backend can't run here, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The fact found on this host.
    pub why: String,
    /// One thing to do about it.
    pub fix: String,
}

/// The backend on a host that has it.
pub struct WhpHypervisor {
    table: Table,
    capabilities: Capabilities,
    /// Firmware calls that the hypervisor doesn't know come out.
    calls: bool,
}

impl WhpHypervisor {
    /// Loads the platform of this host.
    ///
    /// # Errors
    /// What is missing here.
    pub fn open() -> Result<Self, Missing> {
        #[cfg(windows)]
        return Self::over(table::load()?);
        #[cfg(not(windows))]
        Err(Missing { why: "it is a part of Windows".to_owned(), fix: "use --backend soft".to_owned() })
    }

    /// Over these functions.
    ///
    /// # Errors
    /// What the platform lacks.
    pub fn over(table: Table) -> Result<Self, Missing> {
        let asked =
            |error: HvError| Missing { why: with_cause(&error), fix: "use --backend soft".to_owned() };
        let missing = |why: &str, fix: &str| Missing { why: why.to_owned(), fix: fix.to_owned() };
        let present: Option<u32> = ask(&table, capability::HYPERVISOR_PRESENT).map_err(asked)?;
        if present.unwrap_or(0) == 0 {
            return Err(missing("the platform is installed, but no hypervisor runs", RESTART));
        }
        let features: Option<u64> = ask(&table, capability::FEATURES).map_err(asked)?;
        let features = features.unwrap_or(0);
        if features & feature::ARM64_SUPPORT == 0 {
            return Err(missing("this build of Windows has no ARM64 guests", UPDATE));
        }
        let exits: Option<u64> = ask(&table, capability::EXTENDED_VM_EXITS).map_err(asked)?;
        let width: Option<u32> = ask(&table, capability::PHYSICAL_ADDRESS_WIDTH).map_err(asked)?;
        let bits = width.unwrap_or(ADDRESS_BITS).clamp(32, 52) as u8;
        let capabilities = Capabilities {
            modes: vec![GuestMode::A64El1],
            gics: vec![GicKind::V3],
            in_kernel_gic: true,
            its: false,
            own_psci: true,
            address_bits: bits,
            max_cpus: MAX_CPUS,
            cpu_models: vec![ModelInfo::new(MODEL, &[GuestMode::A64El1])],
            deterministic: false,
            dirty_log: features & feature::DIRTY_PAGE_TRACKING != 0
                && table.query_gpa_range_dirty_bitmap.is_some(),
            guest_debug: false,
        };
        Ok(Self { table, capabilities, calls: exits.unwrap_or(0) & extended_exit::HYPERCALL != 0 })
    }
}

/// An error and what is behind it.
fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

impl Hypervisor for WhpHypervisor {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn details(&self) -> String {
        if self.calls { String::new() } else { "without firmware calls of armlet's own".to_owned() }
    }

    fn facts(&self) -> Vec<String> {
        facts::all(&self.table)
    }

    fn create_vm(&self, config: VmConfig) -> Result<Box<dyn Vm>, HvError> {
        vm::create(self, config)
    }
}
