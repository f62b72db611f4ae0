//! PCI Express on `virt`: where its windows are, and what is plugged in.

use std::ops::Range;
use std::sync::Arc;

use armlet_base::{Bus, IrqLine, IrqSink, MessageSink};
use armlet_devices::pci::HostBridge;
#[cfg(target_os = "linux")]
use armlet_devices::virtio::pci::HostBells;
use armlet_devices::virtio::{Service, pci::PciTransport};
use armlet_hv::GuestMode;
use armlet_hv::Vm;
#[cfg(target_os = "linux")]
use armlet_hv::{Doorbell, EventHandle, HostEvents, HvError};

use super::{Context, virtio::Plug};
use crate::error::MachineError;

/// Guest physical addresses and interrupts, those of QEMU's `virt`.
pub mod map {
    use std::ops::Range;

    /// Memory space below 4 GiB; PCI addresses are guest physical ones.
    pub const MEMORY: Range<u64> = 0x1000_0000..0x3eff_0000;
    /// I/O space, from PCI address 0 on.
    pub const IO: Range<u64> = 0x3eff_0000..0x3f00_0000;
    /// Configuration space of 16 buses, for guests that reach no higher.
    pub const LOW_ECAM: Range<u64> = 0x3f00_0000..0x4000_0000;
    /// Configuration space of 256 buses.
    pub const ECAM: Range<u64> = 0x40_1000_0000..0x40_2000_0000;
    /// Memory space above 4 GiB.
    pub const HIGH_MEMORY: Range<u64> = 0x80_0000_0000..0x100_0000_0000;
    /// Interrupts of the four wires: SPIs 3 to 6.
    pub const INTIDS: Range<u32> = 35..39;
}

/// Bytes of configuration space of one bus.
const BUS: u64 = 1 << 20;

/// Where the windows are on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Configuration space.
    pub ecam: Range<u64>,
    /// Memory space above 4 GiB, if guest and backend reach it.
    pub high_memory: Option<Range<u64>>,
}

impl Layout {
    /// For a guest that starts in `mode`, with `bits` of guest physical addresses.
    pub fn new(mode: GuestMode, bits: u8) -> Self {
        let reaches = |window: &Range<u64>| !mode.is_aarch32() && window.end - 1 < 1 << bits.min(63);
        let ecam = if reaches(&map::ECAM) { map::ECAM } else { map::LOW_ECAM };
        Self { ecam, high_memory: Some(map::HIGH_MEMORY).filter(reaches) }
    }

    /// Number of buses that configuration space has room for.
    pub fn buses(&self) -> u64 {
        (self.ecam.end - self.ecam.start) / BUS
    }
}

/// The slot of the first device: the bridge has one too.
pub(crate) const FIRST_SLOT: usize = 1;

/// Name on the bus of the windows that hold devices, wherever the guest puts them.
pub(crate) const WINDOW: &str = "PCIe window";

/// A bridge without devices yet.
pub(super) fn bridge(irqs: &Arc<dyn IrqSink>, messages: &Arc<dyn MessageSink>) -> HostBridge {
    let wire = |n| IrqLine::new(irqs.clone(), map::INTIDS.start + n);
    HostBridge::new([0, 1, 2, 3].map(wire), messages.clone())
}

/// A device for its slot.
pub(super) fn transport(
    plug: &Plug,
    bridge: &HostBridge,
    vm: &dyn Vm,
    context: &Context,
    service: Service,
) -> Result<PciTransport, MachineError> {
    let wiring = bridge.wiring(plug.slot);
    let transport = PciTransport::new(plug.device.clone(), context.ram.clone(), service, wiring);
    // Who looks on wants to see the writes.
    if service == Service::Threads && !context.observed {
        return with_bells(transport, vm, context);
    }
    Ok(transport)
}

/// Has the host's kernel ring the doorbells of a device, where the backend can.
#[cfg(target_os = "linux")]
fn with_bells(transport: PciTransport, vm: &dyn Vm, context: &Context) -> Result<PciTransport, MachineError> {
    let (Some(host), Some(layout)) = (vm.as_host_events(), context.pci) else { return Ok(transport) };
    let windows = std::iter::once(map::MEMORY).chain(layout.high_memory.clone()).collect();
    let what = || "no event for a virtio queue".to_owned();
    let transport = transport.with_host_bells(Arc::new(Bells { host, windows }));
    Ok(transport.map_err(|source| HvError::Os { what: what(), source })?)
}

#[cfg(not(target_os = "linux"))]
fn with_bells(transport: PciTransport, _: &dyn Vm, _: &Context) -> Result<PciTransport, MachineError> {
    Ok(transport)
}

/// Doorbells of the host's kernel, within the windows: elsewhere the guest may have put a device over another.
#[cfg(target_os = "linux")]
struct Bells {
    host: Arc<dyn HostEvents>,
    windows: Vec<Range<u64>>,
}

#[cfg(target_os = "linux")]
impl Bells {
    fn bell(gpa: u64) -> Doorbell {
        Doorbell { gpa, size: 4, value: None }
    }
}

#[cfg(target_os = "linux")]
impl HostBells for Bells {
    fn add(&self, gpa: u64, event: EventHandle<'_>) -> bool {
        let inside = self.windows.iter().any(|window| window.contains(&gpa));
        inside && self.host.add_doorbell(Self::bell(gpa), event).is_ok()
    }

    fn remove(&self, gpa: u64, event: EventHandle<'_>) {
        // It was there; what the kernel makes of that the guest can't change.
        let _ = self.host.remove_doorbell(Self::bell(gpa), event);
    }
}

/// Maps a bridge, its devices in place.
pub(super) fn insert(bus: &mut Bus, layout: &Layout, bridge: HostBridge) {
    let bridge = Arc::new(bridge);
    let len = |window: &Range<u64>| window.end - window.start;
    bus.insert("PCIe", layout.ecam.start, len(&layout.ecam), bridge.ecam());
    bus.insert(WINDOW, map::MEMORY.start, len(&map::MEMORY), bridge.window(map::MEMORY.start));
    // No device here has registers in I/O space.
    bus.insert(WINDOW, map::IO.start, len(&map::IO), bridge.empty_window());
    if let Some(high) = &layout.high_memory {
        bus.insert(WINDOW, high.start, len(high), bridge.window(high.start));
    }
}
