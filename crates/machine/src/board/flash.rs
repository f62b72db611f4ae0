//! The flash memory of `virt`, on machines that start from firmware: a bank with the firmware, where all CPUs start, and a
//! bank for what it keeps.

use std::sync::Arc;

use armlet_base::{Bus, GuestRam, RamKind, RamRegion};
use armlet_devices::pflash::{Changes, Flash};
use armlet_hv::Vm;

use super::Context;
use super::virt::map;
use crate::error::MachineError;
use crate::flash_image::FlashImages;

/// Names on the bus.
const CODE: &str = "flash, firmware";
const VARIABLES: &str = "flash, variables";

/// The banks as memory.
pub(super) fn memory() -> [RamRegion; 2] {
    map::FLASH.map(|gpa| RamRegion { gpa, len: map::FLASH_LEN, kind: RamKind::ReadOnly })
}

/// Fills the banks. Their contents outlive a reset.
///
/// # Errors
/// None that can be: the images fit.
pub(crate) fn load(ram: &GuestRam, images: &FlashImages) -> Result<(), MachineError> {
    ram.write(map::FLASH[0], &images.code)?;
    ram.write(map::FLASH[1], &images.variables)?;
    Ok(())
}

/// Puts the chips in front of the banks, if the machine has any. The first bank is locked.
///
/// # Errors
/// If the backend can't take the memory away while a chip answers.
pub(super) fn attach(bus: &mut Bus, vm: &dyn Vm, context: &Context) -> Result<(), MachineError> {
    let Some(images) = context.flash else { return Ok(()) };
    let switch = vm.as_region_switch().ok_or(MachineError::NoFlash)?;
    let kept = match &images.store {
        Some(store) => Changes::Stored(Box::new(store.clone())),
        None => Changes::Volatile,
    };
    for (name, base, changes) in [(CODE, map::FLASH[0], Changes::Locked), (VARIABLES, map::FLASH[1], kept)] {
        let switch = switch.clone();
        // Where the host refuses, the driver finds a chip that doesn't answer, and gives up.
        let show = move |shown| drop(switch.show(base, shown));
        let flash = Flash::new(context.ram.clone(), base, changes, Box::new(show));
        bus.insert(name, base, map::FLASH_LEN, Arc::new(flash));
    }
    Ok(())
}
