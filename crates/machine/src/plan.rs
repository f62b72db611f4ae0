//! What is printed of a machine before it starts.

use std::ops::Range;

use armlet_base::Bus;
use armlet_ninep::Owners;

use crate::board::{self, pci, virtio};
use crate::config::{Checked, DiskConfig, MachineConfig, ROOT_TAG, ShareConfig};
use crate::flash_image::FlashImages;
use crate::loader::Payload;
use crate::machine::gic_name;

/// Everything the plan tells.
pub(crate) struct Facts<'a> {
    pub config: &'a MachineConfig,
    pub checked: &'a Checked,
    pub backend: &'static str,
    pub payload: &'a str,
    pub kernel: Range<u64>,
    pub entry: u64,
    pub initrd: Option<Range<u64>>,
    /// Where and how long.
    pub dtb: Option<(u64, usize)>,
    /// It came with the kernel.
    pub appended: bool,
    pub bus: &'a Bus,
    pub virtio: &'a [virtio::Plug],
}

/// The plan's rows.
pub(crate) fn rows(facts: &Facts) -> Vec<(&'static str, String)> {
    let config = facts.config;
    let state = if facts.checked.mode.is_aarch32() { ", in AArch32 state" } else { "" };
    let mut rows = vec![
        ("machine", format!("{} on backend {}", config.board, facts.backend)),
        ("cpus", format!("{}, model {}{state}", config.cpus, facts.checked.cpu_model)),
        ("memory", size(facts.checked.memory)),
    ];
    match &config.firmware {
        Some(images) => rows.extend(firmware(images, facts)),
        None => rows.push((
            "kernel",
            format!(
                "{} at {:#x}-{:#x}, entry {:#x}",
                facts.payload, facts.kernel.start, facts.kernel.end, facts.entry
            ),
        )),
    }
    if config.deterministic.is_some() {
        rows.push(("time", "virtual, 1 ns an instruction; a run can be repeated exactly".to_owned()));
    }
    if let Some(initrd) = &facts.initrd {
        rows.push(("initrd", format!("{} at {:#x}", size(initrd.end - initrd.start), initrd.start)));
    }
    if !config.disks.is_empty() {
        let disks: Vec<_> = config.disks.iter().map(disk).collect();
        rows.push((if disks.len() == 1 { "disk" } else { "disks" }, disks.join("; ")));
    }
    if !config.shares.is_empty() {
        let shares: Vec<_> = config.shares.iter().map(shared).collect();
        rows.push((if shares.len() == 1 { "share" } else { "shares" }, shares.join("; ")));
    }
    if !config.nets.is_empty() {
        rows.push(("net", config.nets.iter().map(|net| net.name.as_str()).collect::<Vec<_>>().join("; ")));
    }
    if let Some(vsock) = &config.vsock {
        rows.push(("vsock", format!("context id {}, by {}", vsock.cid, vsock.socket.display())));
    }
    if let Some(append) = &config.append {
        rows.push(("append", append.clone()));
    }
    if let Some((at, len)) = facts.dtb {
        let whose = match (facts.appended, config.dtb.is_some()) {
            (true, _) => ", the one appended to the kernel",
            (false, true) => ", the one given",
            (false, false) => "",
        };
        rows.push(("dtb", format!("{} at {at:#x}{whose}", size(len as u64))));
    }
    let untold = |name: &str| name.contains("GIC") || name == virtio::EMPTY || name == pci::WINDOW;
    let devices = facts.bus.map().filter(|(name, ..)| !untold(name));
    let devices = devices.map(|(name, start, _)| format!("{name} {start:#010x}"));
    let gic = facts.checked.gic.map(|gic| gic_name(gic).to_owned());
    let requests = board::requests(config.board);
    let requests = requests.map(|page| format!("request page {:#010x}", page.start));
    let on_pci = facts.virtio.iter().filter(|_| facts.checked.pci.is_some());
    let on_pci = on_pci.map(|plug| format!("{} at 00:{:02x}.0", plug.name, plug.slot));
    let devices: Vec<String> = gic.into_iter().chain(devices).chain(on_pci).chain(requests).collect();
    rows.push(("devices", devices.join(", ")));
    rows
}

/// The firmware, what it keeps, and what it finds in fw_cfg.
fn firmware(images: &FlashImages, facts: &Facts) -> impl Iterator<Item = (&'static str, String)> {
    let code = format!("{} ({}), entry {:#x}", images.name, size(images.code.len() as u64), facts.entry);
    let kept = if images.store.is_some() { "kept" } else { "forgotten at the end" };
    let variables = format!("{}, {kept}", images.variables_name);
    let kernel = (!facts.payload.is_empty()).then(|| ("kernel", format!("{}, in fw_cfg", facts.payload)));
    [("firmware", code), ("vars", variables)].into_iter().chain(kernel)
}

/// Name and length of a disk.
fn disk(disk: &DiskConfig) -> String {
    let ro = if disk.disk.read_only() { ", read-only" } else { "" };
    format!("{}, {}{ro}", disk.name, size(disk.disk.size()))
}

/// A directory, and what mounts it.
fn shared(share: &ShareConfig) -> String {
    let ro = if share.options.read_only { ", read-only" } else { "" };
    if share.tag == ROOT_TAG {
        let whose = if share.options.owners == Owners::Host { "the host's" } else { "the guest's own" };
        return format!("{}{ro}, the guest's root; owners are {whose}", share.path.display());
    }
    format!("{}{ro}: mount -t 9p -o trans=virtio,msize=512000 {} /mnt", share.path.display(), share.tag)
}

/// Name, kind and length of a payload.
pub(crate) fn payload(payload: &Payload) -> String {
    let name = payload.name.rsplit('/').next().unwrap_or(&payload.name);
    format!("{name} ({}, {})", payload.kind, size(payload.len() as u64))
}

/// A length for people, exact where it is a round number of a unit.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, shift) in UNITS {
        let one = 1u64 << shift;
        if bytes >= one && bytes.is_multiple_of(one) {
            return format!("{} {unit}", bytes >> shift);
        }
        if bytes >= 10 * one && shift < 30 {
            return format!("{:.1} {unit}", bytes as f64 / one as f64);
        }
    }
    format!("{bytes} byte{}", if bytes == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_for_people() {
        for (bytes, text) in [
            (80, "80 bytes"),
            (4096, "4 KiB"),
            (6000, "6000 bytes"),
            (32_956_352, "31.4 MiB"),
            (1 << 30, "1 GiB"),
            (1536 << 20, "1536 MiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
