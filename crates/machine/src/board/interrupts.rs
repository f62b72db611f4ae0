//! The interrupt controller of a board: the backend's own, or armlet's.

use std::sync::Arc;

use armlet_base::{Bus, IrqSink, MessageSink};
use armlet_devices::gicv2::{self, Gicv2};
use armlet_devices::gicv3::its::{self, Its};
use armlet_devices::gicv3::{self, Gicv3};
use armlet_hv::{GicKind, Vm};

use super::Context;
use crate::error::MachineError;

/// An interrupt controller as devices reach it.
pub(super) struct Interrupts {
    pub irqs: Arc<dyn IrqSink>,
    /// Where messages go, if it has an ITS.
    pub messages: Option<Arc<dyn MessageSink>>,
}

/// Wires an interrupt controller between devices and vCPUs, before those are created, and maps its
/// registers where they are armlet's to serve.
pub(super) fn attach(vm: &mut dyn Vm, bus: &mut Bus, context: &Context) -> Result<Interrupts, MachineError> {
    if let Some(irqs) = vm.in_kernel_irqs() {
        return Ok(Interrupts { irqs, messages: vm.as_msi() });
    }
    let (cpus, config) = (context.cpus, context.gic.ok_or(MachineError::NoGic)?);
    let inputs = (0..cpus).filter_map(|cpu| Some((cpu, vm.irq_input(cpu)?)));
    match config.kind {
        GicKind::V3 => {
            let ram = context.ram.clone();
            let gic = match config.its {
                Some(_) => Gicv3::with_lpis(cpus, config.spis, ram.clone())?,
                None => Gicv3::new(cpus, config.spis)?,
            };
            inputs.for_each(|(cpu, input)| gic.connect(cpu, input));
            vm.attach_gic(gic.clone())?;
            bus.insert("GICv3 distributor", config.distributor, gicv3::DISTRIBUTOR_SIZE, gic.distributor());
            let len = gicv3::REDISTRIBUTOR_SIZE * cpus as u64;
            bus.insert("GICv3 redistributors", config.redistributors, len, gic.redistributors(0..cpus));
            let its = config.its.map(|at| (at, Arc::new(Its::new(gic.clone(), at, ram))));
            if let Some((at, its)) = &its {
                bus.insert("GICv3 ITS", *at, its::SIZE, its.clone());
            }
            let messages = its.map(|(_, its)| its as Arc<dyn MessageSink>);
            Ok(Interrupts { irqs: gic, messages })
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
            Ok(Interrupts { irqs: gic, messages: None })
        }
    }
}
