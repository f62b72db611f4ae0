//! What every other crate stands on: guest memory, the MMIO bus, interrupt lines and clocks.
//!
//! Nothing here knows about Arm, about a CPU backend or about a host operating system beyond
//! what `vm-memory` and `std` abstract, and one call in `sys`.

pub mod bus;
pub mod checkpoint;
pub mod clock;
mod discard;
mod dma;
pub mod irq;
pub mod ram;
mod sys;
pub mod virtual_time;

pub use bus::{Access, Bus, BusError, MmioDevice};
pub use checkpoint::{Checkpoint, Checkpoints};
pub use clock::{Alarm, AlarmQueue, Clock};
pub use irq::{CpuIrqInput, IrqLine, IrqSink, Message, MessageSink};
pub use ram::{GuestRam, RamError, RamKind, RamRegion};
pub use virtual_time::VirtualTime;
