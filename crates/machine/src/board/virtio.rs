//! The virtio devices of `virt`: those asked for from the first slot on, in order, and an entropy source in the last one,
//! where no other device moves it.

use std::sync::Arc;

use armlet_base::{Bus, IrqSink};
#[cfg(unix)]
use armlet_devices::virtio::mmio::MmioTransport;
#[cfg(target_os = "linux")]
use armlet_devices::virtio::mmio::NOTIFY;
#[cfg(unix)]
use armlet_devices::virtio::{VirtioDevice, blk::Blk, rng::Rng};
use armlet_hv::Vm;
#[cfg(target_os = "linux")]
use armlet_hv::{Doorbell, HvError};

use super::Context;
use super::virt::map;
#[cfg(unix)]
use crate::config::ShareConfig;
use crate::config::{BoardKind, MachineConfig};
use crate::entropy::Entropy;
use crate::error::MachineError;

/// The slot of the entropy source.
const RNG_SLOT: usize = map::VIRTIO_SLOTS - 1;

/// The most devices that can be asked for.
pub const MAX_DEVICES: usize = RNG_SLOT;

/// True if this build has virtio devices.
pub const AVAILABLE: bool = cfg!(unix);

/// A device on its way to a slot.
pub(crate) struct Plug {
    pub slot: usize,
    /// What it is called on the bus.
    #[cfg(unix)]
    name: &'static str,
    #[cfg(unix)]
    device: Arc<dyn VirtioDevice>,
}

/// Makes the devices of a machine, in the order of their slots.
///
/// # Errors
/// If there are more than slots, or this build has none.
#[cfg(unix)]
pub(crate) fn devices(config: &MachineConfig, entropy: &Arc<Entropy>) -> Result<Vec<Plug>, MachineError> {
    if config.board != BoardKind::Virt {
        return Ok(Vec::new());
    }
    let mut asked_for: Vec<(&'static str, Arc<dyn VirtioDevice>)> = Vec::new();
    for disk in &config.disks {
        let device = Blk::new(disk.disk.clone(), &disk.serial, queues(config.cpus));
        asked_for.push(("virtio-blk", Arc::new(device)));
    }
    for (index, share) in config.shares.iter().enumerate() {
        if config.shares[..index].iter().any(|other| other.tag == share.tag) {
            return Err(MachineError::ShareTag(share.tag.clone()));
        }
        asked_for.push(("virtio-9p", shared(share)?));
    }
    if asked_for.len() > MAX_DEVICES {
        return Err(MachineError::VirtioSlots { devices: asked_for.len(), limit: MAX_DEVICES });
    }
    let entropy = entropy.clone();
    let rng = Rng::new(Box::new(move |bytes| entropy.fill(bytes).is_ok()));
    let plug = |(slot, (name, device))| Plug { slot, name, device };
    let mut plugs: Vec<Plug> = asked_for.into_iter().enumerate().map(plug).collect();
    plugs.push(Plug { slot: RNG_SLOT, name: "virtio-rng", device: Arc::new(rng) });
    Ok(plugs)
}

#[cfg(target_os = "linux")]
fn shared(share: &ShareConfig) -> Result<Arc<dyn VirtioDevice>, MachineError> {
    let server = armlet_ninep::Server::new(&share.path, share.options)?;
    Ok(Arc::new(armlet_devices::virtio::p9::P9::new(server, &share.tag)))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn shared(_: &ShareConfig) -> Result<Arc<dyn VirtioDevice>, MachineError> {
    Err(MachineError::NoShares)
}

#[cfg(not(unix))]
pub(crate) fn devices(config: &MachineConfig, _: &Arc<Entropy>) -> Result<Vec<Plug>, MachineError> {
    if !config.shares.is_empty() {
        return Err(MachineError::NoShares);
    }
    if config.disks.is_empty() { Ok(Vec::new()) } else { Err(MachineError::NoVirtio) }
}

#[cfg(not(unix))]
pub(super) fn attach(_: &mut Bus, _: &Arc<dyn IrqSink>, _: &dyn Vm, _: &Context) -> Result<(), MachineError> {
    Ok(())
}

/// Maps all slots, those without a device too.
#[cfg(unix)]
pub(super) fn attach(
    bus: &mut Bus,
    irqs: &Arc<dyn IrqSink>,
    vm: &dyn Vm,
    context: &Context,
) -> Result<(), MachineError> {
    use armlet_base::IrqLine;
    use armlet_devices::virtio::Service;
    use armlet_devices::virtio::mmio::EmptySlots;

    let virtual_time = context.alarms.clock().virtual_time().is_some();
    let service = if virtual_time { Service::Inline } else { Service::Threads };
    let at = |slot: usize| map::VIRTIO + map::VIRTIO_STRIDE * slot as u64;
    for Plug { slot, name, device } in context.virtio {
        let irq = IrqLine::new(irqs.clone(), map::VIRTIO_INTID + *slot as u32);
        let transport = MmioTransport::new(device.clone(), context.ram.clone(), service, irq);
        // Who looks on wants to see the writes.
        if service == Service::Threads && !context.observed {
            doorbells(vm, &transport, at(*slot))?;
        }
        bus.insert(name, at(*slot), map::VIRTIO_STRIDE, Arc::new(transport));
    }
    let first = context.virtio.iter().filter(|plug| plug.slot != RNG_SLOT).count();
    if first < RNG_SLOT {
        let len = map::VIRTIO_STRIDE * (RNG_SLOT - first) as u64;
        bus.insert(EMPTY, at(first), len, Arc::new(EmptySlots::default()));
    }
    Ok(())
}

/// Has the host's kernel ring the doorbells of a device at `base`, where the backend can: no vCPU leaves it for that.
#[cfg(target_os = "linux")]
fn doorbells(vm: &dyn Vm, transport: &MmioTransport, base: u64) -> Result<(), MachineError> {
    let Some(host) = vm.as_host_events() else { return Ok(()) };
    let what = || "no event for a virtio queue".to_owned();
    let events = transport.doorbells().map_err(|source| HvError::Os { what: what(), source })?;
    for (queue, event) in (0..).zip(events) {
        host.add_doorbell(Doorbell { gpa: base + NOTIFY, size: 4, value: Some(queue) }, event)?;
    }
    Ok(())
}

#[cfg(all(unix, not(target_os = "linux")))]
fn doorbells(_: &dyn Vm, _: &MmioTransport, _: u64) -> Result<(), MachineError> {
    Ok(())
}

/// Name on the bus of what is no device.
pub(crate) const EMPTY: &str = "virtio, empty";

/// Queues of a disk: one for each CPU, as far as more threads do any good.
#[cfg(unix)]
fn queues(cpus: usize) -> u16 {
    cpus.clamp(1, 4) as u16
}
