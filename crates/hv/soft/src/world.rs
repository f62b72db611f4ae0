//! The machine, as the engine sees it, over the run loop's [`VcpuIo`].

use std::sync::Arc;

use armlet_arm::esr::fsc;
use armlet_arm::smccc::Conduit;
use armlet_arm::syndrome::{self, Transfer};
use armlet_base::{BusError, GuestRam, RamKind};
use armlet_engine::{CallOutcome, InsnSet, Note, Vector, World};
use armlet_hv::{self as hv, ExitEvent, Stop, VcpuIo};

/// Level of the translation tables at which a hypervisor maps pages.
const LAST_LEVEL: u8 = 3;

/// Passes the engine's requests on and remembers why a call stopped the PE.
pub struct IoWorld<'a> {
    io: &'a mut dyn VcpuIo,
    stop: Option<Stop>,
    ram: Arc<GuestRam>,
    /// The instruction of the access that comes next.
    insn: Option<(InsnSet, u32)>,
}

impl<'a> IoWorld<'a> {
    /// Over `io`, for a guest with this memory.
    pub fn new(io: &'a mut dyn VcpuIo, ram: Arc<GuestRam>) -> Self {
        Self { io, stop: None, ram, insn: None }
    }

    /// The syndrome a hypervisor would find: no permission where there is memory, no translation elsewhere.
    fn syndrome(&self, gpa: u64, write: bool) -> Option<u64> {
        let (set, word) = self.insn?;
        let transfer = match set {
            InsnSet::A64 => Transfer::of_a64(word),
            InsnSet::A32 => Transfer::of_a32(word),
            InsnSet::T32 => Transfer::of_t32(word),
        };
        let memory = self.ram.find(gpa).is_some_and(|(kind, ..)| kind != RamKind::Hidden);
        let status = if memory { fsc::PERMISSION } else { fsc::TRANSLATION };
        let narrow = set == InsnSet::T32 && word >> 16 == 0;
        Some(syndrome::data_abort(transfer, write, status | LAST_LEVEL, narrow))
    }

    /// The reason of the last [`CallOutcome::Stop`].
    pub fn take_stop(&mut self) -> Stop {
        self.stop.take().unwrap_or(Stop::Kicked)
    }

    fn observe(&mut self, event: impl FnOnce() -> ExitEvent) {
        if self.io.observed() {
            self.io.observe(&event());
        }
    }
}

impl World for IoWorld<'_> {
    fn mmio_read(&mut self, pc: u64, gpa: u64, size: u8) -> Result<u64, BusError> {
        let value = self.io.mmio_read(gpa, size)?;
        let syndrome = self.syndrome(gpa, false);
        self.observe(|| ExitEvent::MmioRead { pc, gpa, size, value, syndrome });
        Ok(value)
    }

    fn mmio_write(&mut self, pc: u64, gpa: u64, size: u8, value: u64) -> Result<(), BusError> {
        self.io.mmio_write(gpa, size, value)?;
        let syndrome = self.syndrome(gpa, true);
        self.observe(|| ExitEvent::MmioWrite { pc, gpa, size, value, syndrome });
        Ok(())
    }

    fn refuse_fetch(&mut self, pa: u64) -> BusError {
        self.io.refuse_fetch(pa)
    }

    fn instruction(&mut self, set: InsnSet, word: u32) {
        self.insn = Some((set, word));
    }

    fn call(&mut self, pc: u64, conduit: Conduit, imm: u16, regs: &mut [u64; 18]) -> CallOutcome {
        let function = regs[0] as u32;
        let outcome = self.io.call(conduit, imm, regs);
        let result = regs[0];
        self.observe(|| ExitEvent::Call { pc, conduit, imm, function, result });
        match outcome {
            hv::CallOutcome::Continue => CallOutcome::Continue,
            hv::CallOutcome::Wait(stop) => {
                self.stop = stop;
                CallOutcome::Wait { stop: self.stop.is_some() }
            }
            hv::CallOutcome::Undefined => CallOutcome::Undefined,
            hv::CallOutcome::Stop(stop) => {
                self.stop = Some(stop);
                CallOutcome::Stop
            }
        }
    }

    fn notes(&self) -> bool {
        self.io.observed()
    }

    fn note(&mut self, note: Note) {
        self.observe(|| match note {
            Note::Exception { pc, esr, far, from_el, vector } => {
                ExitEvent::Exception { pc, esr, far, from_el, vector: vector_name(vector) }
            }
            Note::Unmapped { pc, pa, fetch, write } => {
                ExitEvent::UnmappedAccess { pc, gpa: pa, fetch, write }
            }
            Note::SysReg { pc, reg, read } => ExitEvent::SysRegTrap { pc, reg, read },
            Note::Wfi { pc } => ExitEvent::Wfi { pc },
        });
    }
}

fn vector_name(vector: Vector) -> &'static str {
    match vector {
        Vector::Synchronous => "synchronous",
        Vector::Irq => "IRQ",
        Vector::Fiq => "FIQ",
        Vector::SError => "SError",
    }
}
