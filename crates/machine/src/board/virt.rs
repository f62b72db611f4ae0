//! The `virt` board: register-compatible with QEMU's machine of the same name.

use std::sync::Arc;

use armlet_base::{Bus, IrqLine, IrqSink, MessageSink};
use armlet_devices::fw_cfg::{self, FwCfg};
use armlet_devices::gicv2m::{self, Gicv2m};
use armlet_devices::pl031::{self, Pl031};
use armlet_devices::pl061::{self, Button, Pl061};
use armlet_hv::Vm;

use super::interrupts::{self, Interrupts};
use super::{Context, Devices, flash, virtio};
use crate::error::MachineError;

/// Guest memory unless asked otherwise: 1 GiB.
pub const DEFAULT_RAM: u64 = 1 << 30;
/// Least guest memory: room for a device tree and a small program.
pub const MIN_RAM: u64 = 4 << 20;
/// Where flat binaries go: where QEMU puts them.
pub const FLAT_AT: u64 = map::RAM + 0x8_0000;

/// Command line of a Linux kernel unless asked otherwise: the UART from the first line on, so that a kernel
/// that fails early says so.
pub const DEFAULT_APPEND: &str = "console=ttyAMA0 earlycon";

/// The RTC's key in the alarm queue.
const ALARM_RTC: u64 = 0;
/// The power button's.
const ALARM_BUTTON: u64 = 1;
/// The power button's line of the PL061.
pub const BUTTON_LINE: u8 = 3;

/// Guest physical addresses and interrupts.
pub mod map {
    /// Banks of flash memory, on machines that start from firmware: its code, and what it keeps.
    pub const FLASH: [u64; 2] = [0, FLASH_LEN];
    /// Length of a bank: 64 MiB.
    pub const FLASH_LEN: u64 = 0x0400_0000;
    /// GIC distributor.
    pub const GICD: u64 = 0x0800_0000;
    /// Length of the distributor.
    pub const GICD_LEN: u64 = 0x1_0000;
    /// GICv2 CPU interface.
    pub const GICC: u64 = 0x0801_0000;
    /// Length of the GICv2 CPU interface.
    pub const GICC_LEN: u64 = 0x1_0000;
    /// GICv2m, which takes messages where no ITS does.
    pub const V2M: u64 = 0x0802_0000;
    /// Length of the GICv2m frame.
    pub const V2M_LEN: u64 = 0x1000;
    /// Interrupts of the GICv2m: SPIs 48 to 111.
    pub const V2M_INTIDS: std::ops::Range<u32> = 80..144;
    /// GICv3 Interrupt Translation Service.
    pub const ITS: u64 = 0x0808_0000;
    /// Length of its two frames.
    pub const ITS_LEN: u64 = 0x2_0000;
    /// GICv3 redistributors.
    pub const GICR: u64 = 0x080a_0000;
    /// Bytes one redistributor takes: RD_base and SGI_base frames.
    pub const GICR_STRIDE: u64 = 0x2_0000;
    /// Redistributors that fit below the UART.
    pub const MAX_CPUS: usize = 123;
    /// PL011.
    pub const UART: u64 = 0x0900_0000;
    /// Length of the PL011.
    pub const UART_LEN: u64 = 0x1000;
    /// Interrupt of the PL011: SPI 1.
    pub const UART_INTID: u32 = 33;
    /// PL031.
    pub const RTC: u64 = 0x0901_0000;
    /// Length of the PL031.
    pub const RTC_LEN: u64 = 0x1000;
    /// Interrupt of the PL031: SPI 2.
    pub const RTC_INTID: u32 = 34;
    /// fw_cfg.
    pub const FW_CFG: u64 = 0x0902_0000;
    /// Length of fw_cfg's registers.
    pub const FW_CFG_LEN: u64 = 0x18;
    /// PL061, whose line 3 is the power button.
    pub const GPIO: u64 = 0x0903_0000;
    /// Length of the PL061.
    pub const GPIO_LEN: u64 = 0x1000;
    /// Interrupt of the PL061: SPI 7.
    pub const GPIO_INTID: u32 = 39;
    /// Virtio slots with registers (virtio-mmio).
    pub const VIRTIO: u64 = 0x0a00_0000;
    /// Length of a slot.
    pub const VIRTIO_STRIDE: u64 = 0x200;
    /// Number of slots.
    pub const VIRTIO_SLOTS: usize = 32;
    /// Interrupt of the first slot, the others follow: SPI 16.
    pub const VIRTIO_INTID: u32 = 48;
    /// Guest memory.
    pub const RAM: u64 = 0x4000_0000;
    /// Most guest memory: what lies between its start and 256 GiB.
    pub const MAX_RAM: u64 = 255 << 30;

    /// Length of the redistributor region of `cpus` CPUs.
    pub const fn gicr_len(cpus: usize) -> u64 {
        GICR_STRIDE * cpus as u64
    }
}

/// Makes the devices and wires them.
pub(crate) fn wire(vm: &mut dyn Vm, context: &mut Context) -> Result<Devices, MachineError> {
    let mut bus = Bus::new();
    let Interrupts { irqs, messages } = interrupts::attach(vm, &mut bus, context)?;
    let messages = messages.unwrap_or_else(|| v2m(&mut bus, &irqs));
    let uart = super::uart(&mut bus, map::UART, IrqLine::new(irqs.clone(), map::UART_INTID), context);
    let rtc_irq = IrqLine::new(irqs.clone(), map::RTC_INTID);
    let rtc = Pl031::new(context.utc, context.alarms.clone(), ALARM_RTC, rtc_irq);
    bus.insert("PL031", map::RTC, pl031::SIZE, Arc::new(rtc));
    let items = context.items.take().unwrap_or_default();
    bus.insert("fw_cfg", map::FW_CFG, fw_cfg::SIZE, Arc::new(FwCfg::new(items, context.ram.clone())));
    let gpio = Arc::new(Pl061::new(IrqLine::new(irqs.clone(), map::GPIO_INTID)));
    let button = Button::new(gpio.clone(), BUTTON_LINE, context.alarms.clone(), ALARM_BUTTON);
    bus.insert("PL061", map::GPIO, pl061::SIZE, gpio);
    flash::attach(&mut bus, vm, context)?;
    virtio::attach(&mut bus, &irqs, &messages, vm, context)?;
    Ok(Devices { bus, uart: Some(uart), button: Some(button) })
}

/// Maps the frame that takes messages where no ITS does.
fn v2m(bus: &mut Bus, irqs: &Arc<dyn IrqSink>) -> Arc<dyn MessageSink> {
    let frame = Arc::new(Gicv2m::new(map::V2M, map::V2M_INTIDS, irqs.clone()));
    bus.insert("GICv2m", map::V2M, gicv2m::SIZE, frame.clone());
    frame
}
