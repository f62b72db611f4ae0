//! The virtio devices of `virt`: disks from the first slot on, in the order in which they were asked for, and an
//! entropy source in the last one, where no disk moves it.

use std::sync::Arc;

use armlet_base::{Bus, IrqSink};
#[cfg(unix)]
use armlet_devices::virtio::mmio::MmioTransport;
#[cfg(target_os = "linux")]
use armlet_devices::virtio::mmio::NOTIFY;
use armlet_hv::Vm;
#[cfg(target_os = "linux")]
use armlet_hv::{Doorbell, HvError};

use super::Context;
use super::virt::map;
use crate::error::MachineError;

/// The slot of the entropy source.
const RNG_SLOT: usize = map::VIRTIO_SLOTS - 1;

/// The most disks.
pub const MAX_DISKS: usize = RNG_SLOT;

/// True if this build has virtio devices.
pub const AVAILABLE: bool = cfg!(unix);

/// The slots that have a device on a machine with `disks` disks, in order.
pub(crate) fn slots(disks: usize) -> Vec<usize> {
    if AVAILABLE { (0..disks).chain([RNG_SLOT]).collect() } else { Vec::new() }
}

/// Refuses more disks than there is room for.
pub(crate) fn check(disks: usize) -> Result<(), MachineError> {
    match disks {
        0 => Ok(()),
        _ if !AVAILABLE => Err(MachineError::NoVirtio),
        _ if disks > MAX_DISKS => Err(MachineError::Disks { disks, limit: MAX_DISKS }),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub(super) fn attach(_: &mut Bus, _: &Arc<dyn IrqSink>, _: &dyn Vm, _: &Context) -> Result<(), MachineError> {
    Ok(())
}

/// Makes the devices and maps all slots, those without a device too.
#[cfg(unix)]
pub(super) fn attach(
    bus: &mut Bus,
    irqs: &Arc<dyn IrqSink>,
    vm: &dyn Vm,
    context: &Context,
) -> Result<(), MachineError> {
    use armlet_base::IrqLine;
    use armlet_devices::virtio::mmio::EmptySlots;
    use armlet_devices::virtio::{Service, VirtioDevice, blk::Blk, rng::Rng};

    let virtual_time = context.alarms.clock().virtual_time().is_some();
    let service = if virtual_time { Service::Inline } else { Service::Threads };
    let at = |slot: usize| map::VIRTIO + map::VIRTIO_STRIDE * slot as u64;
    let mut plug = |name, slot: usize, device: Arc<dyn VirtioDevice>| {
        let irq = IrqLine::new(irqs.clone(), map::VIRTIO_INTID + slot as u32);
        let transport = MmioTransport::new(device, context.ram.clone(), service, irq);
        // Who looks on wants to see the writes.
        if service == Service::Threads && !context.observed {
            doorbells(vm, &transport, at(slot))?;
        }
        bus.insert(name, at(slot), map::VIRTIO_STRIDE, Arc::new(transport));
        Ok::<_, MachineError>(())
    };
    for (slot, disk) in context.disks.iter().enumerate() {
        plug("virtio-blk", slot, Arc::new(Blk::new(disk.disk.clone(), &disk.serial, queues(context.cpus))))?;
    }
    let entropy = context.entropy.clone();
    let rng = Rng::new(Box::new(move |bytes| entropy.fill(bytes).is_ok()));
    plug("virtio-rng", RNG_SLOT, Arc::new(rng))?;
    let first = context.disks.len();
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
