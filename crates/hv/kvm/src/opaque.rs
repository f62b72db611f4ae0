//! What a copy of a vCPU needs beside the neutral state: registers that only KVM knows, whether the vCPU is on, and
//! a pending SError.

use armlet_hv::{HvError, OpaqueState};
use kvm_bindings::kvm_mp_state;

use crate::blob::{Reader, Writer};
use crate::vcpu::KvmVcpu;
use crate::{one_reg, os, state};

const NAME: &[u8; 8] = b"kvm-vcpu";
const VERSION: u32 = 1;
/// The widest register, a vector of SVE, in bytes.
const WIDEST: usize = 256;

impl OpaqueState for KvmVcpu {
    fn save_opaque(&self) -> Result<Vec<u8>, HvError> {
        let mut writer = Writer::new(NAME, VERSION);
        let on = self.fd.get_mp_state().map_err(os("KVM does not tell whether a vCPU is on"))?;
        writer.word(on.mp_state);
        let events = self.fd.get_vcpu_events().map_err(os("KVM does not tell what is pending on a vCPU"))?;
        let serror = events.exception;
        writer.word(u32::from(serror.serror_pending) | u32::from(serror.serror_has_esr) << 1);
        writer.double(serror.serror_esr);
        let others = &self.registers.others;
        writer.word(others.len() as u32);
        for id in others {
            let mut bytes = [0; WIDEST];
            let len = self.fd.get_one_reg(*id, &mut bytes);
            let len = len.map_err(os(format!("KVM does not tell register {id:#x}")))?;
            writer.double(*id);
            writer.bytes(&bytes[..len]);
        }
        Ok(writer.finish())
    }

    fn load_opaque(&mut self, state: &[u8]) -> Result<(), HvError> {
        let mut reader = Reader::new(state, NAME, VERSION)?;
        let mp_state = reader.word()?;
        let (pending, esr) = (reader.word()?, reader.double()?);
        for _ in 0..reader.word()? {
            let (id, value) = (reader.double()?, reader.bytes()?);
            self.load_other(id, value)?;
        }
        reader.end()?;
        let mut events =
            self.fd.get_vcpu_events().map_err(os("KVM does not tell what is pending on a vCPU"))?;
        events.exception.serror_pending = pending as u8 & 1;
        events.exception.serror_has_esr = pending as u8 >> 1 & 1;
        events.exception.serror_esr = esr;
        self.fd.set_vcpu_events(&events).map_err(os("KVM does not take what was pending on a vCPU"))?;
        let done = self.fd.set_mp_state(kvm_mp_state { mp_state });
        done.map_err(os(format!("KVM does not take {mp_state} for whether a vCPU is on")))
    }
}

impl KvmVcpu {
    /// Sets a register unless it has that value: most of these tell what the CPU is and can't be changed.
    fn load_other(&self, id: u64, value: &[u8]) -> Result<(), HvError> {
        // The counters of a VM move together.
        let counter = id == one_reg::VIRTUAL_COUNTER || id == one_reg::PHYSICAL_COUNTER;
        if counter && (id == one_reg::PHYSICAL_COUNTER || self.index != 0) {
            return Ok(());
        }
        let mut now = [0; WIDEST];
        let len = self.fd.get_one_reg(id, &mut now);
        let len = len.map_err(os(format!("this host's KVM has no register {id:#x}")))?;
        if &now[..len] == value {
            return Ok(());
        }
        if value.len() != len {
            return Err(crate::unsupported(format!("{} bytes for register {id:#x}", value.len())));
        }
        let done = self.fd.set_one_reg(id, value);
        done.map_err(os(format!("this host's CPU differs in register {id:#x}")))?;
        Ok(())
    }

    /// A register by its name.
    pub(crate) fn get(&self, id: u64) -> Result<u64, HvError> {
        state::get(&self.fd, id)
    }

    /// Sets a register by its name.
    pub(crate) fn set(&self, id: u64, value: u64) -> Result<(), HvError> {
        state::set(&self.fd, id, value)
    }
}
