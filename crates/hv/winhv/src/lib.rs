//! A stand-in for WinHvPlatform.dll on ARM64, over any other backend: what the `whp` backend is tested with where no
//! Windows on Arm is. It has the documented functions with their documented errors, limits and quirks:
//!
//! - the order of calls: properties, set-up, memory, VPs, the redistributor's place, run;
//! - an interrupt controller, PSCI and the sleep of WFI inside; of PSCI only power-off and reset come out;
//! - other HVCs only if asked for, and before the program counter has moved;
//! - accesses to devices with the syndrome that hardware would give, or with none ([`Quirks::no_syndrome`]);
//! - one bad register name fails a whole call; the redistributor is placed once;
//! - no ARM64 exit of x64's numbers, nothing about WFI, system registers, exceptions or SMC.
//!
//! The other backend must be able to leave an access to somebody else ([`armlet_base::BusError::Deferred`]). `soft` is.
//!
//! What it can't show is how Microsoft's hypervisor differs from its documentation. It is not part of armlet.
#![deny(unsafe_code)]

mod dirty;
mod exits;
#[allow(unsafe_code)]
mod functions;
#[allow(unsafe_code)]
mod partition;
mod psci;
mod registers;
mod vp;

use std::cell::RefCell;
use std::sync::Arc;

use armlet_arm::SysReg;
use armlet_hv::Hypervisor;
use armlet_hv_whp::abi::hresult::HResult;
use armlet_hv_whp::table::Table;

/// Where builds and hosts differ.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// The hypervisor runs.
    pub present: bool,
    /// The build has ARM64 guests.
    pub arm64: bool,
    /// Exits tell the length of the instruction.
    pub instruction_length: bool,
    /// No access comes with a valid syndrome.
    pub no_syndrome: bool,
    /// HVC can come out.
    pub hypercall_exits: bool,
    /// There is `WHvResetPartition`.
    pub reset: bool,
    /// The build tells which pages were written.
    pub dirty_tracking: bool,
    /// What `WHvCreatePartition` and `WHvSetupPartition` answer instead.
    pub refusals: [Option<HResult>; 2],
    /// Registers that the build doesn't know, by name.
    pub unknown_registers: &'static [u32],
    /// Width of physical addresses in bits.
    pub address_bits: u32,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            present: true,
            arm64: true,
            instruction_length: true,
            no_syndrome: false,
            hypercall_exits: true,
            reset: true,
            dirty_tracking: true,
            refusals: [None; 2],
            unknown_registers: &[],
            address_bits: 40,
        }
    }
}

/// The system registers that the platform has names for, all that it ever asks the other backend for.
pub fn system_registers() -> impl Iterator<Item = SysReg> {
    registers::SYSTEM.iter().chain(registers::FIXED).map(|(_, register)| *register)
}

/// What partitions are made from.
pub(crate) struct Platform {
    pub inner: Box<dyn Hypervisor>,
    pub quirks: Quirks,
}

thread_local! {
    /// What the functions without a partition mean on this thread.
    pub(crate) static PLATFORM: RefCell<Option<Arc<Platform>>> = const { RefCell::new(None) };
}

/// The functions, over `inner`. Partitions are to be created on this thread; all else may happen on any.
pub fn table(inner: Box<dyn Hypervisor>, quirks: Quirks) -> Table {
    PLATFORM.set(Some(Arc::new(Platform { inner, quirks })));
    functions::table(quirks)
}
