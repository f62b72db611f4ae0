//! The virtio devices of `virt`: those asked for from the first slot on, in order, and a memory balloon and an entropy
//! source in the last ones, where no other device moves them. Slots are those of virtio-mmio or those of the PCI bus.

use std::sync::Arc;

use armlet_base::{Bus, GuestRam, IrqLine, IrqSink, MessageSink};
use armlet_devices::virtio::console::Console as VirtioConsole;
#[cfg(target_os = "linux")]
use armlet_devices::virtio::mmio::NOTIFY;
use armlet_devices::virtio::mmio::{EmptySlots, MmioTransport};
use armlet_devices::virtio::{Service, VirtioDevice, balloon::Balloon, blk::Blk, net::Net, rng::Rng};
use armlet_hv::Vm;
#[cfg(target_os = "linux")]
use armlet_hv::{Doorbell, HvError};

use super::virt::map;
use super::{Context, pci};
use crate::config::{BoardKind, ConsoleKind, MachineConfig, ShareConfig, VirtioTransport, VsockConfig};
use crate::console::{Console, UartOutput};
use crate::entropy::Entropy;
use crate::error::MachineError;

/// The slot of the entropy source.
const RNG_SLOT: usize = map::VIRTIO_SLOTS - 1;

/// The slot of the memory balloon.
const BALLOON_SLOT: usize = RNG_SLOT - 1;

/// The most devices that can be asked for.
pub const MAX_DEVICES: usize = BALLOON_SLOT;

/// A device on its way to a slot.
pub(crate) struct Plug {
    pub slot: usize,
    /// What it is called on the bus.
    pub name: &'static str,
    pub device: Arc<dyn VirtioDevice>,
}

/// Devices that others than the guest have a hand on.
#[derive(Default)]
pub(crate) struct Held {
    pub balloon: Option<Arc<Balloon>>,
    pub console: Option<Arc<VirtioConsole>>,
}

impl Held {
    /// Those of a machine with `memory` bytes.
    ///
    /// # Errors
    /// This host can't have one.
    pub fn new(config: &MachineConfig, memory: u64, console: &Arc<Console>) -> Result<Self, MachineError> {
        let wanted = config.board == BoardKind::Virt && config.console == ConsoleKind::Virtio;
        let make = || Arc::new(VirtioConsole::new(Box::new(UartOutput(console.clone()))));
        Ok(Self { balloon: balloon(config, memory)?, console: wanted.then(make) })
    }
}

fn balloon(config: &MachineConfig, memory: u64) -> Result<Option<Arc<Balloon>>, MachineError> {
    match config.balloon {
        Some(true) if !GuestRam::DISCARDS => Err(MachineError::NoBalloon),
        Some(false) => Ok(None),
        _ if config.board != BoardKind::Virt || !GuestRam::DISCARDS => Ok(None),
        _ => Ok(Some(Arc::new(Balloon::new(memory)))),
    }
}

/// Makes the other devices of a machine; all of them, in the order of their slots.
///
/// # Errors
/// If there are more than slots.
pub(crate) fn devices(
    config: &MachineConfig,
    entropy: &Arc<Entropy>,
    held: &Held,
) -> Result<Vec<Plug>, MachineError> {
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
    for net in &config.nets {
        asked_for.push(("virtio-net", Arc::new(Net::new(net.network.clone(), net.mac, net.pairs))));
    }
    if let Some(vsock) = &config.vsock {
        asked_for.push(("virtio-vsock", sockets(vsock)?));
    }
    if let Some(console) = &held.console {
        asked_for.push(("virtio-console", console.clone()));
    }
    let first = match config.virtio {
        VirtioTransport::Mmio => 0,
        VirtioTransport::Pci => pci::FIRST_SLOT,
    };
    let (devices, limit) = (asked_for.len(), MAX_DEVICES - first);
    if devices > limit {
        return Err(MachineError::VirtioSlots { devices, limit });
    }
    let entropy = entropy.clone();
    let rng = Rng::new(Box::new(move |bytes| entropy.fill(bytes).is_ok()));
    let plug = |(slot, (name, device))| Plug { slot, name, device };
    let mut plugs: Vec<Plug> = (first..).zip(asked_for).map(plug).collect();
    if let Some(device) = &held.balloon {
        plugs.push(Plug { slot: BALLOON_SLOT, name: "virtio-balloon", device: device.clone() });
    }
    plugs.push(Plug { slot: RNG_SLOT, name: "virtio-rng", device: Arc::new(rng) });
    Ok(plugs)
}

