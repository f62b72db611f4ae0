//! What goes into guest memory, and where and with what in its registers the guest starts.

use armlet_devices::fw_cfg::Items;
use armlet_hv::HvError;

use crate::acpi::{self, Description};
use crate::board::{boot_info, hvio, monitor, requests, virt};
use crate::config::{BoardKind, Checked, MachineConfig};
use crate::entropy::Entropy;
use crate::error::MachineError;
use crate::fdt::{self, Chosen};
use crate::fw_cfg;
use crate::loader::{self, Load, Placement, Request};
use crate::plan;
use crate::run::power::Start;
use crate::smbios::{self, Inventory};

/// Where AArch32 can't reach any more.
const FOUR_GIB: u64 = 1 << 32;
/// R1 of a 32-bit kernel: no machine number, for there is a device tree.
const NO_MACHINE: u64 = 0xffff_ffff;
/// Bytes by which firmware may let its device tree grow: a command line, and what U-Boot adds for the kernel.
const TREE_ROOM: usize = 64 << 10;

/// What goes into guest memory, and where the guest starts.
pub(crate) struct Contents {
    pub placement: Placement,
    /// Name, kind and length of the payload.
    pub payload: String,
    /// Empty on boards that have none.
    pub device_tree: Vec<u8>,
    /// Where it goes, on boards that have one.
    pub device_tree_at: Option<u64>,
    pub start: Start,
    /// What is in fw_cfg, on boards that have it.
    pub items: Option<Items>,
}

impl Contents {
    /// Takes payload and initrd out of `config` and finds places for everything. `virtio` are the slots with a device
    /// that has registers at a fixed address.
    pub fn gather(
        config: &mut MachineConfig,
        checked: &Checked,
        virtio: Vec<usize>,
        entropy: &Entropy,
    ) -> Result<Self, MachineError> {
        if config.firmware.is_some() {
            return Self::for_firmware(config, checked, virtio, entropy);
        }
        let payload = config.kernel.take().ok_or(MachineError::NoPayload(config.board.name()))?;
        let (base, flat_at) = match config.board {
            BoardKind::Virt => (virt::map::RAM, virt::FLAT_AT),
            BoardKind::Monitor => (monitor::map::RAM, monitor::ENTRY),
            BoardKind::Hvio => (hvio::map::RAM, hvio::ENTRY),
        };
        let mut end = match config.board {
            BoardKind::Virt | BoardKind::Hvio => base + checked.memory,
            BoardKind::Monitor => monitor::BOOT_INFO,
        };
        if checked.mode.is_aarch32() {
            end = end.min(FOUR_GIB);
        }
        let description = plan::payload(&payload);
        let (load_address, entry) = (config.load_address, config.entry);
        let request = Request { ram: base..end, flat_at, load_address, entry, mode: checked.mode };
        let placement = loader::place(payload, config.initrd.take(), &request)?;
        let start = Start { pc: placement.entry, regs: [0; 3], sp: None, mode: checked.mode };
        let mut contents = Self {
            placement,
            payload: description,
            device_tree: Vec::new(),
            device_tree_at: None,
            start,
            items: None,
        };
        match config.board {
            BoardKind::Virt => {
                let tree = device_tree(config, checked, &contents.placement, virtio, entropy)?;
                contents.add_device_tree(tree, checked, &request)?;
                contents.items = Some(fw_cfg::items(config)?);
            }
            BoardKind::Monitor => {
                let info = boot_info::encode(checked.gic, config.cpus);
                contents.add("boot information", monitor::BOOT_INFO, info);
                let about = requests::about(monitor::map::RAM, monitor::map::RAM_LEN);
                contents.add("request page", monitor::map::REQUESTS + requests::ABOUT, about);
                contents.start.regs[0] = monitor::BOOT_INFO;
                contents.start.sp = Some(monitor::STACK);
            }
            BoardKind::Hvio => {
                let about = requests::about(hvio::map::RAM, hvio::map::RAM_LEN);
                contents.add("request page", hvio::map::REQUESTS + requests::ABOUT, about);
                contents.start.regs[0] = hvio::map::REQUESTS;
                contents.start.sp = Some(hvio::STACK);
            }
        }
        Ok(contents)
    }

