//! Machines: boards, loaders, device trees, firmware calls and the loop that runs the vCPUs.
//!
//! [`Machine::build`] makes one from a [`MachineConfig`] on any [`armlet_hv::Hypervisor`];
//! [`Machine::run`] runs it to its [`Ending`].
#![forbid(unsafe_code)]

mod acpi;
pub mod board;
mod config;
mod console;
mod contents;
mod entropy;
mod error;
pub mod fdt;
mod firmware;
mod flash_image;
mod fw_cfg;
mod input;
pub mod loader;
mod machine;
mod nearest;
mod pin;
mod plan;
mod run;
mod smbios;
mod start;
mod statistics;
pub mod topology;

pub use armlet_devices::pflash::Store as FlashStore;
pub use armlet_devices::pl011::SerialOutput;
pub use armlet_devices::virtio::balloon;
pub use armlet_devices::virtio::console as virtio_console;
pub use armlet_devices::virtio::net::MAX_PAIRS as MAX_QUEUE_PAIRS;
pub use armlet_disk as disk;
pub use armlet_net as net;
pub use armlet_ninep as ninep;
pub use config::{
    BoardKind, ConsoleKind, DiskConfig, MachineConfig, NetConfig, ROOT_TAG, ShareConfig, UnknownBoard,
    VirtioTransport, VsockConfig,
};
pub use error::MachineError;
pub use flash_image::{BANK as FLASH_BANK, FlashImages, without_padding};
pub use input::ConsoleInput;
pub use loader::{Initrd, LoadError, Payload, PayloadKind, Source};
pub use machine::Machine;
pub use nearest::nearest;
pub use run::{Ending, MachineControl};
pub use statistics::VcpuStatistics;