#[cfg(target_os = "linux")]
fn shared(share: &ShareConfig) -> Result<Arc<dyn VirtioDevice>, MachineError> {
    let server = armlet_ninep::Server::new(&share.path, share.options)?;
    Ok(Arc::new(armlet_devices::virtio::p9::P9::new(server, &share.tag)))
}

#[cfg(target_os = "linux")]
fn sockets(config: &VsockConfig) -> Result<Arc<dyn VirtioDevice>, MachineError> {
    let VsockConfig { cid, socket } = config;
    let device = armlet_devices::virtio::vsock::Vsock::new(*cid, socket);
    Ok(Arc::new(device.map_err(|error| MachineError::Vsock { path: socket.clone(), error })?))
}

#[cfg(not(target_os = "linux"))]
fn sockets(_: &VsockConfig) -> Result<Arc<dyn VirtioDevice>, MachineError> {
    Err(MachineError::NoVsock)
}

#[cfg(not(target_os = "linux"))]
fn shared(_: &ShareConfig) -> Result<Arc<dyn VirtioDevice>, MachineError> {
    Err(MachineError::NoShares)
}

/// Maps all slots, those without a device too.
pub(super) fn attach(
    bus: &mut Bus,
    irqs: &Arc<dyn IrqSink>,
    messages: &Arc<dyn MessageSink>,
    vm: &dyn Vm,
    context: &Context,
) -> Result<(), MachineError> {
    let virtual_time = context.alarms.clock().virtual_time().is_some();
    let service = if virtual_time { Service::Inline } else { Service::Threads };
    match context.pci {
        Some(layout) => {
            let mut bridge = pci::bridge(irqs, messages);
            for plug in context.virtio {
                let transport = pci::transport(plug, &bridge, vm, context, service)?;
                bridge.plug(Arc::new(transport));
            }
            pci::insert(bus, layout, bridge);
            empty_slots(bus, 0..map::VIRTIO_SLOTS);
        }
        None => {
            for plug in context.virtio {
                let transport = registers(plug, irqs, vm, context, service)?;
                bus.insert(plug.name, slot_at(plug.slot), map::VIRTIO_STRIDE, Arc::new(transport));
            }
            let (asked_for, always): (Vec<usize>, Vec<usize>) =
                context.virtio.iter().map(|plug| plug.slot).partition(|slot| *slot < BALLOON_SLOT);
            empty_slots(bus, asked_for.len()..always.into_iter().min().unwrap_or(RNG_SLOT));
        }
    }
    Ok(())
}

fn slot_at(slot: usize) -> u64 {
    map::VIRTIO + map::VIRTIO_STRIDE * slot as u64
}

fn empty_slots(bus: &mut Bus, slots: std::ops::Range<usize>) {
    if !slots.is_empty() {
        let len = map::VIRTIO_STRIDE * slots.len() as u64;
        bus.insert(EMPTY, slot_at(slots.start), len, Arc::new(EmptySlots::default()));
    }
}

/// A device with registers at the address of its slot.
fn registers(
    plug: &Plug,
    irqs: &Arc<dyn IrqSink>,
    vm: &dyn Vm,
    context: &Context,
    service: Service,
) -> Result<MmioTransport, MachineError> {
    let irq = IrqLine::new(irqs.clone(), map::VIRTIO_INTID + plug.slot as u32);
    let transport = MmioTransport::new(plug.device.clone(), context.ram.clone(), service, irq);
    // Who looks on wants to see the writes.
    if service == Service::Threads && !context.observed {
        doorbells(vm, &transport, slot_at(plug.slot))?;
    }
    Ok(transport)
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

#[cfg(not(target_os = "linux"))]
fn doorbells(_: &dyn Vm, _: &MmioTransport, _: u64) -> Result<(), MachineError> {
    Ok(())
}

/// Name on the bus of what is no device.
pub(crate) const EMPTY: &str = "virtio, empty";

/// Queues of a disk: one for each CPU, as far as more threads do any good.
fn queues(cpus: usize) -> u16 {
    cpus.clamp(1, 4) as u16
}