    /// Firmware starts at the first byte of flash memory and finds the device tree at the start of memory, all else in
    /// fw_cfg.
    fn for_firmware(
        config: &mut MachineConfig,
        checked: &Checked,
        virtio: Vec<usize>,
        entropy: &Entropy,
    ) -> Result<Self, MachineError> {
        let payload = config.kernel.as_ref().map(plan::payload).unwrap_or_default();
        let mut items = fw_cfg::items(config)?;
        fw_cfg::add_kernel(&mut items, config);
        if checked.acpi {
            let (cpus, gic) = (config.cpus, checked.gic.unwrap_or(armlet_hv::GicKind::V3));
            let (its, pci) = (checked.its, checked.pci.clone());
            let caches = armlet_arm::cpu::model(&checked.cpu_model).map(|model| model.caches);
            acpi::add(&mut items, &Description { cpus, caches, gic, its, virtio: virtio.clone(), pci })?;
        }
        smbios::add(
            &mut items,
            &Inventory {
                cpus: config.cpus,
                cpu_model: &checked.cpu_model,
                aarch64: !checked.mode.is_aarch32(),
                memory: checked.memory,
                memory_at: virt::map::RAM,
            },
        )?;
        let placement = Placement {
            loads: Vec::new(),
            entry: virt::map::FLASH[0],
            kernel: 0..0,
            initrd: None,
            device_tree: Some(virt::map::RAM),
        };
        let tree = fdt::with_room(device_tree(config, checked, &placement, virtio, entropy)?, TREE_ROOM);
        let start = Start { pc: placement.entry, regs: [0; 3], sp: None, mode: checked.mode };
        let (device_tree, device_tree_at) = (tree.clone(), Some(virt::map::RAM));
        let mut contents =
            Self { placement, payload, device_tree, device_tree_at, start, items: Some(items) };
        contents.add("device tree", virt::map::RAM, tree);
        Ok(contents)
    }

    fn add(&mut self, what: &'static str, gpa: u64, data: Vec<u8>) {
        let len = data.len() as u64;
        self.placement.loads.push(Load { what, gpa, data, len, source: None });
    }

    /// The kernel finds the tree by X0, a 32-bit one by R2 (booting.rst of arm64 and of arm).
    fn add_device_tree(
        &mut self,
        tree: Vec<u8>,
        checked: &Checked,
        request: &Request,
    ) -> Result<(), MachineError> {
        let at = self.placement.device_tree_at(tree.len() as u64, &request.ram);
        let at = at.ok_or(MachineError::NoRoomForDtb(tree.len()))?;
        self.start.regs = if checked.mode.is_aarch32() { [0, NO_MACHINE, at] } else { [at, 0, 0] };
        self.add("device tree", at, tree.clone());
        (self.device_tree, self.device_tree_at) = (tree, Some(at));
        Ok(())
    }
}

/// The device tree of a `virt` board.
fn device_tree(
    config: &MachineConfig,
    checked: &Checked,
    placement: &Placement,
    virtio: Vec<usize>,
    entropy: &Entropy,
) -> Result<Vec<u8>, MachineError> {
    let chosen = Chosen { bootargs: config.append.clone(), initrd: placement.initrd.clone() };
    if let Some(own) = &config.dtb {
        return Ok(fdt::patch(own, &chosen)?);
    }
    let mut seed = [0; 40];
    entropy.fill(&mut seed).map_err(|e| HvError::Os {
        what: "the host gave no random numbers for the device tree".into(),
        source: std::io::Error::other(e.to_string()),
    })?;
    let mut rng_seed = [0; 32];
    rng_seed.copy_from_slice(&seed[..32]);
    let mut kaslr_seed = [0; 8];
    kaslr_seed.copy_from_slice(&seed[32..]);
    let description = fdt::virt::Description {
        cpus: config.cpus,
        cpu_model: &checked.cpu_model,
        mode: checked.mode,
        ram: virt::map::RAM..virt::map::RAM + checked.memory,
        gic: checked.gic.unwrap_or(armlet_hv::GicKind::V3),
        its: checked.its,
        virtio,
        pci: checked.pci.clone(),
        flash: config.firmware.is_some(),
        chosen: &chosen,
        rng_seed,
        kaslr_seed: u64::from_le_bytes(kaslr_seed),
    };
    Ok(fdt::virt::describe(&description).to_blob()?)
}
