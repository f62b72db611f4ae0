//! What a machine is to be made of.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use armlet_disk::Disk;
use armlet_hv::{Capabilities, Deterministic, GicKind, GuestMode, Hypervisor};
use armlet_net::{Mac, Network};

use crate::board::{hvio, monitor, pci, virt};
use crate::error::MachineError;
use crate::flash_image::FlashImages;
use crate::loader::{Initrd, Payload};
use crate::machine::gic_name;
use crate::nearest;
use crate::pin;
use crate::start;

/// The boards there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoardKind {
    /// Register-compatible with QEMU's `virt`: Linux and firmware.
    Virt,
    /// The classroom machine: 64 MiB, a UART, a memory-mapped timer, an interrupt controller.
    Monitor,
    /// The smallest machine: 1 MiB, and a read-only page whose writes are requests.
    Hvio,
}

impl BoardKind {
    /// Every board.
    pub const ALL: &'static [BoardKind] = &[BoardKind::Virt, BoardKind::Monitor, BoardKind::Hvio];

    /// Name as `--machine` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Virt => "virt",
            Self::Monitor => "monitor",
            Self::Hvio => "hvio",
        }
    }

    /// One line about it.
    pub fn description(self) -> &'static str {
        match self {
            Self::Virt => "runs Linux and firmware unmodified; register-compatible with QEMU's virt",
            Self::Monitor => "small machine for bare-metal programs: 64 MiB, UART, timer, GIC",
            Self::Hvio => "smallest machine, for 32-bit programs: 1 MiB and a page of requests, no devices",
        }
    }

    /// The most CPUs with this interrupt controller.
    pub(crate) fn cpu_limit(self, gic: Option<GicKind>) -> usize {
        match (self, gic) {
            (Self::Hvio, _) | (_, None) => 1,
            (_, Some(GicKind::V2)) => 8,
            (Self::Virt, Some(GicKind::V3)) => virt::map::MAX_CPUS,
            (Self::Monitor, Some(GicKind::V3)) => monitor::map::MAX_CPUS,
        }
    }

    /// The interrupt controllers it takes for a guest that starts so, the preferred one first. 32-bit firmware
    /// and kernels of old know GICv2 only.
    pub(crate) fn gics(self, mode: GuestMode) -> &'static [GicKind] {
        match self {
            Self::Virt if !mode.is_aarch32() => &[GicKind::V3, GicKind::V2],
            Self::Virt | Self::Monitor => &[GicKind::V2, GicKind::V3],
            Self::Hvio => &[],
        }
    }
}

impl fmt::Display for BoardKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No board of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no machine {name:?}; {hint}")]
pub struct UnknownBoard {
    /// What was asked for.
    pub name: String,
    /// The nearest name, or all of them.
    pub hint: String,
}

impl FromStr for BoardKind {
    type Err = UnknownBoard;

    fn from_str(name: &str) -> Result<Self, UnknownBoard> {
        Self::ALL.iter().copied().find(|board| board.name() == name).ok_or_else(|| {
            let hint = hint(name, Self::ALL.iter().map(|board| board.name()));
            UnknownBoard { name: name.to_owned(), hint }
        })
    }
}

/// A disk of a machine.
#[derive(Clone)]
pub struct DiskConfig {
    /// What the plan calls it: a file name.
    pub name: String,
    /// Its content.
    pub disk: Arc<dyn Disk>,
    /// The serial number that the guest sees; the first 20 bytes of it.
    pub serial: String,
}

impl fmt::Debug for DiskConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskConfig").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The tag of a directory that is the guest's root.
pub const ROOT_TAG: &str = "armlet-root";

/// A directory of the host that the guest can mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareConfig {
    /// The directory.
    pub path: PathBuf,
    /// What the guest mounts it by; no other share of the machine has the same.
    pub tag: String,
    /// How it is shared.
    pub options: armlet_ninep::Options,
}

/// How a guest reaches virtio devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VirtioTransport {
    /// By registers at fixed addresses, a wire for each.
    #[default]
    Mmio,
    /// As PCI Express devices, which interrupt by message.
    Pci,
}

/// What carries the console of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleKind {
    /// The UART, `ttyAMA0` for Linux.
    #[default]
    Uart,
    /// A virtio console, `hvc0` for Linux: all input goes there. What the guest writes to either is output.
    Virtio,
}

/// A network card of a machine.
#[derive(Clone)]
pub struct NetConfig {
    /// What the plan says about it.
    pub name: String,
    /// The card's address.
    pub mac: Mac,
    /// Its pairs of queues, from 1 to [`crate::MAX_QUEUE_PAIRS`].
    pub pairs: u16,
    /// What it is plugged into.
    pub network: Arc<dyn Network>,
}

