//! Why a machine can't be built or run.

use armlet_base::RamError;
use armlet_hv::HvError;

use crate::fdt::DtbError;
use crate::loader::{LoadError, PayloadKind};

/// One line each: what failed, the fact found, one fix.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// No vCPUs, or more than the board, its interrupt controller or the backend has.
    #[error("{cpus} CPUs can't be had: {limited_by} has 1 to {limit}; choose --cpus in that range")]
    Cpus {
        /// Asked for.
        cpus: usize,
        /// The most there can be.
        limit: usize,
        /// What sets the limit.
        limited_by: String,
    },
    /// Host CPUs that vCPUs can't be kept on.
    #[error("--pin can't be: {why}")]
    Pin {
        /// The fact, and what would do.
        why: String,
    },
    /// Deterministic with more than one vCPU.
    #[error("{0} CPUs can't run deterministically: their order would be the host's choice; use --cpus 1")]
    DeterministicCpus(usize),
    /// Deterministic with a network.
    #[error(
        "a network can't run deterministically: what comes from outside comes at its own time; leave --net out"
    )]
    DeterministicNet,
    /// Deterministic on a backend that runs in host time.
    #[error("backend {0} can't run deterministically; use --backend soft")]
    Deterministic(&'static str),
    /// A memory size that can't be.
    #[error("{} of memory can't be had: {why}", crate::plan::size(*.bytes))]
    Memory {
        /// Asked for.
        bytes: u64,
        /// Why, and what would do.
        why: String,
    },
    /// A CPU model the backend does not have.
    #[error("backend {backend} has no CPU model {model:?}; {hint}")]
    CpuModel {
        /// Asked for.
        model: String,
        /// Name of the backend.
        backend: &'static str,
        /// The nearest name, or all of them.
        hint: String,
    },
    /// An interrupt controller the backend does not have.
    #[error("backend {backend} has no {gic}; choose --gic {has}")]
    Gic {
        /// Asked for.
        gic: &'static str,
        /// Name of the backend.
        backend: &'static str,
        /// What it has.
        has: String,
    },
    /// The backend can't start guests in this state.
    #[error("backend {backend} can't run {mode} guests here, only {can}; use another --backend or guest")]
    Mode {
        /// Name of the backend.
        backend: &'static str,
        /// The state.
        mode: &'static str,
        /// States it has.
        can: String,
    },
    /// The CPU model can't start in the state that is needed.
    #[error("{what} needs {mode}, which the CPU model {model} does not have; {fix}")]
    ModelMode {
        /// Who needs it.
        what: String,
        /// The state and exception level.
        mode: &'static str,
        /// The model asked for.
        model: String,
        /// What has it.
        fix: String,
    },
    /// A state was asked for that the payload is not made for.
    #[error("{payload} ({kind}) can't start in {asked}; {fix}")]
    PayloadMode {
        /// The payload's name.
        payload: String,
        /// What it is.
        kind: PayloadKind,
        /// The state asked for.
        asked: &'static str,
        /// What to do.
        fix: &'static str,
    },
    /// A state was asked for that the firmware is not made for.
    #[error("the firmware {name} starts in {mode}, not in {asked}; use one that is made for it")]
    FirmwareMode {
        /// Its name.
        name: String,
        /// The state it starts in.
        mode: &'static str,
        /// The state asked for.
        asked: &'static str,
    },
    /// Nothing to start.
    #[error("machine {0} has nothing to start; pass a kernel or program")]
    NoPayload(&'static str),
    /// Something this board has no use for.
    #[error("machine {board} can't use {what}; {fix}")]
    NotForBoard {
        /// Name of the board.
        board: &'static str,
        /// What was given.
        what: &'static str,
        /// What to do.
        fix: &'static str,
    },
    /// More virtio devices than there are slots.
    #[error(
        "{devices} disks and other virtio devices can't be had: machine virt has {limit} slots for them; use fewer"
    )]
    VirtioSlots {
        /// Asked for.
        devices: usize,
        /// The most there can be.
        limit: usize,
    },
    /// The host's programs speak when they want to.
    #[error("a run with sockets to the host can't be repeated; leave out --vsock or --deterministic")]
    DeterministicVsock,
    /// A socket device.
    #[error("can't make the socket {}: {}; name another one for --vsock", .path.display(), .error)]
    Vsock {
        /// The socket.
        path: std::path::PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// This host does not take memory back.
    #[error("a memory balloon can't be had: armlet gives memory back on Linux only; leave --balloon out")]
    NoBalloon,
    /// This host has no sockets for it.
    #[error("sockets to the host can't be had: armlet has them on Linux only; leave --vsock out")]
    NoVsock,
    /// This host has no server for them.
    #[error("a directory can't be shared: armlet can do that on Linux only; leave --share out")]
    NoShares,
    /// A directory to share.
    #[error(transparent)]
    Share(#[from] armlet_ninep::ShareError),
    /// Two shares would be mounted by the same name.
    #[error("two directories are shared as {0:?}; give one of them another name with ,tag=NAME")]
    ShareTag(String),
    /// A backend that can't do flash memory.
    #[error(
        "this backend can't take memory away from a running guest, which flash memory needs; leave --firmware out"
    )]
    NoFlash,
    /// ACPI where it can't be.
    #[error("--acpi on can't be: {0}")]
    Acpi(&'static str),
    /// A file for fw_cfg.
    #[error(transparent)]
    FwCfg(#[from] armlet_devices::fw_cfg::FileError),
    /// A reset that could not load what the first start did.
    #[error("the guest asked for a reset, but the {what} can't be read again: {error}; start it anew")]
    Reload {
        /// What it is.
        what: &'static str,
        /// Why not.
        error: std::io::Error,
    },
    /// A payload or initrd.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The user's device tree.
    #[error("can't use the device tree given: {0}")]
    Dtb(#[from] DtbError),
    /// No room for the device tree.
    #[error("no {0} bytes of memory are left for the device tree; give the guest more memory")]
    NoRoomForDtb(usize),
    /// Guest memory.
    #[error(transparent)]
    Ram(#[from] RamError),
    /// The board can't be without an interrupt controller; a mistake of this crate.
    #[error("the machine was wired without an interrupt controller, which is a mistake in armlet; report it")]
    NoGic,
    /// The interrupt controller could not be made.
    #[error(transparent)]
    GicModel(#[from] armlet_devices::GicError),
    /// The backend.
    #[error(transparent)]
    Hv(#[from] HvError),
}
