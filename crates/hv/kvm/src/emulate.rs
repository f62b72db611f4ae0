//! Accesses to devices by instructions that the hardware does not describe: pairs, writeback, vectors, lists. The engine
//! does one instruction on the vCPU's whole state.

use armlet_arm::CpuState;
use armlet_arm::smccc::Conduit;
use armlet_base::{BusError, GuestRam};
use armlet_engine::{self as engine, Emulator, Note, Unknown, World};
use armlet_hv::{ExitEvent, HvError, Stop, Vcpu, VcpuIo};

use crate::code::Code;
use crate::one_reg;
use crate::vcpu::KvmVcpu;

impl KvmVcpu {
    /// Does the instruction that the vCPU is at. `Some` if it can't go on.
    pub(crate) fn emulate(&mut self, io: &mut dyn VcpuIo) -> Result<Option<Stop>, HvError> {
        let pc = self.get(one_reg::PC)?;
        let code = if io.observed() { self.code_at(pc)? } else { None };
        let mut state = CpuState::default();
        self.save(&mut state)?;
        let shared = self.shared.clone();
        let emulator = self.emulator.get_or_insert_with(|| {
            let new = if shared.mode.is_aarch32() { Emulator::for_aarch32 } else { Emulator::new };
            new(shared.ram.clone())
        });
        let done = emulator.step(&mut state, &mut Devices { io, ram: &shared.ram, code });
        let done = match done {
            Ok(()) => self.load(&state).map(|()| None),
            Err(Unknown) => Ok(Some(Stop::Dead(format!(
                "an access to a device by an instruction that armlet doesn't know, at {pc:#x}"
            )))),
        };
        // The guest runs on, and with it what is known of it.
        self.forget();
        done
    }
}

/// The machine around the vCPU, as the engine wants to see it.
struct Devices<'a> {
    io: &'a mut dyn VcpuIo,
    ram: &'a GuestRam,
    /// The instruction, if somebody wants to hear of it.
    code: Option<Code>,
}

impl Devices<'_> {
    fn tell(&mut self, event: impl FnOnce() -> ExitEvent) {
        if self.io.observed() {
            self.io.observe(&event());
        }
    }

    fn syndrome(&self, gpa: u64, write: bool) -> Option<u64> {
        self.code.map(|code| code.data_abort(self.ram, gpa, write))
    }
}

impl World for Devices<'_> {
    fn mmio_read(&mut self, pc: u64, gpa: u64, size: u8) -> Result<u64, BusError> {
        let value = self.io.mmio_read(gpa, size)?;
        let syndrome = self.syndrome(gpa, false);
        self.tell(|| ExitEvent::MmioRead { pc, gpa, size, value, syndrome });
        Ok(value)
    }

    fn mmio_write(&mut self, pc: u64, gpa: u64, size: u8, value: u64) -> Result<(), BusError> {
        self.io.mmio_write(gpa, size, value)?;
        let syndrome = self.syndrome(gpa, true);
        self.tell(|| ExitEvent::MmioWrite { pc, gpa, size, value, syndrome });
        Ok(())
    }

    /// No instruction that accesses memory calls.
    fn call(&mut self, _: u64, _: Conduit, _: u16, _: &mut [u64; 18]) -> engine::CallOutcome {
        engine::CallOutcome::Undefined
    }

    fn notes(&self) -> bool {
        self.io.observed()
    }

    fn note(&mut self, note: Note) {
        if let Note::Unmapped { pc, pa: gpa, fetch, write } = note {
            self.tell(|| ExitEvent::UnmappedAccess { pc, gpa, fetch, write });
        }
    }
}