impl fmt::Debug for NetConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetConfig").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Sockets between programs of the guest and of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VsockConfig {
    /// The guest's context id, from 3 on.
    pub cid: u32,
    /// The socket by which programs of the host reach those of the guest, and with `_PORT` behind it the other way.
    pub socket: PathBuf,
}

/// Everything a machine is made from.
#[derive(Clone, Debug)]
pub struct MachineConfig {
    /// The board.
    pub board: BoardKind,
    /// Number of vCPUs.
    pub cpus: usize,
    /// Guest memory in bytes; the board's default if `None`.
    pub memory: Option<u64>,
    /// CPU model by name; empty for the first of the backend's that can start the guest.
    pub cpu_model: String,
    /// State in which the guest starts; if `None` the one that the payload is made for, and for a flat binary the
    /// model's only one or the board's usual one.
    pub mode: Option<GuestMode>,
    /// Interrupt controller; the board's preference among what the backend has if `None`.
    pub gic: Option<GicKind>,
    /// What to start.
    pub kernel: Option<Payload>,
    /// Firmware that starts in place of `kernel`, and finds that and what goes with it in fw_cfg.
    pub firmware: Option<FlashImages>,
    /// ACPI tables for firmware; if `None` where they can be.
    pub acpi: Option<bool>,
    /// More files in fw_cfg, by name.
    pub fw_cfg: Vec<(String, Vec<u8>)>,
    /// Initial RAM disk, as it is.
    pub initrd: Option<Initrd>,
    /// Disks, in the order in which the guest finds them.
    pub disks: Vec<DiskConfig>,
    /// Directories that the guest can mount, by 9P.
    pub shares: Vec<ShareConfig>,
    /// A socket device.
    pub vsock: Option<VsockConfig>,
    /// A memory balloon, through which the guest gives back memory that it does not need; if `None` where the host
    /// takes it.
    pub balloon: Option<bool>,
    /// What carries the console.
    pub console: ConsoleKind,
    /// How the guest reaches virtio devices.
    pub virtio: VirtioTransport,
    /// Network cards, in the order in which the guest finds them.
    pub nets: Vec<NetConfig>,
    /// The kernel's command line.
    pub append: Option<String>,
    /// The user's own device tree; see [`crate::fdt::patch`] for what is changed in it.
    pub dtb: Option<Vec<u8>>,
    /// Where a flat binary or relocatable program goes; the board's place for it if `None`.
    pub load_address: Option<u64>,
    /// The first instruction; the payload's own entry if `None`.
    pub entry: Option<u64>,
    /// End with [`crate::Ending::Reset`] when the guest asks for a reset.
    pub no_reboot: bool,
    /// The host CPU on which each vCPU's thread stays; empty to leave that to the host.
    pub pin: Vec<usize>,
    /// Run in virtual time, one nanosecond an instruction, with fixed seeds and a clock that starts on
    /// 1 January 2024: the same way every time, as long as nobody types.
    pub deterministic: Option<Deterministic>,
}

impl MachineConfig {
    /// One CPU, and everything else the board's default.
    pub fn new(board: BoardKind) -> Self {
        Self {
            board,
            cpus: 1,
            memory: None,
            cpu_model: String::new(),
            mode: None,
            gic: None,
            kernel: None,
            firmware: None,
            acpi: None,
            fw_cfg: Vec::new(),
            initrd: None,
            disks: Vec::new(),
            shares: Vec::new(),
            vsock: None,
            balloon: None,
            console: ConsoleKind::default(),
            virtio: VirtioTransport::default(),
            nets: Vec::new(),
            append: None,
            dtb: None,
            load_address: None,
            entry: None,
            no_reboot: false,
            pin: Vec::new(),
            deterministic: None,
        }
    }
}

/// The parts of a configuration that depend on board and backend, checked against both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub cpu_model: String,
    pub mode: GuestMode,
    /// `None` on a board without.
    pub gic: Option<GicKind>,
    /// The backend has an ITS for it.
    pub its: bool,
    /// The firmware finds ACPI tables.
    pub acpi: bool,
    /// Of a machine with PCI.
    pub pci: Option<pci::Layout>,
    pub memory: u64,
}

