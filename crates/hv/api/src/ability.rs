//! Abilities that not every backend has. [`crate::Vm`] and [`crate::Vcpu`] hand them out by `as_...`, `None` where
//! the backend lacks one.

use crate::HvError;

/// Something of the host that one side signals and the other waits for, without a thread of armlet between: an
/// eventfd on Linux.
#[cfg(unix)]
pub type EventHandle<'a> = std::os::fd::BorrowedFd<'a>;
/// Something of the host that one side signals and the other waits for: an event on Windows.
#[cfg(windows)]
pub type EventHandle<'a> = std::os::windows::io::BorrowedHandle<'a>;

/// A store of the guest that rings: at `gpa`, and only if it is `value` in `size` bytes (1, 2, 4 or 8), where one is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doorbell {
    /// Guest physical address.
    pub gpa: u64,
    /// Width in bytes.
    pub size: u8,
    /// The value; any if `None`, at any width.
    pub value: Option<u64>,
}

/// Doorbells and interrupts that pass through the host's kernel alone.
pub trait HostEvents: Send + Sync {
    /// Signals `event` when the guest rings. Such a store does not reach the bus.
    fn add_doorbell(&self, bell: Doorbell, event: EventHandle<'_>) -> Result<(), HvError>;
    /// Takes back what [`HostEvents::add_doorbell`] did with the same arguments.
    fn remove_doorbell(&self, bell: Doorbell, event: EventHandle<'_>) -> Result<(), HvError>;
    /// Makes the shared peripheral interrupt `intid` pending when `event` is signalled.
    fn add_interrupt(&self, intid: u32, event: EventHandle<'_>) -> Result<(), HvError>;
    /// Takes back what [`HostEvents::add_interrupt`] did.
    fn remove_interrupt(&self, intid: u32, event: EventHandle<'_>) -> Result<(), HvError>;
}

/// Takes read-only regions of guest memory out of the guest's address space while it runs, and puts them back: flash
/// memory that answers with something else than its contents for a while.
pub trait RegionSwitch: Send + Sync {
    /// Shows the read-only region at `gpa`, or hides it: then loads from it are exits too. The vCPU that is in the exit
    /// which brings this about finds it so with its next access, the others soon.
    ///
    /// # Errors
    /// If no read-only region starts there, or the host refuses.
    fn show(&self, gpa: u64, shown: bool) -> Result<(), HvError>;
}

/// Finds out which pages of guest memory were written, by vCPUs; what devices of armlet write they know themselves.
pub trait DirtyLog: Send + Sync {
    /// Starts logging, with all pages clean, or stops it.
    fn enable(&self, on: bool) -> Result<(), HvError>;
    /// Bytes of a page of the log, a power of two.
    fn page_size(&self) -> u64;
    /// The pages of the memory region at `gpa` that were written since logging started or this was asked last, a
    /// bit each, from bit 0 of the first word on.
    ///
    /// # Errors
    /// If no writable region starts at `gpa`, or nothing is logged.
    fn take(&self, gpa: u64) -> Result<Vec<u64>, HvError>;
}

/// State that has no place in [`armlet_arm::CpuState`] and that only the backend understands: its interrupt
/// controller, or registers that only its CPUs have. All vCPUs are out of [`crate::Vcpu::run`] meanwhile.
pub trait OpaqueState {
    /// Everything, in a form that tells its own version. Some of it may go to guest memory (an ITS has its tables there),
    /// which is to be copied afterwards.
    fn save_opaque(&self) -> Result<Vec<u8>, HvError>;
    /// Puts back what was saved on a machine like this one, whose memory is back already.
    ///
    /// # Errors
    /// If the bytes are of another version or another kind of machine, or the host refuses a value. The state is
    /// then partly old, and the machine of no use.
    fn load_opaque(&mut self, state: &[u8]) -> Result<(), HvError>;
}
