//! Models of devices: Arm's interrupt controllers, UART, RTC, GPIO and timers; flash, fw_cfg; PCI and virtio.
//!
//! One module per hardware block. Registers carry Arm's names; each module says which document it
//! follows. A guest may access any register at any size with any value: what the document leaves out
//! reads as zero, ignores writes and is counted in the device's [`GuestErrors`].
#![forbid(unsafe_code)]

pub mod fw_cfg;
mod gic;
pub mod gicv2;
pub mod gicv2m;
pub mod gicv3;
mod mmio;
pub mod pci;
pub mod pflash;
pub mod pl011;
pub mod pl031;
pub mod pl061;
pub mod timer_frame;
pub mod virtio;

pub use gic::GicError;
pub use mmio::{GuestErrors, LastError};
