//! The interrupt controller of a board: the backend's own, or armlet's.

use std::sync::Arc;

use armlet_base::{Bus, IrqSink};
use armlet_devices::gicv2::{self, Gicv2};
use armlet_devices::gicv3::{self, Gicv3};
use armlet_hv::{GicKind, Vm};

use super::Context;
use crate::error::MachineError;

/// Wires an interrupt controller between devices and vCPUs, before those are created, and maps its
/// registers where they are armlet's to serve.
pub(super) fn attach(
    vm: &mut dyn Vm,
    bus: &mut Bus,
    context: &Context,
) -> Result<Arc<dyn IrqSink>, MachineError> {
    if let Some(sink) = vm.in_kernel_irqs() {
        return Ok(sink);
    }
    let (cpus, config) = (context.cpus, context.gic.ok_or(MachineError::NoGic)?);
    let inputs = (0..cpus).filter_map(|cpu| Some((cpu, vm.irq_input(cpu)?)));
    match config.kind {
        GicKind::V3 => {
            let gic = Gicv3::new(cpus, config.spis)?;
            inputs.for_each(|(cpu, input)| gic.connect(cpu, input));
            vm.attach_gic(gic.clone())?;
            bus.insert("GICv3 distributor", config.distributor, gicv3::DISTRIBUTOR_SIZE, gic.distributor());
            let len = gicv3::REDISTRIBUTOR_SIZE * cpus as u64;
            bus.insert("GICv3 redistributors", config.redistributors, len, gic.redistributors(0..cpus));
            Ok(gic)
        }
        GicKind::V2 => {
            let gic = Gicv2::new(cpus, config.spis)?;
            inputs.for_each(|(cpu, input)| gic.connect(cpu, input));
            vm.attach_gic(gic.clone())?;
            bus.insert("GICv2 distributor", config.distributor, gicv2::DISTRIBUTOR_SIZE, gic.distributor());
            bus.insert(
                "GICv2 CPU interface",
                config.cpu_interface,
                gicv2::CPU_INTERFACE_SIZE,
                gic.cpu_interface(),
            );
            Ok(gic)
        }
    }
}
