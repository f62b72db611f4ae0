//! The Interrupt Translation Service: makes LPIs of messages, as tables in guest memory say (IHI 0069H, chapter 5).
//!
//! Commands are executed when they are written, by the CPU that writes. A very long queue is executed in pieces, at this and
//! the next accesses, so that no CPU is away for long.

mod commands;
mod spec;
mod tables;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use armlet_base::{Access, GuestRam, Message, MessageSink, MmioDevice};

use super::Gicv3;
use super::redistributor::{part, replace};
use super::spec::{ID_REGISTERS, IIDR};
use crate::mmio::{self, GuestErrors};
use commands::Command;
use spec::*;
use tables::{Device, Translation};

/// Bytes of its two frames: control, and translation.
pub const SIZE: u64 = 0x2_0000;

/// Work at one access, in interrupts looked at; a command is as much as some of them.
const BUDGET: usize = 1 << 18;
/// What a command costs at least.
const COMMAND: usize = 4;

/// An ITS.
pub struct Its {
    gic: Arc<Gicv3>,
    /// Guest physical address of GITS_TRANSLATER.
    doorbell: u64,
    state: Mutex<State>,
    errors: GuestErrors,
}

struct State {
    ram: Arc<GuestRam>,
    enabled: bool,
    cbaser: u64,
    cwriter: u64,
    creadr: u64,
    /// GITS_BASER0, devices, and GITS_BASER1, collections.
    basers: [u64; 2],
}

impl State {
    fn new(ram: Arc<GuestRam>) -> Self {
        let basers = [BASER_DEVICES, BASER_COLLECTIONS];
        Self { ram, enabled: false, cbaser: 0, cwriter: 0, creadr: 0, basers }
    }

    fn device_entry(&self, device: u64) -> Option<u64> {
        (device >> ID_BITS == 0).then(|| tables::entry(&self.ram, self.basers[0], device))?
    }

    fn device(&self, device: u64) -> Option<Device> {
        Device::decode(tables::load(&self.ram, self.device_entry(device)?)?)
    }

    fn collection_entry(&self, collection: u16) -> Option<u64> {
        tables::entry(&self.ram, self.basers[1], collection.into())
    }

    /// The CPU of a collection.
    fn collection(&self, collection: u16) -> Option<usize> {
        tables::decode_collection(tables::load(&self.ram, self.collection_entry(collection)?)?)
    }

    /// An event that is mapped, and where its entry is.
    fn event(&self, device: u64, event: u32) -> Option<(u64, Translation)> {
        let at = self.device(device)?.event(event)?;
        Some((at, Translation::decode(tables::load(&self.ram, at)?)?))
    }

    /// Executes commands until there are none, or for now enough.
    fn run(&mut self, gic: &Gicv3) {
        let mut left = BUDGET;
        while self.enabled && self.cbaser & VALID != 0 && self.creadr != self.cwriter && left > 0 {
            let at = (self.cbaser & ADDRESS) + self.creadr;
            let word = |index: u64| tables::load(&self.ram, at + 8 * index).unwrap_or(0);
            let command = Command([0, 1, 2, 3].map(word));
            let work = COMMAND + self.execute(gic, command);
            left = left.saturating_sub(work);
            self.creadr = (self.creadr + commands::LEN) % self.queue_len();
        }
    }

    fn queue_len(&self) -> u64 {
        ((self.cbaser & 0xff) + 1) * 0x1000
    }

    fn read(&self, offset: u64, size: u8) -> Option<u64> {
        let wide = match offset & !7 {
            GITS_TYPER => TYPER,
            GITS_CBASER => self.cbaser,
            GITS_CWRITER => self.cwriter,
            GITS_CREADR => self.creadr,
            baser @ GITS_BASER..GITS_BASER_END => self.basers.get(baser_index(baser)).copied().unwrap_or(0),
            _ if size != 4 => return None,
            _ => match offset {
                GITS_CTLR if self.enabled => return Some(CTLR_ENABLED),
                GITS_CTLR => return Some(CTLR_QUIESCENT),
                GITS_IIDR => return Some(IIDR),
                _ => return mmio::id_register(&IDS, ID_REGISTERS, offset),
            },
        };
        matches!(size, 4 | 8).then(|| part(wide, offset, size))
    }

    fn write(&mut self, offset: u64, size: u8, value: u64) -> Option<()> {
        match (offset & !7, size) {
            (GITS_CBASER, 4 | 8) if !self.enabled => {
                replace(&mut self.cbaser, offset, size, value, CBASER_MASK);
                (self.creadr, self.cwriter) = (0, 0);
            }
            (GITS_CWRITER, 4 | 8) => {
                let mut new = self.cwriter;
                replace(&mut new, offset, size, value, QUEUE_OFFSET);
                if new < self.queue_len() {
                    self.cwriter = new;
                }
            }
            (baser @ GITS_BASER..GITS_BASER_END, 4 | 8) if !self.enabled => {
                if let Some(register) = self.basers.get_mut(baser_index(baser)) {
                    let fixed = *register & !BASER_WRITABLE;
                    replace(register, offset, size, value, BASER_WRITABLE);
                    *register |= fixed;
                }
            }
            // Where tables and queue are does not change under their user.
            (GITS_CBASER | GITS_BASER..GITS_BASER_END, 4 | 8) => {}
            _ if offset == GITS_CTLR && size == 4 => self.enabled = value & CTLR_ENABLED != 0,
            _ => return None,
        }
        Some(())
    }
}

fn baser_index(offset: u64) -> usize {
    (offset - GITS_BASER) as usize / 8
}

impl Its {
    /// An ITS for `gic`, which was made with LPIs, with its registers at guest physical address `at` and its tables in `ram`.
    pub fn new(gic: Arc<Gicv3>, at: u64, ram: Arc<GuestRam>) -> Self {
        let state = Mutex::new(State::new(ram));
        Self { gic, doorbell: at + GITS_TRANSLATER, state, errors: GuestErrors::default() }
    }

    /// Accesses to registers that do not exist.
    pub fn errors(&self) -> &GuestErrors {
        &self.errors
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MessageSink for Its {
    fn send(&self, message: Message) -> bool {
        if message.address != self.doorbell {
            return false;
        }
        let mut state = self.state();
        state.run(&self.gic);
        let event = state.event(message.device.into(), message.data).filter(|_| state.enabled);
        let Some((_, translation)) = event else { return false };
        let Some(cpu) = state.collection(translation.collection) else { return false };
        self.gic.set_lpi(cpu, translation.intid);
        true
    }
}

impl MmioDevice for Its {
    fn read(&self, access: Access, offset: u64) -> u64 {
        let mut state = self.state();
        state.run(&self.gic);
        mmio::read(&self.errors, access, offset, |offset, size| state.read(offset, size))
    }

    fn write(&self, access: Access, offset: u64, value: u64) {
        let mut state = self.state();
        mmio::write(&self.errors, access, offset, value, |offset, size, value| match (offset, size) {
            // A CPU has no DeviceID: its message leads nowhere.
            (GITS_TRANSLATER, 2 | 4) => Some(()),
            _ => state.write(offset, size, value),
        });
        state.run(&self.gic);
    }

    fn reset(&self) {
        let mut state = self.state();
        *state = State::new(state.ram.clone());
    }

    fn awaits_host(&self) -> bool {
        false
    }
}
