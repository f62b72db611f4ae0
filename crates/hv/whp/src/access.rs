//! Accesses to devices, done for the guest.
//!
//! The syndrome describes plain loads and stores of one general register. All others are done by the engine,
//! as one instruction on the VP's whole state, and so is what ends in an external abort: a load where no
//! device answers, a branch to where no memory is.

use armlet_arm::CpuState;
use armlet_arm::esr::{Ec, ec_of, iss};
use armlet_arm::smccc::Conduit;
use armlet_arm::syndrome::{self, Transfer};
use armlet_base::BusError;
use armlet_engine::{self as engine, Emulator, Note, Unknown, World};
use armlet_hv::{ExitEvent, HvError, Stop, Vcpu, VcpuIo};

use crate::abi::MemoryAccess;
use crate::abi::register as name;
use crate::vcpu::WhpVcpu;

/// ISS.CM: cache maintenance by address.
const CM: u64 = 1 << 8;
/// Number of XZR. The platform's name after that of X30 is the stack pointer's.
const XZR: u8 = 31;

impl WhpVcpu {
    /// Does what the guest wanted at `access.gpa`. `Some` if the VP can't go on.
    pub(crate) fn access(
        &mut self,
        access: &MemoryAccess,
        io: &mut dyn VcpuIo,
    ) -> Result<Option<Stop>, HvError> {
        let esr = access.syndrome;
        if ec_of(esr) == Ec::DataAbortLower as u8 {
            if esr & CM != 0 {
                // Nothing is cached of what is no memory.
                self.put([name::PC], [next(access)])?;
                return Ok(None);
            }
            if let Some(transfer) = syndrome::transfer(esr)
                && self.transfer(access, transfer, io)?
            {
                self.counts.decoded += 1;
                return Ok(None);
            }
        }
        self.counts.emulated += 1;
        self.emulate(access, io)
    }

    /// Does a plain load or store; false if no device answers.
    fn transfer(
        &mut self,
        access: &MemoryAccess,
        transfer: Transfer,
        io: &mut dyn VcpuIo,
    ) -> Result<bool, HvError> {
        let (pc, gpa, size) = (access.header.pc, access.gpa, 1 << transfer.sas);
        let syndrome = Some(access.syndrome);
        if access.syndrome & iss::WNR != 0 {
            let value = match transfer.rt {
                XZR => 0,
                rt => self.get([name::x(rt)])?[0] & ones(size),
            };
            if io.mmio_write(gpa, size, value).is_err() {
                return Ok(false);
            }
            self.put([name::PC], [next(access)])?;
            tell(io, || ExitEvent::MmioWrite { pc, gpa, size, value, syndrome });
        } else {
            let Ok(value) = io.mmio_read(gpa, size) else { return Ok(false) };
            match transfer.rt {
                XZR => self.put([name::PC], [next(access)])?,
                rt => self.put([name::x(rt), name::PC], [extended(value, transfer), next(access)])?,
            }
            tell(io, || ExitEvent::MmioRead { pc, gpa, size, value, syndrome });
        }
        Ok(true)
    }

    fn emulate(&mut self, access: &MemoryAccess, io: &mut dyn VcpuIo) -> Result<Option<Stop>, HvError> {
        let mut state = CpuState::default();
        self.save(&mut state)?;
        let mut emulator = self.emulator.take().unwrap_or_else(|| Emulator::new(self.shared.ram.clone()));
        let done = emulator.step(&mut state, &mut Devices(io));
        self.emulator = Some(emulator);
        match done {
            Ok(()) => self.load(&state).map(|()| None),
            Err(Unknown) => Ok(Some(Stop::Dead(format!(
                "an access to {:#x}, which is no memory, by an instruction that armlet doesn't know, at {:#x}",
                access.gpa, access.header.pc
            )))),
        }
    }
}

/// The address behind the instruction. Some builds don't tell its length.
fn next(access: &MemoryAccess) -> u64 {
    let length = match access.header.instruction_length {
        2 => 2,
        _ => 4,
    };
    access.header.pc.wrapping_add(length)
}

/// The low `size` bytes.
fn ones(size: u8) -> u64 {
    u64::MAX >> (64 - 8 * u32::from(size))
}

/// What a load puts into its register.
fn extended(value: u64, transfer: Transfer) -> u64 {
    let bits = 8u32 << transfer.sas;
    let value = value & (u64::MAX >> (64 - bits));
    let value = if transfer.sign { ((value << (64 - bits)) as i64 >> (64 - bits)) as u64 } else { value };
    if transfer.wide { value } else { value & 0xffff_ffff }
}

fn tell(io: &mut dyn VcpuIo, event: impl FnOnce() -> ExitEvent) {
    if io.observed() {
        io.observe(&event());
    }
}

/// The machine around the VP, as the engine wants to see it.
struct Devices<'a>(&'a mut dyn VcpuIo);

impl World for Devices<'_> {
    fn mmio_read(&mut self, pc: u64, gpa: u64, size: u8) -> Result<u64, BusError> {
        let value = self.0.mmio_read(gpa, size)?;
        tell(self.0, || ExitEvent::MmioRead { pc, gpa, size, value, syndrome: None });
        Ok(value)
    }

    fn mmio_write(&mut self, pc: u64, gpa: u64, size: u8, value: u64) -> Result<(), BusError> {
        self.0.mmio_write(gpa, size, value)?;
        tell(self.0, || ExitEvent::MmioWrite { pc, gpa, size, value, syndrome: None });
        Ok(())
    }

    /// No instruction that accesses memory calls.
    fn call(&mut self, _: u64, _: Conduit, _: u16, _: &mut [u64; 18]) -> engine::CallOutcome {
        engine::CallOutcome::Undefined
    }

    fn notes(&self) -> bool {
        self.0.observed()
    }

    fn note(&mut self, note: Note) {
        if let Note::Unmapped { pc, pa: gpa, fetch, write } = note {
            tell(self.0, || ExitEvent::UnmappedAccess { pc, gpa, fetch, write });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_extend_as_the_instruction_says() {
        let load = |sas, sign, wide| Transfer { sas, sign, rt: 1, wide, ordered: false };
        assert_eq!(extended(0xffff_ff80, load(0, false, false)), 0x80);
        assert_eq!(extended(0x80, load(0, true, false)), 0xffff_ff80);
        assert_eq!(extended(0x80, load(0, true, true)), 0xffff_ffff_ffff_ff80);
        assert_eq!(extended(0x8000_0000, load(2, true, true)), 0xffff_ffff_8000_0000);
        assert_eq!(extended(u64::MAX, load(2, false, false)), 0xffff_ffff);
        assert_eq!(extended(u64::MAX, load(3, false, true)), u64::MAX);
        assert_eq!((ones(1), ones(8)), (0xff, u64::MAX));
    }
}
