//! The interrupt controller of a board: the backend's own, or armlet's.

use std::sync::Arc;

use armlet_base::{Bus, IrqSink};
use armlet_devices::gicv2::{self, Gicv2};
use armlet_devices::gicv3::{self, Gicv3};
use armlet_hv::{GicKind, Vm};

use crate::error::MachineError;

/// Shared peripheral interrupts a board has: INTIDs 32 to 255.
const SPIS: usize = 224;

/// Where a board has its interrupt controller.
pub(super) struct Place {
    /// Distributor.
    pub gicd: u64,
    /// GICv2 CPU interface.
    pub gicc: u64,
    /// GICv3 redistributors.
    pub gicr: u64,
}

/// Wires an interrupt controller between devices and vCPUs, before those are created, and maps its
/// registers where they are armlet's to serve.
pub(super) fn attach(
    vm: &mut dyn Vm,
    bus: &mut Bus,
    kind: GicKind,
    cpus: usize,
    place: &Place,
) -> Result<Arc<dyn IrqSink>, MachineError> {
    if let Some(sink) = vm.in_kernel_irqs() {
        return Ok(sink);
    }
    let inputs = (0..cpus).filter_map(|cpu| Some((cpu, vm.irq_input(cpu)?)));
    match kind {
        GicKind::V3 => {
            let gic = Gicv3::new(cpus, SPIS)?;
            inputs.for_each(|(cpu, input)| gic.connect(cpu, input));
            vm.attach_gic(gic.clone())?;
            bus.insert("GICv3 distributor", place.gicd, gicv3::DISTRIBUTOR_SIZE, gic.distributor());
            let len = gicv3::REDISTRIBUTOR_SIZE * cpus as u64;
            bus.insert("GICv3 redistributors", place.gicr, len, gic.redistributors(0..cpus));
            Ok(gic)
        }
        GicKind::V2 => {
            let gic = Gicv2::new(cpus, SPIS)?;
            inputs.for_each(|(cpu, input)| gic.connect(cpu, input));
            vm.attach_gic(gic.clone())?;
            bus.insert("GICv2 distributor", place.gicd, gicv2::DISTRIBUTOR_SIZE, gic.distributor());
            bus.insert("GICv2 CPU interface", place.gicc, gicv2::CPU_INTERFACE_SIZE, gic.cpu_interface());
            Ok(gic)
        }
    }
}
