//! Run Arm machines anywhere.
//!
//! This crate is both the `armlet` program and the library other programs embed. The library is a
//! facade: it collects the pieces an embedder needs, lists the CPU backends of this build and holds
//! the embedded guests.
//!
//! Running a guest takes a backend, a configuration and somewhere to put the console:
//!
//! ```no_run
//! use std::io::Write;
//!
//! use armlet::{Board, Ending, Machine, MachineConfig, Payload, SerialOutput};
//!
//! struct Stdout;
//!
//! impl SerialOutput for Stdout {
//!     fn write(&mut self, bytes: &[u8]) {
//!         let _ = std::io::stdout().write_all(bytes);
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let hypervisor = armlet::backends::open("auto")?.hypervisor;
//!     let hello = armlet::guests::find("hello").expect("hello is always embedded");
//!     let config = MachineConfig {
//!         board: Board::Monitor,
//!         cpus: 1,
//!         memory: None,
//!         cpu_model: String::new(),
//!         mode: None,
//!         gic: None,
//!         kernel: Some(Payload::detect(hello.name, hello.image.to_vec())?),
//!         firmware: None,
//!         acpi: None,
//!         fw_cfg: Vec::new(),
//!         initrd: None,
//!         disks: Vec::new(),
//!         shares: Vec::new(),
//!         vsock: None,
//!         balloon: None,
//!         console: Default::default(),
//!         virtio: Default::default(),
//!         nets: Vec::new(),
//!         append: None,
//!         dtb: None,
//!         load_address: None,
//!         entry: None,
//!         no_reboot: false,
//!         pin: Vec::new(),
//!         deterministic: None,
//!     };
//!     let machine = Machine::build(hypervisor.as_ref(), config, Box::new(Stdout), Vec::new())?;
//!     if let Ending::Exit(status) = machine.run()? {
//!         println!("the guest left with status {status}");
//!     }
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]

pub mod backends;
pub mod guests;

pub use armlet_base::{Checkpoint, Checkpoints};
pub use armlet_hv::{
    Capabilities, Deterministic, ExitEvent, GicKind, GuestMode, HvError, Hypervisor, ModelInfo, Observer,
    Statistic,
};
pub use armlet_hv_soft::{Engine, SoftOptions};
pub use armlet_machine::balloon;
pub use armlet_machine::virtio_console::Window;
pub use armlet_machine::{
    BoardKind as Board, ConsoleInput, ConsoleKind, DiskConfig, Ending, FlashImages, FlashStore, Initrd,
    LoadError, Machine, MachineConfig, MachineControl, MachineError, NetConfig, Payload, PayloadKind,
    SerialOutput, ShareConfig, Source, VcpuStatistics, VirtioTransport, VsockConfig, nearest,
};