/// Refuses what board or backend can't do.
pub(crate) fn check(config: &MachineConfig, hv: &dyn Hypervisor) -> Result<Checked, MachineError> {
    let capabilities = hv.capabilities();
    let (mode, cpu_model) = start::choose(config, hv)?;
    let gic = gic(config, mode, hv)?;
    let board_limit = config.board.cpu_limit(gic);
    let limit = board_limit.min(capabilities.max_cpus);
    if config.cpus == 0 || config.cpus > limit {
        let limited_by = if limit < board_limit {
            format!("backend {}", hv.name())
        } else {
            let with = gic.map(|gic| format!(" with {}", gic_name(gic))).unwrap_or_default();
            format!("machine {}{with}", config.board)
        };
        return Err(MachineError::Cpus { cpus: config.cpus, limit, limited_by });
    }
    pin::check(config)?;
    if config.deterministic.is_some() {
        if !capabilities.deterministic {
            return Err(MachineError::Deterministic(hv.name()));
        }
        if config.cpus != 1 {
            return Err(MachineError::DeterministicCpus(config.cpus));
        }
        if !config.nets.is_empty() {
            return Err(MachineError::DeterministicNet);
        }
        if config.vsock.is_some() {
            return Err(MachineError::DeterministicVsock);
        }
    }
    let memory = memory(config, capabilities)?;
    let has_pci = config.board == BoardKind::Virt && config.virtio == VirtioTransport::Pci;
    let pci = has_pci.then(|| pci::Layout::new(mode, capabilities.address_bits));
    let acpi = acpi(config, mode)?;
    Ok(Checked { cpu_model, mode, gic, acpi, its: capabilities.its, pci, memory })
}

/// ACPI is for UEFI in AArch64 state; other guests have the device tree alone.
fn acpi(config: &MachineConfig, mode: GuestMode) -> Result<bool, MachineError> {
    let why_not = match &config.firmware {
        None => Some("without firmware nobody puts ACPI tables into memory; use --firmware edk2"),
        Some(_) if mode.is_aarch32() => Some("a guest in AArch32 state has no ACPI"),
        Some(_) => None,
    };
    match (config.acpi, why_not) {
        (Some(true), Some(why)) => Err(MachineError::Acpi(why)),
        (asked, why) => Ok(asked.unwrap_or(why.is_none()) && why.is_none()),
    }
}

fn gic(
    config: &MachineConfig,
    mode: GuestMode,
    hv: &dyn Hypervisor,
) -> Result<Option<GicKind>, MachineError> {
    let takes = config.board.gics(mode);
    let Some(first) = takes.first() else { return Ok(None) };
    let has = &hv.capabilities().gics;
    let wanted = match config.gic {
        Some(gic) => gic,
        None => {
            let enough = |gic| config.cpus <= config.board.cpu_limit(Some(gic));
            let usable = |gic: &&GicKind| has.contains(gic) && enough(**gic);
            *takes.iter().find(usable).unwrap_or(first)
        }
    };
    if has.contains(&wanted) {
        Ok(Some(wanted))
    } else {
        let has: Vec<_> = has.iter().map(|gic| gic_name(*gic).trim_start_matches("GIC")).collect();
        let (gic, has) = (gic_name(wanted), has.join(" or "));
        Err(MachineError::Gic { gic, backend: hv.name(), has })
    }
}

fn memory(config: &MachineConfig, capabilities: &Capabilities) -> Result<u64, MachineError> {
    let (base, default, smallest, largest) = match config.board {
        BoardKind::Virt => (virt::map::RAM, virt::DEFAULT_RAM, virt::MIN_RAM, virt::map::MAX_RAM),
        BoardKind::Monitor => {
            let size = monitor::map::RAM_LEN;
            (monitor::map::RAM, size, size, size)
        }
        BoardKind::Hvio => (hvio::map::RAM, hvio::map::RAM_LEN, hvio::map::RAM_LEN, hvio::map::RAM_LEN),
    };
    let bytes = config.memory.unwrap_or(default);
    let refuse = |why: String| Err(MachineError::Memory { bytes, why });
    if smallest == largest && bytes != largest {
        return refuse(format!(
            "machine {} always has {} MiB; leave --memory out",
            config.board,
            largest >> 20
        ));
    }
    if bytes < smallest {
        return refuse(format!("machine {} needs at least {} MiB", config.board, smallest >> 20));
    }
    let addressable = 1u64.checked_shl(capabilities.address_bits.into()).unwrap_or(u64::MAX);
    let largest = largest.min(addressable.saturating_sub(base));
    if bytes > largest {
        return refuse(format!("machine {} takes at most {} MiB here", config.board, largest >> 20));
    }
    if !bytes.is_multiple_of(4096) {
        let below = bytes & !4095;
        return refuse(format!("it must be a multiple of 4096; use {below} or {}", below + 4096));
    }
    Ok(bytes)
}

/// The nearest name, or all of them.
pub(crate) fn hint<'a>(name: &str, candidates: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, candidates.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are: {}", candidates.collect::<Vec<_>>().join(", ")),
    }
}
